"""Evidently: reports and test suites, in the form since 0.7 and in both forms before it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from integrations.openlineage import Event
from integrations.systems import uploads
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Refused, Scheme, System, Tested
from integrations.systems.reading import Reader
from integrations.systems.uploads import UploadOptions

REPORT, LEGACY_REPORT, LEGACY_SUITE = "report", "legacy_report", "legacy_test_suite"
# A warning is a failure that stops nothing. A test that could not be made says nothing.
OUTCOMES = {"SUCCESS": "passed", "FAIL": "failed", "WARNING": "failed", "ERROR": "skipped", "SKIPPED": "skipped"}
DRIFT = re.compile(r"drift", re.I)
MOST = 500
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def type_of(message: Message) -> str:
    said = uploads.body(message)
    is_legacy = bool(said.text("timestamp")) and bool(said.text("version"))
    if said.at("metrics"):
        return LEGACY_REPORT if is_legacy else REPORT
    if said.at("tests"):
        return LEGACY_SUITE if is_legacy else REPORT
    raise Refused("metrics", "is missing: this is no report of Evidently.")


def translate(message: Message, context: Context) -> Iterator[Event]:
    upload = uploads.read(message, context)
    said = upload.report
    # Since 0.7 a report no longer says when it was made.
    at = upload.at or said.time("timestamp") or message.received_at
    if message.type == LEGACY_REPORT:
        metrics, results = list(_legacy_metrics(said)), []
    elif message.type == LEGACY_SUITE:
        metrics, results = [], [_result(one, _column(one.at("parameters"))) for one in said.items("tests")]
    else:
        metrics = list(_metrics(said))
        results = [_result(one, _column(one.at("metric_config", "params"))) for one in said.items("tests")]
    model, dataset = upload.model, upload.dataset
    if model is None and dataset is None:
        raise Refused("model", "is missing, and so is dataset: say in the connection or with the report what it is of.")
    named = model or dataset
    facets: dict[str, Mapping[str, Any]] = {}
    if results:
        told = {"results": results[:MOST], "tool": "Evidently", "performedAt": at.isoformat()}
        facets["assay_testResults"] = told
    measured = {"metrics": [{**one, "measuredAt": at.isoformat()} for one in metrics][:MOST]}
    if metrics and model is not None:
        model = model.saying(assay_modelMetrics=measured)
    job = context.job(f"evidently/{named.name}" if named else "evidently")
    if drifts := [one for one in results if one["category"] == "drift" and one["outcome"] != "skipped"]:
        facets["assay_monitors"] = {"monitors": [{"kind": "input_data", "hasLimit": True}]}
        is_open = any(one["outcome"] == "failed" for one in drifts)
        alert = {"id": f"{job.name}/drift", "kind": "input_data", "severity": "warning"}
        # A later report without drift ends the alert that an earlier one opened.
        facets["assay_alerts"] = {"alerts": [alert | {"openedAt" if is_open else "closedAt": at.isoformat()}]}
    yield uploads.of(upload, job, at=at, model=model, dataset=dataset, facets=facets)


def _metrics(said: Reader) -> Iterator[dict[str, Any]]:
    for one in said.items("metrics"):
        config = one.at("config")
        kind = config.text("type").rpartition(":")[2] or one.text("metric_name").partition("(")[0]
        yield from _values(_snake(kind), one.at("value"), _column(config))


def _legacy_metrics(said: Reader) -> Iterator[dict[str, Any]]:
    for one in said.items("metrics"):
        kind, result = _snake(one.text("metric")), one.at("result")
        # Quality metrics hold those of the current data beside those of the reference.
        current = result.at("current")
        if isinstance(current.value, dict):
            for name, value in current.entries():
                yield from _values(name, value, "")
        for name, value in result.entries():
            if value.number() is not None:
                yield from _values(f"{kind}.{name}", value, "")


def _values(name: str, value: Reader, column: str) -> Iterator[dict[str, Any]]:
    """A number, or an object of numbers. `column`: it is of this one alone."""
    full = f"{name}.{column}" if column else name
    if isinstance(value.value, dict):
        for part, one in value.entries():
            if (number := one.number()) is not None and len(full) + len(part) < 200:
                yield {"name": f"{full}.{part}", "value": number}
    elif isinstance(value.value, int | float) and not isinstance(value.value, bool) and 0 < len(full) <= 200:
        yield {"name": full, "value": value.number()}


def _result(one: Reader, column: str) -> dict[str, Any]:
    name = one.text("name") or one.text("id") or "test"
    is_drift = bool(DRIFT.search(f"{one.text('group')} {one.text('id')} {name}"))
    status = one.text("status").rpartition(".")[2].upper()
    told: dict[str, Any] = {
        "category": "drift" if is_drift else "data.values" if column else "model.quality",
        "name": (name if not column or column in name else f"{name}: {column}")[:200],
        "outcome": OUTCOMES.get(status, "skipped"),
        "executor": "automated",
    }
    if status == "WARNING" or one.flag("test_config", "is_critical") is False:
        told["blocking"] = False
    return told


def _column(said: Reader) -> str:
    return said.text("column") or said.text("column_name")


def _snake(word: str) -> str:
    return _WORD.sub("_", word).lower()


SYSTEM = System(
    slug="evidently",
    title="Evidently",
    group=Group.MONITORING,
    mechanisms=(Mechanism.WEBHOOK, Mechanism.IMPORT),
    tested=Tested.REAL,
    schemes=(Scheme.BEARER, Scheme.STANDARD_WEBHOOKS),
    handled={
        REPORT: "metrics of the model, results of tests, and whether data drifted",
        LEGACY_REPORT: "metrics of the model, from a report before 0.7",
        LEGACY_SUITE: "results of tests and whether data drifted, from a suite before 0.7",
    },
    brings=frozenset({Fact.JOB, Fact.RUN, Fact.KPI, Fact.CHECK, Fact.ALERT}),
    setup=(
        "Send each report with what it is of; since 0.7 the report itself says neither model nor time:\n\n"
        "```python\n"
        "report = Report([...], include_tests=True).run(current, reference)\n"
        'requests.post("{url}", headers={"Authorization": f"Bearer {key}"}, json={\n'
        '    "model": {"name": "loans", "version": "7"}, "dataset": {"uri": "s3://bank/today"},\n'
        '    "performed_at": now.isoformat(), "report": json.loads(report.json())})\n'
        "```\n\n"
        "or import files: `manage.py import_from evidently reports/`. Metrics are called as in Evidently, in small "
        "letters (`roc_auc`, `value_drift.amount`). A value of drift is a p-value or a distance, whichever method "
        "was chosen: judge it by the test, not by the number."
    ),
    options=UploadOptions,
    type_of=type_of,
    translate=translate,
    read_files=uploads.read_files(type_of),
)
