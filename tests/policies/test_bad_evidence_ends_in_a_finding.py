"""Evidence that cannot be judged: a finding that says why, a gate that stays shut, and nothing lost."""

import hashlib
import io
import pickle
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pytest_django import Settings

from governance.models import Team, User
from policies import evidence_files
from policies.models import GroupCounts, Promotion
from tests import factories
from tests.policies import stories

pytestmark = pytest.mark.django_db
POLICY = """\
policy: fair
applies: {stage: production}
rules:
  - check: fairness
    evidence: holdout
    label: label
    prediction: prediction
    sensitive: [sex]
    metric: equalized_odds_difference
    maximum: 0.2
  - check: lineage-complete
"""
GOOD: dict[str, list[Any]] = {"label": [1, 0] * 200, "prediction": [1, 0] * 200, "sex": ["f", "f", "m", "m"] * 100}
HUGE = "x" * 2_000_000
# What a finding may say at most, however long the texts in a file are.
MAX_SUMMARY = 1_000


def parquet(change: dict[str, Any], *, without: str = "") -> bytes:
    file = io.BytesIO()
    table = {name: values for name, values in (GOOD | change).items() if name != without}
    pq.write_table(pa.table(table), file)
    return file.getvalue()


def csv(header: str, *rows: str) -> bytes:
    return "\n".join([header, *rows]).encode()


@pytest.fixture
def judged(team: Team, member: User, settings: Settings, tmp_path: Any) -> Callable[..., Promotion]:
    """Send a file, ask for a promotion that names it, and let the workers judge."""
    settings.DATA_DIR = tmp_path
    stories.owned(team)
    stories.grow(stories.trained("1"))

    def ask(content: bytes, policy: str = POLICY) -> Promotion:
        stories.publish(policy)
        digest = hashlib.sha256(content).hexdigest()
        evidence_files.store(actor=member, digest=digest, content=[content])
        return stories.judge(stories.ask(member, evidence={"holdout": digest}))

    return ask


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(pickle.dumps(GOOD), "neither Parquet nor CSV", id="a pickle"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(100), "neither Parquet nor CSV", id="a picture"),
        pytest.param(parquet({})[:-20], "it was cut off", id="Parquet that was cut off"),
        pytest.param(
            b"PAR1" + b"label,prediction,sex\n" * 9 + b"PAR1", "and is none", id="CSV that says it is Parquet"
        ),
        pytest.param(
            csv(",".join(f"c{n}" for n in range(1_000_000))), "longer than 1 MiB", id="a million columns of CSV"
        ),
        pytest.param(
            csv(",".join(f"c{n}" for n in range(100_000)), "1"), "100,000 columns; at most 10,000", id="many columns"
        ),
        pytest.param(parquet({"sex": ["f", HUGE] * 200}), "value of 2,000,000 characters", id="a huge group"),
        pytest.param(parquet({"label": ["1", HUGE] * 200}), "neither 0 nor 1 (such as 'xxx", id="a huge label"),
        pytest.param(parquet({HUGE: [1] * 400}), "whose name has 2,000,000 characters", id="a huge name"),
        pytest.param(
            parquet({"label": [{f"field {n}": 1 for n in range(2_000)}] * 400}), "holds STRUCT(", id="a huge record"
        ),
        pytest.param(parquet({"label": [1.0, float("nan")] * 200}), "'label': 200 rows are without", id="NaN labels"),
        pytest.param(parquet({"label": [None, 1] * 200}), "'label': 200 rows are without", id="missing labels"),
        pytest.param(parquet({"sex": ["f"] * 400}), "sex has one group only", id="one group only"),
        pytest.param(parquet({"sex": [None] * 400}), "sex has one group only", id="nobody's group is known"),
        pytest.param(parquet({name: pa.array([], pa.int64()) for name in GOOD}), "no rows", id="an empty table"),
        pytest.param(csv("label,prediction,sex"), "no rows", id="a header alone"),
        pytest.param(b"", "not even a header", id="an empty file"),
        pytest.param(parquet({"Sex": GOOD["sex"]}, without="sex"), "Did you mean 'Sex'?", id="an unknown column"),
    ],
)
def test_it_is_unknown_and_says_why(content: bytes, says: str, judged: Callable[..., Promotion], member: User) -> None:
    promotion = judged(content)

    fairness, lineage = promotion.findings.order_by("position")
    assert (promotion.state, fairness.outcome) == ("blocked", "unknown"), fairness.summary
    assert says in fairness.summary
    assert len(fairness.summary) < MAX_SUMMARY
    # Nothing is lost: the other check has judged, the file is as it was sent, and what was found is read again.
    assert lineage.outcome == "pass"
    assert evidence_files.path(promotion.evidence["holdout"]).read_bytes() == content
    shown: Any = factories.client(member).get(f"/api/v1/promotions/{promotion.uuid}")
    assert shown.json()["findings"][0]["summary"] == fairness.summary
    assert len(shown.content) < 100_000
    assert not GroupCounts.objects.exists() or "one group" in says


def test_a_third_class_of_any_length_is_told_in_part(judged: Callable[..., Promotion]) -> None:
    content = parquet({name: ["yes", "no", HUGE, "no"] * 100 for name in ("label", "prediction")})

    found = judged(content, POLICY.replace("    metric:", "    positive: 'yes'\n    metric:")).findings.get(
        check_id="fairness"
    )

    assert found.outcome == "unknown"
    assert "more than two values" in found.summary
    assert len(found.summary) < MAX_SUMMARY


def test_huge_names_of_features_are_refused(judged: Callable[..., Promotion]) -> None:
    content = csv(f"shap_a,shap_{HUGE[:10_000]},base_value,output", "1,2,0,3", "2,1,0,3")
    policy = "policy: fair\napplies: {stage: production}\nrules: [{check: explanations, attributions: holdout}]\n"

    found = judged(content, policy).findings.get()

    assert (found.outcome, "name has 10,005 characters" in found.summary) == ("unknown", True)
    assert len(found.summary) < MAX_SUMMARY
