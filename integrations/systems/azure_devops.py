"""Azure DevOps: builds, runs of pipelines with their stages and jobs, approvals, and what became of commits."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from integrations import openlineage
from integrations.openlineage import Event, Job, Type
from integrations.systems import codehosts, vocabulary
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Options, Scheme, System, Tested
from integrations.systems.reading import Reader

RUN = "ms.vss-pipelines.run-state-changed-event"
STAGE = "ms.vss-pipelines.stage-state-changed-event"
JOB = "ms.vss-pipelines.job-state-changed-event"
APPROVAL_PENDING = "ms.vss-pipelinechecks-events.approval-pending"
APPROVAL_COMPLETED = "ms.vss-pipelinechecks-events.approval-completed"
# What the button *Test* sends is of no subscription.
NO_SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
APPROVED_VOTE = 10


class AzureDevOpsOptions(Options, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`projects`: names of projects by their ids, which is all that most events say.

    `repositories`: the address of the repository of a pipeline, by the pipeline's name: builds tell only the commit.
    """

    projects: dict[str, str] = {}
    repositories: dict[str, str] = {}


def type_of(message: Message) -> str:
    said = Reader(message.document)
    kind = said.need("eventType")
    if said.text("subscriptionId") == NO_SUBSCRIPTION:
        return "test"
    if kind == "git.push":
        default = said.text("resource", "repository", "defaultBranch")
        names = {one.text("name") for one in said.items("resource", "refUpdates")}
        return kind if default and default in names else "git.push.other"
    return kind[:100]


def key_of(message: Message) -> str:
    said = Reader(message.document)
    subscription, number = said.text("subscriptionId"), said.text("notificationId")
    return f"{subscription}/{number}" if subscription and number else said.text("id")


def translate(message: Message, context: Context) -> Iterator[Event]:
    said = Reader(message.document)
    match message.type:
        case "build.complete":
            yield from _build(said, context)
        case "ms.vss-pipelines.run-state-changed-event":
            yield from _run(said, context)
        case "ms.vss-pipelines.stage-state-changed-event" | "ms.vss-pipelines.job-state-changed-event":
            yield from _part(said, context, is_job=message.type == JOB)
        case "ms.vss-pipelinechecks-events.approval-pending" | "ms.vss-pipelinechecks-events.approval-completed":
            yield _approval(said, context)
        case "git.push":
            yield from _push(said, context)
        case "git.pullrequest.merged":
            yield _merged(said, context)


def _options(context: Context) -> AzureDevOpsOptions:
    return context.options if isinstance(context.options, AzureDevOpsOptions) else AzureDevOpsOptions()


def _project(said: Reader, context: Context) -> str:
    id = said.text("resourceContainers", "project", "id") or said.need("resource", "projectId")
    return _options(context).projects.get(id, id)


def _pipeline(context: Context, project: str, name: str) -> Job:
    return context.job(f"{project}/{name}")


def _run_id(context: Context, project: str, number: str) -> str:
    """A build and the run of a pipeline that made it have one number."""
    return openlineage.run_id(context.namespace, "run", project, number)


def _build(said: Reader, context: Context) -> Iterator[Event]:
    told, project = said.at("resource"), _project(said, context)
    name = told.need("definition", "name")
    commit = told.text("sourceVersion") or told.text("sourceGetVersion").rpartition(":")[2]
    branch = told.text("sourceBranch") or told.text("sourceGetVersion").removeprefix("LG:").partition(":")[0]
    repository = _options(context).repositories.get(name) or told.text("repository", "url")
    job = _pipeline(context, project, name).built_from(
        repository, codehosts.sha(commit), branch=branch.removeprefix("refs/heads/")
    )
    run = _run_id(context, project, told.need("id"))
    facets = {"assay_run": codehosts.ran(told.text("reason"))}
    if (began := told.time("startTime")) is not None:
        yield openlineage.of_run(Type.START, at=began, run=run, job=job, facets=facets)
    end = vocabulary.end(told.text("result") or told.text("status")) or Type.OTHER
    yield openlineage.of_run(end, at=told.need_time("finishTime"), run=run, job=job, facets=facets)


