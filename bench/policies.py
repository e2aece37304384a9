"""How fast policies are read and tried: a file of 200 rules, and drafts over past promotions. No server is asked."""

import time
from collections.abc import Callable, Iterator

from bench import rows
from bench.rows import Better, Row, Target
from bench.scene import Scene
from governance.yamldocuments import BadDocument
from policies import casefiles, documents, jsonschema
from policies.checks import conditions

RULES = 200
ROUNDS = 9


def run(stage: Scene) -> Iterator[Row]:
    stage.say(f"policies: a file of {RULES} rules")
    text = policy(RULES)
    broken = text.replace("minimum: 0.", "minimum: x")
    yield rows.measured(
        "policies",
        f"a policy of {RULES} rules validated, a tenth of them conditions that are compiled",
        _times(lambda: _validate(text), ROUNDS),
        "s",
        better=Better.LESS,
        target=Target(value=0.2),
        note=f"{len(text):,} characters; nothing is remembered from the round before",
    )
    yield rows.measured(
        "policies",
        f"the same with an error in most rules, all {RULES - RULES // 10} named by line",
        _times(lambda: _refuse(broken), ROUNDS),
        "s",
        better=Better.LESS,
        target=Target(value=0.2),
    )
    small = documents.parse(policy(10))
    cases = "cases:\n" + "".join(
        f"  - {{name: c{number}, promotion: {{stage: production, model: m}}, expect: blocked}}\n"
        for number in range(200)
    )
    yield rows.measured(
        "policies",
        "200 cases judged beside a policy of 10 rules",
        _times(lambda: casefiles.run(small, cases), ROUNDS),
        "s",
        better=Better.LESS,
    )
    yield rows.measured(
        "policies", "the JSON Schema for editors", _times(jsonschema.schema, ROUNDS), "s", better=Better.LESS
    )


def policy(size: int) -> str:
    """A policy with so many rules, every tenth of them a condition."""
    lines = ["policy: big", "applies: {stage: production}", "rules:"]
    for number in range(size):
        if number % 10 == 0:
            lines += ["  - check: condition", f"    condition: kpi.metric_{number} >= 0.5 && size(owners) > 0"]
        else:
            lines += [
                "  - check: kpi",
                f"    metric: metric-{number}",
                f"    segment: segment {number}",
                f"    minimum: 0.{number:03d}",
                "    maximum: 0.9999",
                "    mode: warn",
            ]
    return "\n".join(lines) + "\n"


def _validate(text: str) -> None:
    documents.parse.cache_clear()
    conditions.compiled.cache_clear()
    documents.parse(text)


def _refuse(text: str) -> None:
    try:
        _validate(text)
    except BadDocument as bad:
        if len(bad.errors) < RULES - RULES // 10:
            raise
    else:
        raise AssertionError("A broken policy was taken.")


def _times(work: Callable[[], object], rounds: int) -> list[float]:
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return times
