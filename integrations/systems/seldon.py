"""Seldon Core, both generations: what is deployed, requests, and what drift and outlier detectors find."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from integrations import openlineage
from integrations.openlineage import Dataset, Event, Job, Type
from integrations.systems import decisions, envelopes, kubernetes, watches
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Refused, Scheme, System, Tested
from integrations.systems.decisions import DECISIONS, Logged, Step
from integrations.systems.kubernetes import Change, KubernetesOptions
from integrations.systems.reading import Reader
from integrations.systems.watches import Alert

INFERENCE = "io.seldon.serving.inference."
REQUEST, RESPONSE, FEEDBACK = INFERENCE + "request", INFERENCE + "response", "io.seldon.serving.feedback"
DRIFT, OUTLIER = INFERENCE + "drift", INFERENCE + "outlier"
LOGGED: Mapping[str, Step] = {REQUEST: Step.REQUEST, RESPONSE: Step.ANSWER, FEEDBACK: Step.FEEDBACK}
# Detectors look at up to some hundred columns; of more, as of the pixels of a picture, no list is made.
MAX_FEATURES = 200
FULL = 100


class SeldonOptions(KubernetesOptions, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`features`: names of the columns that detectors look at, in their order, which they do not tell themselves."""

    features: tuple[str, ...] = ()


def translate(message: Message, context: Context) -> Iterator[Event]:
    if message.type in LOGGED:
        yield decisions.of_one(read(message), lambda name: service(name, context))
    elif message.type == DECISIONS:
        yield decisions.of_summary(message, lambda name: service(name, context))
    elif message.type in {DRIFT, OUTLIER}:
        yield _detected(message, context)
    else:
        yield from _OBJECTS(message, context)


def service(name: str, context: Context) -> Job:
    return context.job(name).as_service("SELDON")


# First generation: a deployment has predictors, each with a graph of models and a share of the traffic.


def _of_deployment(change: Change, context: Context) -> Iterator[Event]:
    predictors = list(change.object.items("spec", "predictors"))
    state = change.object.text("status", "state")
    for place, predictor in enumerate(predictors):
        share = _share(place, predictors)
        name = predictor.text("name") or f"predictor {place}"
        models = _of_predictor(change, predictor, context)
        state_now = _state(change, is_ready=state == "Available", is_failed=state == "Failed")
        yield from _Serving(change, context, service(change.name, context), name).events(
            state_now, models, share, reason=state
        )


def _of_predictor(change: Change, predictor: Reader, context: Context) -> list[Dataset]:
    uris = [uri for _, uri in _graph(predictor.at("graph"))]
    return [found for uri in uris or [""] if (found := kubernetes.model(change, uri, context)) is not None]


def models(change: Change, context: Context) -> list[Dataset]:
    """What the specification of either generation asks to be served."""
    if change.kind == "Model":
        found = kubernetes.model(change, change.object.text("spec", "storageUri"), context)
        return [found] if found is not None else []
    predictors = change.object.items("spec", "predictors")
    return [model for predictor in predictors for model in _of_predictor(change, predictor, context)]


