"""CircleCI: workflows and jobs that ended, with the commit they ran on."""

from collections.abc import Iterator

from integrations import openlineage
from integrations.openlineage import Event, Type
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Scheme, System, Tested
from integrations.systems.reading import Reader

# What a run came to. A run that waits for a person or was not allowed is over for CircleCI.
STATES = {
    "success": Type.COMPLETE,
    "failed": Type.FAIL,
    "error": Type.FAIL,
    "canceled": Type.ABORT,
    "unauthorized": Type.ABORT,
}


def type_of(message: Message) -> str:
    return Reader(message.document).need("type")


def key_of(message: Message) -> str:
    return Reader(message.document).text("id")


def translate(message: Message, context: Context) -> Iterator[Event]:
    """One run of the workflow, or of a job below it. There is no event at the start, so the end tells both."""
    said = Reader(message.document)
    project = said.text("project", "slug") or said.need("project", "id")
    workflow = context.job(f"{project}/{said.need('workflow', 'name')}").built_from(*_commit(said))
    workflow_run = openlineage.run_id(context.namespace, said.need("workflow", "id"))
    facets = {"assay_run": {"trigger": "ci"}}
    if said.need("type") == "workflow-completed":
        told, job, run = said.at("workflow"), workflow, workflow_run
        began = told.time("created_at")
    else:
        told = said.at("job")
        job = context.job(f"{workflow.name}.{told.need('name')}").built_from(*_commit(said))
        run = openlineage.run_id(context.namespace, told.need("id"))
        facets["parent"] = dict(openlineage.parent(workflow, workflow_run))
        began = told.time("started_at")
    ended = told.time("stopped_at") or said.need_time("happened_at")
    if began is not None:
        yield openlineage.of_run(Type.START, at=began, run=run, job=job, facets=facets)
    end = STATES.get(told.text("status"), Type.OTHER)
    yield openlineage.of_run(end, at=ended, run=run, job=job, facets=facets)


def _commit(said: Reader) -> tuple[str, str]:
    """Repository and commit. Where they stand depends on how the project is connected to its repository."""
    pipeline = said.at("pipeline")
    git = pipeline.at("trigger_parameters", "git")
    repository = pipeline.text("vcs", "target_repository_url") or git.text("repo_url")
    return repository, pipeline.text("vcs", "revision") or git.text("checkout_sha")


SYSTEM = System(
    slug="circleci",
    title="CircleCI",
    group=Group.CI,
    mechanisms=(Mechanism.WEBHOOK,),
    tested=Tested.REPLAY,
    schemes=(Scheme.CIRCLECI,),
    handled={
        "workflow-completed": "a run of the workflow, with its commit",
        "job-completed": "a run of the job, below that of its workflow",
    },
    ignored={"ping": "CircleCI's test of the address"},
    brings=frozenset({Fact.JOB, Fact.RUN, Fact.COMMIT}),
    setup=(
        "In the project's settings under *Webhooks* add `{url}` with the connection's secret, for both events. "
        "CircleCI sends no event when something starts."
    ),
    type_of=type_of,
    key_of=key_of,
    translate=translate,
)
