"""Systems that send OpenLineage themselves: to `POST /api/v1/lineage`, with a token, and without a connection."""

from collections.abc import Iterable

from integrations.openlineage import Event
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Refused, System, Tested

RUNS = frozenset({Fact.JOB, Fact.RUN, Fact.DATASET})
TOKEN = "It needs a token of a service account with the scope `lineage:write` (`manage.py issue_token`). "  # noqa: S105 - no token


def translate(message: Message, context: Context) -> Iterable[Event]:
    """What these send is OpenLineage already, and goes to the event log as it is."""
    raise Refused("", "is sent to /api/v1/lineage, not through a connection.")


def _sender(
    slug: str, title: str, group: Group, setup: str, *, tested: Tested, brings: frozenset[Fact] = RUNS
) -> System:
    return System(
        slug=slug,
        title=title,
        group=group,
        mechanisms=(Mechanism.OPENLINEAGE,),
        tested=tested,
        handled={},
        translate=translate,
        brings=brings,
        setup=TOKEN + setup,
    )


SYSTEMS: tuple[System, ...] = (
    _sender(
        "openlineage",
        "OpenLineage",
        Group.GENERIC,
        "Any client of OpenLineage works with:\n\n"
        "```sh\nexport OPENLINEAGE_URL=https://assay.example OPENLINEAGE_API_KEY=assay_…\n```\n\n"
        "Events of runs, jobs and datasets are taken at `/api/v1/lineage`, one or a list, also compressed with gzip. "
        "An event that comes twice, late or in another order changes nothing. A run id that is no UUID is taken, with "
        "a warning. Facets that are not known are kept. The facets of our own are [here](../facets.md).",
        tested=Tested.REPLAY,
        brings=RUNS | {Fact.COMMIT, Fact.MODEL, Fact.MODEL_VERSION, Fact.KPI, Fact.CHECK, Fact.DEPLOYMENT},
    ),
    _sender(
        "airflow",
        "Apache Airflow",
        Group.PIPELINES,
        "Install `apache-airflow-providers-openlineage` and set:\n\n"
        "```sh\n"
        'AIRFLOW__OPENLINEAGE__TRANSPORT=\'{"type": "http", "url": "https://assay.example", "endpoint": '
        '"api/v1/lineage", "auth": {"type": "api_key", "apiKey": "assay_…"}}\'\n'
        "AIRFLOW__OPENLINEAGE__NAMESPACE=airflow://sched.example\n```\n\n"
        "Give tasks assets as inlets and outlets. The provider leaves an `Asset` out of inputs and outputs unless the "
        "provider of its scheme is installed as well; it is read all the same, under the name that OpenLineage gives "
        "the bucket, file or table at its URI. What has no such URI, give as "
        "`openlineage.client.event_v2.Dataset`. The start of a DAG run comes from the scheduler "
        "alone, not from `airflow dags test`. Hand "
        "`{{ macros.OpenLineageProviderPlugin.lineage_parent_id(task_instance) }}` to what a "
        "task starts, and set it there as `openlineage.parent`.",
        tested=Tested.REAL,
    ),
    _sender(
        "spark",
        "Apache Spark",
        Group.DATA,
        "Add the listener to the session:\n\n"
        "```\nspark.jars.packages=io.openlineage:openlineage-spark_2.12:1.54.0\n"
        "spark.extraListeners=io.openlineage.spark.agent.OpenLineageSparkListener\n"
        "spark.openlineage.transport.type=http\nspark.openlineage.transport.url=https://assay.example\n"
        "spark.openlineage.transport.auth.type=api_key\nspark.openlineage.transport.auth.apiKey=assay_…\n"
        "spark.openlineage.namespace=spark://cluster\n```\n\n"
        "Tables are other names (`symlinks`) of the paths at which they lie. Outputs often come only with the end, and "
        "an end may come without a start.",
        tested=Tested.REPLAY,
    ),
    _sender(
        "flink",
        "Apache Flink",
        Group.DATA,
        "Put `openlineage-flink` on the class path and set:\n\n"
        "```\nexecution.job-status-changed-listeners: "
        "io.openlineage.flink.listener.OpenLineageJobStatusChangedListenerFactory\n"
        "openlineage.transport.type: http\nopenlineage.transport.url: https://assay.example\n"
        "openlineage.transport.auth.type: api_key\nopenlineage.transport.auth.apiKey: assay_…\n```\n\n"
        "A streaming job runs until it is stopped: its events of the kind RUNNING keep it alive in the graph.",
        tested=Tested.REPLAY,
    ),
    _sender(
        "dbt",
        "dbt (dbt-ol)",
        Group.DATA,
        "Install `openlineage-dbt` and run `dbt-ol` in place of `dbt`:\n\n"
        "```sh\nexport OPENLINEAGE_URL=https://assay.example OPENLINEAGE_API_KEY=assay_…\n"
        "OPENLINEAGE_NAMESPACE=dbt://churn dbt-ol build\n```\n\n"
        "Everything is sent when dbt has ended; with `--consume-structured-logs` while it runs, but then under other "
        "names of jobs; those of `dbt-ol run` and `dbt-ol build` are proposed to be the same on the pages of the "
        "jobs, and at `GET /api/v1/names/proposed`. Seeds are no inputs. A skipped test arrives as one that "
        "failed; where that matters import [dbt's artifacts](dbt_artifacts.md) instead.",
        tested=Tested.REAL,
        brings=RUNS | {Fact.CHECK},
    ),
)
