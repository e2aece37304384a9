"""GitHub: runs of workflows, deployments, checks and releases, and what became of commits."""

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit

from integrations import openlineage
from integrations.notices import Question
from integrations.openlineage import Event, Job, Type
from integrations.systems import codehosts, github_deliveries, vocabulary
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Refused, Scheme, System, Tested
from integrations.systems.reading import Reader

EVENT_HEADER = "x-github-event"
# The states of a deployment. `inactive`: another one took its place.
DEPLOYMENT_STATES = {
    "success": Type.RUNNING,
    "inactive": Type.COMPLETE,
    "failure": Type.FAIL,
    "error": Type.FAIL,
    "in_progress": Type.START,
    "queued": Type.START,
    "pending": Type.START,
    "waiting": Type.OTHER,
}


def type_of(message: Message) -> str:
    """GitHub's word, and of what is many things at once a narrower one."""
    said = Reader(message.document)
    event = message.headers.get(EVENT_HEADER, "")
    if not event:
        raise Refused("X-GitHub-Event", "the header is missing.")
    match event:
        case "push":
            branch = said.text("repository", "default_branch")
            is_default = branch and said.text("ref") == f"refs/heads/{branch}" and said.flag("deleted") is not True
            return "push" if is_default else "push.other"
        case "pull_request":
            is_merged = said.text("action") == "closed" and said.flag("pull_request", "merged")
            return "pull_request.merged" if is_merged else "pull_request"
        case "pull_request_review":
            is_approval = said.text("action") == "submitted" and said.text("review", "state").lower() == "approved"
            return "pull_request_review.approved" if is_approval else "pull_request_review"
        case "release":
            return "release.published" if said.text("action") == "published" else "release"
    return event[:100]


def key_of(message: Message) -> str:
    """The same when a delivery is sent again by hand."""
    return message.headers.get("x-github-delivery", "")


def translate(message: Message, context: Context) -> Iterator[Event]:
    said = Reader(message.document)
    repository = said.need("repository", "full_name")
    address = said.text("repository", "html_url") or f"https://{urlsplit(context.namespace).netloc}/{repository}"
    match message.type:
        case "workflow_run":
            yield from _workflow(said, context, repository, address)
        case "workflow_job":
            yield from _job(said, context, repository, address)
        case "check_run":
            yield from _check(said, context, repository, address)
        case "deployment" | "deployment_status" | "deployment_protection_rule":
            yield _deployment(said, context, repository, address, message.received_at)
        case "push":
            yield from _push(said, context, repository, address)
        case "pull_request.merged":
            yield _merged(said, context, repository, address)
        case "pull_request_review.approved":
            yield _approved(said, context, repository, address)
        case "release.published":
            yield _release(said, context, repository, address)


def _workflow_job(context: Context, repository: str, name: str) -> Job:
    return context.job(f"{repository}/{name}")


def _workflow_run(context: Context, id: str, attempt: str) -> str:
    """The id stays when a run is tried again, so the attempt is part of ours."""
    return openlineage.run_id(context.namespace, "workflow_run", id, attempt or "1")


def _workflow(said: Reader, context: Context, repository: str, address: str) -> Iterator[Event]:
    told = said.at("workflow_run")
    # The file with the steps; a run of another branch has its reference behind it.
    path = told.text("path").partition("@")[0]
    name = said.text("workflow", "name") or told.text("name") or path or told.need("workflow_id")
    job = _workflow_job(context, repository, name).built_from(
        address, codehosts.sha(told.text("head_sha")), branch=told.text("head_branch"), path=path
    )
    run = _workflow_run(context, told.need("id"), told.text("run_attempt"))
    actor = told.at("triggering_actor") or told.at("actor")
    facets = {"assay_run": codehosts.ran(told.text("event"), actor=actor.text("login"), kind=_kind(actor))}
    began = told.time("run_started_at") or told.need_time("created_at")
    yield openlineage.of_run(Type.START, at=began, run=run, job=job, facets=facets)
    if (end := _end(told)) is not None:
        yield openlineage.of_run(end, at=told.time("updated_at") or began, run=run, job=job, facets=facets)


def _job(said: Reader, context: Context, repository: str, address: str) -> Iterator[Event]:
    told = said.at("workflow_job")
    workflow = _workflow_job(context, repository, told.text("workflow_name") or "workflow")
    job = context.job(f"{workflow.name}.{told.need('name')}").built_from(
        address, codehosts.sha(told.text("head_sha")), branch=told.text("head_branch")
    )
    run = openlineage.run_id(context.namespace, "workflow_job", told.need("id"))
    above = _workflow_run(context, told.need("run_id"), told.text("run_attempt"))
    facets = {"assay_run": {"trigger": "ci"}, "parent": dict(openlineage.parent(workflow, above))}
    queued = told.time("created_at")
    began = told.time("started_at")
    if began is not None and told.text("status") != "queued":
        yield openlineage.of_run(Type.START, at=began, run=run, job=job, facets=facets)
    else:
        at = queued or began or told.need_time("created_at")
        yield openlineage.of_run(Type.OTHER, at=at, run=run, job=job, facets=facets)
    if (end := _end(told)) is not None:
        at = told.time("completed_at") or began or told.need_time("completed_at")
        yield openlineage.of_run(end, at=at, run=run, job=job, facets=facets)


