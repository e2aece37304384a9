"""Waivers: asking that a rule be set aside for a time, saying yes or no to it, taking it back, and its end."""

import hashlib
import json
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from governance import audit, permissions
from governance import selectors as governance_selectors
from governance.actions import Action
from governance.errors import Conflict, Denied, Invalid
from governance.models import Team, User
from governance.permissions import Permission
from policies import coverage, makers, rules, tiers, verdicts, waiver_states
from policies.evaluation import State
from policies.models import Finding, Policy, Promotion, Scope, Waiver, WaiverDecision
from policies.tiers import Bounds
from policies.waiver_states import WaiverState

MAX_REASON_CHARS = 5_000
MAX_TICKET_CHARS = 200
# Clocks of those who ask are not ours.
CLOCK_SLACK = timedelta(minutes=5)
SWEEP_ROWS = 200


class Word(StrEnum):
    """What a person says to a waiver."""

    APPROVE = "approve"
    REFUSE = "refuse"


# --- Asking --------------------------------------------------------------------------------------------------------


def request(
    *,
    actor: User,
    promotion: Promotion,
    rule: str,
    policy: str = "",
    reason: str,
    ticket: str,
    ends_at: datetime,
    starts_at: datetime | None = None,
    scope: str = Scope.VERSION,
    team: Team | None = None,
    idempotency_key: str | None = None,
) -> tuple[Waiver, bool]:
    """Ask that one rule be set aside, from a finding of a promotion; gives the waiver and whether it is new.

    `rule` is the key that the finding carries, or the id of its check if no other finding has that; `policy` tells
    apart policies that have the same rule. The scope is the
    promotion's model version, its model, or a team that owns the model (the only one, unless `team` says which).
    Raises Denied, Invalid beyond the longest time that the model's tier allows, and Conflict when the rule blocks
    nothing there.
    """
    _check_texts(reason=reason, ticket=ticket)
    if scope not in Scope.values:
        raise Invalid("scope: version, model or team.", fields={"scope": "Version, model or team."})
    said = [
        str(promotion.uuid),
        rule,
        policy,
        reason,
        ticket,
        str(ends_at),
        str(starts_at),
        scope,
        team.slug if team else "",
    ]
    digest = hashlib.sha256(json.dumps(said).encode()).hexdigest()
    if idempotency_key is not None and (before := _asked_before(actor, idempotency_key, digest)):
        return before, False
    permissions.require(actor, Permission.REQUEST_PROMOTION, asset=promotion.model)
    finding, of_policy, key = _finding(promotion, rule, policy)
    covered = _team(promotion, team) if scope == Scope.TEAM else None
    bounds = tiers.of_model(promotion.model) if covered is None else tiers.of_team(covered)
    begins = starts_at or timezone.now()
    _check_times(begins, ends_at, bounds)
    try:
        with transaction.atomic():
            waiver = Waiver.objects.create(
                policy=of_policy,
                rule=key,
                check_id=finding.check_id,
                parameters=finding.parameters,
                promotion=promotion,
                scope=scope,
                model=None if scope == Scope.TEAM else promotion.model,
                model_version=promotion.model_version if scope == Scope.VERSION else None,
                team=covered,
                reason=reason.strip(),
                ticket=ticket.strip(),
                tier=bounds.tier,
                requested_by=actor,
                starts_at=begins,
                ends_at=ends_at,
                approvals_required=bounds.approvals,
                idempotency_key=idempotency_key,
                request_digest=digest,
            )
            audit.record(
                actor=actor,
                action=Action.WAIVER_REQUESTED,
                subject=f"waiver:{waiver.uuid}",
                detail=_detail(waiver) | {"reason": waiver.reason, "ticket": waiver.ticket},
            )
    except IntegrityError:
        # Two requests with one key at once: the other one stands.
        if idempotency_key is not None and (before := _asked_before(actor, idempotency_key, digest)):
            return before, False
        raise
    return waiver, True


