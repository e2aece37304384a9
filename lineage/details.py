"""What senders say of a run beyond its inputs and outputs, reduced to small documents of one vocabulary. Pure.

How it was started and where, results of tests, stages of a deployment, alerts, monitors, the commit's review, a verdict
of another gate, a drill, its tags. Our own facets (`assay_…`) say it in full; of OpenLineage's standard facets, and of
Airflow's, what they say of it is taken. Whatever is missing or of another form is left out: it is then not known.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any

from lineage import events, identity
from lineage.identity import Family

MAX_CHARS = 200
MAX_ENTRIES = 200
TRIGGERS = frozenset({"schedule", "event", "ci", "manual"})
ENVIRONMENTS = frozenset({"dev", "staging", "production"})
# What Airflow calls the ways in which a DAG run began.
AIRFLOW_TRIGGERS = {
    "scheduled": "schedule",
    "dataset_triggered": "event",
    "asset_triggered": "event",
    "asset_materialization": "event",
    "backfill": "manual",
    "manual": "manual",
}
# Names of assertions that look at a dataset's form; all others look at its values.
SCHEMA_WORDS = ("schema", "column_type", "columns", "data_type", "dtype")


class Detail(StrEnum):
    """What a document is about."""

    EXECUTION = "execution"
    TESTS = "tests"
    DATA_CHECKS = "data_checks"
    DEPLOYMENT = "deployment"
    SAMPLES = "samples"
    ALERTS = "alerts"
    MONITORS = "monitors"
    COMMIT = "commit"
    PROMOTION = "promotion"
    RELAY = "relay"
    DRILL = "drill"
    REGISTRY = "registry"
    TAGS = "tags"


Document = dict[str, Any]


def of(facets: Document, datasets: Iterable[Document]) -> Iterator[tuple[Detail, Document]]:
    """The documents of one run event, given its run facets and its inputs and outputs. Most events have none."""
    results = [*_tests(facets.get("assay_testResults")), *_standard_tests(facets.get("test"))] if facets else []
    checked: list[Document] = []
    registered: list[Document] = []
    if facets:
        yield from _of_run(facets)
    for dataset in datasets:
        sets = [one for key in ("inputFacets", "outputFacets", "facets") if isinstance(one := dataset.get(key), dict)]
        for facet in (one["dataQualityAssertions"] for one in sets if "dataQualityAssertions" in one):
            checked += _assertions(dataset, _list(facet, "assertions"))
        for facet in (one["lifecycleStateChange"] for one in sets if "lifecycleStateChange" in one):
            registered += _registration(dataset, facet)
        for one in sets:
            results += _tests(one.get("assay_testResults"))
            if "assay_loadTest" in one:
                results.append({"category": "serving.load", "passed": True, "automated": True, "blocking": False})
            if _time(_object(one.get("assay_rollback")).get("testedAt")):
                yield Detail.DRILL, {"rule": "rollback", "passed": True}
    if results:
        yield Detail.TESTS, {"results": results[:MAX_ENTRIES]}
    if checked:
        yield Detail.DATA_CHECKS, {"results": checked[:MAX_ENTRIES]}
    if registered:
        yield Detail.REGISTRY, {"versions": registered[:MAX_ENTRIES]}


def _of_run(facets: Document) -> Iterator[tuple[Detail, Document]]:
    if execution := _execution(facets):
        yield Detail.EXECUTION, execution
    for detail, facet, read in (
        (Detail.DEPLOYMENT, "assay_deployment", _deployment),
        (Detail.SAMPLES, "assay_decisionSamples", _samples),
        (Detail.ALERTS, "assay_alerts", _alerts),
        (Detail.MONITORS, "assay_monitors", _monitors),
        (Detail.COMMIT, "assay_commit", _commit),
        (Detail.PROMOTION, "assay_promotion", _promotion),
        (Detail.RELAY, "assay_relay", _relay),
        (Detail.DRILL, "assay_drill", _drill),
        (Detail.TAGS, "tags", _tags),
    ):
        if isinstance(said := facets.get(facet), dict) and (document := read(said)):
            yield detail, document


def _execution(facets: Document) -> Document:
    said = _object(facets.get("assay_run"))
    actor = _object(said.get("actor"))
    built = _object(facets.get("assay_environment"))
    parameters = facets.get("assay_trainingParameters") or facets.get("executionParameters")
    found = {
        "trigger": _one_of(said.get("trigger"), TRIGGERS) or _airflow(facets),
        "alert": _text(said.get("alert")),
        "environment": _one_of(said.get("environment"), ENVIRONMENTS),
        "image": _text(said.get("image")) or _text(built.get("image")) or _text(built.get("lockDigest")),
        "actor": _text(actor.get("name")),
        "actor_kind": _one_of(actor.get("kind"), {"person", "service"}),
        "actor_role": _text(actor.get("role")),
        "trials": _count(said.get("trials")),
        "parameters": True if _object(parameters).get("parameters") else None,
    }
    return {key: value for key, value in found.items() if value is not None}


def _airflow(facets: Document) -> str | None:
    for facet in ("airflowDagRun", "airflow"):
        run = _object(_object(facets.get(facet)).get("dagRun"))
        if isinstance(word := run.get("run_type"), str):
            return AIRFLOW_TRIGGERS.get(word.lower())
    return None


def _tests(facet: Any) -> Iterator[Document]:
    for entry in _list(facet, "results"):
        category = _text(entry.get("category"))
        outcome = _one_of(entry.get("outcome"), {"passed", "failed"})
        if category and outcome:
            yield _without_none(
                {
                    "category": category,
                    "passed": outcome == "passed",
                    "automated": entry.get("executor") == "automated",
                    "blocking": entry.get("blocking") is not False,
                    "read_by": _text(entry.get("readBy")),
                }
            )


def _standard_tests(facet: Any) -> Iterator[Document]:
    """OpenLineage's own facet: its `type` is the category, and only a machine sends it."""
    for entry in _list(facet, "tests"):
        category, status = _text(entry.get("type")), entry.get("status")
        if category and status in {"pass", "fail"}:
            yield {
                "category": category,
                "passed": status == "pass",
                "automated": True,
                "blocking": entry.get("severity") == "error",
            }


