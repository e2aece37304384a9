"""Every check by its id. Adding one is its module, one line here, and its case file."""

from collections.abc import Mapping
from types import MappingProxyType

from policies.checks.approvals import Approvals
from policies.checks.base import Check
from policies.checks.canary import Canary
from policies.checks.condition import Condition
from policies.checks.contracts import Contracts
from policies.checks.data_quality import DataQuality
from policies.checks.documentation import Documentation
from policies.checks.drift import Drift
from policies.checks.explanations import Explanations
from policies.checks.fairness import Fairness
from policies.checks.goals import Goals
from policies.checks.kpi import Kpi
from policies.checks.licence import Licence
from policies.checks.lineage_complete import LineageComplete
from policies.checks.load import Load
from policies.checks.maturity import Maturity
from policies.checks.ownership import Ownership
from policies.checks.personal_data import PersonalData
from policies.checks.reproducible import Reproducible
from policies.checks.robustness import Robustness
from policies.checks.rollback_target import RollbackTarget
from policies.checks.schema_match import SchemaMatch
from policies.checks.security import Security

CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        check.id: check
        for check in (
            Approvals(),
            Canary(),
            Condition(),
            Contracts(),
            DataQuality(),
            Documentation(),
            Drift(),
            Explanations(),
            Fairness(),
            Goals(),
            Kpi(),
            Licence(),
            LineageComplete(),
            Load(),
            Maturity(),
            Ownership(),
            PersonalData(),
            Reproducible(),
            Robustness(),
            RollbackTarget(),
            SchemaMatch(),
            Security(),
        )
    }
)
