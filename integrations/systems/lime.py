"""LIME: that single answers of a model version were explained, and how well. Never a metric that a gate judges.

What LIME says is said of one person: its conditions hold that person's values. So none of them is kept.
"""

from collections.abc import Iterator
from typing import Any

from integrations.openlineage import Event
from integrations.systems import uploads
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Refused, Scheme, System, Tested
from integrations.systems.uploads import UploadOptions

EXPLANATION = "explanation"


def type_of(message: Message) -> str:
    said = uploads.body(message)
    if said.at("local_exp") or said.at("as_list"):
        return EXPLANATION
    raise Refused("local_exp", "is missing, and so is as_list: this is no explanation of LIME.")


def translate(message: Message, context: Context) -> Iterator[Event]:
    upload = uploads.read(message, context)
    if upload.model is None:
        raise Refused("model", "is missing: say in the connection or with the report of which version it is.")
    at = upload.at or message.received_at
    features = max(
        (sum(1 for _ in one.items()) for _, one in upload.report.entries("local_exp")),
        default=sum(1 for _ in upload.report.items("as_list")),
    )
    told: dict[str, Any] = {"features": features}
    if (score := upload.report.number("score")) is not None:
        told["score"] = score
    job = context.job(f"lime/{upload.model.name}")
    yield uploads.of(upload, job, at=at, facets={"lime_explanation": told})


SYSTEM = System(
    slug="lime",
    title="LIME",
    group=Group.RESPONSIBLE,
    mechanisms=(Mechanism.WEBHOOK, Mechanism.IMPORT),
    tested=Tested.REAL,
    schemes=(Scheme.BEARER, Scheme.STANDARD_WEBHOOKS),
    handled={EXPLANATION: "that an answer was explained, by how many features and how well"},
    brings=frozenset({Fact.JOB, Fact.RUN, Fact.EXPLANATION}),
    setup=(
        "Send each explanation with what it is of:\n\n"
        "```python\n"
        'report = {"local_exp": explanation.local_exp, "score": explanation.score}\n'
        'requests.post("{url}", headers={"Authorization": f"Bearer {key}"}, json={\n'
        '    "model": {"name": "loans", "version": "7"}, "performed_at": now.isoformat(), "report": report})\n'
        "```\n\n"
        "The features' values and weights are of one person, and are not kept in the graph."
    ),
    options=UploadOptions,
    type_of=type_of,
    translate=translate,
    read_files=uploads.read_files(type_of),
)
