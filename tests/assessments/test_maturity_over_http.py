"""Scorecards, criteria, misses and snapshots over HTTP, and what each role may write."""

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from assessments import answers, portfolio, selectors, snapshots
from assessments.snapshots import Kind
from governance.models import ApiToken, Ownership, User
from lineage import identity
from lineage.identity import Family
from tests import factories
from tests.assessments import scenes, stories
from tests.assessments.scenes import Organisation

API = "/api/v1"
FRAMEWORK = "google-mlops"
TRAINED = "google-orchestrated-training"


@pytest.fixture
def scene(db: None) -> Organisation:
    return scenes.organisation()


@pytest.fixture
def bare(db: None) -> Organisation:
    return scenes.organisation(is_measured=False)


def get(user: User, path: str, **query: str | int) -> Any:
    answer = factories.client(user).get(f"{API}/{path}", query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def post(user: User, path: str, document: dict[str, Any]) -> Any:
    return factories.client(user).post(f"{API}/{path}", json.dumps(document), content_type="application/json")


def whole(client: Client, path: str) -> bytes:
    return client.get(f"{API}/{path}").getvalue()


def test_with_an_empty_database_every_team_is_not_rated_and_says_why(bare: Organisation) -> None:
    answer = factories.client(bare.lead).get(f"{API}/teams/credit/scorecard")

    assert answer.status_code == 404
    assert "Not rated: no snapshot" in answer.json()["detail"]


def test_a_scorecard_opens_down_to_its_assets(scene: Organisation) -> None:
    card = get(scene.stranger, "teams/credit/scorecard", framework=FRAMEWORK)
    stored = selectors.scorecard(scene.snapshot, team=scene.credit)

    assert card["rating"] == stored.rating
    assert card["results"] == stored.results
    assert card["snapshot"]["digest"] == scene.snapshot.digest
    assert {model["name"] for model in card["models"]} == {"credit", "limits"}
    assert [step["criterion"] for step in card["next_actions"]] == [
        step.criterion for step in selectors.next_actions(stored)
    ]

    result = next(one for one in card["results"] if one["criterion"] == TRAINED)
    misses = get(scene.stranger, f"frameworks/{FRAMEWORK}/criteria/{TRAINED}/misses", team="credit", count=True)

    assert misses["count"] == result["items"]["false"] + result["items"]["unknown"] == 1
    miss = misses["results"][0]
    assert miss["what"] == "asset"
    assert miss["asset"] == str(identity.asset(Family.JOB, "jobs", "train limits"))
    assert get(scene.stranger, f"assets/{miss['asset']}")["name"] == "train limits"


def test_lists_go_page_by_page(scene: Organisation) -> None:
    first = get(scene.lead, "scorecards", framework=FRAMEWORK, models=True, limit=2, count=True)
    rest = get(scene.lead, "scorecards", framework=FRAMEWORK, models=True, limit=50, cursor=first["next"])

    assert first["count"] == len(first["results"]) + len(rest["results"])
    assert {row["team"] for row in first["results"] + rest["results"]} >= {"credit", "fraud", "idle"}
    criterion = "google-run-metadata"
    path = f"frameworks/{FRAMEWORK}/criteria/{criterion}"
    pages = []
    following: str | None = ""
    while following is not None:
        page = get(scene.lead, f"{path}/misses", limit=1, cursor=following)
        pages.append(page["results"])
        following = page["next"]
    counted = get(scene.lead, path)["results"]
    assert len(pages) == sum(one["items"]["false"] + one["items"]["unknown"] for one in counted) > 1
    assert all(len(page) == 1 for page in pages)
    kept = [miss for page in pages for miss in page]

    # Counted again they are the same, page by page and as a table.
    again: list[dict[str, Any]] = []
    following = ""
    while following is not None:
        page = get(scene.lead, f"{path}/misses", whole=True, limit=2, cursor=following, count=True)
        assert page["count"] == len(kept)
        again += page["results"]
        following = page["next"]
    assert sorted(again, key=str) == sorted(kept, key=str)
    only = get(scene.lead, f"{path}/misses", whole=True, team="credit", state=kept[0]["state"])["results"]
    assert only == [miss for miss in again if miss["team"] == "credit" and miss["state"] == kept[0]["state"]]
    table = factories.client(scene.lead).get(f"{API}/{path}/misses.csv?team=credit").getvalue().decode()
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["asset"] for row in rows] == [miss["asset"] for miss in again if miss["team"] == "credit"]


