"""Tekton: runs of pipelines and tasks, with what they read and wrote by digest, and the commit that they come from."""

from collections.abc import Iterator, Mapping
from typing import Any

from integrations import openlineage
from integrations.openlineage import Dataset, Event, Job, Type
from integrations.systems import kubernetes, locations
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Scheme, System, Tested
from integrations.systems.kubernetes import Change
from integrations.systems.reading import Reader

EVENT = "dev.tekton.event."
# Where a CloudEvent holds the object, and the object's kind.
PLACES: Mapping[str, str] = {"taskRun": "TaskRun", "pipelineRun": "PipelineRun", "customRun": "CustomRun"}
STATES: Mapping[str, Type] = {"True": Type.COMPLETE, "False": Type.FAIL}
ENDS = frozenset({Type.COMPLETE, Type.FAIL, Type.ABORT})
# The strongest first: the digest by which a thing is known.
DIGESTS = ("sha256", "sha512", "sha1")
# Results by which tasks say what they built (Tekton Chains, "Type hinting").
BUILT = (("IMAGE_URL", "IMAGE_DIGEST"), ("ARTIFACT_URI", "ARTIFACT_DIGEST"))


def translate(message: Message, context: Context) -> Iterator[Event]:
    yield from _OBJECTS(_plain(message), context)


def _plain(message: Message) -> Message:
    """The message as any other of Kubernetes: Tekton's own events hold the object below its kind's name."""
    said = Reader(message.document)
    if said.text("type").startswith(EVENT) and said.at("data"):
        said = said.at("data")
    for place, kind in PLACES.items():
        if isinstance(object := said.at(place).value, dict) and not said.text("kind"):
            return Message(received_at=message.received_at, document={**object, "kind": kind}, type=message.type)
    return message


def _of_run(change: Change, context: Context) -> Iterator[Event]:
    status = change.object.at("status")
    succeeded = next((one for one in change.conditions() if one.text("type") == "Succeeded"), Reader(None))
    state, reason = _state(change, succeeded)
    results = _results(status)
    job, parent = _job(change, context, results), _parent(change, context)
    run = openlineage.run_id(context.namespace, change.uid)
    facets: dict[str, Mapping[str, Any]] = {
        **kubernetes.parent(change),
        **parent,
        **kubernetes.parameters(change.object.items("spec", "params")),
        **_environment(status),
    }
    if state is Type.FAIL:
        facets |= kubernetes.error(change, reason)
    if change.said("triggers.tekton.dev/eventlistener"):
        facets["assay_run"] = {"trigger": "event"}
    began, ended = status.time("startTime"), status.time("completionTime")
    if began is not None and state is not Type.START:
        yield openlineage.of_run(Type.START, at=began, run=run, job=job, facets=facets)
    at = (ended if state in ENDS else None) or succeeded.time("lastTransitionTime") or change.at
    inputs = [
        *_artifacts(status.items("artifacts", "inputs"), context),
        *_hinted(results, ("ARTIFACT_INPUTS",), context),
    ]
    outputs = [
        *_artifacts(status.items("artifacts", "outputs"), context),
        *_built(results, context),
        *_hinted(results, ("ARTIFACT_OUTPUTS",), context),
    ]
    if state is Type.COMPLETE and (model := change.said(kubernetes.MODEL)):
        outputs.append(context.model(model, change.said(kubernetes.VERSION)))
    yield openlineage.of_run(
        state, at=at, run=run, job=job, inputs=_distinct(inputs), outputs=_distinct(outputs), facets=facets
    )


def _state(change: Change, succeeded: Reader) -> tuple[Type, str]:
    reason = succeeded.text("reason")
    state = STATES.get(succeeded.text("status"))
    if state is Type.FAIL and ("cancel" in reason.lower() or reason == "StoppedRunFinally"):
        return Type.ABORT, reason
    if state is None and change.is_gone:
        return Type.ABORT, reason
    if state is None:
        return (Type.START if reason in {"", "Started", "Pending"} else Type.RUNNING), reason
    return state, reason


def _job(change: Change, context: Context, results: Mapping[str, Reader]) -> Job:
    """Runs of one pipeline or task are runs of one job; a task of a pipeline stands below the pipeline's name."""
    space = kubernetes.space(change)
    pipeline, task = change.said("tekton.dev/pipeline"), change.said("tekton.dev/pipelineTask")
    if task:
        name = f"{pipeline or change.said('tekton.dev/pipelineRun') or 'pipeline'}.{task}"
    else:
        refs = (change.object.text("spec", key, "name") for key in ("pipelineRef", "taskRef", "customRef"))
        name = next((ref for ref in refs if ref), "") or change.said("tekton.dev/task")
        name = name or pipeline or kubernetes.base_name(change)
    job = context.job(f"{space}/{name}")
    cloned = (results.get("CHAINS-GIT_URL"), results.get("CHAINS-GIT_COMMIT"))
    if all(cloned):
        return job.built_from(*(one.text("value") for one in cloned if one is not None))
    source = change.object.at("status", "provenance", "refSource")
    digest = source.text("digest", "sha1")
    if digest and (uri := source.text("uri").removeprefix("git+")):
        return job.built_from(uri.partition("@")[0], digest, path=source.text("entryPoint"))
    return kubernetes.with_commit(job, change)


