"""The embedded PostgreSQL of the default installation: where it lives, how it starts and stops.

Only this module knows that a database may be ours to run.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def url(data_dir: Path) -> str:
    """The owner's URL of the embedded database under `data_dir`. Does not start it."""
    raise NotImplementedError


@contextmanager
def database() -> Iterator[None]:
    """The database is up inside the block: nothing to do when DATABASE_URL names one, else the embedded server."""
    yield
