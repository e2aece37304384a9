"""What is drawn and listed, whichever graph it comes from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from django.urls import reverse

from governance import selectors as governance_selectors
from governance.selectors import OwnerName
from lineage import expansion, selectors
from lineage.asof import Moment
from lineage.fieldgraph import FieldNeighbourhood
from lineage.models import Asset
from lineage.provenance import Provenance, Spot
from lineage.traversal import Link, Neighbourhood
from portal import drawing
from portal.graph.question import Question, View

RELATIONS = drawing.RELATIONS | {"direct": "becomes", "indirect": "shapes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One thing in the picture. `up` and `down` count its neighbours that are not in it, at least or exactly.

    `team` is that of the first of its owners, `caption` what is written under the name. A group has `members`.
    """

    id: str
    asset: UUID | None
    kind: str
    name: str
    caption: str
    namespace: str
    href: str
    depth: int
    rank: int
    up: int
    down: int
    is_root: bool
    are_counts_exact: bool = True
    state: str | None = None
    at: datetime | None = None
    team: str = ""
    owners: tuple[str, ...] = ()
    members: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`is_dashed`: declared and not seen, inferred, or an influence that is no copy; `note` says which."""

    source: str
    target: str
    relation: str
    is_dashed: bool
    note: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """`reason` says why something within the steps is left out, if it is."""

    root: str
    nodes: Sequence[Node]
    lines: Sequence[Line]
    reason: str
    are_counts_exact: bool


def of(asset: Asset, question: Question) -> Picture:
    """Raises NotFound for a version or run that was not there on the day asked for."""
    match question.view:
        case View.MAP:
            return _of_map(expansion.of_map(asset, question.asked))
        case View.EVIDENCE:
            root = (
                selectors.spot(asset, version=question.version or None, moment=question.asked.moment)
                if question.run is None
                else Spot(None, None, selectors.run(question.run).uuid)
            )
            return _of_evidence(expansion.of_evidence(root, question.asked))
        case View.FIELD:
            return _of_fields(expansion.of_fields(asset, question.field, question.asked))


def _of_map(found: Neighbourhood) -> Picture:
    owners = _owners((node.uuid for node in found.nodes), found.moment)
    return Picture(
        root=str(found.root),
        nodes=[
            Node(
                id=str(node.uuid),
                asset=node.uuid,
                kind=node.kind,
                name=node.name,
                caption=node.namespace,
                namespace=node.namespace,
                href=reverse("asset", args=[node.uuid]),
                depth=node.depth,
                rank=node.rank,
                up=node.more_upstream,
                down=node.more_downstream,
                is_root=node.uuid == found.root,
                are_counts_exact=node.are_counts_exact,
                state=node.state,
                **_owned(owners[node.uuid]),
            )
            for node in found.nodes
        ],
        lines=[
            Line(
                source=str(link.source),
                target=str(link.target),
                relation=link.relation,
                is_dashed=link.is_declared,
                note=_note(link),
            )
            for link in found.links
        ],
        reason=found.reason,
        are_counts_exact=True,
    )


def _note(link: Link) -> str:
    if not link.is_declared:
        return ""
    return "somebody decided so" if link.relation in drawing.OF_NAMES else "declared, no run has shown it yet"


def _of_evidence(found: Provenance) -> Picture:
    owners = _owners((node.asset for node in found.nodes), found.moment)
    return Picture(
        root=str(found.root),
        nodes=[
            Node(
                id=str(node.uuid),
                asset=node.asset,
                kind="run" if node.is_run else node.kind,
                name=node.name,
                caption=f"run {str(node.uuid)[-12:]}" if node.is_run else _version(node.version),
                namespace=node.namespace,
                href=reverse("run", args=[node.uuid]) if node.is_run else reverse("asset", args=[node.asset]),
                depth=node.depth,
                rank=node.rank,
                up=node.more_upstream,
                down=node.more_downstream,
                is_root=node.uuid == found.root,
                state=node.state,
                at=node.at,
                **_owned(owners[node.asset]),
            )
            for node in found.nodes
        ],
        lines=[
            Line(
                source=str(link.source),
                target=str(link.target),
                relation=link.relation,
                is_dashed=link.is_inferred,
                note="inferred: the newest version when the run began" if link.is_inferred else "",
            )
            for link in found.links
        ],
        reason=found.reason,
        are_counts_exact=found.are_counts_exact,
    )


def _version(key: str | None) -> str:
    if key is None:
        return "version not known"
    return "version without a name" if key.startswith("run:") else f"version {key}"


def _of_fields(found: FieldNeighbourhood) -> Picture:
    owners = _owners((node.asset for node in found.nodes), found.moment)
    return Picture(
        root=str(found.root),
        nodes=[
            Node(
                id=str(node.uuid),
                asset=node.asset,
                kind="field" if node.field else node.kind,
                name=node.field or "all of it",
                caption=node.name,
                namespace=node.namespace,
                href=reverse("asset", args=[node.asset]),
                depth=node.depth,
                rank=node.rank,
                up=node.more_upstream,
                down=node.more_downstream,
                is_root=node.depth == 0,
                state=", ".join(sorted({tag.key for tag in node.tags})) or None,
                **_owned(owners[node.asset]),
            )
            for node in found.nodes
        ],
        lines=[
            Line(
                source=str(edge.source),
                target=str(edge.target),
                relation=edge.relation,
                is_dashed=not edge.is_direct,
                note=" and ".join(["masked"] * edge.is_masking + ["no longer current"] * (not edge.is_current)),
            )
            for edge in found.edges
        ],
        reason=found.reason,
        are_counts_exact=found.are_counts_exact,
    )


def _owners(assets: Iterable[UUID], moment: Moment) -> Mapping[UUID, Sequence[OwnerName]]:
    return governance_selectors.owner_names_of(set(assets), moment.as_of, moment.known_at)


class Owned(TypedDict):
    team: str
    owners: tuple[str, ...]


def _owned(owners: Sequence[OwnerName]) -> Owned:
    return {
        "team": owners[0].team_name if owners else "",
        "owners": tuple(dict.fromkeys(one.user or one.team_name for one in owners)),
    }
