"""Amazon SageMaker: model packages and their approval, pipelines, jobs, endpoints, features, and monitors' files."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from integrations import openlineage
from integrations.notices import Claim
from integrations.openlineage import Dataset, Event, Job, Type
from integrations.systems import envelopes, locations, sagemaker_results, vocabulary
from integrations.systems.base import (
    Context,
    Fact,
    Group,
    Mechanism,
    Message,
    Options,
    Refused,
    Scheme,
    System,
    Tested,
)
from integrations.systems.reading import Reader

PACKAGE = "SageMaker Model Package State Change"
PIPELINE = "SageMaker Model Building Pipeline Execution Status Change"
STEP = "SageMaker Model Building Pipeline Execution Step Status Change"
ENDPOINT = "SageMaker Endpoint State Change"
FEATURES = "SageMaker Feature Group State Change"
DESCRIBED_PACKAGE, DESCRIBED_CARD, VIOLATIONS = "DescribeModelPackage", "DescribeModelCard", "constraint_violations"
# What each kind of job calls its name, its state, what it reads and what it writes.
JOBS: Mapping[str, tuple[str, str]] = {
    "SageMaker Training Job State Change": ("TrainingJob", "TrainingJobStatus"),
    "SageMaker Processing Job State Change": ("ProcessingJob", "ProcessingJobStatus"),
    "SageMaker Transform Job State Change": ("TransformJob", "TransformJobStatus"),
    "SageMaker HyperParameter Tuning Job State Change": ("HyperParameterTuningJob", "HyperParameterTuningJobStatus"),
}
STATES: Mapping[str, Type] = {
    "starting": Type.START,
    "executing": Type.RUNNING,
    "inprogress": Type.RUNNING,
    "stopping": Type.RUNNING,
    "succeeded": Type.COMPLETE,
    "completed": Type.COMPLETE,
    "failed": Type.FAIL,
    "stopped": Type.ABORT,
}
ENDPOINT_STATES: Mapping[str, Type] = {
    "creating": Type.START,
    "inservice": Type.RUNNING,
    "updating": Type.RUNNING,
    "systemupdating": Type.RUNNING,
    "rollingback": Type.RUNNING,
    "failed": Type.FAIL,
    "outofservice": Type.ABORT,
    "deleting": Type.COMPLETE,
    "deleted": Type.COMPLETE,
}
ENDS = frozenset({Type.COMPLETE, Type.FAIL, Type.ABORT})
APPROVALS: Mapping[str, str] = {"Approved": "passed", "Rejected": "blocked"}
STAGE = "production"
# What SageMaker's clients put behind, and its pipelines around, the name that a job was given.
_TIME = re.compile(r"-\d{4}(-\d\d){5}-\d{3}$", re.ASCII)
_OF_PIPELINE = re.compile(r"pipelines-[a-z0-9]{12}-(.+)-[A-Za-z0-9]{10}", re.ASCII)
MAX_CARD_CHARS = 1_000_000


class SagemakerOptions(Options, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`endpoint`: whose monitors wrote the files that are imported; they do not say so themselves."""

    endpoint: str = ""


def translate(message: Message, context: Context) -> Iterator[Event]:
    said = envelopes.of_queue(message)
    if message.type in _EVENTS:
        at = said.time("time") or message.received_at
        yield from _EVENTS[message.type](said.at("detail"), at, context)
    elif message.type in _DOCUMENTS:
        yield from _DOCUMENTS[message.type](said, message.received_at, context)
    else:
        at = said.time("time") or message.received_at
        yield from _of_job(said.at("detail"), at, context, *JOBS[message.type])


def endpoint(name: str, context: Context) -> Job:
    return context.job(f"endpoint/{name}").as_service("SAGEMAKER")


# Model packages.


def _package(said: Reader, context: Context) -> Dataset:
    """A version of the group's model; a package without a group is a model of its own."""
    containers = [one.text("ModelDataUrl") for one in said.items("InferenceSpecification", "Containers")]
    group = said.text("ModelPackageGroupName")
    name = group or said.text("ModelPackageName") or _of_arn(said.need("ModelPackageArn"))[1]
    model = context.model(name, said.text("ModelPackageVersion") or ("" if group else "1"))
    return model.saying(assay_modelFiles=locations.files(*containers)) if any(containers) else model


