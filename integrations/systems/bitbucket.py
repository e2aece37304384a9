"""Bitbucket, Cloud and Data Center: what builds say of commits, and what became of commits."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from integrations import openlineage
from integrations.openlineage import Event, Type
from integrations.systems import codehosts
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Options, Refused, Scheme, System, Tested
from integrations.systems.reading import Reader

STATES = {"INPROGRESS": None, "SUCCESSFUL": Type.COMPLETE, "FAILED": Type.FAIL, "STOPPED": Type.ABORT}


class BitbucketOptions(Options, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`default_branches`: the branches that count as the default one, which no payload names.

    `address`: of a Data Center, such as `https://git.example`, where its payloads name repositories by key alone.
    """

    default_branches: tuple[str, ...] = ("main", "master")
    address: str = ""


def type_of(message: Message) -> str:
    if key := message.headers.get("x-event-key", ""):
        return key[:100]
    if Reader(message.document).flag("test") is not None:
        return "diagnostics:ping"
    raise Refused("X-Event-Key", "the header is missing.")


def key_of(message: Message) -> str:
    """Stays the same when Bitbucket tries again; Data Center calls it otherwise."""
    return message.headers.get("x-request-uuid") or message.headers.get("x-request-id", "")


def translate(message: Message, context: Context) -> Iterator[Event]:
    said = Reader(message.document)
    match message.type:
        case "repo:commit_status_created" | "repo:commit_status_updated":
            yield from _status(said, context)
        case "repo:push":
            yield from _push(said, context)
        case "repo:refs_changed":
            yield from _refs_changed(said, context)
        case "pullrequest:fulfilled" | "pullrequest:approved":
            yield _pull_request(said, context, message.type)
        case "pr:merged":
            yield _merged(said, context)


def _names(said: Reader, context: Context) -> tuple[str, str]:
    """Name and address of the repository, in the form of the Cloud or of a Data Center."""
    if name := said.text("full_name"):
        return name, f"https://bitbucket.org/{name}"
    project, slug = said.need("project", "key"), said.need("slug")
    base = _options(context).address or f"https://{urlsplit(context.namespace).netloc}"
    # As it is cloned: the key of a project is in lower case there.
    return f"{project}/{slug}", f"{base.rstrip('/')}/scm/{project.lower()}/{slug}"


def _options(context: Context) -> BitbucketOptions:
    return context.options if isinstance(context.options, BitbucketOptions) else BitbucketOptions()


def _status(said: Reader, context: Context) -> Iterator[Event]:
    """A build says how it went with a commit. Bitbucket's own pipelines speak in this way only."""
    told = said.at("commit_status")
    name, address = _names(said.at("repository"), context)
    link = told.text("links", "commit", "href").rstrip("/").rpartition("/")[2]
    commit = codehosts.sha(told.text("commit", "hash")) or codehosts.sha(link)
    key = told.need("key")
    job = context.job(f"{name}/{told.text('name') or key}").built_from(address, commit, branch=told.text("refname"))
    run = openlineage.run_id(context.namespace, "status", name, commit or link, key)
    facets: dict[str, dict[str, object]] = {"assay_run": {"trigger": "ci"}}
    began = told.need_time("created_on")
    yield openlineage.of_run(Type.START, at=began, run=run, job=job, facets=facets)
    state = told.text("state")
    end = STATES.get(state, Type.OTHER)
    if end is None:
        return
    category = codehosts.category(key) or codehosts.category(told.text("name"))
    if category and end in (Type.COMPLETE, Type.FAIL):
        result = codehosts.test_result(category, key, passed=end is Type.COMPLETE)
        facets["assay_testResults"] = {"results": [result]}
    yield openlineage.of_run(end, at=told.time("updated_on") or began, run=run, job=job, facets=facets)


def _push(said: Reader, context: Context) -> Iterator[Event]:
    name, address = _names(said.at("repository"), context)
    defaults = _options(context).default_branches
    for change in said.items("push", "changes"):
        new = change.at("new")
        if new.text("type") == "branch" and new.text("name") in defaults:
            tip = new.at("target")
            # The list may leave out the newest, and holds no times of its own.
            listed = {codehosts.sha(one.text("hash")): one for one in [*change.items("commits"), tip]}
            at = tip.need_time("date")
            for hash, one in listed.items():
                if hash:
                    yield codehosts.commit(
                        context.job(f"{name}/commits"),
                        run=openlineage.run_id(context.namespace, "commit", name, hash),
                        at=at,
                        repository=address,
                        hash=hash,
                        branch=new.text("name"),
                        on_default_branch=True,
                        author=_person(one.at("author", "user") or one.at("author")),
                    )


