"""Where a model stands at the gate: its newest promotion to each stage, and those of single versions."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from lineage.selectors import Version
from policies import coverage, selectors
from policies.evaluation import Decision, State
from policies.models import Promotion, Waiver
from portal import findings, marks, verdicts
from portal.paging import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One promotion with what was found, the sentence that sums it up, and whether its waivers have ended."""

    promotion: Promotion
    findings: Sequence[findings.Shown]
    mark: marks.Mark
    headline: verdicts.Headline
    is_uncovered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A version in the list of its model, with its promotions."""

    version: Version
    promotions: Sequence[Promotion]


def newest(asked: QuerySet[Promotion]) -> list[Standing]:
    """The newest of these promotions to each stage, and below it the newest that passed if that is another.

    A request that waits or was blocked does not undo what passed before it, and one that was withdrawn says nothing.
    """
    told = asked.exclude(state=State.WITHDRAWN).annotate(is_passed=Q(state=State.PASSED))
    told = told.order_by("stage", "is_passed", "-id").distinct("stage", "is_passed")
    told = told.prefetch_related("findings__policy_version__policy", "approvals__user")
    latest: dict[str, int] = {}
    for one in told:
        latest[one.stage] = max(one.pk, latest.get(one.stage, 0))
    kept = [one for one in told if one.state == State.PASSED or one.pk == latest[one.stage]]
    return [of(one) for one in sorted(kept, key=lambda one: (one.stage, -one.pk))]


def beside(found: Page, until: datetime | None = None) -> Page:
    """The page of a model's versions, with the newest promotion of each to each stage. One query.

    Of another day, those that were decided by then.
    """
    promotions = _of_versions([version.uuid for version in found.rows if version.uuid], until)
    return replace(found, rows=[Row(version=one, promotions=promotions.get(one.uuid, ())) for one in found.rows])


def of(promotion: Promotion, waived: Mapping[int, Waiver] | None = None) -> Standing:
    """Costs no query for a promotion that was read with its findings and approvals, unless a waiver of it just ended.

    `waived` gives the waivers of findings by the finding's id, see `selectors.waived`.
    """
    state = State(promotion.state)
    shown = findings.of(promotion, waived)
    return Standing(
        promotion=promotion,
        findings=shown,
        mark=marks.mark(marks.PROMOTION_STATES, state),
        headline=verdicts.headline(
            state=state,
            findings=shown,
            approved_by=_who(promotion, Decision.APPROVE),
            rejected_by=_who(promotion, Decision.REJECT),
            approvals_required=promotion.approvals_required,
        ),
        is_uncovered=bool(coverage.uncovered([promotion], timezone.now())),
    )


def _of_versions(versions: Collection[UUID], until: datetime | None) -> Mapping[UUID, Sequence[Promotion]]:
    found: defaultdict[UUID, list[Promotion]] = defaultdict(list)
    asked = selectors.promotions().filter(model_version__in=versions)
    if until is not None:
        asked = asked.filter(decided_at__lte=until)
    for one in asked.order_by("model_version", "stage", "-id").distinct("model_version", "stage"):
        found[one.model_version].append(one)
    return found


def _who(promotion: Promotion, decision: Decision) -> list[str]:
    spoken = sorted(promotion.approvals.all(), key=lambda approval: approval.decided_at)
    return [str(approval.user) for approval in spoken if approval.decision == decision]