def _of_package(said: Reader, at: datetime, context: Context) -> Iterator[Event]:
    model = _package(said, context)
    made_by = said.text("MetadataProperties", "GeneratedBy")
    created = said.time("CreationTime") or at
    if made_by.startswith("arn:"):
        job, run = _maker(made_by, context)
        commit = (said.text("MetadataProperties", "Repository"), said.text("MetadataProperties", "CommitId"))
        yield openlineage.of_run(Type.OTHER, at=created, run=run, job=job.built_from(*commit), outputs=[model])
    else:
        yield openlineage.of_dataset(model, at=created)
    if state := APPROVALS.get(said.text("ModelApprovalStatus")):
        decided = said.time("LastModifiedTime") or at
        arn = said.text("ModelPackageArn") or model.name
        told: dict[str, Any] = {"id": arn, "stage": STAGE, "state": state, "decidedAt": decided.isoformat()}
        if said.at("LastModifiedBy", "UserProfileArn"):
            told["decidedBy"] = "person"
        yield openlineage.of_run(
            Type.COMPLETE,
            at=decided,
            run=openlineage.run_id(context.namespace, arn, "approval", state, decided.isoformat()),
            job=context.job(f"model-package/{model.name}/approval"),
            inputs=[model],
            facets={"assay_promotion": told},
        )


def claims(message: Message, context: Context) -> Iterator[Claim]:
    """An approved package is what the deploying pipelines wait for: it is as good as live."""
    said = envelopes.of_queue(message)
    detail = said.at("detail") if message.type == PACKAGE else said
    if message.type not in {PACKAGE, DESCRIBED_PACKAGE} or detail.text("ModelApprovalStatus") != "Approved":
        return
    model = _package(detail, context)
    version = detail.text("ModelPackageVersion") or "1"
    at = detail.time("LastModifiedTime") or said.time("time") or message.received_at
    how = "its model package was approved in SageMaker"
    yield Claim(namespace=model.namespace, model=model.name, version=version, stage=STAGE, at=at, how=how)


def _of_card(said: Reader, at: datetime, context: Context) -> Iterator[Event]:
    """The model card, as far as its sections are those that a gate reads."""
    content = said.at("Content").value
    if not isinstance(content, str) or len(content) > MAX_CARD_CHARS:
        raise Refused("Content", "is missing or is no text of a sensible length.")
    try:
        card = Reader(json.loads(content), "Content")
    except (ValueError, RecursionError):
        raise Refused("Content", "is not JSON.") from None
    package = card.at("model_package_details")
    name = package.text("model_package_group_name") or card.text("model_overview", "model_id")
    if name.startswith("arn:"):
        name = _of_arn(name)[1]
    version = package.text("model_package_version") or card.text("model_overview", "model_version")
    told = {
        "intendedUse": card.text("intended_uses", "intended_uses") or card.text("intended_uses", "purpose_of_model"),
        "factors": card.text("intended_uses", "factors_affecting_model_efficiency"),
        "trainingData": card.text("training_details", "training_observations"),
        "ethicalConsiderations": card.text("additional_information", "ethical_considerations"),
        "caveats": card.text("additional_information", "caveats_and_recommendations"),
    }
    model = context.model(name or said.need("ModelCardName"), version)
    model = model.saying(assay_modelCard={key: value for key, value in told.items() if value})
    metrics = list(_card_metrics(card)) if version else []
    if metrics:
        model = model.saying(assay_modelMetrics={"metrics": metrics})
    yield openlineage.of_dataset(model, at=said.time("LastModifiedTime") or said.time("CreationTime") or at)


