"""What results of tests are worth: the rule in Python and its repetition in SQL agree."""

import random
from datetime import timedelta
from uuid import uuid5

import pytest

from assessments import testscore
from assessments.items import State
from assessments.measures import counting, rubric
from assessments.testscore import Earned
from tests.assessments import stories
from tests.assessments.stories import NOW

CURRENT, BEFORE, OLDER = 3, 2, 1


def drawn(draw: random.Random) -> list[testscore.TestResult]:
    found = []
    for number in range(draw.randint(1, 5)):
        on = draw.choice([CURRENT, CURRENT, BEFORE, OLDER])
        found.append(
            testscore.TestResult(
                at=NOW - timedelta(days=draw.choice([1, 60, 100, 179, 200]), seconds=number),
                is_automated=draw.random() < 0.8,
                started_by=draw.choice(["ci", "schedule", "event", "manual"]),
                on_current=on == CURRENT,
                on_predecessor=on == BEFORE,
                passed_or_blocked=draw.random() < 0.8,
                was_read_by_another=draw.random() < 0.5,
            )
        )
    return found


@pytest.mark.django_db
def test_the_worth_of_results_is_the_same_in_sql() -> None:
    model = stories.model()
    with counting.population_tables(NOW) as cursor:
        cursor.execute(
            "INSERT INTO production_versions (model, model_id, asset, label, version_id, is_deployed)"
            " VALUES (%s, 1, %s, 'credit 3', %s, true)",
            [model, model, CURRENT],
        )
        for key in (OLDER, BEFORE, CURRENT):
            cursor.execute(
                "INSERT INTO m_written (version_id, version, model, model_id, label, run, job_id, first_seen_at)"
                " VALUES (%s, %s, %s, 1, 'credit', %s, 1, %s)",
                [key, stories.version("credit", str(key)), model, uuid5(model, str(key)), stories.ago(400 - key)],
            )
        for seed in range(80):
            results = drawn(random.Random(seed))
            cursor.execute("TRUNCATE m_tested")
            for number, result in enumerate(results):
                on = CURRENT if result.on_current else BEFORE if result.on_predecessor else OLDER
                cursor.execute(
                    "INSERT INTO m_tested (run, category, passed, automated, blocking, read_by, at, trigger,"
                    " version_id, model_id) VALUES (%s, 'data.schema', %s, %s, false, %s, %s, %s, %s, 1)",
                    [
                        uuid5(model, f"run {number}"),
                        result.passed_or_blocked,
                        result.is_automated,
                        "another" if result.was_read_by_another else None,
                        result.at,
                        result.started_by,
                        on,
                    ],
                )
            cursor.execute(rubric.EARNED.query, {"as_of": NOW})
            rows = cursor.fetchall()

            is_full, is_half = rows[0][2:] if rows else (False, False)
            assert {Earned.FULL: state(is_full), Earned.HALF: state(is_half)} == testscore.earned(results, at=NOW), seed


def state(is_so: bool | None) -> State:
    return State.TRUE if is_so else State.FALSE
