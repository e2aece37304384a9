"""Measures over real rows: events through the log and the projector, promotions, owners."""

import random
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assessments import catalogue, items
from assessments.framework import Criterion, Ladder
from assessments.items import Item, State, Tally
from assessments.measures import counting, definitions, populations
from assessments.measures.counting import Counted, Scope
from assessments.measures.expressions import Measure
from governance.models import Team, User
from tests import factories
from tests.assessments import stories
from tests.assessments.stories import NOW, ago

pytestmark = pytest.mark.django_db


@pytest.fixture
def pipeline() -> User:
    return factories.user("pipeline", is_service=True)


def count(as_of: Any = NOW) -> Counted:
    return counting.count(catalogue.load().frameworks.values(), as_of=as_of)


def figures(tally: Tally) -> tuple[int, int, int]:
    return tally.true, tally.false, tally.unknown


def test_an_empty_database_has_nothing_to_count(team: Team) -> None:
    now = timezone.now()

    counted = count(now)

    assert not any(counted.tallies.values())
    assert set(counted.standings) == {Scope(team.pk)}
    assert len(counted.standings[Scope(team.pk)].obstacles(now)) == 2


def test_a_team_that_is_heard_of_and_has_nothing_in_production_lacks_only_that(team: Team, pipeline: User) -> None:
    Team.objects.update(created_at=stories.ago(400))
    stories.owned(team, "credit")
    stories.grow(*stories.trained("credit", "1", 2), sender=None)
    assert len(count().standings[Scope(team.pk)].obstacles(NOW)) == 2

    stories.grow(*stories.trained("credit", "2", 1), sender=pipeline)

    assert count().standings[Scope(team.pk)].obstacles(NOW) == (
        "No model version has been in production for 24 hours.",
    )


def test_a_model_in_good_order(team: Team, owner: User, pipeline: User) -> None:
    stories.owned(team, "credit")
    stories.grow(
        *stories.trained("credit", "1", 60),
        stories.evaluated("credit", "1", 59),
        stories.deployed("credit", "1", 50, commit="77aa"),
        *stories.trained("credit", "2", 20),
        stories.evaluated("credit", "2", 19),
        stories.deployed("credit", "2", 10, commit="77ab"),
        stories.evaluated("credit", "2", 2, on=None),
        sender=pipeline,
    )
    stories.promoted("credit", "1", 55, by=owner)
    stories.promoted("credit", "2", 15, by=owner)

    counted = count()

    scope = Scope(team.pk)
    expected = {
        "google-named-owner": (1, 0, 0),
        "google-orchestrated-training": (1, 0, 0),
        "google-orchestrated-experiments": (2, 0, 0),
        "google-continuous-training": (0, 0, 1),
        "google-offline-evaluation": (1, 0, 0),
        "google-active-monitoring": (1, 0, 0),
        "google-registry-only-deploys": (2, 0, 0),
        "google-no-gate-bypass": (2, 0, 0),
        "google-performance-target": (2, 0, 0),
        "google-lineage-complete": (1, 0, 0),
        "google-components-present": (5, 0, 2),
        "google-champion-comparison": (0, 1, 0),
        "ms-training-code-versioned": (1, 0, 0),
        "ms-scoring-code-versioned": (1, 0, 0),
        "ms-reproducible-inputs": (0, 0, 1),
        "ms-full-traceability": (0, 0, 1),
        "ms-policy-promotion": (2, 0, 0),
        "ms-low-change-failure": (0, 0, 2),
    }
    assert {name: figures(counted.tallies[name][scope]) for name in expected} == expected
    assert counted.tallies["google-continuous-training"][scope].missing == ("trigger",)
    assert counted.tallies["ms-policy-promotion"][scope].unproven == 2
    assert counted.tallies["google-orchestrated-training"][scope].strength == 1.0
    assert counted.tallies["ms-easy-release"][scope].values == (5.0, 5.0)
    assert counted.standings[scope].production_versions == 1
    assert not counted.standings[scope].obstacles(NOW)
    per_model = Scope(team.pk, stories.model())
    assert figures(counted.tallies["google-no-gate-bypass"][per_model]) == (2, 0, 0)
    assert counted.points["mlts-infra-4-validated-before-serving"][stories.model()].full is State.TRUE
    assert counted.models == {stories.model(): "credit"}


