"""Gathering what a check needs to know of a promotion, and nothing more."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from django.utils import timezone

from governance import selectors as governance_selectors
from governance.criticality import Goal
from lineage import evidence
from policies import awaiting, candidates, contracts, measured, measuring, personal, ports, recipes, remarked, served
from policies.checks.base import Check, Facts, Parameters
from policies.checks.explanations import ExplanationsParameters
from policies.checks.facts import BaselineFact, InputFact, MaturityFact, RunFact
from policies.checks.fairness import FairnessParameters
from policies.checks.kpi import KpiParameters
from policies.checks.maturity import MaturityParameters
from policies.checks.subject import SubjectFact
from policies.evaluation import State
from policies.models import Promotion

Gathered = dict[str, Any]
Gatherer = Callable[[Promotion, Any], Gathered]


def gather(promotion: Promotion, check: Check, parameters: Parameters) -> Facts:
    """The facts that `check` names, narrowed to what its parameters ask about."""
    gathered: Gathered = {}
    for need in check.needs:
        gathered |= GATHERERS[need](promotion, parameters)
    return Facts(**gathered)


def in_stage(promotion: Promotion) -> Promotion | None:
    """The promotion that brought another version of the model, by any of its names, into the stage last, if any did."""
    return (
        Promotion.objects.filter(
            model__in=evidence.names_of(promotion.model), stage=promotion.stage, state=State.PASSED
        )
        .exclude(version=promotion.version)
        .order_by("-decided_at", "-id")
        .first()
    )


def _now(promotion: Promotion, parameters: Parameters) -> Gathered:
    return {"now": timezone.now().isoformat()}


def _owners(promotion: Promotion, parameters: Parameters) -> Gathered:
    owners = governance_selectors.owners(promotion.model)
    return {
        "owners": {owner.role: str(owner.user or owner.team) for owner in owners},
        "departed": [owner.role for owner in owners if owner.user is not None and not owner.user.is_active],
    }


def _measurements(promotion: Promotion, parameters: Parameters) -> Gathered:
    return {"measurements": measured.facts(evidence.measurements(promotion.model_version, _metrics(parameters)))}


def _production(promotion: Promotion, parameters: Parameters) -> Gathered:
    production = in_stage(promotion)
    if production is None:
        return {}
    found = evidence.measurements(production.model_version, _metrics(parameters))
    return {"production_version": production.version, "production_measurements": measured.facts(found)}


def _production_version(promotion: Promotion, parameters: Parameters) -> Gathered:
    production = in_stage(promotion)
    return {"production_version": production.version if production else None}


def _baseline(promotion: Promotion, parameters: KpiParameters) -> Gathered:
    """Nothing for a model or version that no event has named."""
    asked = parameters.baseline
    if asked is None:
        return {}
    found = evidence.newest_model_version(name=asked.model, version=asked.version, namespace=asked.namespace)
    if found is None:
        return {}
    measurements = measured.facts(evidence.measurements(found.uuid, [parameters.metric]))
    return {"baseline": BaselineFact(name=found.name, version=found.version, measurements=measurements)}


def _subject(promotion: Promotion, parameters: Parameters) -> Gathered:
    said = candidates.candidate(
        model=promotion.model, namespace=promotion.namespace, name=promotion.model_name, stage=promotion.stage
    )
    classified = governance_selectors.classification(promotion.model)
    subject = SubjectFact(
        model=said.model,
        namespace=said.namespace,
        version=promotion.version,
        stage=said.stage,
        teams=sorted(said.teams),
        tier=said.tier,
        tags=sorted(said.tags),
        data_classes=sorted(said.data_classes),
        evidence=sorted(promotion.evidence),
        goals=msgspec.convert(classified.goals, list[Goal]) if classified else [],
        done_when=classified.done_when if classified else "",
    )
    return {"subject": subject}


def _runs(promotion: Promotion, parameters: Parameters) -> Gathered:
    return {"runs": [_run(run) for run in evidence.producing_runs(promotion.model_version)]}


def _promotion_commit(promotion: Promotion, parameters: Parameters) -> Gathered:
    return {"promotion_commit": promotion.commit or None}


def _evaluations(promotion: Promotion, parameters: FairnessParameters) -> Gathered:
    fact = measuring.evaluation(promotion, parameters)
    return {"evaluations": [] if fact is None else [fact]}


def _maturity(promotion: Promotion, parameters: MaturityParameters) -> Gathered:
    """Of every team that owns the model."""
    reader = ports.maturity.reader
    if reader is None:
        return {}
    owners = governance_selectors.owners(promotion.model)
    levels = reader(teams=sorted({owner.team.slug for owner in owners}), framework=parameters.framework)
    if levels is None:
        return {}
    return {
        "maturity": [MaturityFact(team=one.team, framework=parameters.framework, level=one.level) for one in levels]
    }


def _attributions(promotion: Promotion, parameters: ExplanationsParameters) -> Gathered:
    fact = measuring.attributions(promotion, parameters.asked)
    gathered: Gathered = {"attributions": [] if fact is None else [fact]}
    production = in_stage(promotion) if parameters.minimum_agreement is not None else None
    if production is not None:
        gathered |= {
            "production_version": production.version,
            "production_attributions": measuring.attributions(production, parameters.asked),
        }
    return gathered


# By the name that checks give in `needs`.
GATHERERS: Mapping[str, Gatherer] = MappingProxyType(
    {
        "now": _now,
        "subject": _subject,
        "owners": _owners,
        "measurements": _measurements,
        "production": _production,
        "baseline": _baseline,
        "runs": _runs,
        "promotion_commit": _promotion_commit,
        "evaluations": _evaluations,
        "production_version": _production_version,
        "card": lambda promotion, _: {"card": remarked.card(promotion)},
        "recipe": recipes.gather,
        "quality": lambda promotion, _: {"quality": remarked.quality(promotion)},
        "schemas": served.schemas,
        "distributions": served.distributions,
        "tests": lambda promotion, _: {"tests": remarked.tests(promotion)},
        "load_tests": lambda promotion, _: {"load_tests": remarked.load_tests(promotion)},
        "canaries": lambda promotion, _: {"canaries": remarked.canaries(promotion)},
        "fallback": lambda promotion, _: {"fallback": remarked.fallback(promotion)},
        "licences": lambda promotion, _: {"licences": remarked.licences(promotion)},
        "personal_data": personal.gather,
        "approvals": awaiting.gather,
        "maturity": _maturity,
        "contracts": contracts.gather,
        "attributions": _attributions,
    }
)


def _metrics(parameters: Parameters) -> list[str] | None:
    return [parameters.metric] if isinstance(parameters, KpiParameters) else None


def _run(run: evidence.RunEvidence) -> RunFact:
    return RunFact(
        id=run.external_id,
        job=run.job_name,
        state=run.state,
        repository=run.repository,
        commit=run.commit,
        inputs=[InputFact(name=row.name, version=row.version, is_pinned=row.is_pinned) for row in run.inputs],
    )
