"""Which models passed to a stage. That is decided above this app, which cannot ask there: who decides says how to ask.

It does so once, when it is loaded (`policies.apps`).
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

Asked = Callable[[str, datetime | None], frozenset[UUID]]
_asked: list[Asked] = []


def tell_by(asked: Asked) -> None:
    """From now on models are looked up by this."""
    _asked[:] = [asked]


def passed_to(stage: str, until: datetime | None = None) -> frozenset[UUID]:
    """The models of which a version passed to the stage, by an instant if one is given; none where nobody decides."""
    return _asked[0](stage, until) if _asked else frozenset()
