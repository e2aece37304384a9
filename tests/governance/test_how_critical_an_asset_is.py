"""The owners classify; what held stays as history; making it harmless takes someone who manages policies."""

import itertools
import uuid
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from governance import classification, selectors
from governance.criticality import Goal, Tier, is_lowered
from governance.errors import Denied, Invalid
from governance.models import AuditEntry, Classification, User
from tests import factories

pytestmark = pytest.mark.django_db
JSON = "application/json"


def test_a_new_classification_ends_the_one_before(owner: User, asset: uuid.UUID) -> None:
    first, _ = classification.classify(actor=owner, asset=asset, tier="medium", reason="first use")
    second, is_new = classification.classify(
        actor=owner,
        asset=asset,
        tier="high",
        data_classes=["personal"],
        goals=[Goal(metric="auc", minimum=0.8)],
        done_when="The board has signed.",
        reason="It decides on loans now.",
    )

    first.refresh_from_db()
    assert is_new
    assert first.period.upper == second.period.lower
    assert selectors.classification(asset) == second
    assert selectors.classification(asset, first.period.lower) == first
    entry = AuditEntry.objects.filter(subject=f"asset:{asset}").latest("id")
    assert (entry.action, entry.detail["tier_before"], entry.detail["tier"]) == ("asset.classified", "medium", "high")


def test_saying_the_same_again_changes_nothing(owner: User, asset: uuid.UUID) -> None:
    said: dict[str, Any] = {
        "tier": "high",
        "goals": [Goal(metric="auc", minimum=0.8)],
        "data_classes": ["personal", "internal"],
    }
    classification.classify(actor=owner, asset=asset, reason="first", **said)

    _, is_new = classification.classify(actor=owner, asset=asset, reason="again", **said)

    assert not is_new
    assert Classification.objects.count() == 1


@pytest.mark.parametrize("who", ["member", "approver", "outsider", "auditor"])
def test_only_those_who_answer_for_it_classify(who: str, asset: uuid.UUID, request: pytest.FixtureRequest) -> None:
    with pytest.raises(Denied):
        classification.classify(actor=request.getfixturevalue(who), asset=asset, tier="low", reason="x")

    assert not Classification.objects.exists()


@pytest.mark.parametrize(("tier", "classes"), [("high", ["personal"]), ("", ["personal"]), ("life-threatening", [])])
def test_owners_do_not_make_it_harmless_by_themselves(
    tier: str, classes: list[str], owner: User, administrator: User, asset: uuid.UUID
) -> None:
    classification.classify(
        actor=owner, asset=asset, tier="life-threatening", data_classes=["personal"], reason="doses insulin"
    )

    with pytest.raises(Denied, match="manages policies"):
        classification.classify(actor=owner, asset=asset, tier=tier, data_classes=classes, reason="too strict")
    classification.classify(actor=administrator, asset=asset, tier=tier, data_classes=classes, reason="reviewed")

    assert selectors.classifications([asset])[asset].tier == tier


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"tier": "hihg"}, "tier"),
        ({"data_classes": ["secret"]}, "data_classes"),
        ({"reason": "  "}, "reason"),
        ({"done_when": "x" * 6_000}, "done_when"),
        ({"goals": [Goal(metric="auc")]}, "goals"),
        ({"goals": [Goal(metric="auc", minimum=1.0, maximum=0.5)]}, "goals"),
        ({"goals": [Goal(metric="auc", minimum=float("nan"))]}, "goals"),
        ({"goals": [Goal(metric="auc", minimum=0.5), Goal(metric="auc", maximum=0.9)]}, "goals"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, object], field: str, owner: User, asset: uuid.UUID) -> None:
    with pytest.raises(Invalid) as refused:
        classification.classify(actor=owner, asset=asset, **({"tier": "high", "reason": "why"} | wrong))  # type: ignore[arg-type]

    assert list(refused.value.fields) == [field]


def test_the_database_keeps_one_at_a_time(owner: User, asset: uuid.UUID) -> None:
    row, _ = classification.classify(actor=owner, asset=asset, tier="low", reason="x")

    row.pk = None
    with pytest.raises(IntegrityError, match="one_classification_at_a_time"), transaction.atomic():
        row.save(force_insert=True)


def test_order_of_tiers() -> None:
    tiers = ["", *reversed(Tier)]

    assert [is_lowered(before, after) for before, after in itertools.pairwise(tiers)] == [False] * 4
    assert [is_lowered(after, before) for before, after in itertools.pairwise(tiers)] == [True] * 4


def test_over_http(owner: User, asset: uuid.UUID) -> None:
    api = factories.client(owner)
    address = f"/api/v1/assets/{asset}/classification"
    body = {"tier": "high", "reason": "loans", "goals": [{"metric": "auc", "minimum": 0.8}]}

    assert api.get(address).status_code == 404
    assert api.put(address, body, content_type=JSON).status_code == 201
    assert api.put(address, body, content_type=JSON).status_code == 200
    assert api.put(address, body | {"tier": "none"}, content_type=JSON).json()["fields"].keys() == {"tier"}
    read = api.get(address).json()

    assert (read["tier"], read["goals"], read["set_by"], read["until"]) == ("high", body["goals"], owner.username, None)
    assert [one["tier"] for one in api.get(address + "/history").json()["results"]] == ["high"]
