"""The systems that Assay hears of and speaks to, one line each."""

from collections.abc import Mapping
from types import MappingProxyType

from integrations.systems import (
    argo_workflows,
    azure_devops,
    bitbucket,
    ci,
    circleci,
    github,
    gitlab,
    jenkins,
    katib,
    kserve,
    mlflow,
    seldon,
    tekton,
)
from integrations.systems.base import System

ALL: tuple[System, ...] = (
    azure_devops.SYSTEM,
    bitbucket.SYSTEM,
    ci.SYSTEM,
    circleci.SYSTEM,
    github.SYSTEM,
    gitlab.SYSTEM,
    jenkins.SYSTEM,
    kserve.SYSTEM,
    mlflow.SYSTEM,
    seldon.SYSTEM,
    katib.SYSTEM,
    argo_workflows.SYSTEM,
    tekton.SYSTEM,
)
BY_SLUG: Mapping[str, System] = MappingProxyType({system.slug: system for system in ALL})