def findings_to_waive(promotion: Promotion) -> list[tuple[Finding, Policy, str]]:
    """Those for which a waiver may be asked, with policy and key of their rules: they shut the gate without one."""
    if promotion.state == State.WITHDRAWN:
        return []
    found = promotion.findings.select_related("policy_version__policy").order_by("position")
    return [
        (one, one.policy_version.policy, rules.key(one.check_id, one.parameters))
        for one in found
        if coverage.is_closed(one) and one.policy_version is not None
    ]


def _finding(promotion: Promotion, rule: str, policy: str) -> tuple[Finding, Policy, str]:
    if promotion.state == State.WITHDRAWN:
        raise Conflict("The promotion is withdrawn: ask for another one first.", code="already_decided")
    closed = findings_to_waive(promotion)
    found = [one for one in closed if rule in {one[2], one[0].check_id} and policy in {"", one[1].slug}]
    if len(found) == 1:
        return found[0]
    keys = ", ".join(f"{key} of {one.slug}" for _, one, key in found or closed)
    if found:
        says = f"Several findings are of {rule}: name the rule and its policy ({keys})."
        raise Conflict(says, fields={"rule": "ambiguous"})
    hint = f" Those that do: {keys}." if keys else ""
    raise Conflict(f"No finding of {rule!r} blocks this promotion.{hint}", fields={"rule": "blocks nothing"})


def _team(promotion: Promotion, asked: Team | None) -> Team:
    owning = {owner.team for owner in governance_selectors.owners(promotion.model)}
    if asked is not None and asked in owning:
        return asked
    if asked is None and len(owning) == 1:
        return owning.pop()
    names = ", ".join(sorted(team.slug for team in owning)) or "nobody"
    says = f"One of the teams that own the model: {names}."
    raise Invalid(f"team: {says}", fields={"team": says})


def _check_texts(*, reason: str, ticket: str) -> None:
    wanted = {
        "reason": (reason, MAX_REASON_CHARS, "Say why the rule should be set aside."),
        "ticket": (ticket, MAX_TICKET_CHARS, "Name the ticket in which the fault is being mended."),
    }
    for name, (text, most, ask) in wanted.items():
        if not text.strip():
            raise Invalid(f"{name}: {ask}", fields={name: ask})
        if len(text) > most:
            says = f"Longer than {most} characters."
            raise Invalid(f"{name}: {says}", fields={name: says})


def _check_times(starts_at: datetime, ends_at: datetime, bounds: Bounds) -> None:
    now = timezone.now()
    for name, at in (("starts_at", starts_at), ("ends_at", ends_at)):
        if timezone.is_naive(at):
            raise Invalid(f"{name}: no time zone.", fields={name: "Say the time zone."})
    if starts_at < now - CLOCK_SLACK:
        raise Invalid("starts_at: in the past.", fields={"starts_at": "A waiver covers nothing that is past."})
    if ends_at <= max(starts_at, now):
        raise Invalid("ends_at: before it begins.", fields={"ends_at": "Must be after the start and in the future."})
    if ends_at - starts_at > bounds.longest:
        of_tier = f"of the tier {bounds.tier}" if bounds.tier else "that nobody has classified"
        says = f"For a model {of_tier} a waiver lasts at most {bounds.longest.days} days."
        raise Invalid(f"ends_at: {says}", fields={"ends_at": says}, code="waiver_too_long")


def _asked_before(actor: User, key: str, digest: str) -> Waiver | None:
    before = Waiver.objects.filter(requested_by=actor, idempotency_key=key).first()
    if before is not None and before.request_digest != digest:
        raise Conflict(
            "This Idempotency-Key was used for another waiver: choose a new one.",
            fields={"Idempotency-Key": "Used for another waiver."},
            code="idempotency_key_reused",
        )
    return before


# --- Deciding ------------------------------------------------------------------------------------------------------


def approve(*, actor: User, waiver: Waiver, reason: str = "") -> Waiver:
    """Say yes. With the last approval needed it covers its rule from now on, and the promotion is judged again.

    Raises Denied (also for who asked for it or made the version, in any spelling of their name) and Conflict.
    """
    return _decide(actor, waiver, Word.APPROVE, reason)