def _parent(change: Change, context: Context) -> dict[str, Mapping[str, Any]]:
    owner = kubernetes.owner(change, "PipelineRun")
    if not owner.text("uid"):
        return {}
    name = change.said("tekton.dev/pipeline") or owner.text("name")
    job = context.job(f"{kubernetes.space(change)}/{name}")
    return {"parent": openlineage.parent(job, openlineage.run_id(context.namespace, owner.text("uid")))}


def _environment(status: Reader) -> dict[str, Mapping[str, Any]]:
    """The image, when all steps ran in one."""
    images = {image for one in status.items("steps") if (image := one.text("imageID"))}
    return {"assay_environment": {"image": images.pop()}} if len(images) == 1 else {}


def _results(status: Reader) -> dict[str, Reader]:
    """Results by name, as version 1 calls them and as the versions before did."""
    found: dict[str, Reader] = {}
    for field in ("results", "taskResults", "pipelineResults"):
        for one in status.items(field):
            found.setdefault(one.text("name"), one)
    return found


def _artifacts(listed: Iterator[Reader], context: Context) -> Iterator[Dataset]:
    for artifact in listed:
        for one in artifact.items("values"):
            digest = next((f"{name}:{one.text('digest', name)}" for name in DIGESTS if one.text("digest", name)), "")
            yield from _dataset(one.text("uri"), digest, context)


def _built(results: Mapping[str, Reader], context: Context) -> Iterator[Dataset]:
    """Pairs of results whose names end so, whatever they begin with."""
    for name, result in results.items():
        for place, digest in BUILT:
            if name.endswith(place):
                partner = results.get(name.removesuffix(place) + digest, Reader(None))
                yield from _dataset(result.text("value"), partner.text("value"), context)


def _hinted(results: Mapping[str, Reader], endings: tuple[str, ...], context: Context) -> Iterator[Dataset]:
    for name, result in results.items():
        if name.endswith(endings):
            yield from _dataset(result.text("value", "uri"), result.text("value", "digest"), context)


def _dataset(uri: str, digest: str, context: Context) -> Iterator[Dataset]:
    """The model version whose files these are, else the thing at its place, at the version that its digest is."""
    if uri := uri.strip():
        yield context.artifact(uri) or locations.place(uri).at(digest.strip())


def _distinct(datasets: list[Dataset]) -> list[Dataset]:
    return list({(one.namespace, one.name, str(one.facets)): one for one in datasets}.values())


def type_of(message: Message) -> str:
    return kubernetes.type_of(_plain(message))


def key_of(message: Message) -> str:
    """One state of one run: the controller sends an event again when it starts anew."""
    return kubernetes.key_of(_plain(message))


_OBJECTS = kubernetes.translating(TaskRun=_of_run, PipelineRun=_of_run, CustomRun=_of_run)

SYSTEM = System(
    slug="tekton",
    title="Tekton",
    group=Group.PIPELINES,
    mechanisms=(Mechanism.WEBHOOK, Mechanism.POLL, Mechanism.IMPORT),
    tested=Tested.REPLAY,
    schemes=(Scheme.SECRET_PATH, Scheme.BEARER),
    options=kubernetes.KubernetesOptions,
    handled={
        "PipelineRun": "a run of the pipeline, with its commit",
        "TaskRun": "a run of the task, below that of its pipeline, with what it read and wrote by digest",
        "CustomRun": "a run of a custom task, below that of its pipeline",
        "List": "every run in it",
    },
    ignored={
        **kubernetes.BOOKMARKS,
        "Pipeline": "what could run; its runs tell of themselves",
        "Task": "what could run; its runs tell of themselves",
    },
    brings=frozenset({Fact.JOB, Fact.RUN, Fact.DATASET, Fact.COMMIT, Fact.MODEL_VERSION}),
    setup=(
        "In the ConfigMap `config-events` of the namespace `tekton-pipelines` set `sink: {url}` and `formats: "
        "tektonv1`; the controller `tekton-events-controller` has to run. It can send no header, so the address holds "
        "the secret. Or give the address of the cluster's API and the token of a service account that may `get`, "
        "`list` and `watch` `pipelineruns` and `taskruns`; or import `kubectl get pipelineruns,taskruns -A -o json`."
        "\n\n"
        "What a task read and wrote is taken from its artifacts, and from results that end in `IMAGE_URL` and "
        "`IMAGE_DIGEST`, or `ARTIFACT_URI` and `ARTIFACT_DIGEST`; its commit from `CHAINS-GIT_URL` and "
        "`CHAINS-GIT_COMMIT`. The annotations `assay.model` and `assay.version` of a run say which model version it "
        "makes."
    ),
    type_of=type_of,
    key_of=key_of,
    translate=translate,
    read_files=kubernetes.read_files,
    poll=kubernetes.poll("apis/tekton.dev/v1/pipelineruns", "apis/tekton.dev/v1/taskruns"),
)