def _card_metrics(card: Reader) -> Iterator[Mapping[str, Any]]:
    for evaluation in card.items("evaluation_details"):
        for group in evaluation.items("metric_groups"):
            for one in group.items("metric_data"):
                if (name := one.text("name")) and (value := one.number("value")) is not None:
                    yield {"name": name[:200], "value": value}


# Pipelines and jobs.


def _of_arn(arn: str) -> tuple[str, str, str]:
    """Kind, name and what follows of the resource that an ARN names."""
    kind, _, rest = arn.rpartition(":")[2].partition("/")
    name, _, more = rest.partition("/")
    return kind, name, more


def _maker(arn: str, context: Context) -> tuple[Job, str]:
    """The job and run that an ARN names: an execution of a pipeline, or a job."""
    kind, name, _ = _of_arn(arn)
    job = context.job(f"pipeline/{name}" if kind == "pipeline" else f"{kind}/{_base(name)}")
    return job, openlineage.run_id(context.namespace, arn)


def _base(name: str) -> str:
    """The name that runs of one job share."""
    found = _OF_PIPELINE.fullmatch(name)
    return _TIME.sub("", found[1] if found else name) or name


def _state(word: str) -> Type:
    return STATES.get(word.replace("_", "").lower(), Type.OTHER)


def _of_pipeline(detail: Reader, at: datetime, context: Context) -> Iterator[Event]:
    job, run = _maker(detail.need("pipelineExecutionArn"), context)
    state = _state(detail.text("currentPipelineExecutionStatus"))
    if began := detail.time("executionStartTime"):
        yield openlineage.of_run(Type.START, at=began, run=run, job=job)
    ended = detail.time("executionEndTime") if state in ENDS else None
    yield openlineage.of_run(state, at=ended or at, run=run, job=job)


def _of_step(detail: Reader, at: datetime, context: Context) -> Iterator[Event]:
    """A step, the job that it started, and the model package that it registered."""
    execution = detail.need("pipelineExecutionArn")
    pipeline, above = _maker(execution, context)
    name = detail.need("stepName")
    job = context.job(f"{pipeline.name}.{name}")
    run = openlineage.run_id(context.namespace, execution, "step", name)
    facets: dict[str, Mapping[str, Any]] = {"parent": openlineage.parent(pipeline, above)}
    outputs = []
    for kind, made in detail.entries("metadata"):
        arn = made.text("arn") or made.text("Arn")
        of, package, version = _of_arn(arn)
        if kind == "registerModel" and of == "model-package":
            outputs.append(context.model(package, version))
        elif kind.endswith("Job") and package:
            child, its_run = _maker(arn, context)
            below = {"parent": openlineage.parent(job, run)}
            since = detail.time("stepStartTime") or at
            yield openlineage.of_run(Type.OTHER, at=since, run=its_run, job=child, facets=below)
    state = _state(detail.text("currentStepStatus"))
    if began := detail.time("stepStartTime"):
        yield openlineage.of_run(Type.START, at=began, run=run, job=job, facets=facets)
    ended = detail.time("stepEndTime") if state in ENDS else None
    yield openlineage.of_run(state, at=ended or at, run=run, job=job, outputs=outputs, facets=facets)


def _of_job(detail: Reader, at: datetime, context: Context, kind: str, state_key: str) -> Iterator[Event]:
    arn = detail.need(f"{kind}Arn")
    job, run = _maker(arn, context)
    state = _state(detail.text(state_key))
    parameters = {name: value for name, one in detail.entries("HyperParameters") if (value := one.text())}
    facets: dict[str, Mapping[str, Any]] = {}
    if parameters:
        facets["assay_trainingParameters"] = {"parameters": parameters}
    image = detail.text("AlgorithmSpecification", "TrainingImage") or detail.text("AppSpecification", "ImageUri")
    if image:
        facets["assay_environment"] = {"image": image}
    trials = [one.count() for _, one in detail.entries("TrainingJobStatusCounters")]
    if trials:
        facets["assay_run"] = {"trials": sum(one or 0 for one in trials)}
    began = detail.time("TrainingStartTime") or detail.time("CreationTime")
    ends = (detail.time(key) for key in ("TrainingEndTime", f"{kind}EndTime", "LastModifiedTime"))
    ended = next((time for time in ends if time is not None), at)
    if began is not None:
        yield openlineage.of_run(Type.START, at=began, run=run, job=job, facets=facets)
    yield openlineage.of_run(
        state,
        at=ended if state in ENDS else at,
        run=run,
        job=job,
        inputs=_files(_read(detail), context),
        outputs=_files(_written(detail), context) if state is Type.COMPLETE else [],
        facets=facets,
    )


