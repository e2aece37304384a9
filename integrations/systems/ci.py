"""Any CI system, by a call of its own at the end of a step: Bamboo, TeamCity, Drone, a script."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from integrations import openlineage
from integrations.openlineage import Event, Type
from integrations.systems import codehosts, vocabulary
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Refused, Scheme, System, Tested
from integrations.systems.reading import Reader

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Login = Annotated[str, msgspec.Meta(max_length=200)]
Sha = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-fA-F]{40}|[0-9a-fA-F]{64})$")]
STATES = {
    "queued": Type.OTHER,
    "started": Type.START,
    "passed": Type.COMPLETE,
    "failed": Type.FAIL,
    "aborted": Type.ABORT,
}


class Form(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, rename="camel"):
    """Base of the parts of the call. A field that we do not know is a mistake, and named."""


class Commit(Form, frozen=True, kw_only=True):
    repository: Name
    sha: Sha
    branch: str = ""
    on_default_branch: bool | None = None
    author: Login = ""
    reviewers: list[Login] | None = None
    merged_at: datetime | None = None


class Test(Form, frozen=True, kw_only=True):
    category: Name
    passed: bool
    name: Name = "tests"
    blocking: bool = True


class Model(Form, frozen=True, kw_only=True):
    name: Name
    version: Name


class Deployment(Form, frozen=True, kw_only=True):
    """`state`: live, or over; it is live until another run takes its place, or is told to be over.

    `made_by`: the `id` of the call that said that it is live, when a later one says that it is over.
    """

    environment: Name
    state: Literal["live", "over"] = "live"
    kind: Literal["online", "batch", "edge"] | None = None
    stage: Literal["shadow", "canary", "ab", "full"] | None = None
    service: Name | None = None
    made_by: Name | None = None


class Call(Form, frozen=True, kw_only=True):
    """What a step says. `id`: of the run, the same in every call about it. `parent`: the id of the run above it."""

    id: Name
    pipeline: Name
    state: Literal["queued", "started", "passed", "failed", "aborted"]
    step: Name | None = None
    parent: Name | None = None
    trigger: Literal["ci", "schedule", "event", "manual"] = "ci"
    at: datetime | None = None
    started_at: datetime | None = None
    commit: Commit | None = None
    tests: list[Test] = []
    model: Model | None = None
    deployment: Deployment | None = None


def type_of(message: Message) -> str:
    """Asking `state` is enough to tell a call from another system's payload."""
    Reader(message.document).need("state")
    return "run"


def translate(message: Message, context: Context) -> Iterator[Event]:
    call = _read(message.document)
    at = _aware(call.at) or message.received_at
    name = f"{call.pipeline}.{call.step}" if call.step else call.pipeline
    job = context.job(name)
    if call.commit is not None:
        job = job.built_from(call.commit.repository, call.commit.sha.lower(), branch=call.commit.branch)
    run = openlineage.run_id(context.namespace, call.id)
    facets: dict[str, Any] = {"assay_run": {"trigger": call.trigger}}
    if call.parent:
        above = openlineage.run_id(context.namespace, call.parent)
        facets["parent"] = openlineage.parent(context.job(call.pipeline), above)
    if call.commit is not None and (told := _told(call.commit)):
        facets["assay_commit"] = told
    if call.tests:
        facets["assay_testResults"] = {
            "results": [
                codehosts.test_result(one.category, one.name, passed=one.passed) | {"blocking": one.blocking}
                for one in call.tests
            ]
        }
    model = context.model(call.model.name, call.model.version) if call.model else None
    inputs = [model] if model is not None else []
    if (began := _aware(call.started_at)) is not None and call.state != "started":
        yield openlineage.of_run(Type.START, at=began, run=run, job=job, inputs=inputs, facets=facets)
    type = STATES[call.state]
    yield openlineage.of_run(
        type, at=began or at if type is Type.START else at, run=run, job=job, inputs=inputs, facets=facets
    )
    if call.deployment is not None and call.state == "passed":
        yield _deployed(context, call, call.deployment, at)


