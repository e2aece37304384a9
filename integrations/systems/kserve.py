"""KServe: which model version an InferenceService serves, on how much of the traffic, and how many requests it gets."""

from collections.abc import Iterator

from integrations import openlineage
from integrations.openlineage import Dataset, Event, Job, Type
from integrations.systems import decisions, envelopes, kubernetes
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Refused, Scheme, System, Tested
from integrations.systems.decisions import DECISIONS, Logged, Step
from integrations.systems.kubernetes import Change
from integrations.systems.reading import Reader

LOG = "org.kubeflow.serving.inference."
REQUEST, RESPONSE = LOG + "request", LOG + "response"
# What a new revision came to that serves nothing yet.
FAILED = frozenset({"BlockedByFailedLoad", "InvalidSpec"})
FULL = 100
# Of a revision that only begins, or that is over, no model is told: it serves none.
TOLD = frozenset({Type.RUNNING, Type.FAIL, Type.ABORT})


def translate(message: Message, context: Context) -> Iterator[Event]:
    if message.type in {REQUEST, RESPONSE}:
        yield decisions.of_one(read(message), lambda name: service(name, context))
    elif message.type == DECISIONS:
        yield decisions.of_summary(message, lambda name: service(name, context))
    else:
        yield from _OBJECTS(message, context)


def service(name: str, context: Context) -> Job:
    return context.job(name).as_service("KSERVE")


def storage_uri(predictor: Reader) -> str:
    """Where the model's files lie: of `model`, of an older field by the framework's name, or of a container."""
    for _, framework in predictor.entries():
        if uri := framework.text("storageUri"):
            return uri
    for container in predictor.items("containers"):
        for variable in container.items("env"):
            if variable.text("name") == "STORAGE_URI":
                return variable.text("value")
    return ""


def models(change: Change, context: Context) -> list[Dataset]:
    """What the specification asks to be served."""
    found = kubernetes.model(change, storage_uri(change.object.at("spec", "predictor")), context)
    return [found] if found is not None else []


def _of_service(change: Change, context: Context) -> Iterator[Event]:
    """Each revision is a run of the service; without revisions, each generation of its specification is."""
    predictor = change.object.at("status", "components", "predictor")
    served = next(iter(models(change, context)), None)
    if created := predictor.text("latestCreatedRevision") or predictor.text("latestReadyRevision"):
        yield from _Revisions(change, context, served, created).events()
    else:
        yield from _of_generation(change, context, served)


class _Revisions:
    """The revisions of a service. What its specification says is true of the newest; of others, who they were is known
    from when they were the newest."""

    def __init__(self, change: Change, context: Context, served: Dataset | None, created: str) -> None:
        self.change, self.context, self.served, self.created = change, context, served, created
        self.predictor = change.object.at("status", "components", "predictor")
        self.job = kubernetes.with_commit(service(change.name, context), change)
        self.traffic = self._traffic()

    def _traffic(self) -> dict[str, int]:
        told: dict[str, int] = {}
        for one in self.predictor.items("traffic"):
            name = one.text("revisionName") or (self.created if one.flag("latestRevision") else "")
            if name:
                told[name] = told.get(name, 0) + min(one.count("percent") or 0, FULL)
        if not told and (ready := self.predictor.text("latestReadyRevision")):
            told[ready] = FULL
        return told

    def events(self) -> Iterator[Event]:
        rolled_out = self.predictor.text("latestRolledoutRevision")
        before = self.predictor.text("previousRolledoutRevision")
        names = [self.created, *self.traffic, rolled_out, before, self.predictor.text("latestReadyRevision")]
        for name in sorted({name for name in names if name}, key=lambda name: (name != self.created, name)):
            yield self._event(name)

    def _event(self, name: str) -> Event:
        percent = self.traffic.get(name, 0)
        is_newest = name == self.created
        type, reason = self._state(name, percent)
        facets = {**kubernetes.parent(self.change), "assay_deployment": self._deployment(name, percent)}
        if is_newest:
            facets |= kubernetes.error(self.change, reason)
        inputs = [self._tried(self.served, type, percent)] if is_newest and self.served and type in TOLD else []
        return openlineage.of_run(
            type,
            at=self.change.at,
            run=openlineage.run_id(self.context.namespace, self.change.uid, name),
            job=self.job,
            inputs=inputs,
            facets=facets,
        )

    def _state(self, name: str, percent: int) -> tuple[Type, str]:
        if self.change.is_gone or self.change.condition("Stopped") == "True":
            return Type.COMPLETE, ""
        if percent:
            return Type.RUNNING, ""
        if name != self.created:
            return Type.COMPLETE, ""
        if self._is_taken_back():
            return Type.ABORT, ""
        return _unready(self.change)

    def _is_taken_back(self) -> bool:
        """A canary is taken back by giving it none of the traffic."""
        asked = self.change.object.count("spec", "predictor", "canaryTrafficPercent")
        return asked == 0 and not self.traffic.get(self.created) and any(self.traffic.values())

    def _deployment(self, name: str, percent: int) -> dict[str, object]:
        is_trial = name == self.created and 0 < percent < FULL
        told: dict[str, object] = {"kind": "online", "stage": "canary" if is_trial else "full"}
        if environment := kubernetes.environment(self.change, self.context):
            told["environment"] = environment
        if percent and name != self.created and self._is_taken_back():
            told["rollback"] = True
        return told | {"traffic": percent / FULL, "revision": name}

    def _tried(self, served: Dataset, type: Type, percent: int) -> Dataset:
        """The model version, with the canary it is in. That it was rolled out does not say that it passed."""
        outcome = "aborted" if type is Type.ABORT else "running" if type is Type.RUNNING and percent < FULL else ""
        told = {"outcome": outcome, "deployment": self.change.name, "traffic": percent / FULL}
        return served.saying(assay_canary=told) if outcome else served


