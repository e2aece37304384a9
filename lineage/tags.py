"""Tags of assets and fields: those that senders sent, and those that people set.

A sender's hold as facets do: the newest facet of an asset counts whole. A person's hold until somebody takes them away;
neither can take away the other's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from governance import audit, ownership, permissions
from governance.actions import Action
from governance.errors import Invalid, NotFound
from governance.models import User
from governance.permissions import Permission
from lineage import columns, decided, selectors
from lineage.asof import NOW, Moment
from lineage.fieldmodels import AssetTag

MAX_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """`field` is empty for a tag of the whole asset. `source` is the sender's word, or the name of the person."""

    key: str
    value: str
    field: str
    source: str
    is_by_person: bool


def of(
    assets: Sequence[tuple[int, UUID]], *, moment: Moment = NOW, sent: Mapping[int, Any] | None = None
) -> dict[int, list[Tag]]:
    """The tags of each asset that has some, given by id and UUID: by field and key.

    `sent` gives their facet of tags by id, where it was read before. Two queries, else one.
    """
    found: dict[int, list[Tag]] = {}
    if sent is None:
        sent = selectors.facet_on([number for number, _ in assets], "tags", moment)
    for asset, facet in sent.items():
        found[asset] = [
            Tag(key=tag.key, value=tag.value, field=tag.field, source=tag.source, is_by_person=False)
            for tag in columns.tags(facet)
        ]
    numbers = {uuid: number for number, uuid in assets}
    for row in set_on(list(numbers), moment=moment).select_related("set_by"):
        tag = Tag(key=row.key, value=row.value, field=row.field, source=row.set_by.username, is_by_person=True)
        found.setdefault(numbers[row.asset], []).append(tag)
    return {
        number: sorted(tags, key=lambda tag: (tag.field, tag.key, tag.is_by_person)) for number, tags in found.items()
    }


def set_on(assets: Sequence[UUID], *, moment: Moment = NOW) -> QuerySet[AssetTag]:
    """What people had set at the moment."""
    at = decided.until(moment) or timezone.now()
    return AssetTag.objects.filter(Q(removed_at=None) | Q(removed_at__gt=at), asset__in=assets, set_at__lte=at)


@transaction.atomic
def put(*, actor: User, asset: UUID, key: str, value: str = "", field: str = "") -> tuple[AssetTag, bool]:
    """Tag an asset, or one of its fields, from now on. A tag of the same key with another value is replaced.

    Returns the tag and whether it is new. Raises Denied or Invalid.
    """
    permissions.require(actor, Permission.MANAGE_ASSETS, asset=asset)
    key, value = key.strip(), value.strip()
    _check(key=key, value=value, field=field)
    known = AssetTag.objects.select_for_update().filter(asset=asset, field=field, key=key, removed_at=None).first()
    if known is not None:
        if known.value == value:
            return known, False
        _end(known, actor)
    tag = AssetTag.objects.create(asset=asset, field=field, key=key, value=value, set_by=actor, set_at=timezone.now())
    audit.record(
        actor=actor,
        action=Action.TAG_SET,
        subject=ownership.subject(asset),
        detail={"field": field, "key": key, "value": value, "before": known.value if known else None},
    )
    return tag, True


@transaction.atomic
def remove(*, actor: User, asset: UUID, key: str, field: str = "") -> AssetTag:
    """Take away what a person set. Raises Denied, or NotFound for what nobody set: what a sender sent is its own."""
    permissions.require(actor, Permission.MANAGE_ASSETS, asset=asset)
    tag = AssetTag.objects.select_for_update().filter(asset=asset, field=field, key=key, removed_at=None).first()
    if tag is None:
        raise NotFound(
            f"Nobody set the tag {key!r} here; one that a sender sends, only the sender can take back.",
            fields={"key": "Not set by a person."},
        )
    _end(tag, actor)
    audit.record(
        actor=actor,
        action=Action.TAG_REMOVED,
        subject=ownership.subject(asset),
        detail={"field": field, "key": key, "value": tag.value},
    )
    return tag


def _end(tag: AssetTag, actor: User) -> None:
    tag.removed_at, tag.removed_by = timezone.now(), actor
    tag.save(update_fields=["removed_at", "removed_by"])


def _check(**given: str) -> None:
    for name, text in given.items():
        longest = columns.LONGEST_TEXT if name == "field" else MAX_CHARS
        if len(text) > longest:
            says = f"Longer than {longest} characters."
            raise Invalid(f"{name}: {says}", fields={name: says})
    if not given["key"]:
        raise Invalid("key: Empty.", fields={"key": "Empty."})
    if not columns.holds(given["value"]):
        says = "Says that the tag does not hold: remove the tag instead."
        raise Invalid(f"value: {says}", fields={"value": says})