def test_a_day_in_the_past_gives_the_snapshot_of_then(scene: Organisation) -> None:
    then = (stories.NOW - timedelta(days=6)).isoformat()

    card = get(scene.lead, "teams/credit/scorecard", as_of=then)
    trend = get(scene.lead, "teams/credit/scorecard/trend")["results"]

    assert card["snapshot"]["number"] == 2
    assert [point["snapshot"] for point in trend] == [1, 2, 3]
    assert get(scene.lead, "teams/credit/scorecard", as_of=stories.NOW.date().isoformat())["snapshot"]["number"] == 3


def test_what_if_moves_the_rating(scene: Organisation) -> None:
    post(scene.sponsor, "targets", {"team": "credit", "framework": FRAMEWORK, "level": 1})
    gating = [one.id for one in selectors.ladder(FRAMEWORK).criteria if one.gating and one.level == 1]

    supposed = get(scene.lead, "whatif", team="credit", passing=",".join(gating))

    assert supposed["before"]["level"] == 0
    assert supposed["level"] == 1
    assert supposed["percent_to_target"] == 100.0
    assert supposed["index"] > supposed["before"]["index"]


def test_a_snapshot_is_the_same_as_json_and_as_csv(scene: Organisation) -> None:
    client = factories.client(scene.auditor)
    document = json.loads(whole(client, f"snapshots/{FRAMEWORK}/3"))
    rows = list(csv.DictReader(io.StringIO(whole(client, f"snapshots/{FRAMEWORK}/3.csv").decode())))

    assert document["digest"] == scene.snapshot.digest
    cards = list(scene.snapshot.scorecards.all())
    assert sorted(one["digest"] for one in document["scorecards"]) == sorted(one.digest for one in cards)
    assert len(rows) == sum(len(one.results) or 1 for one in cards)
    wanted = next(row for row in rows if row["team"] == "credit" and not row["model"] and row["criterion"] == TRAINED)
    stored = next(
        one
        for card in document["scorecards"]
        if card["team"] == "credit" and card["model"] is None
        for one in card["results"]
        if one["criterion"] == TRAINED
    )
    assert (wanted["status"], wanted["true"], wanted["needed"]) == (
        stored["status"],
        str(stored["items"]["true"]),
        str(stored["needed"]),
    )
    assert [one["number"] for one in get(scene.auditor, "snapshots", framework=FRAMEWORK)["results"]] == [3, 2, 1]


def test_what_would_make_results_known(scene: Organisation) -> None:
    found = get(scene.lead, "missing-facts", framework=FRAMEWORK)["results"]

    assert found
    assert all(one["known_by"] and one["criteria"] and one["teams"] for one in found)
    assert [one["decided_by_it"] for one in found] == sorted((one["decided_by_it"] for one in found), reverse=True)
    assert portfolio.missing_facts({FRAMEWORK: None}) == []


def test_one_criterion_is_measured_again_and_not_published(scene: Organisation) -> None:
    path = f"frameworks/{FRAMEWORK}/criteria/{TRAINED}"
    stored = get(scene.lead, path)["results"]
    before = scene.snapshot.pk
    stories.grow(
        *stories.trained("limits", "4", -1, integration="AIRFLOW"), sender=User.objects.get(username="pipeline")
    )

    again = get(scene.lead, f"{path}/evaluation", team="credit")

    published = next(one for one in stored if one["team"] == "credit")
    assert (again["team"], again["criterion"], again["result"]["criterion"]) == ("credit", TRAINED, TRAINED)
    assert again["at"] > stories.NOW.isoformat()
    assert len(again["misses"]) == again["result"]["items"]["false"] + again["result"]["items"]["unknown"]
    assert all(one["team"] == "credit" and one["what"] for one in again["misses"])
    assert next(one for one in get(scene.lead, path)["results"] if one["team"] == "credit") == published
    assert scene.snapshot.pk == before


def test_what_changed_names_levels_transfers_and_exemptions(scene: Organisation) -> None:
    Ownership.objects.filter(asset=stories.model("limits")).update(team=scene.fraud)
    given = {
        "team": "credit",
        "framework": FRAMEWORK,
        "criterion": "google-load-test",
        "reason": "Batch only.",
        "until": (timezone.now() + timedelta(days=30)).isoformat(),
    }
    assert post(scene.assessor, "exemptions", given).status_code == 201
    snapshots.take(kind=Kind.PUBLISHED, as_of=stories.NOW + timedelta(days=7))

    found = get(scene.stranger, "changes", framework=FRAMEWORK)

    assert (found["before"]["number"], found["snapshot"]["number"]) == (3, 4)
    limits = str(stories.model("limits"))
    assert found["transfers"] == [{"model": limits, "before": "credit", "after": "fraud"}]
    assert [(one["team"], one["criterion"]) for one in found["exemptions"]] == [("credit", "google-load-test")]
    moved = {one["team"]: one for one in found["moved"]}
    change = next(one for one in moved["credit"]["changes"] if one["criterion"] == TRAINED)
    assert (change["before"], change["after"]) == ("unknown", "pass")
    assert len(change["resolved"]) == 1
    assert get(scene.stranger, "changes", as_of=(stories.NOW - timedelta(days=14)).isoformat())["before"] is None


