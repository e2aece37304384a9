"""Fairlearn: a MetricFrame, as its parts or as the table of groups that pandas writes (`orient="split"`)."""

from collections.abc import Iterator
from typing import Any

from integrations.openlineage import Event
from integrations.systems import measures, uploads
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Refused, Scheme, System, Tested
from integrations.systems.reading import Reader
from integrations.systems.uploads import UploadOptions

FRAME, GROUPS = "metric_frame", "groups"
PARTS = ("overall", "by_group", "difference", "ratio")
# Measures of two or more rates at once, which stand beside the parts.
WHOLE = ("demographic_parity", "equalized_odds", "equal_opportunity")


def type_of(message: Message) -> str:
    said = uploads.body(message)
    if said.at("columns") and said.at("index") and said.at("data"):
        return GROUPS
    if any(said.at(part) for part in PARTS):
        return FRAME
    raise Refused("by_group", "is missing: this is no MetricFrame.")


def translate(message: Message, context: Context) -> Iterator[Event]:
    upload = uploads.read(message, context)
    if upload.model is None:
        raise Refused("model", "is missing: say in the connection or with the report of which version it is.")
    at = upload.at or message.received_at
    found = list(_groups(upload.report) if message.type == GROUPS else _frame(upload.report))
    if not any(found):
        raise Refused("by_group", "holds no metric.")
    model = measures.measured(upload.model, found, at=at, on=upload.dataset)
    yield uploads.of(upload, context.job(f"fairlearn/{model.name}"), at=at, model=model)


def _frame(said: Reader) -> Iterator[dict[str, Any] | None]:
    for name, value in said.entries("overall"):
        yield measures.metric(name, value)
    for group, values in said.entries("by_group"):
        for name, value in values.entries():
            yield measures.metric(name, value, group)
    for part in ("difference", "ratio"):
        for name, value in said.entries(part):
            yield measures.metric(f"{name}_{part}", value)
        for name in WHOLE:
            if said.at(f"{name}_{part}"):
                yield measures.metric(f"{name}_{part}", said.at(f"{name}_{part}"))


def _groups(said: Reader) -> Iterator[dict[str, Any] | None]:
    """Several sensitive features make a group of several words."""
    columns = [one.text() for one in said.items("columns")]
    for group, row in zip(said.items("index"), said.items("data"), strict=False):
        words = [one.text() for one in group.items()] or [group.text()]
        for name, value in zip(columns, row.items(), strict=False):
            yield measures.metric(name, value, ", ".join(words))


SYSTEM = System(
    slug="fairlearn",
    title="Fairlearn",
    group=Group.RESPONSIBLE,
    mechanisms=(Mechanism.WEBHOOK, Mechanism.IMPORT),
    tested=Tested.REAL,
    schemes=(Scheme.BEARER, Scheme.STANDARD_WEBHOOKS),
    handled={
        FRAME: "metrics of the model, of each group, their differences and ratios",
        GROUPS: "metrics of the model of each group",
    },
    brings=frozenset({Fact.JOB, Fact.RUN, Fact.KPI, Fact.CHECK}),
    setup=(
        "Fairlearn writes no files, so send its MetricFrame with what it is of:\n\n"
        "```python\n"
        "report = {\n"
        '    "overall": frame.overall.to_dict(), "by_group": frame.by_group.to_dict("index"),\n'
        '    "difference": frame.difference().to_dict(), "ratio": frame.ratio().to_dict(),\n'
        '    "demographic_parity_difference": demographic_parity_difference(y, p, sensitive_features=groups)}\n'
        'requests.post("{url}", headers={"Authorization": f"Bearer {key}"}, json={\n'
        '    "model": {"name": "loans", "version": "7"}, "performed_at": now.isoformat(), "report": report})\n'
        "```\n\n"
        '`frame.by_group.to_json(orient="split")` is read as well. A rule `kpi` then judges `accuracy` of the segment '
        "`F`, or `accuracy_difference`. For judgement by intervals give the rows themselves to the check `fairness`."
    ),
    options=UploadOptions,
    type_of=type_of,
    translate=translate,
    read_files=uploads.read_files(type_of),
)