def _refs_changed(said: Reader, context: Context) -> Iterator[Event]:
    """A Data Center tells the newest commit of each branch alone."""
    name, address = _names(said.at("repository"), context)
    at = said.need_time("date")
    for change in said.items("changes"):
        branch = change.text("ref", "displayId") or change.text("refId").removeprefix("refs/heads/")
        hash = codehosts.sha(change.text("toHash"))
        if hash and branch in _options(context).default_branches and change.text("type") != "DELETE":
            yield codehosts.commit(
                context.job(f"{name}/commits"),
                run=openlineage.run_id(context.namespace, "commit", name, hash),
                at=at,
                repository=address,
                hash=hash,
                branch=branch,
                on_default_branch=True,
                merged_at=at,
            )


def _pull_request(said: Reader, context: Context, type: str) -> Event:
    """Of the Cloud, which cuts commits short to twelve digits: those name no commit for certain and are left out."""
    told = said.at("pullrequest")
    name, address = _names(said.at("repository"), context)
    is_merge = type == "pullrequest:fulfilled"
    at = told.need_time("updated_on")
    approved = [one.at("user") for one in told.items("participants") if one.flag("approved")]
    approved += [] if is_merge else [said.at("approval", "user")]
    target = told.text("destination", "branch", "name")
    commit = told.at("merge_commit") if is_merge else told.at("source", "commit")
    return codehosts.commit(
        context.job(f"{name}/pull-requests"),
        run=openlineage.run_id(context.namespace, "pull_request", name, told.need("id")),
        type=Type.COMPLETE if is_merge else Type.RUNNING,
        at=at,
        repository=address,
        hash=codehosts.sha(commit.text("hash")),
        branch=target,
        on_default_branch=target in _options(context).default_branches if is_merge else None,
        author=_person(told.at("author")),
        reviewers=[one for user in approved if (one := _person(user))] or None,
        merged_at=at if is_merge else None,
    )


def _merged(said: Reader, context: Context) -> Event:
    """Of a Data Center."""
    told = said.at("pullRequest")
    target = told.at("toRef")
    name, address = _names(target.at("repository"), context)
    at = said.need_time("date")
    branch = target.text("displayId")
    reviewers = [one.text("user", "name") for one in told.items("reviewers") if one.flag("approved")]
    return codehosts.commit(
        context.job(f"{name}/pull-requests"),
        run=openlineage.run_id(context.namespace, "pull_request", name, told.need("id")),
        at=at,
        repository=address,
        hash=codehosts.sha(told.text("properties", "mergeCommit", "id")),
        branch=branch,
        on_default_branch=branch in _options(context).default_branches,
        author=told.text("author", "user", "name"),
        reviewers=[one for one in reviewers if one] or None,
        merged_at=at,
    )


def _person(user: Reader) -> str:
    """The name of an account, which is not that of a person."""
    return user.text("nickname") or user.text("username") or user.text("account_id")


SYSTEM = System(
    slug="bitbucket",
    title="Bitbucket",
    group=Group.CI,
    mechanisms=(Mechanism.WEBHOOK,),
    tested=Tested.REPLAY,
    schemes=(Scheme.BITBUCKET,),
    options=BitbucketOptions,
    handled={
        "repo:commit_status_created": "a build of a commit began",
        "repo:commit_status_updated": "a build of a commit, also of Bitbucket Pipelines, and what it came to",
        "repo:push": "commits that came to a default branch, with their authors (Cloud)",
        "repo:refs_changed": "the newest commit of a default branch (Data Center)",
        "pullrequest:approved": "who approved a pull request (Cloud)",
        "pullrequest:fulfilled": "a merge with its author and approvals; the commit only if told in full (Cloud)",
        "pr:merged": "the commit that a merge made, with author and approvals (Data Center)",
    },
    ignored={
        "diagnostics:ping": "Bitbucket's test of the address",
        "pullrequest:created": "a pull request that is not merged",
        "pullrequest:updated": "a pull request that is not merged",
        "pr:opened": "a pull request that is not merged",
        "repo:fork": "a copy of the repository",
    },
    brings=frozenset({Fact.JOB, Fact.RUN, Fact.COMMIT, Fact.CHECK}),
    setup=(
        "In the repository's settings under *Webhooks* add `{url}` with the connection's secret for pushes, build "
        "statuses, and pull requests approved and merged. No payload names the default branch: set `default_branches` "
        "if it is neither `main` nor `master`, and for a Data Center `address`."
    ),
    type_of=type_of,
    key_of=key_of,
    translate=translate,
)
