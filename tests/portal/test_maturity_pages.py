"""The pages of maturity: what they show, who may write on them, and what they say while nothing is rated."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from assessments import catalogue, initiatives, portfolio, selectors, snapshots
from assessments.framework import Adjustment
from assessments.models import Answer, Exemption, Initiative, Scorecard, Target
from assessments.snapshots import Kind
from governance.models import Classification, Ownership, User
from portal.maturity import board as boards
from portal.maturity import connecting
from portal.maturity import criterion as criteria
from tests import factories
from tests.assessments import scenes, stories
from tests.assessments.scenes import Organisation

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
FRAMEWORK = "google-mlops"
TRAINED = f"/maturity/teams/credit/criteria/{FRAMEWORK}/google-orchestrated-training"
SHARED = f"/maturity/teams/credit/criteria/{FRAMEWORK}/google-shared-operation"
OPEN = [
    "/maturity",
    "/maturity?tier=high&ranking=on&daily=on",
    "/maturity?as_of=2020-01-01",
    "/maturity/method",
    "/maturity/unknown",
    "/maturity/unknown?team=credit",
    "/maturity/ratings",
    "/maturity/ratings?framework=google-mlops&tier=none",
    "/maturity/ratings?framework=ml-test-score",
    "/maturity/ratings?band=low&as_of=2030-01-01",
    "/maturity/results?rests=unknown&team=credit",
    "/maturity/results?rests=machine&framework=microsoft-mlops&daily=on",
    "/maturity/changes",
    "/maturity/changes?tier=none&page=2",
    "/maturity/releases",
    "/maturity/releases?part=models&team=credit",
    "/maturity/releases?part=failed&team=-&page=2",
    "/maturity/snapshots",
    "/maturity/snapshots?framework=google-mlops",
    "/maturity/initiatives",
    "/maturity/teams/credit",
    "/maturity/teams/credit?framework=microsoft-mlops",
    "/maturity/teams/credit?framework=ml-test-score",
    "/maturity/teams/idle",
    "/maturity/teams/-",
    f"/maturity/criteria/{FRAMEWORK}/google-orchestrated-training",
    "/maturity/criteria/ml-test-score/mlts-data-1-feature-schema",
    TRAINED,
    SHARED,
    "/maturity/teams/credit/criteria/ml-test-score/mlts-data-1-feature-schema",
]


@pytest.fixture
def scene() -> Organisation:
    return scenes.organisation()


@pytest.fixture
def bare() -> Organisation:
    return scenes.organisation(is_measured=False)


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.content[:500])
    return answer.content.decode()


def test_every_page_opens_with_and_without_snapshots(scene: Organisation, sign_in: SignIn) -> None:
    client = sign_in(scene.assessor)

    for address in [*OPEN, "/maturity/reviews"]:
        text(client, address)
    for model in scene.snapshot.scorecards.exclude(model=None).filter(team=scene.credit):
        for framework in ("google-mlops", "ml-test-score"):
            text(client, f"/maturity/teams/credit/models/{model.model}?framework={framework}")


def test_with_an_empty_database_every_team_is_not_rated_and_says_why(bare: Organisation, sign_in: SignIn) -> None:
    client = sign_in(bare.stranger)

    for address in OPEN:
        text(client, address)

    board = text(client, "/maturity")
    assert board.count("Not rated: No snapshot has been taken yet.") == 3
    assert "0 of 3 teams rated" in board
    assert "No snapshot has been taken yet." in text(client, "/maturity/teams/credit")
    assert text(client, "/maturity/ratings?framework=google-mlops").count("No snapshot has been taken yet.") == 3

    # A night in which nothing is known of anybody tells the reasons, and no level.
    snapshots.take(kind=Kind.COMPUTED)

    board = text(client, "/maturity")
    assert board.count("Not rated: No model version has been in production for 24 hours. No authenticated source") == 3
    assert "0 of 3 teams rated" in board
    assert {card.level for card in Scorecard.objects.filter(model=None)} == {None}
    page = text(client, "/maturity/teams/credit")
    assert "No authenticated source has sent an event about its assets." in page
    assert "That is not level 0." in page


def test_a_team_without_models_says_so(scene: Organisation, sign_in: SignIn) -> None:
    page = text(sign_in(scene.stranger), "/maturity/teams/idle")

    assert "Not rated." in page
    assert "No model version has been in production for 24 hours." in page
    assert "That is not level 0." in page


def test_the_board_costs_few_queries_however_many_teams(scene: Organisation, sign_in: SignIn) -> None:
    client = sign_in(scene.sponsor)
    text(client, "/maturity")

    with CaptureQueriesContext(connection) as queries:
        text(client, "/maturity")

    assert len(queries) <= 60


def test_ranking_is_off_and_for_some_alone(scene: Organisation, sign_in: SignIn, settings: Settings) -> None:
    assert 'name="ranking"' not in text(sign_in(scene.lead), "/maturity?ranking=on")
    assert ">Rank</th>" not in text(sign_in(scene.lead), "/maturity?ranking=on")
    page = text(sign_in(scene.sponsor), "/maturity")
    assert 'name="ranking"' in page
    assert ">Rank</th>" not in page
    assert ">Rank</th>" in text(sign_in(scene.sponsor), "/maturity?ranking=on")

    settings.MATURITY_RANKING = False

    page = text(sign_in(scene.sponsor), "/maturity?ranking=on")
    assert ('name="ranking"' in page, ">Rank</th>" in page) == (False, False)


def test_many_teams_come_a_page_at_a_time_and_light(
    scene: Organisation, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "PAGE", 2)
    client = sign_in(scene.lead)

    first, second, beyond = (text(client, f"/maturity?page={number}") for number in (1, 2, 9))

    rows = [page.partition("<tbody>")[2].partition("</tbody>")[0].split("<tr>")[1:] for page in (first, second)]
    assert [len(part) for part in rows] == [2, 1]
    assert ("here 1 to 2" in first, 'rel="next"' in first, 'rel="next"' in second) == (True, True, False)
    assert "of 3 teams rated" in second
    assert "There are 3 teams, fewer than this page begins with." in beyond
    # Two hundred teams are on three pages of less than 400 kB each.
    assert max(len(row.encode()) for part in rows for row in part) < 4_500
    assert client.get("/maturity?page=0").status_code == 400


def test_what_if_answers_as_a_part_and_as_a_page(scene: Organisation, sign_in: SignIn) -> None:
    gating = [one.id for one in selectors.ladder(FRAMEWORK).criteria if one.gating and one.level == 1]
    query = "&".join(f"pass={name}" for name in gating)
    client = sign_in(scene.lead)

    part = client.get(f"/maturity/teams/credit/what-if?framework={FRAMEWORK}&{query}", headers={"HX-Request": "true"})
    whole = client.get(f"/maturity/teams/credit/what-if?framework={FRAMEWORK}&{query}", follow=True)

    assert part.content.decode().count("<html") == 0
    for answer in (part, whole):
        assert "Level 1" in answer.content.decode()
    assert client.get("/maturity/teams/credit?pass=google-nothing").status_code == 404


def test_a_lead_answers_an_assessor_reviews_and_exempts(scene: Organisation, sign_in: SignIn) -> None:
    said = {"extent": "most_or_all", "title_0": "Rota", "reference_0": "https://wiki.example/rota"}
    lead, assessor = sign_in(scene.lead), sign_in(scene.assessor)
    assert sign_in(scene.stranger).post(f"{SHARED}/answer", said).status_code == 403
    refused = lead.post(f"{SHARED}/answer", {"extent": "some"})
    assert refused.status_code == 422
    assert "references that support the answer" in refused.content.decode()

    assert lead.post(f"{SHARED}/answer", said).status_code == 302

    answer = Answer.objects.get()
    assert "Waits for review" in text(lead, SHARED)
    assert "Accept the answer" not in text(lead, SHARED)
    # What is measured stands beside it, for those who may read the answer.
    stories.promoted("credit", "3", (stories.NOW - timezone.now()) / timedelta(days=1) + 1, by=scene.lead)
    assert "<strong>0 of 1</strong> in 180 days; above 10 % an answer lapses." in text(assessor, SHARED)
    assert "an answer lapses" not in text(sign_in(scene.stranger), SHARED)
    assert "Accept the answer" in text(assessor, SHARED)
    assert "Shared operation" in text(assessor, "/maturity/reviews")
    assert "wiki.example" not in text(sign_in(scene.stranger), SHARED)
    review = f"/maturity/answers/{answer.pk}/review"
    assert lead.post(review, {"decision": "accept"}).status_code == 403
    assert assessor.post(review, {"decision": "accept"}).status_code == 302
    assert "Accepted" in text(lead, SHARED)

    until = (timezone.now() + timedelta(days=20)).date().isoformat()
    assert lead.post(f"{TRAINED}/exempt", {"reason": "x", "until": until}).status_code == 403
    assert assessor.post(f"{TRAINED}/exempt", {"reason": "Being replaced.", "until": until}).status_code == 302
    assert "Being replaced." in text(lead, TRAINED)
    assert lead.post(f"/maturity/exemptions/{Exemption.objects.get().pk}/end").status_code == 302
    assert Exemption.objects.get().ends_at <= timezone.now()


def test_a_sponsor_sets_targets_and_opens_initiatives(scene: Organisation, sign_in: SignIn) -> None:
    sponsor, lead = sign_in(scene.sponsor), sign_in(scene.lead)
    target = f"/maturity/teams/credit/target?framework={FRAMEWORK}"
    assert lead.post(target, {"level": "1"}).status_code == 403
    assert sponsor.post(target, {"level": "1", "reason": "Lends money."}).status_code == 302
    assert Target.objects.get().level == 1
    assert "below its target 1" in text(lead, "/maturity")
    today = timezone.now().date()
    step = selectors.next_actions(selectors.scorecard(scene.snapshot, team=scene.credit))[0].criterion
    said = {
        "title": "Owners for all",
        "framework": FRAMEWORK,
        "criteria": f"google-orchestrated-training,google-shared-operation,{step}",
        "teams": ["credit", "idle"],
        "starts_on": today.isoformat(),
        "ends_on": (today + timedelta(days=60)).isoformat(),
    }
    assert lead.post("/maturity/initiatives/new", said).status_code == 403
    refused = sponsor.post("/maturity/initiatives/new", said | {"ends_on": today.isoformat()})
    assert refused.status_code == 422
    assert "After the first day" in refused.content.decode()

    opened = sponsor.post("/maturity/initiatives/new", said, follow=True)

    assert "Owners for all" in opened.content.decode()
    initiative = Initiative.objects.get()
    assert "Owners for all" in text(lead, "/maturity")
    # A step that it takes up has an owner and a day.
    page = text(lead, "/maturity/teams/credit")
    assert f"sponsor, by {initiative.ends_on:%-d %b %Y}: Owners for all" in page
    assert "who manages the team: lead." in page
    end = f"/maturity/initiatives/{initiative.pk}/end"
    assert lead.post(end, {"reason": "x"}).status_code == 403
    assert sponsor.post(end, {"reason": "Split."}).status_code == 302
    assert "Ended early" in text(lead, "/maturity/initiatives")


def test_an_initiative_of_many_teams_is_told_in_numbers(scene: Organisation, sign_in: SignIn) -> None:
    today = timezone.now().date()
    opened = initiatives.start(
        actor=scene.sponsor,
        title="Orchestrated",
        framework=FRAMEWORK,
        teams=[scene.credit, scene.fraud, *(factories.team(f"team-{number}") for number in range(7))],
        starts_on=today,
        ends_on=today + timedelta(days=30),
        criteria=["google-orchestrated-training", "google-named-owner"],
    )

    page = text(sign_in(scene.lead), f"/maturity/initiatives/{opened.pk}")
    assert "1 of 9 teams hold it" in page
    # New criteria are advisory until it ends, and then somebody has to let them gate.
    assert "1 of its criteria gates no level yet." in page
    initiatives.end(actor=scene.sponsor, initiative=opened, reason="All had their time.")
    page = text(sign_in(scene.lead), f"/maturity/initiatives/{opened.pk}")
    document = html.unescape(page.partition("<code>adjusts")[2].partition("</code>")[0])
    said = catalogue.parse(f"adjusts{document}")
    assert isinstance(said, Adjustment)
    assert (said.adjusts, said.gating) == (FRAMEWORK, ("google-named-owner",))


def test_the_tier_of_its_models_speaks_for_a_target(scene: Organisation, sign_in: SignIn) -> None:
    sponsor = sign_in(scene.sponsor)
    assert "None of its models is classified yet." in text(sponsor, "/maturity/teams/credit")
    for model, tier in (("credit", "low"), ("limits", "high")):
        Classification.objects.create(
            asset=stories.model(model),
            tier=tier,
            reason="Decides on loans.",
            set_by=scene.lead,
            period=DateTimeTZRange(stories.ago(90), None, "[)"),
        )

    assert "of the tier high, which speaks for level 2" in text(sponsor, "/maturity/teams/credit")
    board = text(sponsor, "/maturity?tier=high")
    assert "Credit" in board
    assert "Fraud" not in board.partition("Portfolio")[2].partition("What holds us back")[0]


def test_a_criterion_is_evaluated_again_without_a_snapshot(scene: Organisation, sign_in: SignIn) -> None:
    before = scene.snapshot.pk

    answer = sign_in(scene.lead).post(f"{TRAINED}/evaluate")

    assert answer.status_code == 200
    assert "a preview, not published" in answer.content.decode()
    shown = portfolio.shown(FRAMEWORK, is_daily=True)
    assert shown is not None
    assert shown.pk == before


@pytest.mark.parametrize(
    "address",
    [
        "/maturity/teams/nobody",
        "/maturity/results?team=nobody",
        "/maturity/criteria/google-mlops/nothing",
        "/maturity/criteria/nothing/google-named-owner",
        "/maturity/teams/credit/criteria/google-mlops/nothing",
        "/maturity/initiatives/99999999999999999999",
    ],
)
def test_what_is_not_there_is_said(bare: Organisation, sign_in: SignIn, address: str) -> None:
    assert sign_in(bare.lead).get(address).status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        "/maturity?tier=x",
        "/maturity?as_of=x",
        "/maturity/teams/credit?framework=x",
        "/maturity/ratings?band=x",
        "/maturity/ratings?page=0",
        "/maturity/results?rests=x",
        "/maturity/releases?part=x",
    ],
)
def test_what_an_address_may_not_say_is_refused(bare: Organisation, sign_in: SignIn, address: str) -> None:
    assert sign_in(bare.lead).get(address).status_code == 400


def test_all_misses_are_paged_and_counted_again(
    scene: Organisation, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in(scene.lead)
    kept = scene.snapshot.scorecards.get(team=scene.credit, model=None).results
    (stored,) = [one["misses"] for one in kept if one["criterion"] == "google-orchestrated-training"]
    monkeypatch.setattr(criteria, "PAGE", 1)

    pages = [text(client, f"{TRAINED}/misses?page={number}") for number in range(1, len(stored) + 1)]

    assert stored
    assert all(miss["label"] in page for miss, page in zip(stored, pages, strict=True))
    assert f"of {len(stored)}</span>" in pages[0]
    assert "Counted again" in pages[0]
    assert ('rel="next"' in pages[-1], "There are" in pages[-1]) == (False, False)
    assert client.get(f"{SHARED}/misses").status_code == 404
    assert client.get(f"{TRAINED}/misses?page=0").status_code == 400
    across = text(client, f"/maturity/criteria/{FRAMEWORK}/google-orchestrated-training?page=2")
    assert "that the snapshot keeps" not in across


def test_what_changed_is_on_one_page_with_its_causes(scene: Organisation, sign_in: SignIn) -> None:
    client = sign_in(scene.lead)
    assert "No model changed teams." in text(client, "/maturity/changes")
    Ownership.objects.filter(asset=stories.model("limits")).update(team=scene.fraud)
    for days_ago, limit in ((3, 0.2), (-3, 0.5)):
        stories.grow(stories.watched("credit", "3", days_ago, limit=limit), sender=None)
    snapshots.take(kind=Kind.PUBLISHED, as_of=stories.NOW + timedelta(days=7))

    page = text(client, "/maturity/changes")

    ratings, _, rest = page.partition("Models that came to another team")
    assert re.search(
        r">Orchestrated training</a>: unknown to pass.*?resolved: <a [^>]*>train limits</a>", ratings, re.DOTALL
    )
    assert re.search(r">limits</a></td><td data-label=\"From\">Credit</td><td data-label=\"To\">Fraud</td>", rest)
    assert re.search(r">drift of credit</td>.*?<code>0.2</code>.*?<code>0.5</code>", rest)
    board = text(client, "/maturity")
    assert re.search(r"Transferred: <a [^>]*>limits</a> from Credit to Fraud\.", board)
    assert re.search(r"Limit of alerts on <a [^>]*>credit</a> of Credit: <a [^>]*>0.2 to 0.5</a>", board)
    told = factories.client(scene.lead).get("/api/v1/changes?framework=google-mlops").json()["limits"]
    assert [(one["watched"], one["kind"], one["before"], one["after"]) for one in told] == [
        ("drift of credit", "model_quality", "0.2", "0.5")
    ]


def test_a_point_that_late_facts_changed_is_marked(scene: Organisation, sign_in: SignIn) -> None:
    client = sign_in(scene.lead)
    assert "restated" not in text(client, "/maturity/teams/credit").partition("trend-title")[2]
    Ownership.objects.filter(asset=stories.model("limits")).update(team=scene.fraud)
    snapshots.restate(snapshot=scene.snapshot, reason="The owner was entered late.")

    page = text(client, "/maturity/teams/credit")

    assert page.count("line-chart__dot--restated") == 1
    assert re.search(r"<title>[0-9.]+, restated</title>", page)
    assert "full dots were restated after" in page


def test_a_new_yardstick_shows(scene: Organisation, sign_in: SignIn, tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "pilot.yaml").write_text(
        "adjusts: google-mlops\nrevision: pilot\nreason: Few report them.\nadvisory: [google-load-test]\n"
    )
    settings.FRAMEWORKS_FOLDER = tmp_path
    snapshots.take(kind=Kind.PUBLISHED, as_of=stories.NOW + timedelta(days=7))
    client = sign_in(scene.lead)

    assert "By the catalogue before, 0.1, at the same time:" in text(client, "/maturity/teams/credit")
    for address in ("/maturity/teams/credit", "/maturity/method", "/maturity/changes"):
        page = text(client, address)
        assert "catalogue 0.1 to 0.1+pilot" in page, address
        assert "both are scored until" in page, address
        assert re.search(r"Changed: <a [^>]*>Load test</a>", page), address


def test_what_is_unknown_names_the_systems_to_connect(scene: Organisation, sign_in: SignIn) -> None:
    page = text(sign_in(scene.lead), "/maturity/unknown?team=credit")

    assert 'href="/connections/new/github"' in page
    for fact, needed in connecting.BROUGHT.items():
        assert fact in {one.fact for one in catalogue.vocabulary().facts}, fact
        assert needed
    assert connecting.sources("ownership") == ()
    assert "GitHub" in [one.title for one in connecting.sources("commit_detail")]


def test_what_a_number_opens_to_is_as_many(scene: Organisation, sign_in: SignIn) -> None:
    client = sign_in(scene.lead)
    rated = [
        card.rating for card in Scorecard.objects.filter(snapshot__number=3, model=None) if "proofs" in card.rating
    ]
    counts = {
        rests: sum(one["proofs"][rests] for one in rated) for rests in ("machine", "reviewed", "unknown", "exempted")
    }

    for rests, count in counts.items():
        page = text(client, f"/maturity/results?rests={rests}")
        assert (f" of {count}</span>" in page) if count else (">none</span>" in page), rests
    for rating in Scorecard.objects.filter(snapshot=scene.snapshot, team=scene.credit, model=None):
        page = text(client, f"/maturity/results?rests=unknown&team=credit&framework={FRAMEWORK}")
        assert f" of {rating.rating['proofs']['unknown']}</span>" in page
    bands = [one["band"] for one in rated if not one["obstacles"]]
    for band in set(bands):
        assert f"{bands.count(band)} of {bands.count(band)} rated" in text(client, f"/maturity/ratings?band={band}")
    models = text(client, "/maturity/ratings?framework=ml-test-score")
    assert "1 to 3 of 3, the lowest first" in models
    assert "1 to 6 of 6" in text(client, "/maturity/releases")
