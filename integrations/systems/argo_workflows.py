"""Argo Workflows: workflows and the steps that did work, the files these left, and steps that a person let go on."""

import base64
import binascii
import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from integrations import openlineage
from integrations.openlineage import Dataset, Event, Job, Type
from integrations.systems import kubernetes, locations
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Refused, Scheme, System, Tested
from integrations.systems.kubernetes import Change
from integrations.systems.reading import Reader

EXIT = "exit-hook"
STATES: Mapping[str, Type] = {
    "Pending": Type.START,
    "Running": Type.RUNNING,
    "Succeeded": Type.COMPLETE,
    "Failed": Type.FAIL,
    "Error": Type.FAIL,
}
ENDS = frozenset({Type.COMPLETE, Type.FAIL})
# All other types of nodes give the workflow its form.
WORK = frozenset({"Pod", "Container", "HTTP", "Plugin"})
# Written by Argo itself for each step.
LOGS = "main-logs"
MAX_NODES_BYTES = 64_000_000
MAX_NODES = 5_000


def translate(message: Message, context: Context) -> Iterator[Event]:
    if message.type == EXIT:
        yield from _of_exit(message, context)
    else:
        yield from _OBJECTS(message, context)


def _of_workflow(change: Change, context: Context) -> Iterator[Event]:
    job, run = _job(change, context), openlineage.run_id(context.namespace, change.uid)
    state = STATES.get(change.object.text("status", "phase"), Type.START)
    if change.is_gone and state not in ENDS:
        state = Type.ABORT
    facets: dict[str, Mapping[str, Any]] = {
        **kubernetes.parent(change),
        **kubernetes.parameters(change.object.items("spec", "arguments", "parameters")),
    }
    if trigger := _trigger(change):
        facets["assay_run"] = {"trigger": trigger}
    outputs = []
    if state is Type.COMPLETE and (name := change.said(kubernetes.MODEL)):
        outputs = [context.model(name, change.said(kubernetes.VERSION))]
    began = change.object.time("status", "startedAt")
    ended = change.object.time("status", "finishedAt") if state in ENDS else None
    if began is not None and state is not Type.START:
        yield openlineage.of_run(Type.START, at=began, run=run, job=job, facets=facets)
    yield openlineage.of_run(state, at=ended or change.at, run=run, job=job, outputs=outputs, facets=facets)
    nodes = _Nodes(change, context, job, run)
    for id, node in sorted(_nodes(change.object.at("status"))[:MAX_NODES], key=lambda one: one[0]):
        yield from nodes.events(id, node)


def _job(change: Change, context: Context) -> Job:
    """Workflows of one template, schedule or generated name are runs of one job."""
    name = (
        change.object.text("spec", "workflowTemplateRef", "name")
        or change.said("workflows.argoproj.io/cron-workflow")
        or change.said("workflows.argoproj.io/workflow-template")
        or change.said("workflows.argoproj.io/cluster-workflow-template")
        or kubernetes.base_name(change)
    )
    return kubernetes.with_commit(context.job(f"{kubernetes.space(change)}/{name}"), change)


def _trigger(change: Change) -> str:
    if change.said("workflows.argoproj.io/cron-workflow"):
        return "schedule"
    return "event" if change.said("events.argoproj.io/sensor") else ""


def _nodes(status: Reader) -> list[tuple[str, Reader]]:
    """The nodes: as they are, or compressed because they are many. Those kept in a database are not in the object."""
    packed = status.text("compressedNodes") and status.at("compressedNodes").value
    if not packed or not isinstance(packed, str):
        return list(status.entries("nodes"))
    try:
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        found = unpacker.decompress(base64.b64decode(packed, validate=True), MAX_NODES_BYTES)
        if unpacker.unconsumed_tail:
            raise Refused("status.compressedNodes", f"holds more than {MAX_NODES_BYTES // 1_000_000} MB.")
        return list(Reader(json.loads(found), "status.compressedNodes").entries())
    except (binascii.Error, zlib.error, ValueError, RecursionError):
        raise Refused("status.compressedNodes", "is not JSON, packed with gzip, in base64.") from None