def _run(said: Reader, context: Context) -> Iterator[Event]:
    told, project = said.at("resource", "run"), _project(said, context)
    job = _pipeline(context, project, _pipeline_name(said))
    run = _run_id(context, project, told.need("id"))
    facets = {"assay_run": {"trigger": "ci"}}
    began = told.need_time("createdDate")
    yield openlineage.of_run(Type.START, at=began, run=run, job=job, facets=facets)
    if told.text("state") == "completed":
        end = vocabulary.end(told.text("result")) or Type.OTHER
        yield openlineage.of_run(end, at=told.time("finishedDate") or began, run=run, job=job, facets=facets)


def _pipeline_name(said: Reader) -> str:
    return said.text("resource", "pipeline", "name") or said.need("resource", "run", "pipeline", "name")


def _part(said: Reader, context: Context, *, is_job: bool) -> Iterator[Event]:
    """A stage or a job of a run. Stages have no times of their own, and only jobs name commits."""
    project, number = _project(said, context), said.need("resource", "run", "id")
    pipeline = _pipeline(context, project, _pipeline_name(said))
    stage = said.text("resource", "stage", "name")
    told = said.at("resource", "job" if is_job else "stage")
    name = ".".join(one for one in (pipeline.name, stage if is_job else "", told.need("name")) if one)
    job = context.job(name)
    for source in said.items("resource", "repositories"):
        change = source.at("change")
        job = job.built_from(source.text("url"), codehosts.sha(change.text("version") or change.text("id")))
        break
    # Of the id of a stage the samples show zeros alone.
    run = openlineage.run_id(context.namespace, "part", project, number, name, told.text("attempt") or "1")
    facets: dict[str, Mapping[str, Any]] = {
        "assay_run": {"trigger": "ci"},
        "parent": openlineage.parent(pipeline, _run_id(context, project, number)),
    }
    if (began := told.time("startTime")) is not None:
        yield openlineage.of_run(Type.START, at=began, run=run, job=job, facets=facets)
    at = told.time("finishTime") or said.need_time("createdDate")
    if told.text("state") == "completed":
        end = vocabulary.end(told.text("result")) or Type.OTHER
        yield openlineage.of_run(end, at=at, run=run, job=job, facets=facets)
    elif began is None:
        yield openlineage.of_run(Type.RUNNING, at=at, run=run, job=job, facets=facets)


def _approval(said: Reader, context: Context) -> Event:
    """People let a stage go on, or not. They are known by ids, and their comments are not taken."""
    told, project = said.at("resource", "approval"), _project(said, context)
    stage = said.text("resource", "stageName") or said.text("resource", "stage", "name")
    status = told.text("status").lower()
    state = {"approved": "passed", "rejected": "blocked"}.get(status)
    type = {"passed": Type.COMPLETE, "blocked": Type.FAIL}.get(state or "", Type.RUNNING)
    opened = told.time("createdOn")
    at = told.time("lastModifiedOn") or opened or said.need_time("createdDate")
    verdict: dict[str, Any] = {"id": told.need("id"), "stage": vocabulary.environment(stage) or stage}
    facets: dict[str, Mapping[str, Any]] = {}
    if state is not None:
        approved = [one for one in told.items("steps") if one.text("status").lower() == "approved"]
        verdict |= {
            "state": state,
            "decidedAt": at.isoformat(),
            "decidedBy": "person",
            "approvedBy": [id for one in approved if (id := _approver(one))],
        }
        facets["assay_promotion"] = verdict
    if number := said.text("resource", "run", "id"):
        pipeline = _pipeline(context, project, _pipeline_name(said))
        facets["parent"] = openlineage.parent(pipeline, _run_id(context, project, number))
    name = f"{project}/approvals/{stage}" if stage else f"{project}/approvals"
    run = openlineage.run_id(context.namespace, "approval", told.need("id"))
    return openlineage.of_run(type, at=at, run=run, job=context.job(name), facets=facets)


