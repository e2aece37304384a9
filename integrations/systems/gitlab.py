"""GitLab: pipelines and their jobs, deployments, releases, and what became of commits."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from integrations import openlineage
from integrations.openlineage import Event, Job, Type
from integrations.systems import codehosts, vocabulary
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Scheme, System, Tested
from integrations.systems.reading import Reader

# What GitLab sends as a test from a project without commits.
TEST_PUSH = ("95790bf891e76fee5e1747ab589903a6a1f80f22", "da1560886d4f094c3e6c9ef40349f7d38b5d27d7")


def type_of(message: Message) -> str:
    """GitLab's `object_kind`, and of what is many things at once a narrower word."""
    said = Reader(message.document)
    kind = said.text("object_kind") or said.need("event_name")
    match kind:
        case "push":
            if (said.text("before"), said.text("after")) == TEST_PUSH:
                return "push.test"
            branch = said.text("project", "default_branch")
            is_default = branch and said.text("ref") == f"refs/heads/{branch}" and codehosts.sha(said.text("after"))
            return "push" if is_default else "push.other"
        case "merge_request":
            action = said.text("object_attributes", "action")
            return {"merge": "merge_request.merged", "approved": "merge_request.approved"}.get(action, kind)
        case "release":
            return kind if said.text("action") in ("create", "") else "release.other"
    return kind[:100]


def key_of(message: Message) -> str:
    """Stays the same when GitLab tries again; older versions send only the last of these."""
    headers = message.headers
    return headers.get("idempotency-key") or headers.get("webhook-id") or headers.get("x-gitlab-event-uuid", "")


def translate(message: Message, context: Context) -> Iterator[Event]:
    said = Reader(message.document)
    match message.type:
        case "pipeline":
            yield from _pipeline(said, context)
        case "build":
            yield from _build(said, context, message)
        case "deployment":
            yield _deployment(said, context)
        case "push":
            yield from _push(said, context)
        case "merge_request.merged" | "merge_request.approved":
            yield _merge_request(said, context, message.type)
        case "release":
            yield _release(said, context)


def _address(said: Reader) -> str:
    """Where the project's pages are, which is what its repository is called. Ids are unique only within an instance."""
    project = said.at("project")
    pages = project.text("web_url") or project.text("homepage") or said.text("repository", "homepage")
    told = pages or said.text("commit", "url") or said.text("object_attributes", "url") or said.text("commit_url")
    return told.partition("/-/")[0].partition("/commit/")[0]


def _path(said: Reader) -> str:
    path = said.text("project", "path_with_namespace") or _path_of(_address(said))
    return path or said.text("project_name").replace(" ", "") or said.need("project_id")


def _path_of(address: str) -> str:
    try:
        return urlsplit(address).path.strip("/")
    except ValueError:
        return ""


def _pipeline_job(context: Context, path: str) -> Job:
    return context.job(f"{path}/pipeline")


def _pipeline_run(context: Context, path: str, id: str) -> str:
    return openlineage.run_id(context.namespace, "pipeline", path, id)


def _pipeline(said: Reader, context: Context) -> Iterator[Event]:
    told, path = said.at("object_attributes"), _path(said)
    built = (_address(said), codehosts.sha(told.text("sha")))
    job = _pipeline_job(context, path).built_from(*built, branch=told.text("ref"))
    run = _pipeline_run(context, path, told.need("id"))
    facets: dict[str, Mapping[str, Any]] = {
        "assay_run": codehosts.ran(told.text("source"), actor=said.text("user", "username"))
    }
    if above := said.text("source_pipeline", "pipeline_id"):
        above_path = said.at("source_pipeline").need("project", "path_with_namespace")
        above_job, above_run = _pipeline_job(context, above_path), _pipeline_run(context, above_path, above)
        facets["parent"] = openlineage.parent(above_job, above_run)
    began = told.need_time("created_at")
    yield openlineage.of_run(Type.START, at=began, run=run, job=job, facets=facets)
    if (end := vocabulary.end(told.text("status"))) is not None:
        yield openlineage.of_run(end, at=told.time("finished_at") or began, run=run, job=job, facets=facets)
    for one in said.items("builds"):
        if one.time("started_at") is not None and one.text("name") and one.text("id"):
            told_job = _job(context, path, one.need("name"), one.need("id"), told.need("id"), built)
            yield from told_job(one.text("status"), one.time("started_at"), one.time("finished_at"))


