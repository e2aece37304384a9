"""The facets that checks read: their names and their form. Pure.

A facet that is not of its form is kept as it came, and its event gets a warning that says where; checks do not read it.
Fields that are not named here may stand beside those that are.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar

import msgspec

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Text = str | list[str]
Read = TypeVar("Read", bound="Form")

MODEL_METRICS = "assay_modelMetrics"
MODEL_CARD = "assay_modelCard"
TRAINING_PARAMETERS = "assay_trainingParameters"
ENVIRONMENT = "assay_environment"
TEST_RESULTS = "assay_testResults"
LOAD_TEST = "assay_loadTest"
CANARY = "assay_canary"
DATA_PROFILE = "assay_dataProfile"
LICENSE = "assay_license"
ROLLBACK = "assay_rollback"
CONTRACT = "assay_contract"
MODEL_FILES = "assay_modelFiles"
JOINED = "assay_joined"
ASSERTIONS = "dataQualityAssertions"
TEST = "test"


class Form(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Base of the forms. Their fields are spelt as in JSON: `performedAt`."""


class DatasetVersion(Form, frozen=True, kw_only=True):
    """A version of a dataset by its names."""

    namespace: Name
    name: Name
    version: Name


class Metric(Form, frozen=True, kw_only=True):
    """One value of a KPI; null when it was not a number."""

    name: Name
    value: float | None
    segment: Annotated[str, msgspec.Meta(max_length=200)] = ""
    measured_at: datetime | None = None
    sample_size: Count | None = None
    dataset: DatasetVersion | None = None


class ModelMetrics(Form, frozen=True, kw_only=True):
    """KPIs of a model version: on what, of which segment, of how many rows, and when they were measured."""

    metrics: list[Metric]


class ModelCard(Form, frozen=True, kw_only=True):
    """The model card, in the sections of Mitchell et al. 2019 (Model Cards for Model Reporting). Texts or lists."""

    intended_use: Text = ""
    out_of_scope_use: Text = ""
    users: Text = ""
    factors: Text = ""
    limitations: Text = ""
    training_data: Text = ""
    evaluation_data: Text = ""
    ethical_considerations: Text = ""
    caveats: Text = ""
    contact: Text = ""


class TrainingParameters(Form, frozen=True, kw_only=True):
    """What the training was started with."""

    parameters: dict[str, Any] = {}
    seed: int | str | None = None


class Environment(Form, frozen=True, kw_only=True):
    """What the run ran in: an image by its digest, the digest of a lock file, or every package with its version."""

    image: str = ""
    lock_digest: str = ""
    packages: dict[str, str] = {}
    python: str = ""
    platform: str = ""


class TestResult(Form, frozen=True, kw_only=True):
    """One test, of a category such as robustness or security. A skipped one says nothing."""

    category: Name
    outcome: Literal["passed", "failed", "skipped"]
    name: Annotated[str, msgspec.Meta(max_length=200)] = ""
    blocking: bool = True
    measured: float | None = None
    required: float | str | None = None
    executor: str = ""
    read_by: str = ""


class TestResults(Form, frozen=True, kw_only=True):
    """Results of tests of a model version: told of it, or of the run that read it to test it."""

    results: list[TestResult]
    tool: str = ""
    performed_at: datetime | None = None


class LoadTest(Form, frozen=True, kw_only=True):
    """A load test of a model version. Latencies are in milliseconds, by `p50`, `p95`, `p99`, `max` or others."""

    requests: Count
    latency_ms: dict[str, float | None]
    errors: Count = 0
    requests_per_second: float | None = None
    concurrency: Count | None = None
    duration_s: float | None = None
    environment: str = ""
    performed_at: datetime | None = None


class CanaryMetric(Form, frozen=True, kw_only=True):
    """A metric of both sides of a canary."""

    name: Name
    canary: float | None
    baseline: float | None = None


class Canary(Form, frozen=True, kw_only=True):
    """A trial of a model version on a part (0 to 1) of the traffic, beside what is in production."""

    outcome: Literal["pass", "fail", "aborted", "running"]
    deployment: str = ""
    traffic: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    requests: Count = 0
    errors: Count = 0
    metrics: list[CanaryMetric] = []
    started_at: datetime | None = None
    ended_at: datetime | None = None


class ColumnProfile(Form, frozen=True, kw_only=True):
    """One column: the rows between each two of the ascending `edges`, or the rows of each category.

    The first interval also holds what lies below it, the last what lies above.
    """

    name: Name
    missing: Count = 0
    edges: list[float] | None = None
    counts: list[Count] | None = None
    categories: dict[str, Count] | None = None

    @property
    def problem(self) -> str:
        """What is contradictory in it; empty when nothing is."""
        if (self.edges is None) != (self.counts is None) or (self.edges is None) == (self.categories is None):
            return "has either edges with counts, or categories"
        if self.edges is None or self.counts is None:
            return ""
        if len(self.edges) != len(self.counts) + 1 or len(self.counts) < 2:
            return "has one edge more than counts, and at least two counts"
        if any(low >= high for low, high in zip(self.edges, self.edges[1:], strict=False)):
            return "has edges that do not ascend"
        return ""