def test_what_all_teams_do_next_and_which_sources_are_silent(scene: Organisation) -> None:
    steps = get(scene.stranger, "next-actions", framework=FRAMEWORK)["results"]
    assert steps
    assert all(one["says"] and one["teams"] and one["gain"] > 0 for one in steps)
    silent = factories.user("collector", is_service=True)
    factories.client(silent)
    assert get(scene.stranger, "silent-sources")["results"] == []
    at = timezone.now() - timedelta(days=8)
    ApiToken.objects.filter(user=silent).update(last_used_at=at)

    (found,) = get(scene.stranger, "silent-sources")["results"]

    assert (found["name"], found["heard_at"][:10]) == ("collector", at.date().isoformat())


def test_what_a_rating_rests_on_is_one_document(scene: Organisation) -> None:
    answer = scenes.answered(scene)
    post(scene.sponsor, "targets", {"team": "credit", "framework": FRAMEWORK, "level": 2})

    found = get(scene.auditor, "teams/credit/scorecard/evidence", framework=FRAMEWORK)

    stored = selectors.scorecard(scene.snapshot, team=scene.credit)
    assert (found["snapshot"]["digest"], found["scorecard"]["digest"]) == (scene.snapshot.digest, stored.digest)
    assert found["scorecard"]["results"] == stored.results
    assert [(one["id"], one["standing"]) for one in found["answers"]] == [(answer.pk, "waiting")]
    assert [one["level"] for one in found["targets"]] == [2]
    assert found["delivery"]["releases"] > 0
    # As of a day before they were said, what people said is not in it.
    earlier = get(scene.lead, "teams/credit/scorecard/evidence", as_of=stories.NOW.date().isoformat())
    assert (earlier["answers"], earlier["targets"]) == ([], [])
    refused = factories.client(scene.stranger).get(f"{API}/teams/credit/scorecard/evidence")
    assert refused.status_code == 403


def test_answers_are_listed_by_what_is_due(bare: Organisation) -> None:
    answer = scenes.answered(bare)
    assert [one["id"] for one in get(bare.assessor, "answers", due="review")["results"]] == [answer.pk]
    assert get(bare.stranger, "answers", due="review")["results"] == []
    assert get(bare.lead, "answers", due="expiry")["results"] == []
    answers.review(actor=bare.assessor, answer=answer, decision="accept")

    assert get(bare.assessor, "answers", due="review")["results"] == []
    drawn = {one["id"] for one in get(bare.auditor, "answers", due="recheck")["results"]}
    assert drawn == {one.pk for one in answers.due_for_recheck(timezone.now())}
    assert factories.client(bare.lead).get(f"{API}/answers?due=recheck").status_code == 403
    assert factories.client(bare.lead).get(f"{API}/answers?due=never").status_code == 400


def test_a_lead_answers_and_an_assessor_reviews(bare: Organisation) -> None:
    document = {
        "team": "credit",
        "framework": FRAMEWORK,
        "criterion": "google-shared-operation",
        "extent": "most_or_all",
        "evidence": [{"title": "Duty rota", "reference": "https://wiki.example/rota"}],
    }
    for person in (bare.stranger, bare.assessor, bare.sponsor, bare.auditor):
        assert post(person, "answers", document).status_code == 403
    given = post(bare.lead, "answers", document)
    assert given.status_code == 201
    assert given.json()["standing"] == "waiting"
    review = f"answers/{given.json()['id']}/reviews"
    assert post(bare.lead, review, {"decision": "accept"}).status_code == 403
    assert post(bare.stranger, review, {"decision": "accept"}).status_code == 404

    reviewed = post(bare.assessor, review, {"decision": "accept"})

    assert reviewed.status_code == 201
    assert reviewed.json()["standing"] == "accepted"
    assert [one["reviewer"] for one in reviewed.json()["reviews"]] == ["assessor"]
    for reader in (bare.lead, bare.assessor, bare.sponsor, bare.auditor):
        assert len(get(reader, "answers", team="credit")["results"]) == 1
        assert get(reader, f"answers/{given.json()['id']}")["team"] == "credit"
    assert get(bare.stranger, "answers")["results"] == []
    assert factories.client(bare.stranger).get(f"{API}/answers?team=credit").status_code == 403


