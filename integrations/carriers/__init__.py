"""The systems that Assay speaks to, one line each."""

from collections.abc import Mapping
from types import MappingProxyType

from integrations.carriers import chat, github, gitlab, mlflow, pipelines, sagemaker, webhook
from integrations.carriers.base import Carrier

ALL: tuple[Carrier, ...] = (
    mlflow.CARRIER,
    github.CARRIER,
    gitlab.CARRIER,
    sagemaker.CARRIER,
    pipelines.AIRFLOW,
    pipelines.KUBEFLOW,
    chat.SLACK,
    chat.TEAMS,
    webhook.CARRIER,
)
BY_SLUG: Mapping[str, Carrier] = MappingProxyType({carrier.slug: carrier for carrier in ALL})
