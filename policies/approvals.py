"""What people say to a promotion, with separation of duties."""

from django.db import IntegrityError, transaction

from governance import audit, permissions
from governance.actions import Action
from governance.errors import Conflict, Denied, Invalid
from governance.models import User
from governance.permissions import Permission
from policies import makers, verdicts
from policies.evaluation import Decision, State
from policies.models import Approval, Promotion

MAX_REASON_CHARS = 5_000


def record(*, actor: User, promotion: Promotion, decision: str, reason: str = "") -> Approval:
    """Approve or reject a promotion that is not decided. The last approval needed lets it pass, a rejection blocks it.

    Raises Invalid, Denied (also for the requester and whoever made the version, whatever their rights and in any
    spelling of their names), and Conflict when it is decided or the actor has spoken already.
    """
    if decision not in set(Decision):
        raise Invalid("decision: approve or reject.", fields={"decision": "Approve or reject."})
    if len(reason) > MAX_REASON_CHARS:
        raise Invalid("reason: too long.", fields={"reason": f"Longer than {MAX_REASON_CHARS} characters."})
    if decision == Decision.REJECT and not reason.strip():
        raise Invalid("reason: say why it is rejected.", fields={"reason": "Say why it is rejected."})
    with transaction.atomic():
        makers.note(promotion)
        _require(actor, promotion)
        locked = Promotion.objects.select_for_update().get(pk=promotion.pk)
        if State(locked.state).is_final:
            raise Conflict(f"The promotion is {locked.state} already.", code="already_decided")
        try:
            with transaction.atomic():
                approval = Approval.objects.create(
                    promotion=locked,
                    requester_id=locked.requested_by_id,
                    user=actor,
                    decision=decision,
                    reason=reason.strip(),
                )
        except IntegrityError:
            raise Conflict("You have decided on this promotion already.", code="already_spoken") from None
        audit.record(
            actor=actor,
            action=Action.PROMOTION_APPROVED if decision == Decision.APPROVE else Action.PROMOTION_REJECTED,
            subject=f"promotion:{locked.uuid}",
            detail={"reason": approval.reason},
        )
        verdicts.settle(locked)
    return approval


def _require(actor: User, promotion: Promotion) -> None:
    if promotion.requested_by_id == actor.pk:
        raise Denied("Nobody approves what they requested: ask another approver.", code="own_request")
    role = makers.of([promotion])[promotion.pk].get(actor.pk)
    if role is not None:
        raise Denied(f"Nobody approves what they {makers.ACTS[role]}: ask another approver.", code="own_work")
    if actor.is_service:
        raise Denied("Approvals are for people, not for service accounts.", code="person_needed")
    permissions.require(actor, Permission.APPROVE_PROMOTION, asset=promotion.model)


def obstacle(actor: User, promotion: Promotion) -> str:
    """Why the actor may not decide on it; empty when they may."""
    if State(promotion.state).is_final:
        return "It is decided."
    try:
        _require(actor, promotion)
    except Denied as refusal:
        return refusal.message
    if promotion.approvals.filter(user=actor).exists():
        return "You have decided on it already."
    return ""