def _read(detail: Reader) -> Iterator[str]:
    for channel in detail.items("InputDataConfig"):
        yield channel.text("DataSource", "S3DataSource", "S3Uri")
    for one in detail.items("ProcessingInputs"):
        yield one.text("S3Input", "S3Uri")
    yield detail.text("TransformInput", "DataSource", "S3DataSource", "S3Uri")


def _written(detail: Reader) -> Iterator[str]:
    yield detail.text("ModelArtifacts", "S3ModelArtifacts")
    for one in detail.items("ProcessingOutputConfig", "Outputs"):
        yield one.text("S3Output", "S3Uri")
    yield detail.text("TransformOutput", "S3OutputPath")


def _files(uris: Iterator[str], context: Context) -> list[Dataset]:
    found = (context.artifact(uri) or locations.dataset(uri) for uri in dict.fromkeys(uris) if uri)
    return [one for one in found if one is not None]


# Endpoints and features.


def _of_endpoint(detail: Reader, at: datetime, context: Context) -> Iterator[Event]:
    """Each configuration of an endpoint is a run of it. Which model it serves, its tags say."""
    name = detail.need("EndpointName")
    word = detail.text("EndpointStatus").replace("_", "").lower()
    state = ENDPOINT_STATES.get(word, Type.OTHER)
    tags = _tags(detail.at("Tags"))
    shares = [one.number("CurrentWeight") or one.number("DesiredWeight") for one in detail.items("ProductionVariants")]
    has_several = sum(share is not None and share > 0 for share in shares) > 1
    told: dict[str, Any] = {"kind": "online", "stage": "ab" if has_several else "full"}
    if environment := vocabulary.environment(tags.get("assay.environment", "")):
        told["environment"] = environment
    if word == "rollingback":
        told["rollback"] = True
    model = tags.get("assay.model", "")
    is_told = model and state in {Type.RUNNING, Type.FAIL}
    yield openlineage.of_run(
        state,
        at=detail.time("LastModifiedTime") or at,
        run=openlineage.run_id(
            context.namespace, detail.text("EndpointArn") or name, detail.text("EndpointConfigName")
        ),
        job=endpoint(name, context),
        inputs=[context.model(model, tags.get("assay.version", ""))] if is_told else [],
        facets={"assay_deployment": told},
    )


def _tags(said: Reader) -> dict[str, str]:
    """Tags are an object in events and a list in answers."""
    found = {name: one.text() for name, one in said.entries()}
    return found | {one.text("Key"): one.text("Value") for one in said.items()}


def _of_features(detail: Reader, at: datetime, context: Context) -> Iterator[Event]:
    fields = [
        {"name": name, "type": one.text("FeatureType")}
        for one in detail.items("FeatureDefinitions")
        if (name := one.text("FeatureName"))
    ]
    group = Dataset(context.namespace, f"feature-group/{detail.need('FeatureGroupName')}").saying(
        datasetType={"datasetType": "FEATURE_VIEW"}, schema={"fields": fields}
    )
    if stored := locations.dataset(detail.text("OfflineStoreConfig", "S3StorageConfig", "S3Uri")):
        group = group.also_called(stored)
    yield openlineage.of_dataset(group, at=detail.time("LastModifiedTime") or at)


def _of_violations(said: Reader, at: datetime, context: Context) -> Iterator[Event]:
    deployment = endpoint(getattr(context.options, "endpoint", "") or "endpoint", context)
    yield sagemaker_results.of_violations(said, at, deployment, context)