def _assertions(dataset: Document, entries: Iterable[Document]) -> Iterator[Document]:
    """One result for the form of the dataset and one for its values, as far as they were looked at."""
    by_kind: dict[str, list[Document]] = {}
    for entry in entries:
        name = entry.get("assertion")
        if isinstance(name, str) and isinstance(entry.get("success"), bool):
            kind = "schema" if any(word in name.lower() for word in SCHEMA_WORDS) else "values"
            by_kind.setdefault(kind, []).append(entry)
    asset = identity.asset(Family.DATASET, dataset["namespace"], dataset["name"])
    key = _version_key(dataset)
    for kind, found in sorted(by_kind.items()):
        failed = [entry for entry in found if not entry["success"]]
        yield _without_none(
            {
                "asset": str(asset),
                "version": str(identity.version(asset, key)) if key else None,
                "kind": kind,
                "passed": not failed,
                "can_block": any(_blocks(entry) for entry in found),
                "blocks": any(_blocks(entry) for entry in failed),
            }
        )


def _blocks(assertion: Document) -> bool:
    """Whether its failure stops the pipeline: so unless its severity says that it only warns."""
    return bool(assertion.get("severity", "error") == "error")


def _registration(dataset: Document, facet: Any) -> Iterator[Document]:
    """That the registry holds a version, or dropped it."""
    change, key = _object(facet).get("lifecycleStateChange"), _version_key(dataset)
    if isinstance(change, str) and key:
        asset = identity.asset(Family.DATASET, dataset["namespace"], dataset["name"])
        yield {
            "asset": str(asset),
            "version": str(identity.version(asset, key)),
            "is_dropped": change.upper() in {"DROP", "TRUNCATE"},
        }


def _deployment(said: Document) -> Document:
    return _without_none(
        {
            "kind": _one_of(said.get("kind"), {"online", "batch", "edge"}),
            "stage": _one_of(said.get("stage"), {"shadow", "canary", "ab", "full"}),
            "environment": _one_of(said.get("environment"), ENVIRONMENTS),
            "rollback": said.get("rollback") is True or None,
        }
    )


def _samples(said: Document) -> Document:
    count = _count(said.get("count"))
    # Only that there are samples: the number changes with every event and would make each a document of its own.
    return {"has_samples": True} if count else {}


def _alerts(said: Document) -> Document:
    found = [
        _without_none(
            {
                "id": name,
                "kind": _text(entry.get("kind")),
                "severity": _one_of(entry.get("severity"), {"info", "warning", "critical"}),
                "opened_at": _time(entry.get("openedAt")),
                "closed_at": _time(entry.get("closedAt")),
                "is_false": entry.get("closedAs") == "false_alarm" or None,
                "limit": _limit(entry.get("limit")),
                "answered_at": _time(_object(entry.get("answer")).get("at")),
                "answer": _one_of(_object(entry.get("answer")).get("kind"), {"run", "rollback", "decision"}),
            }
        )
        for entry in _list(said, "alerts")
        if (name := _text(entry.get("id")))
    ]
    return {"alerts": found} if found else {}