def _build(said: Reader, context: Context, message: Message) -> Iterator[Event]:
    built = (_address(said), codehosts.sha(said.text("sha")))
    told_job = _job(
        context, _path(said), said.need("build_name"), said.need("build_id"), said.text("pipeline_id"), built
    )
    began, ended = said.time("build_started_at"), said.time("build_finished_at")
    if began is not None:
        yield from told_job(said.text("build_status"), began, ended)
    else:
        # It waits; older versions do not even say since when.
        at = ended or said.time("build_created_at") or message.received_at
        yield told_job.event(vocabulary.end(said.text("build_status")) or Type.OTHER, at)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """One job of a pipeline, told by its own event or by that of the pipeline."""

    job: Job
    run: str
    facets: openlineage.Facets
    name: str

    def __call__(self, status: str, began: datetime | None, ended: datetime | None) -> Iterator[Event]:
        if began is not None:
            yield self.event(Type.START, began)
        if (end := vocabulary.end(status)) is not None and (at := ended or began) is not None:
            yield self.event(end, at)

    def event(self, type: Type, at: datetime) -> Event:
        facets = dict(self.facets)
        if (category := codehosts.category(self.name)) and type in (Type.COMPLETE, Type.FAIL):
            result = codehosts.test_result(category, self.name, passed=type is Type.COMPLETE)
            facets["assay_testResults"] = {"results": [result]}
        return openlineage.of_run(type, at=at, run=self.run, job=self.job, facets=facets)


def _job(context: Context, path: str, name: str, id: str, pipeline: str, built: tuple[str, str]) -> _Job:
    facets: dict[str, Mapping[str, Any]] = {"assay_run": {"trigger": "ci"}}
    if pipeline:
        facets["parent"] = openlineage.parent(_pipeline_job(context, path), _pipeline_run(context, path, pipeline))
    return _Job(
        job=context.job(f"{path}/pipeline.{name}").built_from(*built),
        run=openlineage.run_id(context.namespace, "job", path, id),
        facets=facets,
        name=name,
    )


def _deployment(said: Reader, context: Context) -> Event:
    """The whole hash stands only in the address of the commit."""
    path, environment, ref = _path(said), said.need("environment"), said.text("ref")
    commit = codehosts.sha(said.text("commit_url").rpartition("/")[2])
    status = said.text("status")
    state = Type.RUNNING if status == "success" else vocabulary.end(status) or Type.START
    tier = said.text("environment_tier")
    return codehosts.deployed(
        context.job(f"{path}/deployments/{environment}").built_from(_address(said), commit, branch=ref),
        run=openlineage.run_id(context.namespace, "deployment", path, said.need("deployment_id")),
        at=said.need_time("status_changed_at"),
        state=state,
        environment=vocabulary.environment(tier) or vocabulary.environment(environment),
        model=codehosts.model_of(context, Reader(None), ref),
        said=Reader(None),
        facets={"assay_run": codehosts.ran("", actor=said.text("user", "username"))},
    )


def _push(said: Reader, context: Context) -> Iterator[Event]:
    """Commits of the default branch. Their authors are told by name and address of mail alone, which are not taken."""
    path, branch = _path(said), said.text("project", "default_branch")
    for one in said.items("commits"):
        if hash := codehosts.sha(one.text("id")):
            yield codehosts.commit(
                context.job(f"{path}/commits"),
                run=openlineage.run_id(context.namespace, "commit", path, hash),
                at=one.need_time("timestamp"),
                repository=_address(said),
                hash=hash,
                branch=branch,
                on_default_branch=True,
            )


