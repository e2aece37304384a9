"""What people decide is known at once: which instant of theirs a moment asks for."""

from datetime import datetime

from lineage.asof import Moment


def until(moment: Moment) -> datetime | None:
    """Until when decisions count that are recorded as they are made; None for all of them."""
    return min((one for one in (moment.as_of, moment.known_at) if one is not None), default=None)