def _deployed(context: Context, call: Call, told: Deployment, at: datetime) -> Event:
    """A service of its own, since it goes on when the step is over."""
    model = context.model(call.model.name, call.model.version) if call.model else None
    name = told.service or f"{call.pipeline}/deployments/{told.environment}"
    job = context.job(name)
    if call.commit is not None:
        job = job.built_from(call.commit.repository, call.commit.sha.lower(), branch=call.commit.branch)
    return codehosts.deployed(
        job,
        run=openlineage.run_id(context.namespace, "deployment", name, told.made_by or call.id),
        at=at,
        state=Type.RUNNING if told.state == "live" else Type.COMPLETE,
        environment=vocabulary.environment(told.environment),
        model=model,
        said=Reader({key: value for key, value in (("kind", told.kind), ("stage", told.stage)) if value}),
    )


def _read(document: Any) -> Call:
    try:
        return msgspec.convert(document, Call)
    except msgspec.ValidationError as error:
        problem, _, where = str(error).partition(" - at `")
        raise Refused(where.rstrip("`").removeprefix("$").lstrip("."), f"{problem}.") from None
    except UnicodeEncodeError:
        # msgspec compares words as UTF-8, which has no lone surrogates.
        raise Refused("", "Holds half of a surrogate pair.") from None


def _told(commit: Commit) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if commit.on_default_branch is not None:
        told["onDefaultBranch"] = commit.on_default_branch
    if commit.author:
        told["author"] = commit.author
    if commit.reviewers is not None:
        told["reviewers"] = sorted(set(commit.reviewers))
    if (merged := _aware(commit.merged_at)) is not None:
        told["mergedAt"] = merged.isoformat()
    return told


def _aware(at: datetime | None) -> datetime | None:
    """Times without a zone are in UTC."""
    return Reader(at.isoformat()).time() if at is not None else None


SETUP = """\
Let a step POST JSON to `{url}` with `Authorization: Bearer` and the connection's secret. `id`, `pipeline` and `state`
(queued, started, passed, failed, aborted) must be there. There may be `step`, `parent`, `trigger`, `at`, `startedAt`,
`commit` (`repository`, `sha`, `branch`, `onDefaultBranch`, `author`, `reviewers`, `mergedAt`), `tests` (each with
`category`, `passed`, `name`, `blocking`), `model` (`name`, `version`) and `deployment` (`environment`, `state`, `kind`,
`stage`, `service`, `madeBy`). In Bamboo that is a script task:

```sh
curl --fail -H "Authorization: Bearer $SECRET" -H "Content-Type: application/json" -d @- {url} <<END
{"id": "${bamboo.buildResultKey}", "pipeline": "${bamboo.planName}", "state": "passed",
 "commit": {"repository": "${bamboo.planRepository.repositoryUrl}", "sha": "${bamboo.planRepository.revision}"}}
END
```

Where the CI signs tokens for its jobs no secret is needed: choose the scheme `oidc`, and say in its options which
`issuer`, `audience` and `claims` are believed, each claim one of the values that you list.

| CI | `issuer` | claim that says whose job it is |
|---|---|---|
| GitHub Actions | `https://token.actions.githubusercontent.com` | `repository`, `repository_id`, `environment`, `ref` |
| GitLab | the address of the instance | `project_path`, `project_id`, `ref_protected` |
| CircleCI | `https://oidc.circleci.com/org/<organisation>` | `oidc.circleci.com/project-id` |
| Bitbucket | `https://api.bitbucket.org/2.0/workspaces/<workspace>/pipelines-config/identity/oidc` | `repositoryUuid` |

In GitHub Actions the job has `permissions: {id-token: write}`, and asks for its token with the audience that you chose:

```sh
TOKEN=$(curl -s -H "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \\
  "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=https://assay.example" | jq -r .value)
curl --fail -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -d @call.json {url}
```"""

SYSTEM = System(
    slug="ci",
    title="Bamboo and any other CI",
    group=Group.CI,
    mechanisms=(Mechanism.WEBHOOK,),
    tested=Tested.REPLAY,
    schemes=(Scheme.BEARER, Scheme.STANDARD_WEBHOOKS, Scheme.OIDC),
    handled={"run": "a run with its commit, review, tests and model version, and what it deployed"},
    brings=frozenset({Fact.JOB, Fact.RUN, Fact.COMMIT, Fact.CHECK, Fact.DEPLOYMENT}),
    setup=SETUP,
    type_of=type_of,
    translate=translate,
)
