"""Privacy attestations: by which method people in the data are protected, with which budget, and who approved it.

Tools such as PySyft, OpenDP or Opacus keep this to themselves, so it is sent in a form of our own.
"""

from collections.abc import Iterator
from typing import Any

from integrations.openlineage import Event
from integrations.systems import measures, uploads
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Refused, Scheme, System, Tested
from integrations.systems.reading import Reader
from integrations.systems.uploads import UploadOptions

ATTESTATION = "attestation"
METHODS = {
    "dp": "differential privacy",
    "k-anonymity": "k-anonymity",
    "federated": "federated learning",
    "remote-execution": "remote execution",
}
# What each method cannot be without.
NEEDED = {"dp": "epsilon", "k-anonymity": "k"}
BUDGETS = {"epsilon": "privacy_epsilon", "delta": "privacy_delta", "k": "privacy_k"}


def type_of(message: Message) -> str:
    if uploads.body(message).text("method"):
        return ATTESTATION
    raise Refused("method", f"is missing: one of {', '.join(METHODS)}.")


def translate(message: Message, context: Context) -> Iterator[Event]:
    upload = uploads.read(message, context)
    said = upload.report
    if upload.model is None and upload.dataset is None:
        raise Refused("model", "is missing, and so is dataset: an attestation is of one of them.")
    method = said.need("method").lower()
    if method not in METHODS:
        raise Refused("method", f"is none of {', '.join(METHODS)}.")
    values = {key: _budget(said, key) for key in BUDGETS if said.at(key)}
    if (needed := NEEDED.get(method)) and needed not in values:
        raise Refused(needed, f"is missing: {METHODS[method]} is nothing without it.")
    approved_at = said.time("approved_at")
    at = upload.at or approved_at or message.received_at
    # What nobody approved was only said.
    is_approved = bool(said.text("approver")) and approved_at is not None
    result: dict[str, Any] = {
        "category": "data.privacy",
        "name": METHODS[method],
        "outcome": "passed" if is_approved else "skipped",
        "executor": "manual",
    }
    told = {
        "results": [result],
        "tool": f"{said.text('tool')} {said.text('tool_version')}".strip(),
    }
    model, dataset = upload.model, upload.dataset
    if model is not None:
        found = [measures.metric(BUDGETS[key], Reader(value)) for key, value in values.items()]
        model = measures.measured(model, found, at=at, on=dataset)
        model = model.saying(assay_testResults=told)
    elif dataset is not None:
        dataset = dataset.saying(assay_testResults=told)
    attested: dict[str, Any] = {"method": method, **values}
    attested |= {key: text for key in ("code_hash", "document") if (text := said.text(key)[:500])}
    named = model or dataset
    job = context.job(f"privacy/{named.name}" if named else "privacy")
    facets = {"privacy_attestation": attested}
    yield uploads.of(upload, job, at=at, model=model, dataset=dataset, facets=facets)


def _budget(said: Reader, key: str) -> float:
    value = said.number(key)
    if value is None or value < 0 or (key == "delta" and value > 1):
        raise Refused(key, "is not a number from 0 to 1." if key == "delta" else "is not a number of 0 or more.")
    return value


SYSTEM = System(
    slug="privacy",
    title="Privacy attestations",
    group=Group.RESPONSIBLE,
    mechanisms=(Mechanism.WEBHOOK, Mechanism.IMPORT),
    tested=Tested.REPLAY,
    schemes=(Scheme.BEARER, Scheme.STANDARD_WEBHOOKS),
    handled={ATTESTATION: "the method and budget by which people in the data are protected, and that it was approved"},
    brings=frozenset({Fact.JOB, Fact.RUN, Fact.PRIVACY, Fact.CHECK, Fact.KPI}),
    setup=(
        "PySyft, OpenDP, Opacus and their like send nothing, so send from CI, or by hand, what they were run with:\n\n"
        "```json\n"
        '{"model": {"name": "loans", "version": "7"}, "report": {"tool": "Opacus", "tool_version": "1.5.4",\n'
        ' "method": "dp", "epsilon": 1.0, "delta": 1e-6, "approver": "data-protection-officer",\n'
        ' "approved_at": "2026-03-01T10:00:00Z", "code_hash": "sha256:…", "document": "https://docs.example/dpia"}}\n'
        "```\n\n"
        "`method` is one of `dp` (needs `epsilon`), `k-anonymity` (needs `k`), `federated` and `remote-execution`; "
        "instead of a model a `dataset` may be named. A rule `kpi` then judges `privacy_epsilon`. Without approver and "
        "time the attestation is shown and counts as no result."
    ),
    options=UploadOptions,
    type_of=type_of,
    translate=translate,
    read_files=uploads.read_files(type_of),
)