class DataProfile(Form, frozen=True, kw_only=True):
    """How the values of a dataset version are distributed."""

    columns: list[ColumnProfile]
    rows: Count | None = None
    period_start: datetime | None = None
    period_end: datetime | None = None


class License(Form, frozen=True, kw_only=True):
    """The licence of a dataset, a model or a job's code as an SPDX expression."""

    expression: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]


class Rollback(Form, frozen=True, kw_only=True):
    """What takes over when the model has to go, other than an earlier version of it."""

    fallback: Annotated[str, msgspec.Meta(min_length=1, max_length=5_000)]
    tested_at: datetime | None = None


class ContractColumn(Form, frozen=True, kw_only=True):
    """A column that is promised; with a type, of that type."""

    name: Name
    type: Annotated[str, msgspec.Meta(max_length=200)] = ""


class ContractAssertion(Form, frozen=True, kw_only=True):
    """An assertion that is promised to hold, by the words in which `dataQualityAssertions` report it."""

    assertion: Name
    column: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class Contract(Form, frozen=True, kw_only=True):
    """What the owner of a dataset promises those who read it. What is observed of the dataset is held against it.

    `noOtherColumns`: it has the columns that are listed and no others. `freshWithinHours`: it is written that often.
    """

    columns: Annotated[list[ContractColumn], msgspec.Meta(max_length=10_000)] = []
    no_other_columns: bool = False
    assertions: Annotated[list[ContractAssertion], msgspec.Meta(max_length=1_000)] = []
    fresh_within_hours: Annotated[float, msgspec.Meta(gt=0)] | None = None
    version: Annotated[str, msgspec.Meta(max_length=200)] = ""
    document: Annotated[str, msgspec.Meta(max_length=2_000)] = ""


class Place(Form, frozen=True, kw_only=True):
    """Where a file or folder lies, as OpenLineage names datasets: a store and a path in it."""

    namespace: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]


class ModelFiles(Form, frozen=True, kw_only=True):
    """Where the files of a model version lie, so that those who only know the place mean this version."""

    places: Annotated[list[Place], msgspec.Meta(max_length=20)]


class Joined(Place, frozen=True, kw_only=True):
    """That something else was said, which a rule takes for this model version: the name that was said, and the rule.

    While people say that the two are not the same, runs count as having read or written what was said.
    """

    rule: Name


class Assertion(Form, frozen=True, kw_only=True):
    """One expectation of the data, as Great Expectations, dbt and others report them."""

    assertion: str
    success: bool
    column: str | None = None
    severity: str | None = None


class Assertions(Form, frozen=True, kw_only=True):
    """Standard facet: expectations of the data and whether they held."""

    assertions: list[Assertion]


class Test(Form, frozen=True, kw_only=True):
    """One test of a run."""

    name: str
    status: str
    severity: str | None = None
    type: str | None = None


class Tests(Form, frozen=True, kw_only=True):
    """Standard facet: tests that the run carried out on what it read."""

    tests: list[Test]


# What a run says of itself.
OF_RUNS: Mapping[str, type[Form]] = MappingProxyType(
    {TRAINING_PARAMETERS: TrainingParameters, ENVIRONMENT: Environment, TEST_RESULTS: TestResults, TEST: Tests}
)
# What is said of a dataset or model, in its facets, inputFacets or outputFacets.
OF_DATASETS: Mapping[str, type[Form]] = MappingProxyType(
    {
        MODEL_METRICS: ModelMetrics,
        MODEL_CARD: ModelCard,
        TEST_RESULTS: TestResults,
        LOAD_TEST: LoadTest,
        CANARY: Canary,
        DATA_PROFILE: DataProfile,
        LICENSE: License,
        ROLLBACK: Rollback,
        CONTRACT: Contract,
        MODEL_FILES: ModelFiles,
        JOINED: Joined,
        ASSERTIONS: Assertions,
    }
)
OF_JOBS: Mapping[str, type[Form]] = MappingProxyType({LICENSE: License})
# Kept as remarks; metrics become observations instead, and joins say what was read or written.
READ_OF_RUNS = frozenset(OF_RUNS)
READ_OF_DATASETS = frozenset(OF_DATASETS) - {MODEL_METRICS, JOINED}
# What is new with every version and therefore no lasting facet of the asset.
OF_ONE_VERSION = frozenset({MODEL_METRICS, TEST_RESULTS, LOAD_TEST, CANARY, DATA_PROFILE, MODEL_FILES, JOINED})
# One of these is in every event that holds one of the facets.
MARKS = (b"assay_", b'"dataQualityAssertions"', b'"test"')


def read(form: type[Read], body: Any) -> Read | None:
    """The facet in its form; None when it is not of that form."""
    try:
        return msgspec.convert(body, form)
    except msgspec.ValidationError:
        return None