def _merge_request(said: Reader, context: Context, type: str) -> Event:
    """An approval, or the merge. The author's login is known only where GitLab names somebody of the author's id."""
    told, path = said.at("object_attributes"), _path(said)
    is_merge = type == "merge_request.merged"
    author = told.need("author_id")
    people = {one.text("id"): one.text("username") for one in (said.at("user"), *said.items("assignees"))}
    approved = [one for one in said.items("reviewers") if one.text("state") == "approved"]
    approved += [] if is_merge else [said.at("user")]
    # An approval of one's own is none, and here it could not be told from another's.
    reviewers = [one.text("username") for one in approved if one.text("id") not in ("", author)]
    merged = told.text("merge_commit_sha") or told.text("squash_commit_sha") if is_merge else ""
    at = told.time("merged_at") or told.need_time("updated_at")
    target = told.text("target_branch")
    default = said.text("project", "default_branch")
    return codehosts.commit(
        context.job(f"{path}/merge-requests"),
        run=openlineage.run_id(context.namespace, "merge_request", path, told.need("iid")),
        type=Type.COMPLETE if is_merge else Type.RUNNING,
        at=at,
        repository=_address(said),
        hash=codehosts.sha(merged or told.text("last_commit", "id")),
        branch=target,
        on_default_branch=target == default if is_merge and default else None,
        author=people.get(author, ""),
        reviewers=[one for one in reviewers if one] or None,
        merged_at=at if is_merge else None,
    )


def _release(said: Reader, context: Context) -> Event:
    path, commit = _path(said), codehosts.sha(said.text("commit", "id"))
    job = context.job(f"{path}/releases").built_from(_address(said), commit)
    if (location := job.facets.get("sourceCodeLocation")) is not None:
        job = job.saying(sourceCodeLocation={**location, "tag": said.need("tag")})
    run = openlineage.run_id(context.namespace, "release", path, said.need("tag"))
    at = said.time("released_at") or said.need_time("created_at")
    return openlineage.of_run(Type.COMPLETE, at=at, run=run, job=job, facets={"assay_run": codehosts.ran("manual")})


SYSTEM = System(
    slug="gitlab",
    title="GitLab",
    group=Group.CI,
    mechanisms=(Mechanism.WEBHOOK,),
    tested=Tested.REPLAY,
    schemes=(Scheme.STANDARD_WEBHOOKS, Scheme.TOKEN_HEADER),
    handled={
        "pipeline": "a run of the pipeline with its commit, and its jobs that began",
        "build": "a run of a job; a test when its name is the category of one, such as `app.unit`",
        "deployment": "a deployment with its commit; of a model version when it is of a tag such as `loans@v7`",
        "release": "a release of a commit",
        "push": "commits that came to the default branch",
        "merge_request.merged": "the commit that a merge made, with those who approved it",
        "merge_request.approved": "who approved the commit",
    },
    ignored={
        "push.test": "GitLab's test from a project without commits",
        "push.other": "a push to another branch: it counts when it is merged or run",
        "release.other": "a release that was told before, or is taken back",
        "tag_push": "a tag counts when it is released or deployed",
        "merge_request": "a merge request that is neither approved nor merged",
        "note": "a comment",
        "issue": "an issue",
    },
    brings=frozenset({Fact.JOB, Fact.RUN, Fact.COMMIT, Fact.DEPLOYMENT, Fact.CHECK}),
    setup=(
        "In the settings of the project or group under *Webhooks* add `{url}` for pushes, merge requests, jobs, "
        "pipelines, "
        "deployments and releases. Where GitLab offers a *signing token*, use the connection's secret with the scheme "
        "`standard_webhooks`; otherwise the *secret token* with the scheme `token_header` and the header "
        "`x-gitlab-token`. A hook that fails is switched off by GitLab for growing periods: look at its page there."
    ),
    type_of=type_of,
    key_of=key_of,
    translate=translate,
)
