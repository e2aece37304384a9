"""What an address of the graph page asks for. The address holds all of it, so that a link leads to the same view."""

from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, QueryDict

from governance.errors import Invalid
from lineage import expansion
from lineage.expansion import Asked, Opening
from lineage.traversal import Direction
from portal import days, queries
from portal.days import Day

DEPTHS = (1, 2, 3, 5, 10)
MOST_PARTS = 200
ONE_STEP = Asked()


class View(StrEnum):
    """Which graph: assets that feed each other, runs that read and wrote versions, or fields."""

    MAP = "map"
    EVIDENCE = "evidence"
    FIELD = "field"


class Group(StrEnum):
    NONE = ""
    NAMESPACE = "namespace"
    TEAM = "team"
    JOB = "job"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`parts` are the groups that stand open; `at` is the chosen node; `find` the words that are searched inside."""

    asset: UUID
    view: View = View.MAP
    version: str = ""
    run: UUID | None = None
    field: str = ""
    group: Group = Group.NONE
    parts: tuple[str, ...] = ()
    at: str = ""
    find: str = ""
    day: Day = days.TODAY
    is_list: bool = False
    asked: Asked = ONE_STEP

    @property
    def query(self) -> str:
        """The address's query, in one order and without what goes without saying."""
        return urlencode(self.pairs)

    def carried(self, *left_out: str) -> list[tuple[str, object]]:
        """What a form carries along beside its own fields."""
        return [(name, value) for name, value in self.pairs if name not in left_out]

    @property
    def pairs(self) -> list[tuple[str, object]]:
        asked = self.asked
        pairs: list[tuple[str, object]] = [
            ("asset", self.asset),
            ("view", self.view if self.view is not View.MAP else ""),
            ("version", self.version),
            ("run", self.run or ""),
            ("field", self.field),
            ("direction", asked.direction if asked.direction is not Direction.BOTH else ""),
            ("depth", asked.depth if asked.depth != 1 else ""),
            ("group", self.group),
            ("as_of", self.day.as_of),
            ("known_at", self.day.known_at),
            ("find", self.find),
            ("at", self.at),
            ("form", "list" if self.is_list else ""),
            *(("up", _spelt(one)) for one in asked.openings if one.side is Direction.UPSTREAM),
            *(("down", _spelt(one)) for one in asked.openings if one.side is Direction.DOWNSTREAM),
            *(("show", one) for one in asked.picked),
            *(("part", one) for one in self.parts),
        ]
        return [(name, value) for name, value in pairs if value != ""]

    def opened(self, node: UUID, side: Direction, count: int) -> "Question":
        """The same with so many neighbours of a node shown; none closes it."""
        others = tuple(one for one in self.asked.openings if (one.node, one.side) != (node, side))
        added = (Opening(node, side, count),) if count else ()
        return replace(self, asked=replace(self.asked, openings=others + added))

    @property
    def by_all_that_is_known(self) -> "Question":
        """The same day without `known_at`."""
        day = replace(self.day, known_at="", moment=replace(self.day.moment, known_at=None))
        return replace(self, day=day, asked=replace(self.asked, moment=day.moment))

    def with_part(self, part: str) -> "Question":
        """The same with a group opened, or closed when it is open."""
        left = tuple(one for one in self.parts if one != part)
        return replace(self, parts=left if part in self.parts else (*self.parts, part))


def read(request: HttpRequest) -> Question:
    """Raises Invalid for an address that cannot be read, naming the parameter."""
    sent: QueryDict = request.GET
    view = View(queries.choice(request, "view", set(View), default=View.MAP))
    direction = Direction(queries.choice(request, "direction", set(Direction), default=Direction.BOTH))
    depth = int(queries.choice(request, "depth", {str(one) for one in DEPTHS}, default="1"))
    day = days.read(request)
    run = queries.text(request, "run")
    parts = tuple(dict.fromkeys(sent.getlist("part")))
    if len(parts) > MOST_PARTS or any(len(part) > 32 or "\x00" in part for part in parts):
        raise broken("part")
    return Question(
        asset=uuid("asset", queries.text(request, "asset")),
        view=view,
        version=queries.text(request, "version") if view is View.EVIDENCE else "",
        run=uuid("run", run) if run and view is View.EVIDENCE else None,
        field=queries.text(request, "field") if view is View.FIELD else "",
        group=Group(queries.choice(request, "group", set(Group), default=Group.NONE)),
        parts=parts,
        at=queries.text(request, "at"),
        find=queries.text(request, "find"),
        day=day,
        is_list=queries.choice(request, "form", {"list", "drawing"}) == "list",
        asked=Asked(
            direction=direction,
            depth=depth,
            openings=tuple(
                _opening(name, side, text)
                for name, side in (("up", Direction.UPSTREAM), ("down", Direction.DOWNSTREAM))
                for text in dict.fromkeys(sent.getlist(name))
            ),
            picked=tuple(dict.fromkeys(uuid("show", text) for text in sent.getlist("show"))),
            moment=day.moment,
        ),
    )


def _opening(name: str, side: Direction, text: str) -> Opening:
    node, _, count = text.partition(".")
    if not count:
        return Opening(uuid(name, node), side)
    if not (count.isascii() and count.isdigit() and len(count) <= 5 and int(count)):
        raise broken(name)
    return Opening(uuid(name, node), side, int(count))


def _spelt(opening: Opening) -> str:
    return str(opening.node) if opening.count == expansion.HUB else f"{opening.node}.{opening.count}"


def uuid(name: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise broken(name) from None


def broken(name: str) -> Invalid:
    return Invalid(f"{name}: the address of this view is broken.", fields={name: "Not readable."})