def _of_generation(change: Change, context: Context, served: Dataset | None) -> Iterator[Event]:
    job = kubernetes.with_commit(service(change.name, context), change)
    told: dict[str, object] = {"kind": "online", "stage": "full"}
    if environment := kubernetes.environment(change, context):
        told["environment"] = environment
    facets = {**kubernetes.parent(change), "assay_deployment": told}
    generation = change.object.count("metadata", "generation") or 1
    type, reason = _unready(change)
    if change.is_gone or change.condition("Stopped") == "True":
        type, reason = Type.COMPLETE, ""
    elif change.condition("Ready") == "True":
        type, reason = Type.RUNNING, ""
        if generation > 1:
            run = openlineage.run_id(context.namespace, change.uid, f"generation {generation - 1}")
            yield openlineage.of_run(Type.COMPLETE, at=change.at, run=run, job=job)
    yield openlineage.of_run(
        type,
        at=change.at,
        run=openlineage.run_id(context.namespace, change.uid, f"generation {generation}"),
        job=job,
        inputs=[served] if served is not None and type in TOLD else [],
        facets=facets | kubernetes.error(change, reason),
    )


def _unready(change: Change) -> tuple[Type, str]:
    """What it came to that serves nothing: it failed, or still begins."""
    told = change.object.at("status", "modelStatus")
    if (state := told.text("transitionStatus")) in FAILED:
        return Type.FAIL, told.text("lastFailureInfo", "reason") or state
    return Type.START, ""


_OBJECTS = kubernetes.translating(InferenceService=_of_service)


def read(message: Message) -> Logged:
    """A request or an answer by its headers alone. Raises Refused."""
    for event in envelopes.cloud_events(message):
        said = event.extensions
        name = said.text("inferenceservicename") or said.text("inferenceservice")
        if not name:
            raise Refused("ce-inferenceservicename", "is missing.")
        if not event.id:
            raise Refused("ce-id", "is missing.")
        return Logged(
            service=f"{said.text('namespace') or 'default'}/{name}",
            id=event.id,
            at=event.time or message.received_at,
            step=Step.ANSWER if event.type == RESPONSE else Step.REQUEST,
        )
    raise Refused("ce-type", "is missing.")


def type_of(message: Message) -> str:
    logged = message.headers.get("ce-type", "")
    return logged if logged.startswith(LOG) else kubernetes.type_of(message)


def key_of(message: Message) -> str:
    # Request and answer share their id.
    logged = message.headers.get("ce-type", "").startswith(LOG)
    return envelopes.cloud_key(message) if logged else kubernetes.key_of(message)


SYSTEM = System(
    slug="kserve",
    title="KServe",
    group=Group.SERVING,
    mechanisms=(Mechanism.POLL, Mechanism.WEBHOOK, Mechanism.IMPORT),
    tested=Tested.REPLAY,
    schemes=(Scheme.SECRET_PATH, Scheme.BEARER),
    options=kubernetes.KubernetesOptions,
    handled={
        "InferenceService": "a deployment, its revisions with their share of the traffic, roll-out, canary, rollback "
        "and failure to load",
        "InferenceServiceList": "every service in it",
        "List": "every service in it",
        REQUEST: "one decision of the service; the request itself is not read",
        RESPONSE: "one decision of the service; the answer itself is not read",
        DECISIONS: "how many decisions of a day, and their latency: requests and answers joined by their id",
    },
    ignored=kubernetes.BOOKMARKS,
    gathered=frozenset({REQUEST, RESPONSE}),
    gather=decisions.gathering(read),
    brings=frozenset({Fact.DEPLOYMENT, Fact.MODEL_VERSION, Fact.COMMIT, Fact.DECISION}),
    setup=(
        "To poll, give the address of the cluster's API and the token of a service account that may `get`, `list` and "
        "`watch` `inferenceservices`. Or let Knative push: an `ApiServerSource` in mode `Resource` with `sink.uri: "
        "{url}`. `kubectl get inferenceservice -A -o json` can be imported.\n\n"
        "For decisions set `spec.predictor.logger` to `mode: all` and `url: {url}`. Bodies are dropped when they "
        "arrive.\n\n"
        "Say in the service's annotations which model it serves, `assay.model` and `assay.version`; without them the "
        "model version is looked for whose files lie at `storageUri`."
        "\n\nTo let the cluster serve only what a verdict has let in, make a `ValidatingWebhookConfiguration` whose "
        "`clientConfig.url` is `{url}/admission`, with `failurePolicy: Fail`, `sideEffects: None`, "
        "`admissionReviewVersions: [v1]`, `timeoutSeconds: 10` and a rule for `inferenceservices`. "
        "What nobody knows is refused unless `admit_unknown` is set."
    ),
    type_of=type_of,
    key_of=key_of,
    translate=translate,
    read_files=kubernetes.read_files,
    poll=kubernetes.poll("apis/serving.kserve.io/v1beta1/inferenceservices"),
)
