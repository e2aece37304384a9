"""An initiative counts items over its teams, snapshot by snapshot, and ends met, missed or early."""

from datetime import timedelta
from typing import Any

import pytest

from assessments import burnup, initiatives, records, snapshots
from assessments.burnup import Done
from assessments.models import Initiative
from assessments.snapshots import Kind
from governance.errors import Conflict, Denied, DomainError, Invalid, NotFound
from governance.models import AuditEntry
from tests.assessments import evidence, scenes
from tests.assessments.scenes import Organisation
from tests.assessments.stories import NOW

TODAY = NOW.date()


@pytest.fixture
def scene(db: None) -> Organisation:
    return scenes.organisation()


@pytest.fixture
def bare(db: None) -> Organisation:
    return scenes.organisation(is_measured=False)


def opened(scene: Organisation, **given: Any) -> Initiative:
    asked: dict[str, Any] = {
        "actor": scene.sponsor,
        "title": "Owners for all",
        "framework": "google-mlops",
        "teams": [scene.credit, scene.idle],
        "starts_on": TODAY - timedelta(days=10),
        "ends_on": TODAY + timedelta(days=20),
        "criteria": ["google-orchestrated-training", "google-shared-operation"],
    }
    return initiatives.start(**(asked | given))


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"status": "fail", "needed": 3, "items": {"true": 1, "false": 2, "unknown": 0}}, Done(done=1, asked=3)),
        ({"status": "pass", "needed": 3, "items": {"true": 3, "false": 0, "unknown": 0}}, Done(done=3, asked=3)),
        ({"status": "unknown", "needed": 2, "items": {"true": 2, "false": 0, "unknown": 0}}, Done(done=1, asked=2)),
        ({"status": "unknown", "items": {}}, Done(done=0, asked=1)),
        ({"status": "not_applicable", "items": {}}, Done()),
    ],
)
def test_items_of_a_result(result: dict[str, Any], expected: Done) -> None:
    criterion = next(
        one for one in evidence.ladder("google-mlops").criteria if one.id == "google-orchestrated-training"
    )

    assert burnup.of(criterion, result) == expected


def test_nothing_asked_for_is_nothing_met() -> None:
    assert not Done().is_met
    assert Done(done=2, asked=2).is_met


def test_a_level_means_its_gating_criteria(bare: Organisation) -> None:
    gating = [one.id for one in evidence.ladder("google-mlops").criteria if one.gating and one.level == 1]

    assert opened(bare, criteria=[], level=1).criteria == gating


def test_it_burns_up_from_snapshot_to_snapshot(scene: Organisation) -> None:
    initiative = opened(scene)

    points = records.burn_up(initiative)

    # The last one before its start, and those since.
    assert [point.at for point in points] == [NOW - timedelta(days=days) for days in (14, 7, 0)]
    # Of credit one of two versions comes from an orchestrator; nobody has answered, and the idle team shows nothing.
    assert points[-1].done == records.progress(initiative)
    assert points[-1].done.done == 1
    assert points[-1].done.asked >= 4


def test_it_is_missed_after_its_last_day_and_met_before_it(scene: Organisation) -> None:
    missed = opened(scene)
    met = opened(scene, teams=[scene.fraud], criteria=["google-orchestrated-training"])
    snapshots.take(kind=Kind.COMPUTED, as_of=NOW + timedelta(hours=1))

    assert initiatives.settle(TODAY) == 1
    assert initiatives.settle(missed.ends_on) == 0
    assert initiatives.settle(missed.ends_on + timedelta(days=1)) == 1

    met.refresh_from_db()
    missed.refresh_from_db()
    assert (met.outcome, missed.outcome) == ("met", "missed")
    assert met.result is not None
    assert met.result["done"] == met.result["asked"]
    assert [one.action for one in AuditEntry.objects.filter(subject=initiatives.subject(met)).order_by("id")] == [
        "initiative.opened",
        "initiative.closed",
    ]


def test_a_sponsor_ends_it_once_with_a_reason(scene: Organisation) -> None:
    initiative = opened(scene)
    with pytest.raises(Invalid):
        initiatives.end(actor=scene.sponsor, initiative=initiative, reason=" ")
    with pytest.raises(Denied):
        initiatives.end(actor=scene.lead, initiative=initiative, reason="No")

    initiatives.end(actor=scene.sponsor, initiative=initiative, reason="The team was split.")

    assert list(records.initiatives(is_open=True)) == []
    assert [one.outcome for one in records.initiatives(is_open=False)] == ["ended"]
    with pytest.raises(Conflict):
        initiatives.end(actor=scene.sponsor, initiative=initiative, reason="Again")


@pytest.mark.parametrize(
    ("given", "refusal", "field"),
    [
        ({"title": " "}, Invalid, "title"),
        ({"note": "x" * 5_001}, Invalid, "note"),
        ({"teams": []}, Invalid, "teams"),
        ({"ends_on": TODAY - timedelta(days=10)}, Invalid, "ends_on"),
        ({"ends_on": TODAY + timedelta(days=2_000)}, Invalid, "ends_on"),
        ({"level": 1}, Invalid, "level"),
        ({"criteria": []}, Invalid, "level"),
        ({"criteria": [], "level": 9}, Invalid, "level"),
        ({"criteria": ["google-nothing"]}, NotFound, "criteria"),
        ({"framework": "ml-test-score"}, NotFound, "framework"),
    ],
)
def test_what_cannot_be_opened_is_said(
    bare: Organisation, given: dict[str, Any], refusal: type[DomainError], field: str
) -> None:
    with pytest.raises(refusal) as refused:
        opened(bare, **given)

    assert field in refused.value.fields


def test_only_sponsors_open_one(bare: Organisation) -> None:
    for person in (bare.lead, bare.assessor, bare.auditor):
        with pytest.raises(Denied):
            opened(bare, actor=person)
    assert not Initiative.objects.exists()
