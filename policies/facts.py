"""Gathering what a check needs to know of a promotion, and nothing more."""

from collections.abc import Sequence
from typing import Any

from governance import selectors as governance_selectors
from lineage import evidence
from policies import measuring
from policies.checks.base import Check, Facts, InputFact, MeasurementFact, Parameters, RunFact
from policies.checks.fairness import FairnessParameters
from policies.checks.kpi import KpiParameters
from policies.evaluation import State
from policies.models import Promotion


def gather(promotion: Promotion, check: Check, parameters: Parameters) -> Facts:
    """The facts that `check` names, narrowed to what its parameters ask about."""
    gathered: dict[str, Any] = {}
    metrics = [parameters.metric] if isinstance(parameters, KpiParameters) else None
    for need in check.needs:
        match need:
            case "owners":
                owners = governance_selectors.owners(promotion.model)
                gathered["owners"] = {owner.role: str(owner.user or owner.team) for owner in owners}
            case "measurements":
                gathered["measurements"] = _measured(evidence.measurements(promotion.model_version, metrics))
            case "production":
                production = in_stage(promotion)
                if production is not None:
                    gathered["production_version"] = production.version
                    measured = evidence.measurements(production.model_version, metrics)
                    gathered["production_measurements"] = _measured(measured)
            case "runs":
                gathered["runs"] = [_run(run) for run in evidence.producing_runs(promotion.model_version)]
            case "promotion_commit":
                gathered["promotion_commit"] = promotion.commit or None
            case "evaluations":
                if not isinstance(parameters, FairnessParameters):
                    raise TypeError(f"{check.id} does not say what to count.")
                fact = measuring.evaluation(promotion, parameters)
                gathered["evaluations"] = [] if fact is None else [fact]
            case _:
                raise LookupError(f"No way to gather {need}.")
    return Facts(**gathered)


def in_stage(promotion: Promotion) -> Promotion | None:
    """The promotion that brought another version of the model into the stage last; None when there is none."""
    return (
        Promotion.objects.filter(model=promotion.model, stage=promotion.stage, state=State.PASSED)
        .exclude(model_version=promotion.model_version)
        .order_by("-decided_at", "-id")
        .first()
    )


def _measured(rows: Sequence[evidence.Measurement]) -> list[MeasurementFact]:
    return [
        MeasurementFact(
            metric=row.metric,
            segment=row.segment,
            value=row.value,
            measured_at=row.measured_at.isoformat(),
            dataset=row.dataset,
        )
        for row in rows
    ]


def _run(run: evidence.RunEvidence) -> RunFact:
    inputs = [InputFact(name=row.name, version=row.version, is_pinned=row.is_pinned) for row in run.inputs]
    return RunFact(
        id=run.external_id,
        job=run.job_name,
        state=run.state,
        repository=run.repository,
        commit=run.commit,
        inputs=inputs,
    )