class _Nodes:
    """The steps of one workflow."""

    def __init__(self, change: Change, context: Context, job: Job, run: str) -> None:
        self.change, self.context, self.job = change, context, job
        self.parent = {"parent": openlineage.parent(job, run)}
        self.templates = {one.text("name"): one for one in _templates(change.object) if one.text("name")}

    def events(self, id: str, node: Reader) -> Iterator[Event]:
        kind, state = node.text("type"), STATES.get(node.text("phase"))
        if kind == "Suspend":
            yield from self._approval(id, node, state)
        if kind not in WORK or state is None:
            return
        template = self.templates.get(node.text("templateName"), Reader(None))
        job = self.context.job(f"{self.job.name}.{node.text('templateName') or node.text('displayName') or id}")
        run = self._run(id)
        facets: dict[str, Mapping[str, Any]] = {
            **self.parent,
            **kubernetes.parameters(node.items("inputs", "parameters")),
        }
        if image := template.text("container", "image") or template.text("script", "image"):
            facets["assay_environment"] = {"image": image}
        for source in node.items("inputs", "artifacts"):
            job = job.built_from(source.text("git", "repo"), _sha(source.text("git", "revision")))
        began, ended = node.time("startedAt"), node.time("finishedAt")
        if began is not None and state is not Type.START:
            yield openlineage.of_run(Type.START, at=began, run=run, job=job, facets=facets)
        yield openlineage.of_run(
            state,
            at=(ended if state in ENDS else None) or began or self.change.at,
            run=run,
            job=job,
            inputs=self._files(node, "inputs"),
            outputs=self._files(node, "outputs"),
            facets=facets,
        )

    def _run(self, id: str) -> str:
        return openlineage.run_id(self.context.namespace, self.change.uid, f"node {id}")

    def _files(self, node: Reader, side: str) -> list[Dataset]:
        found = {}
        for artifact in node.items(side, "artifacts"):
            uri = _uri(artifact) if artifact.text("name") != LOGS else ""
            if uri and (one := self.context.artifact(uri) or locations.dataset(uri)):
                found[one.namespace, one.name] = one
        return list(found.values())

    def _approval(self, id: str, node: Reader, state: Type | None) -> Iterator[Event]:
        """A step that waits without a limit goes on when somebody resumes it, and fails when somebody stops it."""
        template = self.templates.get(node.text("templateName"), Reader(None))
        if state not in ENDS or template.text("suspend", "duration"):
            return
        at = node.time("finishedAt") or self.change.at
        passed = state is Type.COMPLETE
        told = {
            "id": id,
            "stage": self.change.said("assay.stage") or "production",
            "state": "passed" if passed else "blocked",
            "decidedAt": at.isoformat(),
            "decidedBy": "person",
        }
        model, version = self.change.said(kubernetes.MODEL), self.change.said(kubernetes.VERSION)
        yield openlineage.of_run(
            Type.COMPLETE if passed else Type.ABORT,
            at=at,
            run=self._run(id),
            job=self.context.job(f"{self.job.name}.{node.text('displayName') or id}"),
            inputs=[self.context.model(model, version)] if model else [],
            facets={**self.parent, "assay_promotion": told},
        )


def _templates(object: Reader) -> Iterator[Reader]:
    yield from object.items("spec", "templates")
    yield from object.items("status", "storedWorkflowTemplateSpec", "templates")
    for _, template in object.entries("status", "storedTemplates"):
        yield template


def _uri(artifact: Reader) -> str:
    """Where an artifact lies, in the store that its one such field names."""
    for field, scheme in (("s3", "s3"), ("gcs", "gs"), ("oss", "oss")):
        if bucket := artifact.text(field, "bucket"):
            return f"{scheme}://{bucket}/{artifact.text(field, 'key')}"
    if container := artifact.text("azure", "container"):
        host = artifact.text("azure", "endpoint").removeprefix("https://").strip("/")
        return f"abfss://{container}@{host}/{artifact.text('azure', 'blob')}" if host else ""
    if path := artifact.text("hdfs", "path"):
        nodes = [one.value for one in artifact.items("hdfs", "addresses") if isinstance(one.value, str)]
        return f"hdfs://{nodes[0]}/{path.lstrip('/')}" if nodes else ""
    return artifact.text("http", "url")