def _check(said: Reader, context: Context, repository: str, address: str) -> Iterator[Event]:
    """A check of a commit, by whatever app. It is a test where its name is the category of one."""
    told = said.at("check_run")
    name = told.need("name")
    suite = told.at("check_suite")
    job = context.job(f"{repository}/checks/{name}").built_from(
        address, codehosts.sha(told.text("head_sha")), branch=suite.text("head_branch")
    )
    run = openlineage.run_id(context.namespace, "check_run", told.need("id"))
    facets: dict[str, dict[str, object]] = {"assay_run": {"trigger": "ci"}}
    began = told.time("started_at") or told.need_time("started_at")
    yield openlineage.of_run(Type.START, at=began, run=run, job=job, facets=facets)
    end = _end(told)
    if end is None:
        return
    if (category := codehosts.category(name)) and end in (Type.COMPLETE, Type.FAIL):
        result = codehosts.test_result(category, name, passed=end is Type.COMPLETE)
        facets["assay_testResults"] = {"results": [result]}
    yield openlineage.of_run(end, at=told.time("completed_at") or began, run=run, job=job, facets=facets)


def _deployment(said: Reader, context: Context, repository: str, address: str, received_at: datetime) -> Event:
    """A deployment, a state of it, or that it waits for us. Whoever creates it names the model in its `payload`."""
    told, status = said.at("deployment"), said.at("deployment_status")
    environment = status.text("environment") or told.text("environment") or said.need("environment")
    sent = codehosts.payload(told.at("payload"))
    reference = told.text("ref") or said.text("ref")
    commit = codehosts.sha(told.text("sha") or said.text("sha"))
    state = DEPLOYMENT_STATES.get(status.text("state"), Type.OTHER) if status else Type.OTHER
    facets: dict[str, dict[str, object]] = {}
    above = said.at("workflow_run")
    actor = status.at("creator") or told.at("creator")
    facets["assay_run"] = codehosts.ran(
        said.text("workflow_run", "event") or ("ci" if above else ""), actor=actor.text("login"), kind=_kind(actor)
    )
    if name := said.text("workflow", "name"):
        above_run = _workflow_run(context, above.text("id"), above.text("run_attempt"))
        facets["parent"] = dict(openlineage.parent(_workflow_job(context, repository, name), above_run))
    return codehosts.deployed(
        context.job(f"{repository}/deployments/{environment}").built_from(address, commit, branch=reference),
        run=openlineage.run_id(context.namespace, "deployment", repository, told.need("id")),
        at=status.time("created_at") or told.time("created_at") or received_at,
        state=state,
        environment=vocabulary.environment(environment),
        model=codehosts.model_of(context, sent, reference),
        said=sent,
        facets=facets,
    )


def _push(said: Reader, context: Context, repository: str, address: str) -> Iterator[Event]:
    """What came to the default branch. Authors by their login, which names them as in reviews; others are not said."""
    job = context.job(f"{repository}/commits")
    branch = said.text("repository", "default_branch")
    at = said.time("repository", "pushed_at") or said.need_time("head_commit", "timestamp")
    for one in said.items("commits"):
        if hash := codehosts.sha(one.text("id")):
            author = one.text("author", "username")
            yield codehosts.commit(
                job,
                run=openlineage.run_id(context.namespace, "commit", repository, hash),
                at=at,
                repository=address,
                hash=hash,
                branch=branch,
                on_default_branch=True,
                author=author,
                merged_at=at,
            )


def _merged(said: Reader, context: Context, repository: str, address: str) -> Event:
    told = said.at("pull_request")
    merged, base = told.need_time("merged_at"), told.text("base", "ref")
    return codehosts.commit(
        context.job(f"{repository}/pull-requests"),
        run=_pull_request_run(said, context, repository),
        at=merged,
        repository=address,
        hash=codehosts.sha(told.need("merge_commit_sha")),
        branch=base,
        on_default_branch=base == said.text("repository", "default_branch"),
        author=told.text("user", "login"),
        merged_at=merged,
    )


def _approved(said: Reader, context: Context, repository: str, address: str) -> Event:
    """An approval is of the commit that was looked at, until a merge makes one of it."""
    review = said.at("review")
    return codehosts.commit(
        context.job(f"{repository}/pull-requests"),
        run=_pull_request_run(said, context, repository),
        type=Type.RUNNING,
        at=review.need_time("submitted_at"),
        repository=address,
        hash=codehosts.sha(review.text("commit_id") or said.need("pull_request", "head", "sha")),
        author=said.text("pull_request", "user", "login"),
        reviewers=[review.need("user", "login")],
    )


