"""The fields of an asset as its page shows them: what they are, what they are made of, which tags they have and why."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.urls import reverse

from governance.errors import Invalid
from governance.permissions import Permission
from lineage import columns, fieldgraph, fieldtags, retelling, tags
from lineage.fieldgraph import Flow
from lineage.fields import TagPath
from lineage.models import Asset
from lineage.tags import Tag
from portal import days
from portal.days import Day
from portal.paging import Page

# Of thousands of columns a page shows so many at once.
SIZE = 50
SOURCES_SHOWN = 4


class TagForm(forms.Form):
    """A tag for an asset, or for one of its fields."""

    field = forms.CharField(required=False, max_length=columns.LONGEST_TEXT)
    key = forms.CharField(max_length=tags.MAX_CHARS, error_messages={"required": "Name the tag."})
    value = forms.CharField(required=False, max_length=tags.MAX_CHARS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A field that another is made of, or that decides which rows there are."""

    asset: UUID
    name: str
    namespace: str
    field: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arriving:
    """A tag that comes along values, with the way it comes, in words."""

    key: str
    value: str
    is_masked: bool
    is_current: bool
    way: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    name: str
    shown: str
    type: str
    description: str
    depth: int
    tags: Sequence[Tag]
    arriving: Sequence[Arriving]
    sources: Sequence[Source]
    more_sources: int


def context(
    asset: Asset,
    held: Collection[Permission],
    cursor: str = "",
    form: TagForm | None = None,
    said: Mapping[str, Any] | None = None,
    day: Day = days.TODAY,
) -> dict[str, Any]:
    """What the section of a dataset's fields needs. `held` is what its reader may do with the asset.

    `said` gives the asset's facets of the day where they were read before.
    """
    doubtful = {}
    if said is None and day.moment.known_at is not None:
        told = retelling.facets(asset, day.moment)
        said = {facet.key: facet.value for facet in told.facets}
        doubtful["doubtful"] = [key for key in told.doubtful if key in {"schema", "tags"}]
    listed = fieldgraph.listed(asset, day.moment, said=said)
    names, own = listed.names, listed.tags
    begin = _begin(cursor)
    page = names[begin : begin + SIZE]
    found = fieldtags.arriving(asset, page, moment=day.moment)
    may_tag = Permission.MANAGE_ASSETS in held
    following = str(begin + SIZE) if begin + SIZE < len(names) else ""
    return doubtful | {
        "fields": Page([_row(name, listed.schema.get(name), own, found) for name in page], following, not cursor),
        "fields_count": len(names),
        "field_names": names[:500] if may_tag else [],
        "fields_address": reverse("asset-fields", args=[asset.uuid]),
        "tags_incomplete": found.is_truncated,
        "asset_tags": [tag for tag in own if not tag.field],
        "may_tag": may_tag,
        "tag_form": form or TagForm(),
    }


def _begin(cursor: str) -> int:
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):
        raise Invalid("The address of this page of the list is broken. Start again at its first page.")
    return int(cursor)


def _row(name: str, said: columns.Field | None, own: Iterable[Tag], found: fieldtags.Arrivals) -> Row:
    # The same field by another name of the asset is told once, among the names.
    flows = [flow for flow in found.flows.get(name, ()) if flow.is_current and not flow.is_same]
    sources = list(dict.fromkeys(_source(flow, found) for flow in flows))
    depth = min(said.depth, 7) if said else 0
    return Row(
        name=name,
        # Parts stand indented below what they are part of.
        shown=name.rpartition(columns.SEPARATOR)[2] if depth else name,
        type=said.type if said else "",
        description=said.description if said else "",
        depth=depth,
        tags=[tag for tag in own if tag.field == name],
        arriving=_arriving(found.paths.get(name, ())),
        sources=sources[:SOURCES_SHOWN],
        more_sources=max(0, len(sources) - SOURCES_SHOWN),
    )


def _source(flow: Flow, found: fieldtags.Arrivals) -> Source:
    asset = found.assets[flow.source.asset]
    said = ", ".join(dict.fromkeys(subtype.lower() for _, subtype, _, _ in flow.transformations if subtype))
    note = said or ("" if flow.is_direct else "indirect")
    return Source(
        asset=asset.uuid,
        name=asset.name,
        namespace=asset.namespace,
        field=flow.source.field,
        note=f"{note}, masked" if note and flow.is_masking else "masked" if flow.is_masking else note,
    )


def _arriving(paths: Iterable[TagPath]) -> list[Arriving]:
    """One for each tag: the worst way, which is unmasked and current."""
    worst: dict[tuple[str, str], TagPath] = {}
    for path in paths:
        known = worst.get((path.key, path.value))
        if known is None or (path.is_masked, not path.is_current) < (known.is_masked, not known.is_current):
            worst[path.key, path.value] = path
    return [
        Arriving(key=key, value=value, is_masked=path.is_masked, is_current=path.is_current, way=str(path))
        for (key, value), path in worst.items()
    ]
