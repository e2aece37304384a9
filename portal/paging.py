"""Pages of long lists by cursor, so that page 1,000 costs what page 1 does and rows added meanwhile shift nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from governance.errors import Invalid

Row = TypeVar("Row", bound=Model)
SIZE = 50


@dataclass(frozen=True, slots=True)
class Page:
    """`following` is the cursor of the next page, empty on the last."""

    rows: Sequence[Any]
    following: str
    is_first: bool


def by_id(rows: QuerySet[Row], cursor: str, *, newest_first: bool = False, size: int = SIZE) -> Page:
    """One page of `rows` in the order of their ids."""
    if cursor:
        rows = rows.filter(**{"id__lt" if newest_first else "id__gt": whole(cursor)})
    ordered = rows.order_by("-id" if newest_first else "id")
    return cut(list(ordered[: size + 1]), lambda row: str(row.pk), cursor, size)


def by_time(
    rows: QuerySet[Row], field: str, tie: str, cursor: str, *, newest_first: bool = True, size: int = SIZE
) -> Page:
    """One page of `rows` in the order of `field`; rows of one instant are told apart by the UUID in `tie`."""
    if cursor:
        at, uuid = _instant(cursor)
        beyond = "lt" if newest_first else "gt"
        # The first condition alone can use the index; the second tells apart the rows of one instant.
        rows = rows.filter(**{f"{field}__{beyond}e": at})
        rows = rows.filter(Q(**{f"{field}__{beyond}": at}) | Q(**{f"{tie}__gt": uuid}))
    ordered = rows.order_by(f"-{field}" if newest_first else field, tie)
    return cut(
        list(ordered[: size + 1]), lambda row: f"{getattr(row, field).isoformat()}~{getattr(row, tie)}", cursor, size
    )


def cut(rows: Sequence[Any], cursor_of: Callable[[Any], str], cursor: str, size: int) -> Page:
    """A page from one row more than fits; that one only tells that there is more."""
    kept = rows[:size]
    return Page(kept, cursor_of(kept[-1]) if len(rows) > size else "", not cursor)


def instant(text: str) -> datetime | None:
    """The instant of a cursor that is a time alone; None for an empty one."""
    return _time(text) if text else None


def whole(cursor: str) -> int:
    """The number of a cursor. Raises Invalid."""
    # Beyond 18 digits it is no id of ours, and PostgreSQL would refuse it.
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
        raise _bad_cursor()
    return int(cursor)


def _instant(cursor: str) -> tuple[datetime, UUID]:
    at, _, uuid = cursor.partition("~")
    try:
        return _time(at), UUID(uuid)
    except ValueError:
        raise _bad_cursor() from None


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise _bad_cursor()
        # PostgreSQL refuses offsets that Python takes; in UTC there are none, but years before 1 and after 9999.
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _bad_cursor() from None


def _bad_cursor() -> Invalid:
    return Invalid(
        "The address of this page of the list is broken. Start again at its first page.",
        fields={"after": "not a cursor"},
    )
