"""The systems that Assay hears of and speaks to, one line each."""

from collections.abc import Mapping
from types import MappingProxyType

from integrations.systems import circleci, github, gitlab
from integrations.systems.base import System

ALL: tuple[System, ...] = (
    circleci.SYSTEM,
    github.SYSTEM,
    gitlab.SYSTEM,
)
BY_SLUG: Mapping[str, System] = MappingProxyType({system.slug: system for system in ALL})