def test_a_deployment_round_the_gate_is_a_miss_with_its_asset(team: Team, owner: User, pipeline: User) -> None:
    stories.owned(team, "credit")
    stories.grow(
        *stories.trained("credit", "1", 60),
        stories.deployed("credit", "1", 50),
        stories.deployed("credit", "2", 10),
        stories.deployed("fraud", None, 10),
        sender=pipeline,
    )
    stories.owned(team, "fraud")
    stories.promoted("credit", "1", 55, by=owner)
    stories.promoted("credit", "2", 9, by=owner)

    tally = count().tallies["google-no-gate-bypass"][Scope(team.pk)]

    assert figures(tally) == (1, 2, 0)
    assert [miss.label for miss in tally.misses] == [
        "service credit: credit 2",
        "service fraud: fraud (no version)",
    ]
    unregistered = count().tallies["google-registry-only-deploys"][Scope(team.pk)]
    assert figures(unregistered) == (2, 1, 0)


def test_a_fact_that_nobody_sends_is_unknown_and_one_that_others_send_is_missed(
    team: Team, other_team: Team, pipeline: User
) -> None:
    for name, commit in (("a", "77aa"), ("b", None)):
        stories.owned(team, name)
        stories.grow(*stories.trained(name, "1", 60, commit=commit), stories.deployed(name, "1", 50), sender=pipeline)
    stories.owned(other_team, "c")
    stories.grow(*stories.trained("c", "1", 60, commit=None), stories.deployed("c", "1", 50), sender=pipeline)

    tallies = count().tallies["ms-training-code-versioned"]

    assert figures(tallies[Scope(team.pk)]) == (1, 1, 0)
    assert figures(tallies[Scope(other_team.pk)]) == (0, 0, 1)
    assert tallies[Scope(other_team.pk)].missing == ("built_from_commit",)
    assert figures(tallies[Scope(team.pk, stories.model("b"))]) == (0, 1, 0)


def test_versions_wait_a_day_and_ended_services_serve_nothing(team: Team, owner: User, pipeline: User) -> None:
    for name in ("new", "ended", "promoted"):
        stories.owned(team, name)
        stories.grow(*stories.trained(name, "1", 60), sender=pipeline)
    stories.grow(
        stories.deployed("new", "1", 0.5),
        stories.deployed("ended", "1", 9),
        stories.deployed("ended", "1", 8, ended=True),
        sender=pipeline,
    )
    stories.promoted("promoted", "1", 5, by=owner)
    stories.promoted("ended", "1", 10, by=owner)

    assert set(count().models.values()) == {"promoted"}
    assert set(count(NOW + timedelta(days=1)).models.values()) == {"promoted", "new"}
    assert set(count(ago(8.5)).models.values()) == set()


def test_a_part_that_several_models_share_counts_once(team: Team, pipeline: User) -> None:
    for name in ("a", "b", "c"):
        stories.owned(team, name)
        stories.grow(*stories.trained(name, "1", 20), stories.deployed(name, "1", 10), sender=pipeline)

    counted = count()

    tallies = counted.tallies["google-components-present"]
    assert figures(tallies[Scope(team.pk)]) == (5, 0, 2)
    assert figures(tallies[Scope(team.pk, stories.model("a"))]) == (5, 0, 2)
    assert figures(counted.tallies["google-reviewed-change"][Scope(team.pk)]) == (0, 0, 1)


def test_an_item_belongs_to_who_owned_the_model_longest(
    team: Team, other_team: Team, owner: User, pipeline: User
) -> None:
    stories.owned(team, "credit", until=10)
    stories.owned(other_team, "credit", since=10)
    stories.grow(*stories.trained("credit", "1", 60), stories.deployed("credit", "1", 50), sender=pipeline)

    tallies = count().tallies

    # Ninety days are mostly the first team's; the state at the time is the second one's.
    assert figures(tallies["google-no-gate-bypass"][Scope(team.pk)]) == (0, 1, 0)
    assert Scope(other_team.pk) not in tallies["google-no-gate-bypass"]
    assert figures(tallies["google-orchestrated-training"][Scope(other_team.pk)]) == (1, 0, 0)


