"""SHAP: how much each feature moves the answers of a model version. Rows of people are dropped."""

import math
from collections.abc import Iterator
from typing import Any

from integrations.openlineage import Event
from integrations.systems import measures, uploads
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Refused, Scheme, System, Tested
from integrations.systems.reading import Reader
from integrations.systems.uploads import UploadOptions

EXPLANATION = "explanation"
SIZE, SHARE = "mean_abs_shap", "shap_share"


def type_of(message: Message) -> str:
    said = uploads.body(message)
    if isinstance(said.at(SIZE).value, dict):
        return EXPLANATION
    raise Refused(SIZE, "is missing: send the mean size of each feature's values.")


def translate(message: Message, context: Context) -> Iterator[Event]:
    upload = uploads.read(message, context)
    if upload.model is None:
        raise Refused("model", "is missing: say in the connection or with the report of which version it is.")
    at = upload.at or message.received_at
    found = list(_features(upload.report))
    if not found:
        raise Refused(SIZE, "holds no number that is 0 or larger.")
    size = upload.report.count("sample_size")
    told = [one | {"sampleSize": size} if size is not None else one for one in found]
    model = measures.measured(upload.model, told, at=at, on=upload.dataset)
    yield uploads.of(upload, context.job(f"shap/{model.name}"), at=at, model=model)


def _features(said: Reader) -> Iterator[dict[str, Any]]:
    """The mean size of each feature and its share of all; with several classes, of each class."""
    by_class = {name: one for name, one in said.entries(SIZE) if isinstance(one.value, dict)} or {"": said.at(SIZE)}
    for name, sizes in by_class.items():
        values = {
            feature: value
            for feature, one in sizes.entries()
            if feature and (value := one.number()) is not None and value >= 0
        }
        total = math.fsum(values.values())
        for feature, value in values.items():
            segment = f"{name}: {feature}" if name else feature
            told = {"segment": segment[: measures.MAX_CHARS]}
            yield {"name": SIZE, "value": value, **told}
            if 0 < total < math.inf:
                yield {"name": SHARE, "value": value / total, **told}


SYSTEM = System(
    slug="shap_values",
    title="SHAP",
    group=Group.RESPONSIBLE,
    mechanisms=(Mechanism.WEBHOOK, Mechanism.IMPORT),
    tested=Tested.REAL,
    schemes=(Scheme.BEARER, Scheme.STANDARD_WEBHOOKS),
    handled={EXPLANATION: "of each feature the mean size of its values, and its share of all"},
    brings=frozenset({Fact.JOB, Fact.RUN, Fact.EXPLANATION}),
    setup=(
        "SHAP writes no files, so send the means with what they are of:\n\n"
        "```python\n"
        "report = {\n"
        '    "mean_abs_shap": dict(zip(explanation.feature_names, abs(explanation.values).mean(0).tolist())),\n'
        '    "sample_size": len(explanation)}\n'
        'requests.post("{url}", headers={"Authorization": f"Bearer {key}"}, json={\n'
        '    "model": {"name": "loans", "version": "7"}, "performed_at": now.isoformat(), "report": report})\n'
        "```\n\n"
        "With several classes send an object of them. A rule `kpi` then judges `shap_share` of the segment `age`. "
        "The check `explanations` judges more, from the values themselves (see [explanations](../explanations.md))."
    ),
    options=UploadOptions,
    type_of=type_of,
    translate=translate,
    read_files=uploads.read_files(type_of),
)