def _approver(step: Reader) -> str:
    """Who approved, if that is somebody else than who was asked to."""
    return step.text("actualApprover", "id") or step.text("assignedApprover", "id")


def _push(said: Reader, context: Context) -> Iterator[Event]:
    told = said.at("resource")
    repository, at = told.at("repository"), told.time("date") or said.need_time("createdDate")
    project = repository.text("project", "name") or _project(said, context)
    default = repository.text("defaultBranch")
    tips = [one.text("newObjectId") for one in told.items("refUpdates") if one.text("name") == default]
    hashes = [*(one.text("commitId") for one in told.items("commits")), *tips]
    for hash in dict.fromkeys(one for text in hashes if (one := codehosts.sha(text))):
        yield _commit(context, repository, project, hash, at)


def _commit(context: Context, repository: Reader, project: str, hash: str, at: datetime) -> Event:
    name = f"{project}/{repository.need('name')}"
    return codehosts.commit(
        context.job(f"{name}/commits"),
        run=openlineage.run_id(context.namespace, "commit", name, hash),
        at=at,
        repository=repository.text("remoteUrl"),
        hash=hash,
        branch=repository.text("defaultBranch").removeprefix("refs/heads/"),
        on_default_branch=True,
        merged_at=at,
    )


def _merged(said: Reader, context: Context) -> Event:
    told = said.at("resource")
    repository = told.at("repository")
    project = repository.text("project", "name") or _project(said, context)
    name = f"{project}/{repository.need('name')}"
    target, default = told.text("targetRefName"), repository.text("defaultBranch")
    is_done = told.text("status") == "completed"
    at = told.time("closedDate") or said.need_time("createdDate")
    reviewers = [one.text("id") for one in told.items("reviewers") if one.count("vote") == APPROVED_VOTE]
    return codehosts.commit(
        context.job(f"{name}/pull-requests"),
        run=openlineage.run_id(context.namespace, "pull_request", name, told.need("pullRequestId")),
        type=Type.COMPLETE if is_done else Type.RUNNING,
        at=at,
        repository=repository.text("remoteUrl"),
        hash=codehosts.sha(told.text("lastMergeCommit", "commitId")),
        branch=target.removeprefix("refs/heads/"),
        on_default_branch=target == default if is_done and default else None,
        author=told.text("createdBy", "id"),
        reviewers=reviewers or None,
        merged_at=at if is_done else None,
    )


SYSTEM = System(
    slug="azure_devops",
    title="Azure DevOps",
    group=Group.CI,
    mechanisms=(Mechanism.WEBHOOK,),
    tested=Tested.REPLAY,
    schemes=(Scheme.BASIC, Scheme.TOKEN_HEADER),
    options=AzureDevOpsOptions,
    handled={
        "build.complete": "a build with its commit",
        RUN: "a run of a pipeline",
        STAGE: "a stage of a run",
        JOB: "a job of a run, with its commit",
        APPROVAL_PENDING: "that an approval is waited for",
        APPROVAL_COMPLETED: "who approved or refused a stage, and when",
        "git.push": "commits that came to the default branch",
        "git.pullrequest.merged": "the commit that a merge made, with author and approvals",
    },
    ignored={
        "test": "the test of the address",
        "git.push.other": "a push to another branch: it counts when it is merged or run",
        "git.pullrequest.created": "a pull request that is not merged",
        "git.pullrequest.updated": "a pull request that is not merged",
    },
    brings=frozenset({Fact.JOB, Fact.RUN, Fact.COMMIT, Fact.APPROVAL}),
    setup=(
        "In the project's settings under *Service hooks* add *Web Hooks* for build completed, run, stage and job state "
        "changed, approvals pending and completed, code pushed, and pull request merge attempted, with `{url}`, a user "
        "name and the connection's secret as the password, and all resource details. Name in `projects` what projects "
        "are called, and in `repositories` where the code of pipelines lies. A hook that fails is disabled there."
    ),
    type_of=type_of,
    key_of=key_of,
    translate=translate,
)