def test_an_assessor_exempts_and_the_team_may_end_it(bare: Organisation) -> None:
    document = {
        "team": "credit",
        "framework": FRAMEWORK,
        "criterion": "google-load-test",
        "reason": "Batch only.",
        "until": (timezone.now() + timedelta(days=30)).isoformat(),
    }
    assert post(bare.lead, "exemptions", document).status_code == 403
    granted = post(bare.assessor, "exemptions", document)
    assert granted.status_code == 201
    end = f"exemptions/{granted.json()['id']}/end"
    assert post(bare.auditor, end, {}).status_code == 403

    assert post(bare.lead, end, {}).status_code == 200
    assert post(bare.lead, end, {}).status_code == 409
    assert get(bare.auditor, "exemptions", team="credit")["results"][0]["reason"] == "Batch only."


def test_a_sponsor_sets_targets_and_opens_initiatives(bare: Organisation) -> None:
    target = {"team": "credit", "framework": FRAMEWORK, "level": 2, "reason": "Lends money."}
    assert post(bare.lead, "targets", target).status_code == 403
    assert post(bare.sponsor, "targets", target).status_code == 201
    assert get(bare.stranger, "targets", team="credit")["results"][0]["reason"] == "Lends money."
    refused = post(bare.sponsor, "targets", target | {"level": 9})
    assert refused.status_code == 400
    today = timezone.now().date()
    document = {
        "title": "Level 1",
        "framework": FRAMEWORK,
        "teams": ["credit"],
        "level": 1,
        "starts_on": today.isoformat(),
        "ends_on": (today + timedelta(days=90)).isoformat(),
    }
    assert post(bare.lead, "initiatives", document).status_code == 403
    opened = post(bare.sponsor, "initiatives", document)
    assert opened.status_code == 201
    path = f"initiatives/{opened.json()['id']}"
    assert get(bare.stranger, path)["teams"] == ["credit"]
    assert len(get(bare.stranger, "initiatives", state="open", team="credit")["results"]) == 1
    assert post(bare.lead, f"{path}/end", {"reason": "x"}).status_code == 403
    assert post(bare.sponsor, f"{path}/end", {"reason": "Split."}).json()["outcome"] == "ended"


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("teams/credit/scorecard?framework=nothing", 404, "framework"),
        ("teams/nobody/scorecard", 404, "team"),
        ("teams/credit/scorecard?as_of=yesterday", 400, "as_of"),
        ("teams/credit/scorecard?model=7", 400, "model"),
        ("scorecards?cursor=x", 400, "cursor"),
        ("scorecards/99999999999999999999999", 404, "scorecard"),
        ("whatif?team=credit&passing=google-nothing", 404, "criterion"),
        ("whatif?team=idle", 409, None),
        ("whatif", 400, "team"),
        (f"frameworks/{FRAMEWORK}/criteria/nothing", 404, "criterion"),
        (f"frameworks/{FRAMEWORK}/criteria/{TRAINED}/misses?cursor=-1", 400, "cursor"),
        (f"frameworks/{FRAMEWORK}/criteria/{TRAINED}/misses?limit=0", 400, "limit"),
        ("frameworks/nothing", 404, "framework"),
        (f"snapshots/{FRAMEWORK}/99999999999999", 404, "snapshot"),
        ("snapshots?kind=nothing", 400, "kind"),
        ("changes?framework=nothing", 404, "framework"),
        ("next-actions?as_of=soon", 400, "as_of"),
        ("frameworks/nothing/versions", 404, "framework"),
        (f"frameworks/{FRAMEWORK}/criteria/nothing/evaluation?team=credit", 404, "criterion"),
        (f"frameworks/{FRAMEWORK}/criteria/{TRAINED}/evaluation", 400, "team"),
        (f"frameworks/{FRAMEWORK}/criteria/{TRAINED}/evaluation?team=nobody", 404, "team"),
        ("answers/99999999999999999999", 404, "answer"),
        ("initiatives/99999999999999999999", 404, "initiative"),
    ],
)
def test_what_cannot_be_asked_is_said(
    request: pytest.FixtureRequest, path: str, status: int, field: str | None
) -> None:
    # Only these need something measured to come as far as their refusal.
    is_measured = "whatif" in path or "misses" in path or "cursor=x" in path
    scene: Organisation = request.getfixturevalue("scene" if is_measured else "bare")

    answer = factories.client(scene.lead).get(f"{API}/{path}")

    assert answer.status_code == status, answer.content
    if field:
        assert field in answer.json()["fields"]
