"""The day that a page is read on: what its address says, in words, and what links take along."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from urllib.parse import urlencode

from django.http import HttpRequest

from governance.errors import Invalid
from lineage.asof import NOW, Moment
from portal import queries

# How many characters a day has.
CHARS = len("2026-01-31")


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """`as_of` and `known_at` as the address spells them; empty for now, and for going by all that is known."""

    as_of: str = ""
    known_at: str = ""
    moment: Moment = NOW

    @property
    def is_whole(self) -> bool:
        """A day was named, and not an instant."""
        return len(self.as_of) == CHARS

    @property
    def query(self) -> str:
        said = {"as_of": self.as_of, "known_at": self.known_at}
        return urlencode({name: value for name, value in said.items() if value})

    @property
    def suffix(self) -> str:
        """What makes an address without a query one of this day."""
        return f"?{self.query}" if self.query else ""

    @property
    def more(self) -> str:
        """The same of an address with a query."""
        return f"&{self.query}" if self.query else ""


TODAY = Day()


def read(request: HttpRequest) -> Day:
    """Raises Invalid, naming the parameter."""
    as_of, known_at = queries.text(request, "as_of"), queries.text(request, "known_at")
    moment = Moment(as_of=instant("as_of", as_of), known_at=instant("known_at", known_at))
    return Day(as_of=as_of, known_at=known_at, moment=moment)


def instant(name: str, text: str) -> datetime | None:
    """An instant, or the end of a day in UTC; None for an empty text. Raises Invalid."""
    if not text:
        return None
    try:
        if len(text) == CHARS:
            return datetime.combine(date.fromisoformat(text), time.max, UTC)
        # A plus sign that was not escaped arrives as a space.
        at = datetime.fromisoformat(text.replace(" ", "+"))
        if at.tzinfo is None:
            raise ValueError
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        says = "Not a day (2026-01-31) and not an instant with its zone (2026-01-31T12:00:00Z)."
        raise Invalid(f"{name}: {says}", fields={name: says}) from None
