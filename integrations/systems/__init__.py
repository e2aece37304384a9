"""The systems that Assay hears of and speaks to, one line each."""

from collections.abc import Mapping
from types import MappingProxyType

from integrations.systems import (
    alertmanager,
    argo_workflows,
    azure_devops,
    bitbucket,
    ci,
    circleci,
    cloudevents,
    cloudwatch,
    documents,
    github,
    gitlab,
    grafana,
    jenkins,
    katib,
    kserve,
    kubeflow_pipelines,
    mlflow,
    mlmd,
    prometheus,
    sagemaker,
    seldon,
    tekton,
)
from integrations.systems.base import System

ALL: tuple[System, ...] = (
    alertmanager.SYSTEM,
    argo_workflows.SYSTEM,
    azure_devops.SYSTEM,
    bitbucket.SYSTEM,
    ci.SYSTEM,
    circleci.SYSTEM,
    cloudevents.SYSTEM,
    documents.SYSTEM,
    github.SYSTEM,
    gitlab.SYSTEM,
    grafana.SYSTEM,
    jenkins.SYSTEM,
    katib.SYSTEM,
    kserve.SYSTEM,
    kubeflow_pipelines.SYSTEM,
    mlflow.SYSTEM,
    mlmd.SYSTEM,
    prometheus.SYSTEM,
    seldon.SYSTEM,
    tekton.SYSTEM,
    sagemaker.SYSTEM,
    cloudwatch.SYSTEM,
)
BY_SLUG: Mapping[str, System] = MappingProxyType({system.slug: system for system in ALL})
