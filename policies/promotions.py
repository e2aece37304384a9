"""Asking for a promotion, and taking the request back."""

import hashlib
import json
import re
import time
from collections.abc import Mapping, Sequence

import msgspec
from django.db import IntegrityError, transaction
from django.utils import timezone

from governance import audit, permissions
from governance.actions import Action
from governance.errors import Conflict, Denied, Invalid, NotFound, Unavailable
from governance.models import User
from governance.permissions import Permission
from lineage import evidence as lineage_evidence
from lineage import nudge
from policies import awaiting, candidates, evidence_files, makers, queue, selectors, verdicts, warehouses
from policies.checks.base import Mode, Outcome
from policies.evaluation import State
from policies.models import Finding, PolicyVersion, Promotion
from policies.selection import Applied, Selection, select

# How long a request waits for the projector before a model it has not heard of is called unknown.
UNKNOWN_WAIT_S = 5.0
NO_POLICY = "policy-applies"
SHA256 = re.compile(r"[0-9a-f]{64}")
LIMITS = {"stage": 100, "commit": 200, "note": 5_000, "model": 2_000, "version": 2_000, "namespace": 2_000}
MAX_EVIDENCE = 100


def request(
    *,
    actor: User,
    model: str,
    version: str,
    stage: str,
    namespace: str | None = None,
    commit: str = "",
    note: str = "",
    evidence: Mapping[str, str] | None = None,
    made_by: Mapping[str, Sequence[str]] | None = None,
    idempotency_key: str | None = None,
) -> tuple[Promotion, bool]:
    """Ask for a promotion; gives it and whether it is new. Its checks begin when the transaction is committed.

    `made_by` names those who committed, ran or registered the version, by role: none of them may approve it.
    Raises Invalid, Denied, NotFound for a model or version that no event has named, Unavailable while events that may
    name it wait for the graph, Conflict for a name in several namespaces or a key that was used for another request.
    """
    files = dict(evidence or {})
    _check(model=model, version=version, stage=stage, namespace=namespace or "", commit=commit, note=note)
    _check_evidence(files)
    named = {role: list(names) for role, names in (made_by or {}).items()}
    makers.check(named)
    said: list[object] = [model, version, stage, namespace, commit, note, files]
    if named:
        said.append(named)
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    if idempotency_key is not None and (before := _asked_before(actor, idempotency_key, digest)):
        return before, False
    found = _model_version(model, version, namespace)
    permissions.require(actor, Permission.REQUEST_PROMOTION, asset=found.asset)
    try:
        with transaction.atomic():
            if files:
                evidence_files.hold()
            promotion = Promotion(
                model=found.asset,
                model_version=found.uuid,
                namespace=found.namespace,
                model_name=found.name,
                version=found.version,
                stage=stage,
                commit=commit,
                note=note,
                evidence=files,
                makers=named,
                requested_by=actor,
                watermark=lineage_evidence.watermark(),
                idempotency_key=idempotency_key,
                request_digest=digest,
            )
            _begin(promotion)
    except IntegrityError:
        # Two requests with one key at once: the other one stands.
        if idempotency_key is not None and (before := _asked_before(actor, idempotency_key, digest)):
            return before, False
        raise
    return promotion, True


def _begin(promotion: Promotion) -> None:
    """Store the promotion with a pending finding for each rule of each policy that applies."""
    selected = what_applies(promotion)
    promotion.policies = [applied(policy) for policy in selected.policies]
    promotion.approvals_required = max(selected.approvals_required, awaiting.people_needed(selected))
    promotion.save(force_insert=True)
    makers.note(promotion)
    findings = findings_of(promotion, selected)
    stored = Finding.objects.bulk_create(findings)
    audit.record(
        actor=promotion.requested_by,
        action=Action.PROMOTION_REQUESTED,
        subject=f"promotion:{promotion.uuid}",
        detail={
            "model": promotion.model_name,
            "version": promotion.version,
            "stage": promotion.stage,
            "policies": [f"{policy.slug} {policy.source.number}" for policy in selected.policies],
        },
    )
    pending = [(finding.pk, finding.check_id) for finding in stored if not finding.is_done]
    if pending:
        transaction.on_commit(lambda: queue.nudge_all(pending))
    else:
        verdicts.settle(promotion)


def what_applies(promotion: Promotion) -> Selection[PolicyVersion]:
    """The policies that apply now, and what they ask."""
    candidate = candidates.candidate(
        model=promotion.model, namespace=promotion.namespace, name=promotion.model_name, stage=promotion.stage
    )
    return select(selectors.current_policies(), candidate, timezone.now())


def applied(policy: Applied[PolicyVersion]) -> dict[str, object]:
    """What the promotion keeps of a policy that applied, so that its verdict says which asked for what."""
    return {
        "policy": policy.slug,
        "number": policy.source.number,
        "digest": policy.source.digest,
        "approvals": policy.approvals,
        "is_in_effect": policy.is_in_effect,
    }


