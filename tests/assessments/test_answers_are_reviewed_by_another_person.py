"""Answers, their reviews, exemptions and targets: who may, what is refused, what is kept."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from assessments import answers, exemptions, targets
from assessments.models import Answer, AnswerReview, Exemption
from governance.errors import Conflict, Denied, DomainError, Invalid, NotFound
from governance.models import AuditEntry, Membership, Team, User
from tests import factories
from tests.assessments import people

pytestmark = pytest.mark.django_db

ASKED = {"framework": "google-mlops", "criterion": "google-shared-operation"}
ROTA: answers.EvidenceReference = {"title": "Duty rota", "reference": "https://rota.example/credit"}


def answer(actor: User, team: Team, **more: Any) -> Answer:
    said: dict[str, Any] = {"extent": "most_or_all", "evidence": [ROTA], **ASKED}
    return answers.give(actor=actor, team=team, **(said | more))


@pytest.fixture
def assessor() -> User:
    return people.assessor()


def test_an_answer_expires_after_180_days_and_is_audited(owner: User, team: Team) -> None:
    given = answer(owner, team)

    assert given.expires_at - given.answered_at == timedelta(days=180)
    assert given.catalogue_version == "0.1"
    assert AuditEntry.objects.get(subject=answers.subject(given)).action == "answer.given"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"extent": "mostly"}, "extent"),
        ({"evidence": []}, "evidence"),
        ({"evidence": [{"title": "x", "reference": "file:///etc/passwd"}]}, "evidence[0].reference"),
        ({"evidence": [{"title": " ", "reference": "https://a.example"}]}, "evidence[0].title"),
        ({"criterion": "google-nothing"}, "criterion"),
        ({"framework": "house"}, "framework"),
        ({"criterion": "google-named-owner"}, "criterion"),
        ({"note": "x" * 5_001}, "note"),
    ],
)
def test_a_bad_answer_is_refused_with_its_field(owner: User, team: Team, change: dict[str, Any], field: str) -> None:
    with pytest.raises((Invalid, NotFound)) as caught:
        answer(owner, team, **change)

    assert list(caught.value.fields) == [field]
    assert not Answer.objects.exists()


def test_only_those_who_manage_the_team_answer(member: User, outsider: User, team: Team) -> None:
    for actor in (member, outsider):
        with pytest.raises(Denied):
            answer(actor, team)


def test_tests_of_a_rubric_and_fallbacks_take_reports(owner: User, team: Team) -> None:
    report = answer(owner, team, framework="ml-test-score", criterion="mlts-model-7-inclusion")
    fallback = answer(owner, team, criterion="google-slice-consistency")

    assert report.expires_at - report.answered_at == timedelta(days=180)
    assert fallback.pk


def test_another_person_outside_the_team_reviews(owner: User, team: Team, assessor: User) -> None:
    given = answer(owner, team)

    found = answers.review(actor=assessor, answer=given, decision="accept")

    assert not found.is_recheck
    assert AuditEntry.objects.filter(subject=answers.subject(given)).last().action == "answer.reviewed"  # type: ignore[union-attr]


def test_nobody_reviews_their_own_or_their_teams_answer(owner: User, team: Team, assessor: User) -> None:
    given = answer(owner, team)
    insider = people.assessor("insider")
    Membership.objects.create(team=team, user=insider, role="member")
    machine = factories.user("machine", is_service=True, is_superuser=True)
    superuser = factories.user("superuser", is_superuser=True)
    own = answer(superuser, team)

    for actor, given_one, code in (
        (owner, given, "own_answer"),
        (superuser, own, "own_answer"),
        (insider, given, "own_team"),
        (machine, given, "person_needed"),
        (factories.user("passer-by"), given, "permission_missing"),
    ):
        with pytest.raises(Denied) as caught:
            answers.review(actor=actor, answer=given_one, decision="accept")
        assert caught.value.code == code


def test_the_database_refuses_a_review_by_who_answered(owner: User, team: Team, assessor: User) -> None:
    given = answer(owner, team)

    for claimed in (owner, assessor):
        # Naming someone else as the one who answered does not help: the copy is tied to the answer.
        with pytest.raises(IntegrityError), transaction.atomic():
            AnswerReview.objects.create(answer=given, answered_by=claimed, reviewer=owner, decision="accept")


def test_an_answer_cannot_be_changed(owner: User, team: Team) -> None:
    given = answer(owner, team, extent="none")

    with pytest.raises(Exception, match=r"permission denied|append-only"), transaction.atomic():
        Answer.objects.filter(pk=given.pk).update(extent="most_or_all")


def test_a_rejection_says_why_and_a_person_reviews_once(owner: User, team: Team, assessor: User) -> None:
    given = answer(owner, team)

    with pytest.raises(Invalid):
        answers.review(actor=assessor, answer=given, decision="reject")
    answers.review(actor=assessor, answer=given, decision="reject", reason="The rota is empty.")
    with pytest.raises(Conflict):
        answers.review(actor=assessor, answer=given, decision="accept")


def test_a_second_look_that_rejects_lets_the_answer_lapse(owner: User, team: Team, assessor: User) -> None:
    given = answer(owner, team)
    answers.review(actor=assessor, answer=given, decision="accept")

    second = answers.review(actor=people.assessor("second"), answer=given, decision="reject", reason="Out of date.")

    assert second.is_recheck
    assert "Out of date." in Answer.objects.get(pk=given.pk).lapse.because
    assert not answers.lapse(answer=given, because="again")


def test_one_in_ten_reviewed_answers_is_drawn_and_looked_at_once_a_quarter(
    owner: User, team: Team, assessor: User
) -> None:
    for _ in range(60):
        answers.review(actor=assessor, answer=answer(owner, team), decision="accept")
    answer(owner, team)
    now = timezone.now()

    drawn = answers.due_for_recheck(now)

    assert answers.due_for_recheck(now) == drawn
    assert len(drawn) < 25
    if drawn:
        answers.review(actor=people.assessor("second"), answer=drawn[0], decision="accept")
        assert answers.due_for_recheck(now) == drawn[1:]


def exempt(actor: User, team: Team, days: float = 90, **more: Any) -> Exemption:
    said: dict[str, Any] = {
        "reason": "The batch service has no canary.",
        "until": timezone.now() + timedelta(days=days),
    }
    return exemptions.grant(
        actor=actor, team=team, **({"framework": "google-mlops", "criterion": "google-online-validation"} | said | more)
    )


def test_an_assessor_exempts_for_at_most_180_days(team: Team, assessor: User) -> None:
    exemption = exempt(assessor, team)

    assert AuditEntry.objects.get(subject=exemptions.subject(exemption)).action == "exemption.granted"
    for refused in (
        {"days": 181},
        {"days": -1},
        {"reason": " "},
        {"criterion": "google-nothing"},
        {"framework": "house"},
    ):
        with pytest.raises(DomainError):
            exempt(assessor, team, **refused)


def test_nobody_exempts_their_own_team(owner: User, team: Team) -> None:
    insider = people.assessor("insider")
    Membership.objects.create(team=team, user=insider, role="member")

    for actor in (owner, insider):
        with pytest.raises(Denied):
            exempt(actor, team)


def test_an_exemption_ends_once_and_at_once(owner: User, outsider: User, team: Team, assessor: User) -> None:
    exemption = exempt(assessor, team)

    with pytest.raises(Denied):
        exemptions.end(actor=outsider, exemption=exemption)
    assert exemptions.end(actor=owner, exemption=exemption).ends_at <= timezone.now()
    with pytest.raises(Conflict):
        exemptions.end(actor=assessor, exemption=exemption)


def test_a_sponsor_sets_targets_within_the_levels(owner: User, team: Team) -> None:
    sponsor = people.sponsor()

    target = targets.set_level(actor=sponsor, team=team, framework="google-mlops", level=1, reason="Low risk.")

    assert target.level == 1
    with pytest.raises(Denied):
        targets.set_level(actor=owner, team=team, framework="google-mlops", level=1)
    with pytest.raises(Invalid):
        targets.set_level(actor=sponsor, team=team, framework="google-mlops", level=3)
    with pytest.raises(NotFound):
        targets.set_level(actor=sponsor, team=team, framework="ml-test-score", level=1)
