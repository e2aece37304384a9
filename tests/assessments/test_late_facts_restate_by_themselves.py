"""Events that come late make a published snapshot's time again by themselves, and are looked at once."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from assessments import answers, initiatives, lateness, reminders, selectors, snapshots, tasks
from assessments.models import Answer, AnswerReview, Initiative, Reexamination, Snapshot
from governance.models import ApiToken, AuditEntry, User
from tests import factories
from tests.assessments import people, scenes, stories
from tests.assessments.scenes import Organisation
from tests.assessments.stories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene() -> Organisation:
    return scenes.organisation()


def restatements(framework: str = "google-mlops") -> list[Snapshot]:
    return list(Snapshot.objects.filter(framework=framework, kind="restatement").order_by("number"))


def test_facts_that_change_a_number_restate_the_weeks_they_tell_of(scene: Organisation) -> None:
    assert lateness.restate(NOW) == []

    # Ten days ago, so that the oldest of the three published weeks is not touched.
    late = stories.evaluated("credit", "3", 1.9), stories.evaluated("credit", "1", 10)
    stories.grow(*late, sender=User.objects.get(username="pipeline"))
    made = lateness.restate(NOW)

    found = restatements()
    assert [one.restates.as_of for one in found if one.restates] == [NOW - timedelta(days=7), NOW]
    assert set(found) <= set(made)
    assert found[0].reason.startswith("Late facts: 1 event of pipeline, received ")
    assert found[1].reason.startswith("Late facts: 2 events of pipeline")
    assert "about times from" in found[0].reason
    entry = AuditEntry.objects.filter(action="snapshot.restated").latest("id")
    assert entry.actor is None
    assert "Late facts" in entry.detail["reason"]
    # The first ones stay, what is shown is the newer word, and the chain is whole.
    assert Snapshot.objects.filter(framework="google-mlops", kind="published").count() == 3
    assert scene.snapshot == found[1]
    line = [card.snapshot for card in selectors.trend("google-mlops", scene.credit)]
    assert line == [Snapshot.objects.get(framework="google-mlops", number=1), *found]
    call_command("snapshot_maturity", "--verify")


def test_what_changes_nothing_is_looked_at_once(scene: Organisation) -> None:
    stories.grow(stories.evaluated("nobody-serves-this", "1", 9), sender=User.objects.get(username="pipeline"))

    assert lateness.restate(NOW) == []
    assert restatements() == []
    looked = list(Reexamination.objects.filter(snapshot__framework="google-mlops").order_by("snapshot__as_of"))
    assert [(one.snapshot.as_of, one.late_events, one.restatement) for one in looked] == [
        (NOW - timedelta(days=7), 1, None),
        (NOW, 1, None),
    ]

    before = Reexamination.objects.count()
    assert lateness.restate(NOW) == []
    assert Reexamination.objects.count() == before


def test_old_reports_are_closed_and_news_is_not_late(scene: Organisation) -> None:
    pipeline = User.objects.get(username="pipeline")
    stories.grow(stories.evaluated("credit", "3", -1), sender=pipeline)
    assert lateness.restate(NOW) == []
    assert not Reexamination.objects.exists()

    stories.grow(stories.evaluated("credit", "3", 1.5), sender=pipeline)
    assert lateness.restate(NOW + timedelta(days=120)) == []
    assert not Reexamination.objects.exists()


def test_a_team_is_reminded_once_of_an_answer_that_expires(scene: Organisation) -> None:
    now = timezone.now()
    for criterion, days in (("google-shared-operation", 12), ("google-modular-components", 90)):
        answer = Answer.objects.create(
            team=scene.credit,
            framework="google-mlops",
            criterion=criterion,
            catalogue_version="0.1",
            extent="most_or_all",
            evidence=[],
            answered_by=scene.lead,
            answered_at=now - timedelta(days=180 - days),
            expires_at=now + timedelta(days=days),
        )
        AnswerReview.objects.create(
            answer=answer,
            answered_by=scene.lead,
            reviewer=people.assessor(f"assessor {days}"),
            decision="accept",
            reviewed_at=now,
        )

    assert (tasks.remind(), reminders.send(now)) == (1, 0)

    (entry,) = AuditEntry.objects.filter(action="answer.reminded")
    assert entry.subject == answers.subject(Answer.objects.get(criterion="google-shared-operation"))
    assert (entry.detail["team"], entry.detail["criterion"]) == ("credit", "google-shared-operation")
    assert entry.detail["days_left"] == 11 or entry.detail["days_left"] == 12


def test_teams_are_reminded_once_of_an_initiative_that_ends(scene: Organisation) -> None:
    today = timezone.now().date()
    for title, days in (("Owners", 9), ("Drills", 60)):
        initiatives.start(
            actor=scene.sponsor,
            title=title,
            framework="google-mlops",
            teams=[scene.fraud, scene.credit],
            starts_on=today - timedelta(days=30),
            ends_on=today + timedelta(days=days),
            criteria=["google-named-owner"],
        )

    assert (tasks.remind(), tasks.remind()) == (1, 0)

    (entry,) = AuditEntry.objects.filter(action="initiative.reminded")
    assert entry.subject == initiatives.subject(Initiative.objects.get(title="Owners"))
    assert entry.detail["teams"] == ["credit", "fraud"]
    assert entry.detail["days_left"] in {8, 9}
    assert entry.detail["asked"] >= 2


def test_a_silence_of_a_source_is_told_once(db: None) -> None:
    silent = factories.user("collector", is_service=True)
    factories.client(silent)
    now = timezone.now()

    def heard(days: int) -> None:
        ApiToken.objects.filter(user=silent).update(last_used_at=now - timedelta(days=days))

    heard(6)
    assert reminders.send(now) == 0
    heard(8)
    assert (reminders.send(now), reminders.send(now)) == (1, 0)
    (entry,) = AuditEntry.objects.filter(action="source.silent")
    assert entry.detail["says"].startswith(f"collector has not been heard since {now - timedelta(days=8):%Y-%m-%d}")
    # It is heard again, and falls silent again.
    ApiToken.objects.filter(user=silent).update(last_used_at=now + timedelta(days=1))
    assert (reminders.send(now), reminders.send(now + timedelta(days=9))) == (0, 1)


def test_once_a_week_it_is_said_how_far_an_initiative_is(scene: Organisation) -> None:
    monday = snapshots.week_began(timezone.now())
    running, _ = [
        initiatives.start(
            actor=scene.sponsor,
            title=title,
            framework="google-mlops",
            teams=[scene.credit],
            starts_on=monday.date() + timedelta(days=begins),
            ends_on=monday.date() + timedelta(days=60),
            criteria=["google-orchestrated-training"],
        )
        for title, begins in (("Owners", -30), ("Next month", 30))
    ]
    now = timezone.now()

    # By the task that publishes the week, which runs every hour.
    assert (tasks.publish(), tasks.publish(), reminders.report(now)) == (3, 0, 0)

    def told() -> list[AuditEntry]:
        return list(AuditEntry.objects.filter(action="initiative.reported", subject=initiatives.subject(running)))

    (entry,) = told()
    done, asked = entry.detail["done"], entry.detail["asked"]
    assert entry.detail["says"].startswith(f"Owners: {done} of {asked} items are done, ")
    assert entry.detail["page"] == f"/maturity/initiatives/{running.pk}"
    # What was said last week is not said of this one.
    assert reminders.report(now + timedelta(days=7)) == 2 - 1
    initiatives.end(actor=scene.sponsor, initiative=running, reason="Split.")
    assert reminders.report(now + timedelta(days=14)) == 0