def test_what_nobody_owns_is_counted_all_the_same(team: Team, pipeline: User) -> None:
    stories.grow(*stories.trained("stray", "1", 60), stories.deployed("stray", "1", 50), sender=pipeline)

    counted = count()

    assert figures(counted.tallies["google-named-owner"][Scope(None)]) == (0, 1, 0)
    assert counted.standings[Scope(None)].production_versions == 1


@pytest.mark.parametrize(
    ("on", "expected"),
    [("holdout", (1, 0, 0)), ("v1", (0, 1, 0)), (None, (0, 0, 1))],
)
def test_only_data_that_was_not_trained_on_counts_for_evaluation(
    team: Team, pipeline: User, on: str | None, expected: tuple[int, int, int]
) -> None:
    stories.owned(team, "credit")
    stories.grow(
        *stories.trained("credit", "1", 60, data="v1"),
        stories.evaluated("credit", "1", 59, on=on),
        stories.deployed("credit", "1", 50),
        sender=pipeline,
    )

    assert figures(count().tallies["google-offline-evaluation"][Scope(team.pk)]) == expected


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [("n data h1", "n data h1", (1, 0, 0)), ("n data h1", "n data h2", (0, 1, 0)), (None, "n data h1", (0, 0, 1))],
)
def test_a_comparison_counts_on_the_same_data(
    team: Team, owner: User, pipeline: User, mine: str | None, theirs: str, expected: tuple[int, int, int]
) -> None:
    stories.owned(team, "credit")
    stories.grow(*stories.trained("credit", "1", 60), *stories.trained("credit", "2", 20), sender=pipeline)
    stories.promoted("credit", "1", 55, by=owner)
    measured = {"metric": "auc", "segment": "", "value": 0.9, "measured_at": ""}
    stories.promoted(
        "credit",
        "2",
        15,
        by=owner,
        parameters={"metric": "auc", "not_worse_than_production_by": 0.01},
        facts={
            "measurements": [measured | {"dataset": mine}],
            "production_measurements": [measured | {"dataset": theirs}],
        },
    )

    assert figures(count().tallies["google-champion-comparison"][Scope(team.pk)]) == expected


@pytest.mark.parametrize(
    ("integration", "ending", "expected"),
    [
        ("AIRFLOW", "COMPLETE", (1, 0, 0)),
        ("AIRFLOW", "FAIL", (0, 1, 0)),
        ("SPARK", "COMPLETE", (0, 1, 0)),
        (None, "COMPLETE", (0, 0, 1)),
    ],
)
def test_training_is_orchestrated_when_an_orchestrator_says_so(
    team: Team, pipeline: User, integration: str | None, ending: str, expected: tuple[int, int, int]
) -> None:
    stories.owned(team, "credit")
    stories.grow(
        *stories.trained("credit", "1", 60, integration=integration, ending=ending),
        stories.deployed("credit", "1", 50),
        sender=pipeline,
    )

    assert figures(count().tallies["google-orchestrated-training"][Scope(team.pk)]) == expected


def test_a_release_that_was_taken_back_within_a_week_failed(team: Team, pipeline: User) -> None:
    stories.owned(team, "credit")
    back = stories.deployed("credit", "1", 17)
    back["run"] = {"runId": "back to the first"}
    stories.grow(stories.deployed("credit", "1", 50), stories.deployed("credit", "2", 20), back, sender=pipeline)

    tally = count().tallies["ms-low-change-failure"][Scope(team.pk)]

    assert figures(tally) == (1, 0, 1)
    assert tally.misses[0].label == "service credit: credit 2"


def test_every_measured_criterion_has_a_measure_and_every_measure_names_known_words() -> None:
    loaded = catalogue.load()
    measured = {
        criterion.id
        for framework in loaded.ladders
        for criterion in framework.criteria
        if criterion.measure is not None
    }
    words = {fact.fact for fact in loaded.vocabulary.facts}
    known = {population.population for population in loaded.vocabulary.populations}

    assert set(definitions.MEASURES) == measured
    assert set(definitions.TESTS) == {test.id for rubric in loaded.rubrics for test in rubric.tests}
    assert {measure.population for measure in definitions.MEASURES.values()} <= known
    told = " ".join(
        [
            *(measure.state for measure in definitions.MEASURES.values()),
            *(f"{test.full} {test.half}" for test in definitions.TESTS.values()),
        ]
    )
    named = {
        fact
        for said in told.replace("'", " ").split()
        if said.startswith(("unknown:", "absent:"))
        for fact in said.partition(":")[2].split(",")
    }
    assert named <= words
    assert set(populations.EMPTY.values()) <= words