def refuse(*, actor: User, waiver: Waiver, reason: str) -> Waiver:
    """Say no, with the reason. Raises as `approve` does, and Invalid without a reason."""
    if not reason.strip():
        raise Invalid("reason: say why it is refused.", fields={"reason": "Say why it is refused."})
    return _decide(actor, waiver, Word.REFUSE, reason)


@transaction.atomic
def _decide(actor: User, waiver: Waiver, word: Word, reason: str) -> Waiver:
    if len(reason) > MAX_REASON_CHARS:
        raise Invalid("reason: too long.", fields={"reason": f"Longer than {MAX_REASON_CHARS} characters."})
    # Always the waiver before its promotion, so that two who decide wait for each other and do not lock up.
    locked = _locked(waiver)
    makers.note(locked.promotion)
    _require(actor, locked)
    now = timezone.now()
    if (stands := waiver_states.of(locked, now)) is not WaiverState.REQUESTED:
        raise Conflict(f"The waiver is {stands} already.", code="already_decided")
    if locked.decisions.filter(user=actor).exists():
        raise Conflict("You have decided on this waiver already.", code="already_spoken")
    WaiverDecision.objects.create(
        waiver=locked, requester_id=locked.requested_by_id, user=actor, decision=word, reason=reason.strip()
    )
    if word is Word.REFUSE:
        locked.refused_at = now
    elif locked.decisions.filter(decision=Word.APPROVE).count() >= locked.approvals_required:
        locked.approved_at = now
    locked.save(update_fields=["approved_at", "refused_at"])
    audit.record(
        actor=actor,
        action=Action.WAIVER_APPROVED if word is Word.APPROVE else Action.WAIVER_REFUSED,
        subject=f"waiver:{locked.uuid}",
        detail=_detail(locked) | {"reason": reason.strip(), "in_force": locked.approved_at is not None},
    )
    if locked.approved_at is not None and locked.starts_at <= now:
        _begin(locked, now)
    return locked


@transaction.atomic
def revoke(*, actor: User, waiver: Waiver, reason: str = "") -> Waiver:
    """End it at once: its requester takes it back, or someone who may approve it ends it with a reason.

    Promotions that passed with it keep their state and show that it no longer covers them.
    """
    locked = _locked(waiver)
    is_own = locked.requested_by_id == actor.pk
    if not is_own:
        _require_right(actor, locked)
        if not reason.strip():
            raise Invalid("reason: say why it is revoked.", fields={"reason": "Say why it is revoked."})
    if len(reason) > MAX_REASON_CHARS:
        raise Invalid("reason: too long.", fields={"reason": f"Longer than {MAX_REASON_CHARS} characters."})
    now = timezone.now()
    if not (stands := waiver_states.of(locked, now)).is_open:
        raise Conflict(f"The waiver is {stands} already.", code="already_decided")
    locked.revoked_at, locked.revoked_by, locked.revoked_because = now, actor, reason.strip()
    locked.save(update_fields=["revoked_at", "revoked_by", "revoked_because"])
    audit.record(
        actor=actor,
        action=Action.WAIVER_REVOKED,
        subject=f"waiver:{locked.uuid}",
        detail=_detail(locked) | {"reason": reason.strip()},
    )
    _renew_promotions(locked, now)
    return locked


def _locked(waiver: Waiver) -> Waiver:
    found = Waiver.objects.select_for_update(of=("self",)).select_related("promotion__requested_by", "policy", "team")
    return found.get(pk=waiver.pk)


def _require(actor: User, waiver: Waiver) -> None:
    """Raise Denied unless the actor may say yes or no to the waiver."""
    if waiver.requested_by_id == actor.pk:
        raise Denied("Nobody approves a waiver that they asked for: ask another approver.", code="own_request")
    role = makers.of([waiver.promotion])[waiver.promotion.pk].get(actor.pk)
    if role is not None:
        raise Denied(
            f"Nobody approves a waiver for what they {makers.ACTS[role]}: ask another approver.", code="own_work"
        )
    if actor.is_service:
        raise Denied("Waivers are for people to decide, not for service accounts.", code="person_needed")
    _require_right(actor, waiver)