def _limit(said: object) -> str | None:
    """At which an alert is raised: a number, or an expression as the sender writes it."""
    if isinstance(said, int | float) and not isinstance(said, bool):
        return f"{said:g}"
    return _text(said)


def _monitors(said: Document) -> Document:
    found = [
        {"kind": kind, "has_limit": entry.get("hasLimit") is True, "has_recipient": entry.get("hasRecipient") is True}
        | ({"limit": limit} if (limit := _limit(entry.get("limit"))) else {})
        for entry in _list(said, "monitors")
        if (kind := _text(entry.get("kind")))
    ]
    return {"monitors": found} if found else {}


def _commit(said: Document) -> Document:
    reviewers = said.get("reviewers")
    return _without_none(
        {
            "is_on_default_branch": value if isinstance(value := said.get("onDefaultBranch"), bool) else None,
            "author": _text(said.get("author")),
            "reviewers": [name for one in reviewers[:MAX_ENTRIES] if (name := _text(one))]
            if isinstance(reviewers, list)
            else None,
            "merged_at": _time(said.get("mergedAt")),
        }
    )


def _promotion(said: Document) -> Document:
    """A verdict of another gate, with the rules that it evaluated."""
    state = _one_of(said.get("state"), {"passed", "blocked", "overridden"})
    if state is None:
        return {}
    rules = [
        _without_none(
            {
                "check": check,
                "outcome": _one_of(entry.get("outcome"), {"pass", "fail", "unknown"}),
                "is_blocking": entry.get("blocking") is True,
                "metric": _text(entry.get("metric")),
                "segment": _text(entry.get("segment")),
                "has_limit": entry.get("hasLimit") is True,
                "is_compared": entry.get("comparedOnSameData") is True,
            }
        )
        for entry in _list(said, "rules")
        if (check := _text(entry.get("check")))
    ]
    approvals = said.get("approvedBy")
    return _without_none(
        {
            "id": _text(said.get("id")),
            "stage": _text(said.get("stage")),
            "state": state,
            "decided_at": _time(said.get("decidedAt")),
            "decided_by": _one_of(said.get("decidedBy"), {"policy", "person"}),
            "requested_by": _text(said.get("requestedBy")),
            "approved_by": [name for one in approvals[:MAX_ENTRIES] if (name := _text(one))]
            if isinstance(approvals, list)
            else [],
            "rules": rules,
        }
    )


def _relay(said: Document) -> Document:
    return _without_none({"received_at": _time(said.get("receivedAt"))})


def _drill(said: Document) -> Document:
    rule, passed = _text(said.get("rule")), said.get("passed")
    if rule is None or not isinstance(passed, bool):
        return {}
    return _without_none({"rule": rule, "passed": passed, "minutes": _count(said.get("minutes"))})


def _tags(said: Document) -> Document:
    """Of a run the value `false` says as much as any other: it is not asked whether the tag holds."""
    found = [
        {"key": key, "value": _word(entry.get("value")), "source": _text(entry.get("source")) or ""}
        for entry in _list(said, "tags")
        if (key := _text(entry.get("key")))
    ]
    return {"tags": found}


def _version_key(dataset: Document) -> str | None:
    key = _object(_object(dataset.get("facets")).get("version")).get("datasetVersion")
    return str(key) if isinstance(key, (str, int)) and str(key) else None


def _object(value: Any) -> Document:
    return value if isinstance(value, dict) else {}


def _list(value: Any, key: str) -> list[Document]:
    listed = _object(value).get(key)
    return [entry for entry in listed[:MAX_ENTRIES] if isinstance(entry, dict)] if isinstance(listed, list) else []


def _text(value: Any) -> str | None:
    return value[:MAX_CHARS] if isinstance(value, str) and value else None


def _word(value: Any) -> str:
    """The value of a tag, which some clients send as JSON's own true, false or number."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)[:MAX_CHARS] if isinstance(value, (str, int, float)) else ""


def _one_of(value: Any, words: Iterable[str]) -> str | None:
    return value if isinstance(value, str) and value in words else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None


def _time(value: Any) -> str | None:
    """A time in one spelling, so that SQL can read it; None when it is none."""
    if not isinstance(value, str):
        return None
    try:
        return events.parse_time(value).isoformat()
    except events.BadEvent:
        return None


def _without_none(document: Document) -> Document:
    return {key: value for key, value in document.items() if value is not None}
