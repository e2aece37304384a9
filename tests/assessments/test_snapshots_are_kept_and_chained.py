"""Snapshots: what they hold, that they follow each other, what moves the published level, what is restated."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from assessments import answers, assessing, catalogue, changes, exemptions, snapshots
from assessments.models import Answer, AnswerReview, Scorecard, Snapshot
from assessments.snapshots import Kind
from governance.errors import Conflict, Invalid
from governance.models import AuditEntry, Team, User
from tests import factories
from tests.assessments import people, stories
from tests.assessments.stories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def pipeline() -> User:
    return factories.user("pipeline", is_service=True)


@pytest.fixture
def history(team: Team, owner: User, pipeline: User) -> None:
    Team.objects.filter(pk=team.pk).update(created_at=stories.ago(400))
    stories.owned(team, "credit")
    stories.grow(*stories.trained("credit", "1", 60), stories.deployed("credit", "1", 50), sender=pipeline)
    stories.promoted("credit", "1", 55, by=owner)


def heard(pipeline: User, days: float) -> None:
    """An event that keeps the team rated."""
    stories.grow(*stories.trained("credit", f"of {days}", days), sender=pipeline)


def taken(kind: Kind = Kind.COMPUTED, at: datetime = NOW, framework: str = "google-mlops") -> Snapshot:
    return next(one for one in snapshots.take(kind=kind, as_of=at) if one.framework == framework)


def card(snapshot: Snapshot, team: Team | None) -> Scorecard:
    return snapshot.scorecards.get(team=team, model=None)


def test_with_an_empty_database_every_team_is_not_rated_and_says_why(team: Team) -> None:
    found = snapshots.take(kind=Kind.COMPUTED)

    assert {snapshot.framework for snapshot in found} == {"google-mlops", "microsoft-mlops", "ml-test-score"}
    for snapshot in found:
        scorecard = card(snapshot, team)
        assert scorecard.level is None
        assert scorecard.score is None
        assert scorecard.rating["obstacles"] == [
            "No model version has been in production for 24 hours.",
            "No authenticated source has sent an event about its assets.",
        ]


def test_a_scorecard_explains_its_numbers(team: Team, pipeline: User, history: None) -> None:
    heard(pipeline, 2)

    scorecard = card(taken(), team)

    assert (scorecard.level, scorecard.rating["says"]) == (0, "Level 0, up to 2 if 33 unknowns resolve")
    results = {result["criterion"]: result for result in scorecard.results}
    assert len(results) == 44
    bypass = results["google-no-gate-bypass"]
    assert (bypass["status"], bypass["items"]["true"], bypass["needed"]) == ("pass", 1, 1)
    trigger = results["google-continuous-training"]
    assert (trigger["status"], trigger["missing"], trigger["needs_a_source"]) == ("unknown", ["trigger"], True)
    assert trigger["misses"][0]["label"] == "credit"
    model = taken().scorecards.get(model=stories.model())
    assert len(model.results) == 44
    assert set(model.results[0]) == {"criterion", "status", "credit"}


def test_every_model_has_its_test_score(team: Team, pipeline: User, history: None) -> None:
    heard(pipeline, 2)

    snapshot = taken(framework="ml-test-score")

    model = snapshot.scorecards.get(model=stories.model())
    assert (model.score, model.rating["possible"], model.rating["unknown_tests"]) == (0, 6, 27)
    points = {one["criterion"]: one for one in model.results}
    assert points["mlts-infra-4-validated-before-serving"]["points"] == 1
    assert card(snapshot, team).rating["models"] == 1


def test_snapshots_follow_each_other_and_a_change_shows(team: Team, pipeline: User, history: None) -> None:
    heard(pipeline, 2)
    first, second = taken(), taken(Kind.PUBLISHED)

    assert (first.number, second.number, second.previous_digest) == (1, 2, first.digest)
    assert list(snapshots.verify("google-mlops")) == []
    assert AuditEntry.objects.filter(subject="snapshot:google-mlops:2", action="snapshot.taken").exists()

    with pytest.raises(Exception, match=r"permission denied|append-only"), transaction.atomic():
        Scorecard.objects.filter(snapshot=second).update(level=2)


def test_what_was_slipped_in_later_is_found(team: Team, other_team: Team, history: None) -> None:
    taken()
    snapshot = taken()

    Scorecard.objects.create(snapshot=snapshot, team=other_team, level=2, rating={}, results=[], digest="0" * 64)

    assert [one.problem.split(" ", 2)[1] for one in snapshots.verify("google-mlops")] == ["scorecard", "digest"]
    with pytest.raises(CommandError):
        call_command("snapshot_maturity", "--verify")


def test_a_week_is_published_once(team: Team, history: None) -> None:
    assert len(snapshots.take(kind=Kind.PUBLISHED, as_of=NOW)) == 3
    assert snapshots.take(kind=Kind.PUBLISHED, as_of=NOW) == []
    assert snapshots.week_began(datetime(2026, 3, 8, 23, 59, tzinfo=UTC)) == datetime(2026, 3, 2, tzinfo=UTC)


def test_the_future_is_not_rated() -> None:
    with pytest.raises(Invalid):
        snapshots.take(kind=Kind.COMPUTED, as_of=timezone.now() + timedelta(days=1))


def test_late_facts_make_a_restatement_beside_the_first(team: Team, pipeline: User, history: None) -> None:
    heard(pipeline, 2)
    published = taken(Kind.PUBLISHED)
    with pytest.raises(Conflict, match="Nothing comes out otherwise"):
        snapshots.restate(snapshot=published, reason="Looked again.")
    with pytest.raises(Invalid):
        snapshots.restate(snapshot=published, reason=" ")
    stories.grow(stories.evaluated("credit", "1", 40), sender=pipeline)

    restated = snapshots.restate(snapshot=published, reason="The evaluation came late.")

    assert (restated.kind, restated.restates, restated.as_of) == (Kind.RESTATEMENT, published, published.as_of)
    moved = changes.between(card(published, team).results, card(restated, team).results)
    assert [(one.criterion, one.before, one.after) for one in moved] == [
        ("google-offline-evaluation", "unknown", "pass")
    ]
    assert moved[0].resolved == (str(stories.version("credit", "1")),)
    assert list(snapshots.verify("google-mlops")) == []


def reviewed(answer: Answer, *, at: datetime) -> Answer:
    """The same answer, given and accepted at another time: rows of the past are made directly."""
    made = Answer.objects.create(
        team=answer.team,
        framework=answer.framework,
        criterion=answer.criterion,
        catalogue_version=answer.catalogue_version,
        extent=answer.extent,
        evidence=answer.evidence,
        answered_by=answer.answered_by,
        answered_at=at,
        expires_at=at + timedelta(days=180),
    )
    AnswerReview.objects.create(
        answer=made,
        answered_by=answer.answered_by,
        reviewer=people.assessor(f"assessor {made.pk}"),
        decision="accept",
        reviewed_at=at,
    )
    return made


def given(owner: User, team: Team, criterion: str) -> Answer:
    return answers.give(
        actor=owner,
        team=team,
        framework="google-mlops",
        criterion=criterion,
        extent="most_or_all",
        evidence=[{"title": "Rota", "reference": "https://rota.example"}],
    )


def status(snapshot: Snapshot, team: Team, criterion: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in card(snapshot, team).results if one["criterion"] == criterion)
    return found


def test_answers_count_from_their_review_to_their_end(team: Team, owner: User, pipeline: User, history: None) -> None:
    heard(pipeline, 2)
    asked = "google-modular-components"
    reviewed(given(owner, team, asked), at=stories.ago(10))

    assert status(taken(at=stories.ago(11)), team, asked)["status"] == "unknown"
    assert status(taken(), team, asked)["status"] == "pass"
    assert status(taken(at=stories.ago(-171)), team, asked)["status"] == "expired"
    told = assessing.said(NOW)
    assert len(told.answers) == 1


def test_an_answer_that_facts_contradict_lapses_for_good(team: Team, owner: User, pipeline: User) -> None:
    now = timezone.now()
    shift = (now - NOW) / timedelta(days=1)
    stories.owned(team, "credit", since=400 - shift)
    # A promotion of a version that no run is known to have written: a file that was handed over.
    stories.grow(*stories.trained("credit", "1", 9 - shift), sender=pipeline)
    stories.promoted("credit", "2", 5 - shift, by=owner)
    answer = given(owner, team, "google-shared-operation")
    answers.review(actor=people.assessor(), answer=answer, decision="accept")

    snapshots.take(kind=Kind.COMPUTED)

    answer.refresh_from_db()
    assert "no producing run" in answer.lapse.because
    assert AuditEntry.objects.get(action="answer.lapsed").subject == answers.subject(answer)
    newest = Snapshot.objects.filter(framework="google-mlops").latest("number")
    assert status(newest, team, "google-shared-operation")["status"] == "unknown"


def test_an_exemption_shows_and_never_passes(team: Team, pipeline: User) -> None:
    assessor = people.assessor()
    exemptions.grant(
        actor=assessor,
        team=team,
        framework="google-mlops",
        criterion="google-load-test",
        reason="Batch only.",
        until=timezone.now() + timedelta(days=9),
    )

    newest = next(one for one in snapshots.take(kind=Kind.COMPUTED) if one.framework == "google-mlops")

    found = status(newest, team, "google-load-test")
    assert (found["status"], found["is_exempted"], found["credit"]) == ("not_applicable", True, 0)
    assert card(newest, team).rating["proofs"]["exempted"] == 1


def test_what_changed_names_what_came_and_went() -> None:
    def result(status: str, *misses: str) -> dict[str, Any]:
        return {"criterion": "a", "status": status, "misses": [{"asset": miss} for miss in misses]}

    moved = changes.between(
        [result("pass", "x", "y"), {"criterion": "gone", "status": "fail"}, {"criterion": "same", "points": 1}],
        [result("fail", "y", "z"), {"criterion": "new", "status": "pass"}, {"criterion": "same", "points": 1}],
    )

    assert [(one.criterion, one.before, one.after, one.appeared, one.resolved) for one in moved] == [
        ("a", "pass", "fail", ("z",), ("x",)),
        ("new", "", "pass", (), ()),
        ("gone", "fail", "", (), ()),
    ]


def test_the_command_takes_publishes_and_verifies(team: Team, history: None) -> None:
    out = StringIO()

    call_command("snapshot_maturity", "--as-of", "2026-03-03T12:00:00Z", stdout=out)
    call_command("snapshot_maturity", "--publish", stdout=out)
    call_command("snapshot_maturity", "--publish", stdout=out)
    call_command("snapshot_maturity", "--verify", stdout=out)

    lines = out.getvalue().splitlines()
    assert [line.split("\t")[2] for line in lines[:-1]] == ["computed"] * 3 + ["published"] * 3
    assert lines[-1] == "6 snapshots are whole."
    for wrong in (["--as-of", "yesterday"], ["--restate", "google-mlops:99"], ["--as-of", "2999-01-01T00:00:00Z"]):
        with pytest.raises(CommandError):
            call_command("snapshot_maturity", *wrong)


def test_the_level_that_is_published_waits_for_a_second_snapshot(
    team: Team, pipeline: User, history: None, tmp_path: Any, settings: Any
) -> None:
    settings.FRAMEWORKS_FOLDER = tmp_path
    (tmp_path / "own.yaml").write_text(
        "framework: house\nversion: '1'\ntitle: House\nours: All.\n"
        "sources: [{key: House, title: Rules, publisher: House}]\n"
        "levels: [{level: 0, name: Zero, summary: None.}, {level: 1, name: One, summary: Some.}]\n"
        "criteria:\n"
        "  - {id: google-offline-evaluation, level: 1, dimension: people, kind: measured, gating: true,\n"
        "     statement: Evaluated., source: House, measure: {statistic: share, population: production_versions,\n"
        "     counts_when: evaluated, window_days: as_of, facts: [evaluated_on]},\n"
        "     threshold: {op: '>=', value: 0.9, basis: most}}\n"
    )
    heard(pipeline, 2)
    published = []
    for days in (21, 14, 7, 0):
        heard(pipeline, days + 1)
        if days == 14:
            stories.grow(stories.evaluated("credit", "1", 16), sender=pipeline)
        snapshot = taken(Kind.PUBLISHED, stories.ago(days), "house")
        scorecard = card(snapshot, team)
        published.append((scorecard.level, scorecard.published_level))

    assert published == [(0, 0), (1, 0), (1, 1), (1, 1)]
    assert "house" in catalogue.load(tmp_path).frameworks