def may_hold_one(raw: bytes) -> bool:
    """Whether an event may hold one of these facets. Cheap, and never wrong when it says no."""
    return any(mark in raw for mark in MARKS)


def problems(document: Mapping[str, Any]) -> list[str]:
    """What is wrong in the facets of an event, each with its path."""
    found: list[str] = []
    for path, facets, forms in _places(document):
        for key in facets.keys() & forms.keys():
            if problem := _problem(forms[key], facets[key]):
                found.append(f"{path}.{key} {problem}, and is not read.")
    return sorted(found)


def _places(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], Mapping[str, type[Form]]]]:
    for name, forms in (("run", OF_RUNS), ("job", OF_JOBS), ("dataset", OF_DATASETS)):
        owner = document.get(name)
        if isinstance(owner, dict) and isinstance(owner.get("facets"), dict):
            yield f"{name}.facets", owner["facets"], forms
    for direction in ("inputs", "outputs"):
        for place, dataset in enumerate(document.get(direction) or ()):
            for kind in ("facets", f"{direction[:-1]}Facets"):
                facets = dataset.get(kind) if isinstance(dataset, dict) else None
                if isinstance(facets, dict):
                    yield f"{direction}[{place}].{kind}", facets, OF_DATASETS


def _problem(form: type[Form], body: Any) -> str:
    if isinstance(body, dict) and body.get("_deleted") is True:
        return ""
    try:
        facet = msgspec.convert(body, form)
    except msgspec.ValidationError as error:
        problem, _, where = str(error).partition(" - at `")
        place = where.rstrip("`").removeprefix("$").lstrip(".")
        return f"is not of its form: {problem}{f' at {place}' if place else ''}"
    if isinstance(facet, DataProfile):
        wrong = [f"{column.name} {column.problem}" for column in facet.columns if column.problem]
        return f"is not of its form: column {wrong[0]}" if wrong else ""
    return ""


# One of each of our own, for the documentation; a test holds them against their forms.
EXAMPLES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        MODEL_METRICS: {
            "metrics": [
                {
                    "name": "auc",
                    "value": 0.91,
                    "segment": "young",
                    "sampleSize": 24000,
                    "measuredAt": "2026-03-01T10:00:00Z",
                    "dataset": {"namespace": "s3://bank", "name": "holdout", "version": "7"},
                }
            ]
        },
        MODEL_CARD: {
            "intendedUse": "Ranks applications for loans of up to 10,000 for a clerk who decides.",
            "limitations": ["Not for businesses.", "Not tested on applicants below 21."],
        },
        TRAINING_PARAMETERS: {"parameters": {"max_depth": 6, "eta": 0.1}, "seed": 7},
        ENVIRONMENT: {"image": "registry.example/train@sha256:4f53cda18c2baa0c", "python": "3.12.4"},
        TEST_RESULTS: {
            "results": [
                {"category": "robustness", "name": "noise-5-percent", "outcome": "passed", "measured": 0.012},
                {"category": "security", "name": "model-file-scan", "outcome": "failed", "blocking": True},
            ],
            "tool": "pytest",
            "performedAt": "2026-03-01T11:00:00Z",
        },
        LOAD_TEST: {
            "requests": 100000,
            "errors": 12,
            "latencyMs": {"p50": 20, "p95": 61.5, "p99": 118},
            "requestsPerSecond": 240,
            "environment": "staging",
            "performedAt": "2026-03-01T12:00:00Z",
        },
        CANARY: {
            "outcome": "pass",
            "deployment": "loans-api",
            "traffic": 0.05,
            "requests": 20000,
            "errors": 10,
            "metrics": [{"name": "error_rate", "canary": 0.0005, "baseline": 0.0004}],
            "startedAt": "2026-03-02T00:00:00Z",
            "endedAt": "2026-03-03T06:00:00Z",
        },
        DATA_PROFILE: {
            "rows": 5000,
            "columns": [
                {"name": "age", "edges": [18, 30, 50, 100], "counts": [1200, 2300, 1490], "missing": 10},
                {"name": "sex", "categories": {"f": 2510, "m": 2490}},
            ],
            "periodEnd": "2026-03-01T00:00:00Z",
        },
        LICENSE: {"expression": "CC-BY-4.0"},
        MODEL_FILES: {"places": [{"namespace": "s3://models", "name": "credit-risk/7"}]},
        JOINED: {"rule": "files", "namespace": "s3://models", "name": "credit-risk/7/model.onnx"},
        CONTRACT: {
            "version": "2.1",
            "document": "https://wiki.example/contracts/customers",
            "columns": [{"name": "customer_id", "type": "bigint"}, {"name": "birth_date", "type": "date"}],
            "assertions": [{"assertion": "not_null", "column": "customer_id"}],
            "freshWithinHours": 26,
        },
        ROLLBACK: {"fallback": "The hand-coded rules of the scoring service.", "testedAt": "2026-02-20T09:00:00Z"},
    }
)
