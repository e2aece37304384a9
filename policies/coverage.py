"""Which waivers count: the one place that says so, for the gate, simulations, reports, pages and the watch.

A waiver covers a rule of a policy for a subject at an instant: from its approval and its start (both included) until
its end or its revocation (both excluded), to the microsecond of the clock that the caller hands in. It does not count
for what one of its own approvers made.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from governance import selectors as governance_selectors
from policies import makers, rules
from policies.checks.base import Mode, Outcome
from policies.evaluation import State
from policies.models import Finding, Promotion, Scope, Waiver, WaiverDecision, WaiverQuerySet, WaiverUse

# A policy's slug and the key of one of its rules.
Rule = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a rule is applied to. `makers` are the ids of the accounts that made it."""

    model: UUID
    model_version: UUID
    teams: frozenset[str]
    makers: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A finding that a promotion passed with because of a waiver, and that none covers any more.

    `ended_at`: when the last of its waivers ended; None when none did, but does not count any more.
    """

    finding: Finding
    since: datetime
    ended_at: datetime | None


def subject_of(promotion: Promotion, at: datetime | None = None) -> Subject:
    """What the promotion is about, with the teams that own the model at that instant (now when absent)."""
    owners = governance_selectors.owners(promotion.model, at)
    return Subject(
        model=promotion.model,
        model_version=promotion.model_version,
        teams=frozenset(owner.team.slug for owner in owners),
        makers=frozenset(makers.of([promotion])[promotion.pk]),
    )


def covering(*, subject: Subject, asked: Collection[Rule], at: datetime) -> dict[Rule, Waiver]:
    """The waiver that covers each rule at that instant, the one that ends last if there are several; one query."""
    found: dict[Rule, Waiver] = {}
    for waiver in _matching(subject, asked).in_force(at).order_by("ends_at", "id"):
        found[waiver.policy.slug, waiver.rule] = waiver
    return found


def _matching(subject: Subject, asked: Collection[Rule]) -> WaiverQuerySet:
    """Waivers of these rules for this subject, whenever they count."""
    wanted = Q(pk__in=[])
    by_makers = WaiverDecision.objects.filter(decision="approve", user__in=subject.makers)
    for policy, rule in asked:
        wanted |= Q(policy__slug=policy, rule=rule)
    return (
        Waiver.objects.filter(wanted)
        .filter(
            Q(scope="version", model_version=subject.model_version)
            | Q(scope="model", model=subject.model)
            | Q(scope="team", team__slug__in=subject.teams)
        )
        .exclude(pk__in=by_makers.values("waiver"))
        .select_related("policy", "requested_by")
        .prefetch_related("decisions__user")
    )


def rule_of(finding: Finding) -> Rule | None:
    """None when the finding comes from no policy: that nothing judged a promotion cannot be waived."""
    if finding.policy_version is None:
        return None
    return finding.policy_version.policy.slug, rules.key(finding.check_id, finding.parameters)


def is_closed(finding: Finding) -> bool:
    """Whether the finding keeps the gate shut unless a waiver covers it."""
    return finding.mode == Mode.ENFORCE and finding.is_done and not Outcome(finding.outcome).opens


def of_findings(promotion: Promotion, findings: Iterable[Finding], at: datetime) -> dict[int, Waiver]:
    """The waivers that cover those of the findings which keep the gate shut, by the finding's id."""
    closed = {finding.pk: rule for finding in findings if is_closed(finding) and (rule := rule_of(finding))}
    if not closed:
        return {}
    found = covering(subject=subject_of(promotion, at), asked=set(closed.values()), at=at)
    return {pk: found[rule] for pk, rule in closed.items() if rule in found}


def gaps(promotion: Promotion, at: datetime) -> list[Gap]:
    """What a promotion that passed no longer stands on at that instant: waived findings that no waiver covers now."""
    waived = waived_findings(promotion)
    if not waived:
        return []
    now = of_findings(promotion, waived, at)
    uncovered = [finding for finding in waived if finding.pk not in now]
    if not uncovered:
        return []
    ends = _last_ends(subject_of(promotion, at), [rule for one in uncovered if (rule := rule_of(one))], at)
    ended = [(one, ends.get(rule_of(one) or ("", ""))) for one in uncovered]
    return [Gap(finding=one, since=end or at, ended_at=end) for one, end in ended]


def last_end(promotions: Iterable[Promotion], at: datetime) -> datetime | None:
    """When the last waiver ended of those that these promotions lack at that instant; None if none has."""
    ends = [gap.ended_at for promotion in promotions for gap in gaps(promotion, at)]
    return max((end for end in ends if end is not None), default=None)


def uncovered(promotions: Iterable[Promotion], at: datetime) -> frozenset[int]:
    """The ids of those that passed with waivers and are covered by none any more at that instant, as lists show it.

    What is noted already costs nothing. It is looked at where an end has come that nobody has noted yet, and where a
    team's waiver stops counting with no end, when the team gives the model away.
    """
    listed = list(promotions)
    standing = [one for one in listed if one.state == State.PASSED and one.covered_until is not None]
    by_team = WaiverUse.objects.filter(waiver__scope=Scope.TEAM, promotion__in=[one.pk for one in standing])
    doubtful = set(by_team.values_list("promotion", flat=True)) if standing else set()
    doubtful |= {one.pk for one in standing if one.covered_until is not None and one.covered_until <= at}
    return frozenset(one.pk for one in listed if one.uncovered_at is not None or (one.pk in doubtful and gaps(one, at)))


def waived_findings(promotion: Promotion) -> list[Finding]:
    """Those that the promotion's last verdict let pass because of a waiver."""
    verdict = promotion.verdicts.order_by("-number").first()
    if verdict is None:
        return []
    used = Finding.objects.filter(waiver_uses__verdict=verdict).select_related("policy_version__policy")
    return list(used.order_by("position"))


def covered_until(waivers: Iterable[Waiver]) -> datetime | None:
    """When the first of these ends; None when there are none."""
    return min((end_of(waiver) for waiver in waivers), default=None)


def end_of(waiver: Waiver) -> datetime:
    """When it stops to cover, or did."""
    return waiver.ends_at if waiver.revoked_at is None else min(waiver.ends_at, waiver.revoked_at)


def _last_ends(subject: Subject, asked: Sequence[Rule], at: datetime) -> Mapping[Rule, datetime]:
    """For each rule when the last of its waivers ended."""
    ended: dict[Rule, datetime] = {}
    approved: QuerySet[Waiver] = _matching(subject, asked).filter(approved_at__lte=at)
    for waiver in approved:
        rule = (waiver.policy.slug, waiver.rule)
        if (end := end_of(waiver)) <= at:
            ended[rule] = max(end, ended.get(rule, end))
    return ended