def _graph(node: Reader, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Name and files of every model in the graph of a predictor."""
    if uri := node.text("modelUri"):
        yield node.text("name"), uri
    if depth < 20:
        for child in node.items("children"):
            yield from _graph(child, depth + 1)


def _share(place: int, predictors: Sequence[Reader]) -> dict[str, object]:
    """The stage of one of several predictors: the one with most of the traffic is in full service."""
    shares = [one.count("traffic") for one in predictors]
    own = shares[place]
    if predictors[place].flag("shadow"):
        return {"stage": "shadow", "traffic": 0.0}
    if own is None or len(predictors) == 1:
        return {"stage": "full"}
    most = max(share or 0 for share in shares)
    has_equal = sum(share == most for share in shares) > 1
    stage = ("ab" if has_equal else "full") if own == most else "canary"
    return {"stage": stage, "traffic": min(own, FULL) / FULL}


# Second generation: models, pipelines of models, and experiments that split traffic between them.


def _of_model(change: Change, context: Context) -> Iterator[Event]:
    state, reason = _readiness(change, "ModelReady")
    job = service(change.name, context)
    yield from _Serving(change, context, job, "").events(state, models(change, context), {"stage": "full"}, reason)


def _of_pipeline(change: Change, context: Context) -> Iterator[Event]:
    """Its steps are the names of models beside it; which version each serves is known from their own deployments."""
    space = change.name.partition("/")[0]
    steps = [one.text("name") for one in change.object.items("spec", "steps")]
    state, reason = _readiness(change, "PipelineReady")
    job = service(f"{space}/pipeline/{change.object.need('metadata', 'name')}", context)
    yield from _Serving(change, context, job, "").events(
        state, list(_served(steps, space, context)), {"stage": "full", "steps": [one for one in steps if one]}, reason
    )


def _of_experiment(change: Change, context: Context) -> Iterator[Event]:
    space = change.name.partition("/")[0]
    candidates = {one.text("name"): one.number("weight") or 0.0 for one in change.object.items("spec", "candidates")}
    total = sum(weight for weight in candidates.values() if weight > 0)
    shares = {name: round(max(weight, 0.0) / total, 4) for name, weight in candidates.items() if total}
    mirrored = change.object.text("spec", "mirror", "name")
    state, reason = _readiness(change, "ExperimentReady")
    told: dict[str, object] = {"stage": "ab", "shares": shares}
    if mirrored:
        told["mirror"] = mirrored
    job = service(f"{space}/experiment/{change.object.need('metadata', 'name')}", context)
    served = list(_served([*candidates, mirrored], space, context))
    yield from _Serving(change, context, job, "").events(state, served, told, reason)


def _served(names: Sequence[str], space: str, context: Context) -> Iterator[Dataset]:
    for name in dict.fromkeys(name for name in names if name):
        if found := context.served(service(f"{space}/{name}", context)):
            yield found


def _readiness(change: Change, condition: str) -> tuple[Type, str]:
    ready = next((one for one in change.conditions() if one.text("type") == condition), Reader(None))
    is_failed = ready.text("status") == "False" and "fail" in ready.text("reason").lower()
    return _state(change, is_ready=ready.text("status") == "True", is_failed=is_failed), ready.text("reason")


def _state(change: Change, *, is_ready: bool, is_failed: bool) -> Type:
    if change.is_gone:
        return Type.COMPLETE
    return Type.RUNNING if is_ready else Type.FAIL if is_failed else Type.START


class _Serving:
    """Each generation of an object's specification is a run: it ends when the next one is ready."""

    def __init__(self, change: Change, context: Context, job: Job, part: str) -> None:
        self.change, self.context = change, context
        self.job, self.part = kubernetes.with_commit(job, change), part

    def events(
        self, state: Type, models: Sequence[Dataset], told: Mapping[str, object], reason: str = ""
    ) -> Iterator[Event]:
        generation = self.change.object.count("metadata", "generation") or 1
        deployment = {"kind": "online", **told}
        if environment := kubernetes.environment(self.change, self.context):
            deployment["environment"] = environment
        failed = kubernetes.error(self.change, reason) if state is Type.FAIL else {}
        facets = {**kubernetes.parent(self.change), "assay_deployment": deployment, **failed}
        if state is Type.RUNNING and generation > 1:
            run = self._run(generation - 1)
            yield openlineage.of_run(Type.COMPLETE, at=self.change.at, run=run, job=self.job)
        is_told = state in {Type.RUNNING, Type.FAIL}
        yield openlineage.of_run(
            state,
            at=self.change.at,
            run=self._run(generation),
            job=self.job,
            inputs=models if is_told else [],
            facets=facets,
        )

    def _run(self, generation: int) -> str:
        return openlineage.run_id(self.context.namespace, self.change.uid, self.part, f"generation {generation}")


_OBJECTS = kubernetes.translating(
    SeldonDeployment=_of_deployment, Model=_of_model, Pipeline=_of_pipeline, Experiment=_of_experiment
)


# Detectors.


def _detected(message: Message, context: Context) -> Event:
    """How each column, or the whole, stands in the newest batch that a detector looked at."""
    event = next(envelopes.cloud_events(message)) if message.headers.get("ce-type") else None
    said = Reader(message.document)
    found = said.at("data")
    kind = "outlier" if message.type == OUTLIER else "drift"
    name = _service(event.extensions) if event else ""
    detector = said.text("meta", "name") or kind
    job = context.job(f"{name or (event.source if event else '') or 'detector'}.{detector}")
    at = (event.time if event else None) or message.received_at
    about = context.served(service(name, context)) if name else None
    if about is None and event is not None and (model := event.extensions.text("modelid")):
        about = context.model(model)
    watched = list(_columns(found, kind, getattr(context.options, "features", ())))
    if not watched:
        raise Refused(f"data.is_{kind}", "is missing or is neither 0 nor 1.")
    listed = [_alert(f"{job.name}/{what}".rstrip("/"), kind, what, at, *more) for what, *more in watched]
    monitors = {"monitors": [{"kind": "input_data", "hasLimit": True}]}
    facets = {"assay_monitors": monitors}
    return watches.told([one for one in listed if one], job=job, at=at, about=[about] if about else [], facets=facets)


def _alert(id: str, kind: str, what: str, at: datetime, is_bad: object, *numbers: object) -> Alert | None:
    measured, limit = (one if isinstance(one, float) else None for one in numbers)
    closed = None if is_bad else at
    return Alert(id=id, kind=kind, severity="warning", closed_at=closed, measured=measured, limit=limit, about=what)


def _columns(found: Reader, kind: str, names: Sequence[str]) -> Iterator[tuple[str, bool, float | None, float | None]]:
    """What was looked at, whether it is bad, the p-value (or distance) and its limit."""
    limit = found.number("threshold")
    whole = _is_one(found.at(f"is_{kind}").value)
    if whole is not None:
        values = list(found.items("p_val"))
        measured = found.number("p_val")
        yield "", whole, measured, limit
        if kind == "drift" and limit is not None and 1 < len(values) <= MAX_FEATURES:
            for place, one in enumerate(values):
                if (value := one.number()) is not None:
                    yield _feature(place, names), value < limit, value, limit
    elif kind == "drift":
        for place, one in enumerate(found.items("is_drift")):
            if place < MAX_FEATURES and (is_bad := _is_one(one.value)) is not None:
                value = found.at("p_val", place).number() if found.at("p_val", place) else None
                yield _feature(place, names), is_bad, value, limit
    elif flags := [flag for one in found.items("is_outlier") if (flag := _is_one(one.value)) is not None]:
        # One flag for each row; rows are people.
        yield "", any(flags), sum(flags) / len(flags), None


def _feature(place: int, names: Sequence[str]) -> str:
    return names[place] if place < len(names) else f"feature {place}"


def _is_one(value: object) -> bool | None:
    return bool(value) if isinstance(value, int | float) and value in (0, 1) else None


# Requests.


def _service(said: Reader) -> str:
    name = said.text("inferenceservicename")
    return f"{said.text('namespace') or 'default'}/{name}" if name else ""


def read(message: Message) -> Logged:
    """A request, an answer or feedback by its headers alone. Raises Refused."""
    event = next(envelopes.cloud_events(message), None)
    if event is None or event.type not in LOGGED:
        raise Refused("ce-type", "is none of a request, an answer or feedback.")
    if not (name := _service(event.extensions)):
        raise Refused("ce-inferenceservicename", "is missing.")
    if not (id := event.extensions.text("requestid") or event.id):
        raise Refused("ce-requestid", "is missing.")
    return Logged(service=name, id=id, at=event.time or message.received_at, step=LOGGED[event.type])


def type_of(message: Message) -> str:
    logged = message.headers.get("ce-type", "")
    return logged if logged.startswith("io.seldon.serving.") else kubernetes.type_of(message)


def key_of(message: Message) -> str:
    logged = message.headers.get("ce-type", "").startswith("io.seldon.serving.")
    return envelopes.cloud_key(message) if logged else kubernetes.key_of(message)


SYSTEM = System(
    slug="seldon",
    title="Seldon Core",
    group=Group.SERVING,
    mechanisms=(Mechanism.POLL, Mechanism.WEBHOOK, Mechanism.IMPORT),
    tested=Tested.REPLAY,
    schemes=(Scheme.SECRET_PATH, Scheme.BEARER),
    options=SeldonOptions,
    handled={
        "SeldonDeployment": "a deployment of version 1 with its predictors and their share of the traffic",
        "Model": "a deployed model of version 2",
        "Pipeline": "a deployed pipeline of version 2, with the models that it reads",
        "Experiment": "how version 2 splits traffic between models",
        "List": "every such object in it",
        REQUEST: "one decision; the request itself is not read",
        RESPONSE: "one decision; the answer itself is not read",
        FEEDBACK: "that the truth about a decision is known; the truth itself is not read",
        DECISIONS: "how many decisions of a day, and their latency: joined by the id of the request",
        DRIFT: "an alert for each column whose values drift, and its end",
        OUTLIER: "an alert while requests lie outside of what the detector knows, and its end",
    },
    ignored=kubernetes.BOOKMARKS,
    gathered=frozenset(LOGGED),
    gather=decisions.gathering(read),
    brings=frozenset({Fact.DEPLOYMENT, Fact.MODEL_VERSION, Fact.COMMIT, Fact.DECISION, Fact.ALERT}),
    setup=(
        "For deployments give the address of the cluster's API and the token of a service account that may `get`, "
        "`list` and `watch` `models`, `pipelines` and `experiments` of `mlops.seldon.io` (version 2); push them with "
        "Knative's `ApiServerSource`; or import `kubectl get … -o json`, which also reads the `SeldonDeployment` of "
        "version 1.\n\n"
        "For decisions of version 1 set `logger: {mode: all, url: {url}}` in each predictor; bodies are dropped when "
        "they arrive. For drift and outliers let the detector reply to `{url}`. Name its columns in `features`."
        "\n\nTo let the cluster serve only what a verdict has let in, make a `ValidatingWebhookConfiguration` whose "
        "`clientConfig.url` is `{url}/admission`, with `failurePolicy: Fail`, `sideEffects: None`, "
        "`admissionReviewVersions: [v1]`, `timeoutSeconds: 10` and a rule for `seldondeployments` and `models`. "
        "What nobody knows is refused unless `admit_unknown` is set."
    ),
    type_of=type_of,
    key_of=key_of,
    translate=translate,
    read_files=kubernetes.read_files,
    poll=kubernetes.poll(
        *(f"apis/mlops.seldon.io/v1alpha1/{plural}" for plural in ("models", "pipelines", "experiments"))
    ),
)
