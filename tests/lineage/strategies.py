"""Generated events: few names and times, so that everything meets everything."""

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

NAMES = st.sampled_from(["a", "b", "c", "d/é .x"])
TIMES = st.integers(0, 9).map(lambda n: f"2026-03-0{1 + n // 3}T1{n % 3}:00:00Z")
RUN_IDS = st.sampled_from([*(f"0190a0b0-0000-7000-8000-00000000000{n}" for n in range(4)), "manual__2026"])
PRODUCER = "urn:assay:test"


def _facets(**possible: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=dict(possible))


def _input_fields(*transformations: Any) -> st.SearchStrategy[list[dict[str, Any]]]:
    one = st.fixed_dictionaries(
        {"namespace": st.just("n"), "name": NAMES, "field": st.sampled_from(["x", "y.z"])},
        optional={"transformations": st.lists(st.sampled_from(transformations), max_size=2)},
    )
    return st.lists(one, min_size=1, max_size=2)


COLUMN_LINEAGE = st.fixed_dictionaries(
    {
        "fields": st.dictionaries(
            st.sampled_from(["x", "w"]),
            _input_fields(
                {"type": "DIRECT", "subtype": "IDENTITY"},
                {"type": "DIRECT", "subtype": "TRANSFORMATION", "masking": True},
                {"type": "INDIRECT", "subtype": "JOIN", "description": "a = b"},
            ).map(lambda fields: {"inputFields": fields}),
            max_size=2,
        )
    },
    optional={"dataset": _input_fields({"type": "INDIRECT", "subtype": "FILTER"})},
)
DATASET_FACETS = _facets(
    symlinks=st.sampled_from(["b", "d", "f"]).map(
        lambda name: {"identifiers": [{"namespace": "n", "name": name, "type": "TABLE"}]}
    ),
    lifecycleStateChange=st.sampled_from(
        [
            {"lifecycleStateChange": "DROP"},
            {"lifecycleStateChange": "RENAME", "previousIdentifier": {"namespace": "n", "name": "g"}},
        ]
    ),
    columnLineage=COLUMN_LINEAGE,
    version=st.sampled_from(["1", "2"]).map(lambda key: {"datasetVersion": key}),
    datasetType=st.sampled_from([{"datasetType": "MODEL"}, {"datasetType": "TABLE"}, {"_deleted": True}]),
    documentation=st.sampled_from([{"description": "x"}, {"description": "y"}, {"_deleted": True}]),
    tags=st.sampled_from(["pii", "gold"]).map(lambda key: {"tags": [{"key": key, "value": "true"}]}),
    assay_license=st.sampled_from(["MIT", "CC-BY-4.0"]).map(lambda expression: {"expression": expression}),
    assay_modelMetrics=st.lists(
        st.fixed_dictionaries(
            {"name": st.sampled_from(["auc", "f1"]), "value": st.one_of(st.none(), st.floats(0, 1), st.just("high"))},
            optional={
                "measuredAt": TIMES,
                "segment": st.sampled_from(["", "young"]),
                "dataset": st.just({"namespace": "n", "name": "a", "version": "1"}),
            },
        ),
        max_size=2,
    ).map(lambda metrics: {"metrics": metrics}),
)
DATASETS = st.lists(
    st.fixed_dictionaries({"namespace": st.just("n"), "name": NAMES}, optional={"facets": DATASET_FACETS}), max_size=3
)
ENTITIES = st.fixed_dictionaries(
    {"namespace": st.just("n"), "name": NAMES, "type": st.sampled_from(["DATASET", "JOB"])},
    optional={"field": st.just("x")},
)
LINEAGE_FACETS = st.lists(
    st.fixed_dictionaries(
        {"namespace": st.just("n"), "name": NAMES, "type": st.sampled_from(["DATASET", "JOB"])},
        optional={"inputs": st.lists(ENTITIES, max_size=2)},
    ),
    max_size=2,
).map(lambda entries: {"entries": entries})
JOBS = st.fixed_dictionaries(
    {"namespace": st.just("jobs"), "name": NAMES},
    optional={
        "facets": _facets(
            lineage=LINEAGE_FACETS,
            sourceCodeLocation=st.sampled_from(["a1", "b2"]).map(
                lambda sha: {
                    "type": "git",
                    "url": "https://git.example/r",
                    "repoUrl": "https://git.example/r",
                    "version": sha,
                }
            ),
            jobType=st.sampled_from(["BATCH", "SERVICE", "STREAMING"]).map(lambda word: {"processingType": word}),
        )
    },
)
RUNS = st.fixed_dictionaries(
    {"runId": RUN_IDS},
    optional={
        "facets": _facets(
            assay_trainingParameters=st.integers(0, 1).map(lambda seed: {"seed": seed}),
            parent=st.fixed_dictionaries(
                {
                    "run": st.fixed_dictionaries({"runId": RUN_IDS}),
                    "job": st.fixed_dictionaries({"namespace": st.just("jobs"), "name": NAMES}),
                }
            ),
            assay_run=st.sampled_from(["schedule", "ci"]).map(lambda word: {"trigger": word}),
        )
    },
)
RUN_EVENTS = st.fixed_dictionaries(
    {"eventTime": TIMES, "producer": st.just(PRODUCER), "run": RUNS, "job": JOBS},
    optional={
        "eventType": st.sampled_from(["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]),
        "inputs": DATASETS,
        "outputs": DATASETS,
    },
)
JOB_EVENTS = st.fixed_dictionaries(
    {"eventTime": TIMES, "producer": st.just(PRODUCER), "job": JOBS}, optional={"inputs": DATASETS, "outputs": DATASETS}
)
DATASET_EVENTS = st.fixed_dictionaries(
    {
        "eventTime": TIMES,
        "producer": st.just(PRODUCER),
        "dataset": st.fixed_dictionaries(
            {"namespace": st.just("n"), "name": NAMES}, optional={"facets": DATASET_FACETS}
        ),
    }
)
IDENTIFIERS = st.fixed_dictionaries({"namespace": st.just("n"), "name": st.sampled_from(["a", "c", "e"])})
NAMES_EVENTS = st.fixed_dictionaries(
    {
        "eventTime": TIMES,
        "names": st.fixed_dictionaries(
            {
                "family": st.just("dataset"),
                "namespace": st.just("n"),
                "name": NAMES,
                "others": st.lists(IDENTIFIERS, max_size=2),
            },
            optional={"apart": st.lists(IDENTIFIERS, max_size=2)},
        ),
    }
)
EVENTS = st.one_of(RUN_EVENTS, RUN_EVENTS, JOB_EVENTS, DATASET_EVENTS, NAMES_EVENTS)


def told_names(at: str, name: str, other: str) -> dict[str, Any]:
    """A sender says that a dataset has another name."""
    identifiers = [{"namespace": "n", "name": other, "type": "TABLE"}]
    return {
        "eventTime": at,
        "producer": PRODUCER,
        "dataset": {"namespace": "n", "name": name, "facets": {"symlinks": {"identifiers": identifiers}}},
    }


def decided_names(at: str, name: str, others: Iterable[str], apart: Iterable[str]) -> dict[str, Any]:
    """Somebody says of a dataset which others are the same, and which are not."""
    same, not_same = ([{"namespace": "n", "name": one} for one in listed] for listed in (others, apart))
    return {
        "eventTime": at,
        "names": {"family": "dataset", "namespace": "n", "name": name, "others": same, "apart": not_same},
    }


FEW_NAMES = st.sampled_from(["a", "b", "c"])
# What senders tell of three names, and people decide of them.
NAMINGS = st.one_of(
    st.builds(told_names, TIMES, FEW_NAMES, FEW_NAMES),
    st.builds(decided_names, TIMES, FEW_NAMES, st.sets(FEW_NAMES, max_size=1), st.sets(FEW_NAMES, max_size=2)),
)


def told_through_a_join(at: str, run: str, direction: str, name: str, said: str | None) -> dict[str, Any]:
    """A run reads or writes version 1 of a dataset, perhaps because something else was said that was joined to it."""
    facets: dict[str, Any] = {"version": {"datasetVersion": "1"}}
    if said is not None:
        facets["assay_joined"] = {"rule": "files", "namespace": "n", "name": said}
    return {
        "eventTime": at,
        "eventType": "RUNNING",
        "producer": PRODUCER,
        "run": {"runId": run},
        "job": {"namespace": "jobs", "name": "j"},
        direction: [{"namespace": "n", "name": name, "facets": facets}],
    }


# What runs tell through joins of three names, and by themselves, and people decide of them.
JOININGS = st.one_of(
    st.builds(
        told_through_a_join,
        TIMES,
        RUN_IDS,
        st.sampled_from(["inputs", "outputs"]),
        FEW_NAMES,
        st.one_of(st.none(), FEW_NAMES),
    ),
    st.builds(decided_names, TIMES, FEW_NAMES, st.sets(FEW_NAMES, max_size=1), st.sets(FEW_NAMES, max_size=2)),
)