def findings_of(promotion: Promotion, selected: Selection[PolicyVersion]) -> list[Finding]:
    """A pending finding for each rule that is asked, none of them stored; one that blocks if nobody judges."""
    findings = [
        Finding(
            promotion=promotion,
            policy_version=asked.source,
            position=position,
            check_id=asked.rule.check.id,
            mode=asked.mode,
            parameters=msgspec.to_builtins(asked.rule.parameters),
        )
        for position, asked in enumerate(selected.asked)
    ]
    if not findings or not selected.is_in_effect:
        findings.append(_nobody_judges(promotion, selected, len(findings)))
    return findings


def _nobody_judges(promotion: Promotion, selected: Selection[PolicyVersion], position: int) -> Finding:
    """What nobody judged is unknown, and unknown is never a pass."""
    if not selected.policies:
        reason = f"No policy applies to {promotion.model_name} and the stage {promotion.stage}."
    elif selected.is_in_effect:
        reason = "Every rule of the policies that apply is off."
    else:
        reason = "No policy that applies has taken effect yet."
    return Finding(
        promotion=promotion,
        position=position,
        check_id=NO_POLICY,
        mode=Mode.ENFORCE,
        is_done=True,
        outcome=Outcome.UNKNOWN,
        summary=reason,
        required="a rule",
        judged_at=timezone.now(),
    )


def withdraw(*, actor: User, promotion: Promotion) -> Promotion:
    """Take a request back before it is decided. Its requester may, and who may approve it."""
    if promotion.requested_by_id != actor.pk:
        permissions.require(actor, Permission.APPROVE_PROMOTION, asset=promotion.model)
    with transaction.atomic():
        locked = Promotion.objects.select_for_update().get(pk=promotion.pk)
        if State(locked.state).is_final:
            raise Conflict(f"The promotion is {locked.state} already.", code="already_decided")
        locked.state = State.WITHDRAWN
        locked.decided_at = timezone.now()
        locked.save(update_fields=["state", "decided_at"])
        audit.record(actor=actor, action=Action.PROMOTION_WITHDRAWN, subject=f"promotion:{locked.uuid}", detail={})
    return locked


def _asked_before(actor: User, key: str, digest: str) -> Promotion | None:
    before = Promotion.objects.filter(requested_by=actor, idempotency_key=key).first()
    if before is not None and before.request_digest != digest:
        raise Conflict(
            "This Idempotency-Key was used for another request: choose a new one.",
            fields={"Idempotency-Key": "Used for another request."},
            code="idempotency_key_reused",
        )
    return before


def _model_version(model: str, version: str, namespace: str | None) -> lineage_evidence.ModelVersion:
    """The version in the graph, waiting a moment for events that were posted just before."""
    mark = lineage_evidence.watermark()
    deadline = time.monotonic() + UNKNOWN_WAIT_S
    while True:
        # Asked before the graph, so that an event projected in between is not missed.
        is_complete = lineage_evidence.is_projected(mark)
        try:
            return lineage_evidence.model_version(name=model, version=version, namespace=namespace)
        except NotFound:
            if is_complete:
                raise
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"No event in the graph names {model} yet, and others still wait to be read: try again in a moment."
                ) from None
        nudge.projector()
        time.sleep(0.05)


def _check(**texts: str) -> None:
    for name, text in texts.items():
        if not text and name in {"model", "version", "stage"}:
            raise Invalid(f"{name}: must not be empty.", fields={name: "Must not be empty."})
        if len(text) > LIMITS[name]:
            says = f"Longer than {LIMITS[name]} characters."
            raise Invalid(f"{name}: {says}", fields={name: says})


def _check_evidence(files: Mapping[str, str]) -> None:
    if len(files) > MAX_EVIDENCE:
        raise Invalid("evidence: too many files.", fields={"evidence": f"More than {MAX_EVIDENCE} files."})
    for name, digest in files.items():
        if name and len(name) <= 200 and digest.startswith(warehouses.PREFIX):
            _check_table(name, digest)
        elif not name or len(name) > 200 or not SHA256.fullmatch(digest):
            says = "A short name with the SHA-256 of the file in lower-case hexadecimal."
            raise Invalid(f"evidence.{name[:50]}: {says}", fields={f"evidence.{name[:50]}": says})


def _check_table(name: str, reference: str) -> None:
    try:
        warehouses.check(reference)
    except Invalid as error:
        field = f"evidence.{name[:50]}"
        raise Invalid(f"{field}: {error.message}", fields={field: error.message}) from None


def obstacle_to_withdraw(actor: User, promotion: Promotion) -> str:
    """Why the actor may not withdraw it; empty when they may."""
    if State(promotion.state).is_final:
        return "It is decided."
    if promotion.requested_by_id == actor.pk:
        return ""
    try:
        permissions.require(actor, Permission.APPROVE_PROMOTION, asset=promotion.model)
    except Denied as refusal:
        return refusal.message
    return ""
