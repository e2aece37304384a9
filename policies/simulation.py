"""What policies would have decided on promotions of the past. Nothing is written."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import QuerySet

from policies import candidates, checking, coverage, documents, facts, makers, rules, selection, selectors
from policies.checks.base import Check, Facts, Mode, Outcome, Parameters
from policies.checks.base import Finding as Found
from policies.checks.kpi import KpiParameters
from policies.documents import Policy
from policies.evaluation import Decision, Judged, State, state
from policies.models import Finding, Promotion
from policies.selection import Asked, Rule

# Every rule is taken as if it had taken effect.
LATE = datetime(9999, 1, 1, tzinfo=UTC)
DECIDED = (State.PASSED, State.BLOCKED, State.WAITING)
LONGEST_S = 30.0
# Facts that are gathered alike whatever a rule asks, so that those of another rule of the same check serve.
ALIKE = frozenset(
    {
        "now",
        "subject",
        "owners",
        "measurements",
        "production",
        "production_version",
        "runs",
        "promotion_commit",
        "card",
        "quality",
        "tests",
        "load_tests",
        "canaries",
        "fallback",
        "licences",
        "contracts",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A rule that would have kept the gate shut. Its facts are those stored then, or those of today."""

    policy: str
    check: str
    outcome: str
    summary: str
    facts: Literal["stored", "today"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A promotion that would have been decided otherwise."""

    promotion: UUID
    model: str
    version: str
    stage: str
    requested_at: datetime
    was: str
    would: str
    because: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What came of it. Truncated when there were more promotions than asked for, or the time was up."""

    simulated: int
    truncated: bool
    was: Mapping[str, int]
    would: Mapping[str, int]
    changes: tuple[Change, ...]
    from_today: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    asked: Asked[str]
    found: Found
    facts: Literal["stored", "today"]
    is_waived: bool


def simulate(
    *, texts: Sequence[str], since: datetime, until: datetime, stage: str = "", alone: bool = False, limit: int = 500
) -> Simulation:
    """Judge the promotions requested in that time (from, inclusive, to, exclusive), the newest first, once more.

    Each draft stands in for the current policy of its name; the others of today apply beside them, unless the drafts
    are to be taken `alone`. What nobody decided is left out. Raises BadDocument, naming the text by its place.
    """
    drafts = [documents.parse(text) for text in texts]
    policies: list[tuple[str, Policy]] = [(draft.slug, draft) for draft in drafts]
    if not alone:
        drafted = {draft.slug for draft in drafts}
        policies += [(said.slug, said) for _, said in selectors.current_policies() if said.slug not in drafted]
    asked = Promotion.objects.filter(requested_at__gte=since, requested_at__lt=until, state__in=DECIDED)
    if stage:
        asked = asked.filter(stage=stage)
    with transaction.atomic():
        # Measures that checks keep for later are not kept either.
        done = list(_each(asked, policies, limit))
        transaction.set_rollback(True)
    was = Counter(promotion.state for promotion, _, _ in done)
    would = Counter(str(reached) for _, reached, _ in done)
    changed = [(promotion, reached, judged) for promotion, reached, judged in done if reached != promotion.state]
    return Simulation(
        simulated=len(done),
        truncated=asked.count() > len(done),
        was=dict(was),
        would=dict(would),
        changes=tuple(_change(*one) for one in changed),
        from_today=sum(any(one.facts == "today" for one in judged) for _, _, judged in done),
    )


def _each(
    asked: QuerySet[Promotion], policies: Sequence[tuple[str, Policy]], limit: int
) -> Iterator[tuple[Promotion, State, list[_Judged]]]:
    deadline = time.monotonic() + LONGEST_S
    for promotion in asked.order_by("-id").prefetch_related("findings", "approvals")[:limit]:
        if time.monotonic() > deadline:
            return
        yield promotion, *_again(promotion, policies)


def _again(promotion: Promotion, policies: Sequence[tuple[str, Policy]]) -> tuple[State, list[_Judged]]:
    at = promotion.requested_at
    candidate = candidates.candidate(
        model=promotion.model, namespace=promotion.namespace, name=promotion.model_name, stage=promotion.stage, at=at
    )
    chosen = selection.select(policies, candidate, LATE)
    stored = list(promotion.findings.all())
    found = [(one, *_judge(promotion, one.rule, stored)) for one in chosen.asked]
    decided_at = promotion.decided_at or at
    keys = {(one.slug, _key(one.rule)) for one, finding, _ in found if not finding.outcome.opens}
    waived = coverage.covering(subject=coverage.subject_of(promotion, at), asked=keys, at=decided_at) if keys else {}
    judged = [
        _Judged(asked=one, found=finding, facts=source, is_waived=(one.slug, _key(one.rule)) in waived)
        for one, finding, source in found
    ]
    made_it = makers.of([promotion])[promotion.pk]
    reached = state(
        findings=[
            Judged(
                outcome=one.found.outcome,
                mode=one.asked.mode,
                is_waived=one.is_waived,
                awaits_people=one.asked.rule.check.awaits_people,
            )
            for one in judged
        ],
        approvals_required=chosen.approvals_required,
        decisions=[
            Decision(row.decision)
            for row in promotion.approvals.all()
            if row.decision != Decision.APPROVE or row.user_id not in made_it
        ],
    )
    return reached, judged


def _judge(promotion: Promotion, rule: Rule, stored: Sequence[Finding]) -> tuple[Found, Literal["stored", "today"]]:
    before = _known(rule, stored)

    def gather(check: Check, parameters: Parameters) -> Facts:
        if before is not None:
            return before
        gathered = facts.gather(promotion, check, parameters)
        return msgspec.structs.replace(gathered, now=promotion.requested_at.isoformat())

    found, _ = checking.answer(rule.check.id, msgspec.to_builtins(rule.parameters), gather)
    return found, "today" if before is None else "stored"


def _known(rule: Rule, stored: Sequence[Finding]) -> Facts | None:
    """The facts that were stored then and that this rule would have been judged by; None when there are none."""
    same = [row for row in stored if row.check_id == rule.check.id and row.is_done and row.outcome != Outcome.ERROR]
    for row in same:
        if rules.key(row.check_id, row.parameters) == _key(rule) or _is_gathered_alike(rule, row):
            return msgspec.convert(row.facts, Facts)
    return None


def _is_gathered_alike(rule: Rule, row: Finding) -> bool:
    if isinstance(rule.parameters, KpiParameters):
        asked, before = msgspec.to_builtins(rule.parameters), row.parameters
        return all(asked.get(name) == before.get(name) for name in ("metric", "baseline"))
    return ALIKE.issuperset(rule.check.needs)


def _key(rule: Rule) -> str:
    return rules.key(rule.check.id, msgspec.to_builtins(rule.parameters))


def _change(promotion: Promotion, reached: State, judged: Sequence[_Judged]) -> Change:
    closed = [
        one for one in judged if one.asked.mode is Mode.ENFORCE and not one.found.outcome.opens and not one.is_waived
    ]
    because = [
        Reason(
            policy=one.asked.slug,
            check=one.asked.rule.check.id,
            outcome=one.found.outcome,
            summary=one.found.summary,
            facts=one.facts,
        )
        for one in closed
    ]
    return Change(
        promotion=promotion.uuid,
        model=promotion.model_name,
        version=promotion.version,
        stage=promotion.stage,
        requested_at=promotion.requested_at,
        was=promotion.state,
        would=reached,
        because=tuple(because),
    )
