"""MLflow: the registry by webhooks at once, and registry, runs, metrics and logged models by polls.

A webhook may be lost, and none is sent for runs, metrics, stages and descriptions; what a poll brings is the truth.
"""

from collections.abc import Iterable, Iterator

from integrations.notices import Claim
from integrations.openlineage import Event
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Scheme, System, Tested
from integrations.systems.mlflow import polling, registry, runs, webhooks
from integrations.systems.mlflow.names import MlflowOptions


def translate(message: Message, context: Context) -> Iterator[Event]:
    match message.type:
        case polling.RUNS:
            yield from runs.translate(message, context)
        case polling.REGISTERED_MODELS | polling.MODEL_VERSIONS | polling.LOGGED_MODELS:
            yield from registry.translate(message, context)
        case _:
            yield from webhooks.translate(message, context)


def claims(message: Message, context: Context) -> Iterable[Claim]:
    if message.type == polling.REGISTERED_MODELS:
        return registry.claims_of_aliases(message, context)
    if message.type == polling.MODEL_VERSIONS:
        return registry.claims_of_stages(message, context)
    return webhooks.claims(message, context)


SYSTEM = System(
    slug="mlflow",
    title="MLflow",
    group=Group.TRACKING,
    mechanisms=(Mechanism.WEBHOOK, Mechanism.POLL),
    tested=Tested.REAL,
    schemes=(Scheme.MLFLOW, Scheme.DATABRICKS),
    handled={
        "registered_model.created": "a model, with its tags and description",
        "model_version.created": "a model version, and where its files lie",
        "model_version_alias.created": "that an alias was given to a version; one that stands for a stage is a claim",
        webhooks.STAGE_CHANGED: "that a version went to another stage; Production is a claim (Databricks)",
        polling.RUNS: "runs with parameters, metrics, datasets by their digests, commit, and the versions they made",
        polling.REGISTERED_MODELS: "models with tags and description; aliases that stand for stages are claims",
        polling.MODEL_VERSIONS: "model versions, and where their files lie",
        polling.LOGGED_MODELS: "where the files of registered versions lie, and their metrics",
    },
    ignored={
        webhooks.PING: "MLflow's test of the address: it sends an example",
        "model_version_tag.set": "tags of a version come whole with the next poll",
        "model_version_tag.deleted": "tags of a version come whole with the next poll",
        "model_version_alias.deleted": "it names no version; who has the alias then is told when it is given",
        **dict.fromkeys(webhooks.PROMPTS, "prompts are no models and no data"),
        "budget_policy.exceeded": "money spent is no lineage",
        "metric_history": "read together with its run",
        "webhooks": "what MLflow would send says nothing of models",
    },
    brings=frozenset(
        {
            Fact.JOB,
            Fact.RUN,
            Fact.DATASET,
            Fact.COMMIT,
            Fact.MODEL,
            Fact.MODEL_VERSION,
            Fact.KPI,
            Fact.APPROVAL,
        }
    ),
    setup=(
        "Have it polled: the address is that of the tracking server (`https://ml.example`), the outgoing secret a user "
        "with READ on experiments and registered models. For speed add a webhook, with the connection's secret:\n\n"
        "```python\n"
        'MlflowClient().create_webhook("assay", "{url}", secret=SECRET, events=[\n'
        '    "registered_model.created", "model_version.created", "model_version_alias.created"])\n'
        "```\n\n"
        "The server needs `MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY`, else deliveries break when it is started again, and "
        "`MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS=true` if this address is private. MLflow keeps the time of the first "
        "attempt when it tries again, so leave the window of the connection wide. For commits set the tag "
        "`mlflow.source.git.repoURL` on runs, or the option `repository`. The tag `openlineage.parent` "
        "(`namespace/job/runId`) hangs a run below the task that started it. On Databricks create a registry webhook "
        "with `{url}` and the scheme `databricks`."
    ),
    options=MlflowOptions,
    type_of=webhooks.type_of,
    key_of=webhooks.key_of,
    translate=translate,
    poll=polling.poll,
    claims=claims,
)
