"""Katib: experiments that search parameters, the trials of each, and what these measured."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from integrations import openlineage
from integrations.openlineage import Dataset, Event, Job, Type
from integrations.systems import kubernetes
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Scheme, System, Tested
from integrations.systems.kubernetes import Change
from integrations.systems.reading import Reader

# In the order in which they count, since that an object was created stays true.
EXPERIMENT_STATES: Mapping[str, Type] = {
    "Failed": Type.FAIL,
    "Succeeded": Type.COMPLETE,
    "Restarting": Type.RUNNING,
    "Running": Type.RUNNING,
    "Created": Type.START,
}
TRIAL_STATES: Mapping[str, Type] = {
    "Failed": Type.FAIL,
    "MetricsUnavailable": Type.FAIL,
    "Killed": Type.ABORT,
    "EarlyStopped": Type.ABORT,
    "Succeeded": Type.COMPLETE,
    "Running": Type.RUNNING,
    "Created": Type.START,
}
ENDS = frozenset({Type.COMPLETE, Type.FAIL, Type.ABORT})


def _of_experiment(change: Change, context: Context) -> Iterator[Event]:
    """The search is one run. Its best trial is what it brings."""
    spec, status = change.object.at("spec"), change.object.at("status")
    state, word = _state(change, EXPERIMENT_STATES)
    searched = [one.text("name") for one in spec.items("parameters")]
    told = {
        "algorithm": spec.text("algorithm", "algorithmName"),
        "objective": spec.text("objective", "objectiveMetricName"),
        "direction": spec.text("objective", "type"),
        "goal": spec.number("objective", "goal"),
        "searched": [name for name in searched if name] or None,
    }
    facets: dict[str, Mapping[str, Any]] = {
        **kubernetes.parent(change),
        "assay_trainingParameters": {"parameters": {key: value for key, value in told.items() if value}},
    }
    if (trials := status.count("trials")) is not None:
        facets["assay_run"] = {"trials": trials}
    best = status.at("currentOptimalTrial")
    outputs = []
    if state in ENDS and best.text("bestTrialName"):
        outputs = [_candidate(change, context, change.name, best.text("bestTrialName"), _metrics(best))]
    job = kubernetes.with_commit(context.job(change.name), change)
    run = openlineage.run_id(context.namespace, change.uid)
    yield from _run(change, job, run, state, facets | _failure(change, state, word), outputs)


def _of_trial(change: Change, context: Context) -> Iterator[Event]:
    owner = kubernetes.owner(change, "Experiment")
    search = owner.text("name") or change.said("katib.kubeflow.org/experiment")
    experiment = context.job(f"{kubernetes.space(change)}/{search or change.object.need('metadata', 'name')}")
    state, word = _state(change, TRIAL_STATES)
    facets: dict[str, Mapping[str, Any]] = {
        **kubernetes.parent(change),
        **kubernetes.parameters(change.object.items("spec", "parameterAssignments")),
    }
    if uid := owner.text("uid"):
        facets["parent"] = openlineage.parent(experiment, openlineage.run_id(context.namespace, uid))
    outputs = []
    if state in ENDS and (metrics := _metrics(change.object.at("status"))):
        outputs = [_candidate(change, context, experiment.name, change.object.need("metadata", "name"), metrics)]
    job = kubernetes.with_commit(context.job(f"{experiment.name}.trial"), change)
    run = openlineage.run_id(context.namespace, change.uid)
    yield from _run(change, job, run, state, facets | _failure(change, state, word), outputs)


def _run(
    change: Change, job: Job, run: str, state: Type, facets: Mapping[str, Mapping[str, Any]], outputs: Sequence[Dataset]
) -> Iterator[Event]:
    began = change.object.time("status", "startTime")
    ended = change.object.time("status", "completionTime") if state in ENDS else None
    if began is not None and state is not Type.START:
        yield openlineage.of_run(Type.START, at=began, run=run, job=job)
    yield openlineage.of_run(state, at=ended or change.at, run=run, job=job, outputs=outputs, facets=facets)


def _state(change: Change, states: Mapping[str, Type]) -> tuple[Type, str]:
    """What its true conditions come to, and the reason given with the one that counts."""
    true = {one.text("type"): one.text("reason") for one in change.conditions() if one.text("status") == "True"}
    word = next((word for word in states if word in true), "")
    state = states.get(word, Type.START)
    if change.is_gone and state not in ENDS:
        return Type.ABORT, ""
    return state, true.get(word, "")


def _failure(change: Change, state: Type, reason: str) -> dict[str, Mapping[str, Any]]:
    return kubernetes.error(change, reason) if state is Type.FAIL else {}


def _candidate(
    change: Change, context: Context, experiment: str, trial: str, metrics: Sequence[Mapping[str, Any]]
) -> Dataset:
    """The model that a trial trained: as its annotations call it, else the trial is its version."""
    if change.said(kubernetes.MODEL):
        found = context.model(change.said(kubernetes.MODEL), change.said(kubernetes.VERSION))
    else:
        found = Dataset(context.namespace, experiment).as_model(trial)
    return found.saying(assay_modelMetrics={"metrics": list(metrics)}) if metrics else found


def _metrics(told: Reader) -> list[Mapping[str, Any]]:
    """The values that are numbers. Architectures are told as metrics, too, and what was not measured in words."""
    return [
        {"name": name[:200], "value": value}
        for one in told.items("observation", "metrics")
        if (name := one.text("name")) and (value := _value(one)) is not None
    ]


def _value(metric: Reader) -> float | None:
    latest = metric.number("latest")
    return metric.number("value") if latest is None else latest


def translate(message: Message, context: Context) -> Iterator[Event]:
    yield from _OBJECTS(message, context)


_OBJECTS = kubernetes.translating(Experiment=_of_experiment, Trial=_of_trial)

SYSTEM = System(
    slug="katib",
    title="Katib",
    group=Group.PIPELINES,
    mechanisms=(Mechanism.POLL, Mechanism.WEBHOOK, Mechanism.IMPORT),
    tested=Tested.REPLAY,
    schemes=(Scheme.SECRET_PATH, Scheme.BEARER),
    options=kubernetes.KubernetesOptions,
    handled={
        "Experiment": "a run of the search, with its objective, how many trials it took, and the best one",
        "Trial": "a run below that of its experiment, with its parameters, and a candidate model with what it measured",
        "List": "every experiment and trial in it",
    },
    ignored={**kubernetes.BOOKMARKS, "Suggestion": "which parameters are to be tried next; the trials tell them"},
    brings=frozenset({Fact.JOB, Fact.RUN, Fact.COMMIT, Fact.MODEL_VERSION, Fact.KPI}),
    setup=(
        "Give the address of the cluster's API and the token of a service account that may `get`, `list` and `watch` "
        "`experiments` and `trials` of `kubeflow.org`; or let Knative's `ApiServerSource` push to `{url}`; or import "
        "`kubectl get experiments,trials -A -o json`.\n\n"
        "A trial's model is called as the annotations `assay.model` and `assay.version` of the trial say; without them "
        "it is a version, named like the trial, of a model named like the experiment. Metrics that are not numbers are "
        "left out."
    ),
    type_of=kubernetes.type_of,
    key_of=kubernetes.key_of,
    translate=translate,
    read_files=kubernetes.read_files,
    poll=kubernetes.poll("apis/kubeflow.org/v1beta1/experiments", "apis/kubeflow.org/v1beta1/trials"),
)
