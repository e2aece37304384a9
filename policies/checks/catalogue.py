"""Every check by its id. Adding one is its module, one line here, and its case file."""

from collections.abc import Mapping
from types import MappingProxyType

from policies.checks.base import Check
from policies.checks.fairness import Fairness
from policies.checks.kpi import Kpi
from policies.checks.lineage_complete import LineageComplete
from policies.checks.ownership import Ownership

CHECKS: Mapping[str, Check] = MappingProxyType(
    {check.id: check for check in (Ownership(), Kpi(), LineageComplete(), Fairness())}
)