def _pull_request_run(said: Reader, context: Context, repository: str) -> str:
    return openlineage.run_id(context.namespace, "pull_request", repository, said.need("pull_request", "number"))


def _release(said: Reader, context: Context, repository: str, address: str) -> Event:
    told = said.at("release")
    job = context.job(f"{repository}/releases").built_from(address, codehosts.sha(told.text("target_commitish")))
    if (location := job.facets.get("sourceCodeLocation")) is not None:
        job = job.saying(sourceCodeLocation={**location, "tag": told.need("tag_name")})
    run = openlineage.run_id(context.namespace, "release", repository, told.need("id"))
    at = told.time("published_at") or told.need_time("created_at")
    facets = {"assay_run": codehosts.ran("manual", actor=told.text("author", "login"), kind=_kind(told.at("author")))}
    return openlineage.of_run(Type.COMPLETE, at=at, run=run, job=job, facets=facets)


def _end(told: Reader) -> Type | None:
    """What is completed came to something; what that is may be new to us."""
    if told.text("status") != "completed":
        return None
    return vocabulary.end(told.text("conclusion")) or Type.OTHER


def _kind(actor: Reader) -> str:
    return {"User": "person", "Bot": "service"}.get(actor.text("type"), "")


def questions(message: Message, context: Context) -> Iterator[Question]:
    """A protection rule holds a deployment until we answer."""
    if message.type != "deployment_protection_rule":
        return
    said = Reader(message.document)
    deployment = said.at("deployment")
    sent = codehosts.payload(deployment.at("payload"))
    model = codehosts.model_of(context, sent, deployment.text("ref") or said.text("ref"))
    environment = said.need("environment")
    yield Question(
        callback=said.need("deployment_callback_url"),
        stage=vocabulary.environment(environment) or environment,
        at=deployment.time("created_at") or message.received_at,
        commit=codehosts.sha(deployment.text("sha") or said.text("sha")),
        model=model.name if model else "",
        version=str(model.facets["version"]["datasetVersion"]) if model else "",
        about={"environment_name": environment, "repository": said.need("repository", "full_name")},
    )


SYSTEM = System(
    slug="github",
    title="GitHub",
    group=Group.CI,
    mechanisms=(Mechanism.WEBHOOK, Mechanism.POLL),
    tested=Tested.REPLAY,
    schemes=(Scheme.GITHUB,),
    options=github_deliveries.GithubOptions,
    handled={
        "workflow_run": "a run of a workflow, each attempt its own, with its commit",
        "workflow_job": "a run of one of its jobs, below it",
        "check_run": "a check of a commit; a test when its name is the category of one, such as `app.unit`",
        "deployment": "that a deployment was created, with the commit",
        "deployment_status": "a deployment of a model version: live on `success`, over on `inactive`",
        "deployment_protection_rule": "that a deployment waits for our verdict",
        "push": "commits that came to the default branch, with their authors",
        "pull_request.merged": "the commit that a merge made, with author and time",
        "pull_request_review.approved": "who approved the commit",
        "release.published": "a release of a commit",
    },
    ignored={
        "ping": "GitHub's test of the address",
        "push.other": "a push to another branch or of a tag: it counts when it is merged or run",
        "pull_request": "a pull request that is not merged",
        "pull_request_review": "a review that approves nothing",
        "release": "a release that is not published, or was published before",
        "check_suite": "told by its checks",
        "status": "told by the check or workflow behind it",
        "workflow_dispatch": "told by the run that it starts",
    },
    brings=frozenset({Fact.JOB, Fact.RUN, Fact.COMMIT, Fact.DEPLOYMENT, Fact.CHECK}),
    setup=(
        "In the settings of the repository, the organisation or a GitHub App under *Webhooks* add `{url}` with content "
        "type `application/json` and the connection's secret, for workflow runs, workflow jobs, check runs, "
        "deployments, deployment statuses, pushes, pull requests, pull request reviews and releases.\n\n"
        "So that a deployment is one of a model version, create it with a payload that "
        "holds `model` and `version`, to which `kind` (online, batch, edge) and `stage` (shadow, canary, ab, full) "
        "may be added, or deploy a tag `loans@v7`.\n\n"
        "GitHub tries no delivery again. So that those which it could not deliver are fetched, name the hooks in the "
        "option `hooks` (the number of a hook is the last part of its page's address), and have the connection polled "
        "with a token that may read webhooks, at the address of GitHub's REST API (`https://api.github.com`). Of each "
        "hook the newest 100 deliveries are looked through, so poll often enough."
    ),
    type_of=type_of,
    key_of=key_of,
    translate=translate,
    questions=questions,
    poll=github_deliveries.poll,
)
