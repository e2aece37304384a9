"""How MLflow's things are called in the graph. Pure."""

from collections.abc import Mapping

import msgspec

from integrations.openlineage import Dataset, Job
from integrations.systems.base import Context, Options
from integrations.systems.reading import Reader

PRODUCTION = "production"
JOB_TYPE = {"processingType": "BATCH", "integration": "MLFLOW", "jobType": "EXPERIMENT"}


class MlflowOptions(Options, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`aliases`: alias -> stage that it stands for. `repository`: of runs that tell a commit without one.

    `experiments`: names of those whose runs are read; empty: all. `histories`: names of metrics of which every value is
    read, not only the last.
    """

    aliases: dict[str, str] = msgspec.field(default_factory=lambda: {"champion": PRODUCTION})
    repository: str = ""
    experiments: tuple[str, ...] = ()
    histories: tuple[str, ...] = ()


def model(context: Context, name: str, version: str = "") -> Dataset:
    """A registered model. MLflow is its registry, so no other place is looked for."""
    return Dataset(context.options.registry or context.namespace, name).as_model(version)


def experiment(context: Context, said: Reader) -> Job:
    """The job of a run: its experiment, by the name that a poll found out, else by its id."""
    name = said.text("experiment", "name") or f"experiment {said.text('info', 'experiment_id') or '0'}"
    return context.job(name).saying(jobType=JOB_TYPE)


def pairs(said: Reader, *keys: str) -> Mapping[str, str]:
    """Tags or parameters: a list of keys and values, or an object (in webhooks)."""
    found = {one.text("key"): one.text("value") for one in said.items(*keys) if one.text("key")}
    return found or {key: one.text() for key, one in said.entries(*keys)}


def tags(told: Mapping[str, str]) -> Mapping[str, object] | None:
    """The facet `tags`, without MLflow's own."""
    own = [
        {"key": key[:200], "value": value[:200], "source": "MLFLOW"}
        for key, value in sorted(told.items())
        if not key.startswith("mlflow.")
    ]
    return {"tags": own} if own else None