def _sha(revision: str) -> str:
    """A branch is no commit."""
    is_whole = len(revision) in {40, 64} and all(one in "0123456789abcdef" for one in revision.lower())
    return revision.lower() if is_whole else ""


def _of_exit(message: Message, context: Context) -> Iterator[Event]:
    """The end of a workflow, as its exit handler told it. The object itself says more, when it is polled."""
    said = Reader(message.document).at("workflow")
    name = said.text("template") or said.need("name")
    state = STATES.get(said.need("status"), Type.OTHER)
    job = context.job(f"{said.text('namespace') or 'default'}/{name}")
    run = openlineage.run_id(context.namespace, said.need("uid"))
    began = said.time("created")
    if began is not None:
        yield openlineage.of_run(Type.START, at=began, run=run, job=job)
    yield openlineage.of_run(state, at=message.received_at, run=run, job=job)


def type_of(message: Message) -> str:
    said = Reader(message.document)
    return (
        EXIT if isinstance(said.at("workflow").value, dict) and not said.text("kind") else kubernetes.type_of(message)
    )


def key_of(message: Message) -> str:
    said = Reader(message.document).at("workflow")
    if isinstance(said.value, dict):
        return " ".join([said.text("uid"), said.text("status")]) if said.text("uid") else ""
    return kubernetes.key_of(message)


_OBJECTS = kubernetes.translating(Workflow=_of_workflow)
_HOOK = (
    '{"workflow": {"name": "{{workflow.name}}", "namespace": "{{workflow.namespace}}", "uid": "{{workflow.uid}}", '
    '"status": "{{workflow.status}}", "created": "{{workflow.creationTimestamp.RFC3339}}", "template": "train-loans"}}'
)

SYSTEM = System(
    slug="argo_workflows",
    title="Argo Workflows",
    group=Group.PIPELINES,
    mechanisms=(Mechanism.POLL, Mechanism.WEBHOOK, Mechanism.IMPORT),
    tested=Tested.REPLAY,
    schemes=(Scheme.BEARER, Scheme.SECRET_PATH),
    options=kubernetes.KubernetesOptions,
    handled={
        "Workflow": "a run, and one below it for each step that did work, with its files; a suspended "
        "step that was resumed is an approval",
        "List": "every workflow in it",
        EXIT: "that a workflow ended, and how",
    },
    ignored={
        **kubernetes.BOOKMARKS,
        "WorkflowTemplate": "what could run; its runs tell of themselves",
        "ClusterWorkflowTemplate": "what could run; its runs tell of themselves",
        "CronWorkflow": "what will run; its runs tell of themselves",
    },
    brings=frozenset({Fact.JOB, Fact.RUN, Fact.DATASET, Fact.COMMIT, Fact.MODEL_VERSION, Fact.APPROVAL}),
    setup=(
        "Give the address of the cluster's API and the token of a service account that may `get`, `list` and `watch` "
        "`workflows`. To hear of the end at once, add an exit handler to the controller's default workflow: an `http` "
        "template with `method: POST`, `url: {url}`, the header `Authorization` from a secret, and the body\n\n"
        f"    {_HOOK}\n\n"
        "where `template` is the workflow template's name. `kubectl get workflows -A -o json` can be imported.\n\n"
        "The annotations `assay.model` and `assay.version` of a workflow say which model version it makes, or lets go "
        "on where a suspended step was resumed (to the stage in `assay.stage`, else production)."
    ),
    type_of=type_of,
    key_of=key_of,
    translate=translate,
    read_files=kubernetes.read_files,
    poll=kubernetes.poll("apis/argoproj.io/v1alpha1/workflows"),
)