def _require_right(actor: User, waiver: Waiver) -> None:
    permissions.require(actor, Permission.APPROVE_PROMOTION, asset=waiver.model, team=waiver.team)


def obstacle(actor: User, waiver: Waiver) -> str:
    """Why the actor may not decide on it; empty when they may."""
    if waiver_states.of(waiver, timezone.now()) is not WaiverState.REQUESTED:
        return "It is decided."
    try:
        _require(actor, waiver)
    except Denied as refusal:
        return refusal.message
    if any(said.user_id == actor.pk for said in waiver.decisions.all()):
        return "You have decided on it already; another approval is needed."
    return ""


def obstacle_to_revoke(actor: User, waiver: Waiver) -> str:
    """Why the actor may not end it; empty when they may."""
    if not waiver_states.of(waiver, timezone.now()).is_open:
        return "It is over."
    if waiver.requested_by_id == actor.pk:
        return ""
    try:
        _require_right(actor, waiver)
    except Denied as refusal:
        return refusal.message
    return ""


def _detail(waiver: Waiver) -> dict[str, Any]:
    return {
        "promotion": str(waiver.promotion.uuid),
        "policy": waiver.policy.slug,
        "rule": waiver.rule,
        "scope": waiver.scope,
        "starts_at": waiver.starts_at.isoformat(),
        "ends_at": waiver.ends_at.isoformat(),
    }


# --- Beginning and end ---------------------------------------------------------------------------------------------


def _begin(waiver: Waiver, now: datetime) -> None:
    """Judge the promotion again from which it was asked, and renew the cover of those that had lost theirs."""
    waiver.begun_at = now
    waiver.save(update_fields=["begun_at"])
    verdicts.judge_again(Promotion.objects.select_for_update().get(pk=waiver.promotion_id))
    _renew_promotions(waiver, now)


def _renew_promotions(waiver: Waiver, now: datetime) -> None:
    """Look again at what stands on this rule being waived, whichever waiver it passed with."""
    standing_on = Promotion.objects.filter(
        state=State.PASSED,
        covered_until__isnull=False,
        waiver_uses__waiver__policy=waiver.policy,
        waiver_uses__waiver__rule=waiver.rule,
    )
    for pk in sorted(set(standing_on.values_list("pk", flat=True))):
        verdicts.renew_cover(Promotion.objects.select_for_update().get(pk=pk), now)


def sweep() -> int:
    """Write down what only the clock did: waivers that began or ended. Says how much there was.

    What counts does not wait for this, since it is read from the times; entries in the log and marks in lists do.
    """
    now = timezone.now()
    beginning = Waiver.objects.in_force(now).filter(begun_at__isnull=True).values_list("pk", flat=True)
    ended = Waiver.objects.filter(
        ends_at__lte=now, end_recorded_at__isnull=True, refused_at__isnull=True, revoked_at__isnull=True
    ).values_list("pk", flat=True)
    uncovered = Promotion.objects.filter(covered_until__lte=now, uncovered_at__isnull=True, state=State.PASSED)
    found = 0
    for pk in beginning.order_by("pk")[:SWEEP_ROWS]:
        with transaction.atomic():
            waiver = _locked(Waiver(pk=pk))
            if waiver.begun_at is None:
                _begin(waiver, now)
                found += 1
    for pk in ended.order_by("pk")[:SWEEP_ROWS]:
        with transaction.atomic():
            found += _record_end(_locked(Waiver(pk=pk)), now)
    for pk in uncovered.order_by("pk").values_list("pk", flat=True)[:SWEEP_ROWS]:
        with transaction.atomic():
            verdicts.renew_cover(Promotion.objects.select_for_update().get(pk=pk), now)
            found += 1
    return found


def _record_end(waiver: Waiver, now: datetime) -> bool:
    if waiver.end_recorded_at is not None:
        return False
    waiver.end_recorded_at = now
    waiver.save(update_fields=["end_recorded_at"])
    audit.record(
        actor=None,
        action=Action.WAIVER_EXPIRED,
        subject=f"waiver:{waiver.uuid}",
        detail=_detail(waiver) | {"was_approved": waiver.approved_at is not None},
    )
    return True