def test_the_number_of_queries_does_not_depend_on_the_number_of_teams(pipeline: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            count()
        return len(captured)

    def add(number: int) -> None:
        team = factories.team(f"team-{number}")
        stories.owned(team, f"model-{number}")
        stories.grow(
            *stories.trained(f"model-{number}", "1", 60),
            stories.deployed(f"model-{number}", "1", 50),
            sender=pipeline,
        )

    add(1)
    before = queries()
    for number in range(2, 6):
        add(number)

    assert queries() == before


def criterion(name: str) -> Criterion:
    found = catalogue.load().frameworks["google-mlops"]
    assert isinstance(found, Ladder)
    return next(one for one in found.criteria if one.id == name)


def test_the_rule_of_the_newest_items_is_the_same_in_sql(team: Team) -> None:
    asked = criterion("google-performance-target")
    measure = Measure(population="drawn", state="p.state", is_own_record=True)
    stories.owned(team, "credit")
    assert asked.measure is not None
    with counting.population_tables(NOW) as cursor:
        cursor.execute("CREATE TEMPORARY TABLE drawn (model uuid, asset uuid, label text, at timestamptz, state text)")
        cursor.execute("INSERT INTO m_owner VALUES (%s, 90, %s)", [stories.model(), team.pk])
        for seed in range(60):
            listed = drawn(random.Random(seed))
            cursor.execute("TRUNCATE drawn")
            for item in listed:
                state = f"{item.state}:run" if item.missing else item.state.value
                cursor.execute(
                    "INSERT INTO drawn VALUES (%s, %s, %s, %s, %s)",
                    [stories.model(), item.asset, item.label, item.at, state],
                )

            got = counting.tallies(cursor, measure, asked, as_of=NOW)

            chosen, reached_back = items.newest(
                listed, as_of=NOW, window=timedelta(days=90), min_items=asked.measure.min_items
            )
            expected = items.tally(chosen, reached_back=reached_back)
            assert got.get(Scope(team.pk), Tally()) == expected, seed
        cursor.execute("DROP TABLE drawn")


def drawn(draw: random.Random) -> list[Item]:
    found = []
    for number in range(draw.randint(0, 8)):
        state = draw.choice(list(State))
        found.append(
            Item(
                asset=str(stories.version("items", str(number))),
                label=f"item {number}",
                state=state,
                at=ago(draw.randint(1, 400)) - timedelta(seconds=number),
                missing=("run",) if state is State.UNKNOWN else (),
            )
        )
    return found


def test_rules_by_segment_and_with_a_baseline_are_seen(team: Team, owner: User, pipeline: User) -> None:
    stories.owned(team, "credit")
    stories.grow(*stories.trained("credit", "1", 60), stories.deployed("credit", "1", 50), sender=pipeline)
    asked = {"metric": "auc", "minimum": 0.8, "segments": ["young", "old"], "baseline": {"model": "rules"}}
    stories.promoted("credit", "1", 55, by=owner, parameters=asked)

    points = count().points

    for test in ("mlts-model-5-baseline", "mlts-model-6-slices"):
        assert points[test][stories.model()].full is State.TRUE, test


def test_a_model_is_retrained_only_with_something_new(team: Team, pipeline: User) -> None:
    def retrained(name: str, key: str, days_ago: float, data: str) -> list[dict[str, Any]]:
        events = stories.trained(name, key, days_ago, data=data)
        for event in events:
            event["run"]["facets"] = {"assay_run": {"trigger": "schedule", "environment": "production"}}
        return events

    for name, data in (("fresh", "v2"), ("stale", "v1")):
        stories.owned(team, name)
        stories.grow(
            *retrained(name, "1", 100, "v1"),
            *retrained(name, "2", 20, data),
            stories.deployed(name, "2", 10),
            sender=pipeline,
        )

    tally = count().tallies["google-continuous-training"][Scope(team.pk)]

    assert figures(tally) == (1, 0, 1)
    assert [(miss.label, miss.missing) for miss in tally.misses] == [("stale", ("retrain_interval",))]