Telling = Callable[[Reader, datetime, Context], Iterator[Event]]
_EVENTS: Mapping[str, Telling] = {
    PACKAGE: _of_package,
    PIPELINE: _of_pipeline,
    STEP: _of_step,
    ENDPOINT: _of_endpoint,
    FEATURES: _of_features,
}
_DOCUMENTS: Mapping[str, Telling] = {
    DESCRIBED_PACKAGE: _of_package,
    DESCRIBED_CARD: _of_card,
    VIOLATIONS: _of_violations,
}


# What a message is.


def type_of(message: Message) -> str:
    said = envelopes.of_queue(message)
    if told := said.text("detail-type"):
        return told
    if isinstance(said.at("violations").value, list):
        return VIOLATIONS
    if said.at("ModelPackageArn"):
        return DESCRIBED_PACKAGE
    return DESCRIBED_CARD if said.at("ModelCardName") else said.need("detail-type")


def read_files(path: Path, at: datetime) -> Iterator[Message]:
    """Files that monitors wrote, and answers of `aws sagemaker describe-…`, from a file or a folder. Raises Refused."""
    for file in [path] if path.is_file() else sorted(path.rglob("*.json")):
        try:
            document = json.loads(file.read_text(encoding="utf-8"))
        except (ValueError, RecursionError):
            raise Refused(file.name, "is not JSON in UTF-8.") from None
        message = Message(received_at=at, document=document)
        yield Message(received_at=at, document=document, type=type_of(message))


SYSTEM = System(
    slug="sagemaker",
    title="Amazon SageMaker",
    group=Group.SERVING,
    mechanisms=(Mechanism.WEBHOOK, Mechanism.IMPORT),
    tested=Tested.REPLAY,
    schemes=(Scheme.TOKEN_HEADER, Scheme.BASIC, Scheme.SNS),
    options=SagemakerOptions,
    handled={
        PACKAGE: "a version of the group's model, what made it with its commit, where its files lie, and its approval",
        DESCRIBED_PACKAGE: "the same, from an answer of `aws sagemaker describe-model-package`",
        DESCRIBED_CARD: "the model card, from an answer of `aws sagemaker describe-model-card`",
        PIPELINE: "a run of the pipeline",
        STEP: "a run of the step, the job that it started, the model package that it registered",
        **dict.fromkeys(JOBS, "a run of the job, with parameters, image, what it read and wrote"),
        ENDPOINT: "a deployment, and what it serves by its tags",
        FEATURES: "a feature group with its features",
        VIOLATIONS: "a check and an alert for each violation that Model Monitor or Clarify found",
    },
    ignored={
        "SageMaker Model Card State Change": "that a card changed, not what it says; import its description",
        "SageMaker Endpoint Deployment State Change": "told by the state of the endpoint, too",
    },
    claims=claims,
    brings=frozenset(
        {
            Fact.JOB,
            Fact.RUN,
            Fact.DATASET,
            Fact.COMMIT,
            Fact.MODEL,
            Fact.MODEL_VERSION,
            Fact.DEPLOYMENT,
            Fact.APPROVAL,
            Fact.FEATURE,
            Fact.CHECK,
            Fact.ALERT,
            Fact.KPI,
        }
    ),
    setup=(
        'Make an EventBridge rule with the pattern `{"source": ["aws.sagemaker"]}` and as its target an API '
        "destination at `{url}`, with a connection that sends the connection's secret as an API key in its header, or "
        "by basic authentication. Where Amazon cannot reach this service, let the rule write to an SNS topic, or to an "
        "SQS queue whose messages are imported.\n\n"
        "Monitors tell their numbers in files alone: import `constraint_violations.json` through a connection whose "
        "option `endpoint` names what they watch. Answers of `aws sagemaker describe-model-package` and "
        "`describe-model-card` can be imported, too.\n\n"
        "Tag endpoints with `assay.model`, `assay.version` and `assay.environment`: an endpoint's event does not name "
        "its model."
    ),
    type_of=type_of,
    key_of=envelopes.queue_key,
    translate=translate,
    read_files=read_files,
)
