"""Whether a cluster may serve what it was asked to: Kubernetes' AdmissionReview of version 1, read and answered. Pure.

An object's models are read as its status is later, so that what was let in is what is found to be live. Taking away is
always allowed, and so is every change that leaves the models as they are: else nobody could scale, mend or take back
what once was let in.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from integrations.openlineage import Dataset
from integrations.systems import kserve, kubernetes, seldon
from integrations.systems.base import Context, Message, Refused
from integrations.systems.kubernetes import Change
from integrations.systems.reading import Reader

VERSION = "admission.k8s.io/v1"
PRODUCTION = "production"
READERS: Mapping[str, Callable[[Change, Context], list[Dataset]]] = {
    "InferenceService": kserve.models,
    "SeldonDeployment": seldon.models,
    "Model": seldon.models,
}
MAX_MESSAGE_CHARS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A model version that is to be served."""

    namespace: str
    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the cluster asks. `models`: to be judged; `unknown`: files that are of no model version that is known.

    `is_free`: nothing new is to be served, so there is nothing to judge.
    """

    uid: str
    object: str
    stage: str
    models: Sequence[Served] = ()
    unknown: Sequence[str] = ()
    is_free: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer. `message`: why not; `warnings`: shown to who asked, though it is allowed."""

    allowed: bool
    message: str = ""
    warnings: Sequence[str] = ()


def read(document: Any, message: Message, context: Context) -> Asked:
    """What is asked. Raises Refused when this is no AdmissionReview of version 1."""
    said = Reader(document)
    if said.text("kind") != "AdmissionReview" or said.text("apiVersion") != VERSION:
        raise Refused("apiVersion", f"is not that of an AdmissionReview, {VERSION}.")
    request = said.at("request")
    uid = request.need("uid")
    kind = request.text("kind", "kind") or request.text("object", "kind")
    name = f"{request.text('namespace') or 'default'}/{request.text('name')}"
    object, before = request.at("object"), request.at("oldObject")
    if request.text("operation") not in {"CREATE", "UPDATE"} or object.at("metadata", "deletionTimestamp"):
        return Asked(uid=uid, object=name, stage="", is_free=True)
    if kind not in READERS:
        raise Refused("request.kind.kind", f"is {kind or 'missing'}, which is not known to serve models.")
    change = Change(object=object, is_gone=False, at=message.received_at)
    stage = kubernetes.environment(change, context) or PRODUCTION
    asked = READERS[kind](change, context)
    if before and isinstance(before.value, dict):
        was = Change(object=before, is_gone=False, at=message.received_at)
        stage_then = kubernetes.environment(was, context) or PRODUCTION
        if asked and asked == READERS[kind](was, context) and stage == stage_then:
            return Asked(uid=uid, object=name, stage=stage, is_free=True)
    models = [found for one in asked if (found := _served(one)) is not None]
    unknown = [f"{one.namespace}/{one.name}" for one in asked if _served(one) is None]
    return Asked(uid=uid, object=name, stage=stage, models=models, unknown=unknown)


def _served(dataset: Dataset) -> Served | None:
    """The model version; None when it is files of nobody knows what, or a model without its version."""
    version = dataset.facets.get("version", {}).get("datasetVersion")
    is_model = dataset.facets.get("datasetType", {}).get("datasetType") == "MODEL"
    return (
        Served(namespace=dataset.namespace, name=dataset.name, version=str(version)) if is_model and version else None
    )


def decide(
    asked: Asked,
    *,
    let_in: Callable[[Served, str], bool],
    is_guarded: Callable[[Served, str], bool],
    admit_unknown: bool,
    blocked_as: Callable[[Served, str], str] = lambda served, stage: "",
) -> Decision:
    """Allowed when everything new was let into the stage by a verdict, or no policy asks for one.

    What cannot be judged is refused, unless the connection says otherwise. `blocked_as`: the other name by which it was
    blocked, if it was.
    """
    if asked.is_free:
        return Decision(allowed=True)
    refused: list[str] = []
    warnings: list[str] = []
    for one in asked.models:
        words = f"{one.name} {one.version}"
        if let_in(one, asked.stage):
            continue
        if other := blocked_as(one, asked.stage):
            refused.append(f"{words} was blocked for {asked.stage} as {other}")
        elif is_guarded(one, asked.stage):
            refused.append(f"{words} was not let into {asked.stage}: ask for its promotion first")
        else:
            warnings.append(f"No policy says what {words} must meet to enter {asked.stage}.")
    doubts = [f"nobody knows which model version lies at {place}" for place in asked.unknown]
    if not asked.models and not asked.unknown:
        doubts = ["it names no model version: set the annotations assay.model and assay.version"]
    if admit_unknown:
        warnings += [f"{doubt[0].upper()}{doubt[1:]}." for doubt in doubts]
    else:
        refused += doubts
    message = "; ".join(refused)
    return Decision(
        allowed=not refused, message=f"{message[0].upper()}{message[1:]}." if message else "", warnings=tuple(warnings)
    )


def answer(uid: str, decision: Decision) -> dict[str, Any]:
    """The AdmissionReview that answers."""
    response: dict[str, Any] = {"uid": uid, "allowed": decision.allowed}
    if decision.message:
        response["status"] = {"code": 403, "message": decision.message[:MAX_MESSAGE_CHARS]}
    if decision.warnings:
        # Kubernetes cuts warnings off at 256 characters each.
        response["warnings"] = [warning[:256] for warning in decision.warnings]
    return {"apiVersion": VERSION, "kind": "AdmissionReview", "response": response}
