"""Incidents: what is live and must not be so. Opened and closed by the watch, or closed by a person with a reason.

Three kinds. *Unapproved*: a model version is live at a stage that a policy guards, without a verdict that let it in.
*Uncovered*: it was let in by a waiver that has ended. *Alert*: monitoring says that something about a version that is
live is wrong, and has not taken it back.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from governance import audit, permissions
from governance.actions import Action
from governance.errors import Conflict, Invalid, NotFound
from governance.models import User
from governance.permissions import Permission
from governance.selectors import among
from lineage import evidence, live
from lineage.evidence import ModelVersion
from lineage.live import LiveVersion
from policies import candidates, coverage, selection, selectors
from policies.evaluation import State
from policies.incidentmodels import Incident
from policies.models import Promotion
from policies.selection import Candidate

MAX_REASON_CHARS = 2_000
# Incidents that the graph does not show begin their key with it; who opened them closes them.
CLAIMED = "claim:"
# One watch at a time: two would only find the same.
WATCH_LOCK = 0x617373617902


class Kind(StrEnum):
    UNAPPROVED = "unapproved"
    UNCOVERED = "uncovered"
    ALERT = "alert"


class Ending(StrEnum):
    """How an incident ended.

    Approved: a verdict let it in after all, or a waiver covers it again. Gone: it is not live any more. Resolved: the
    alert was taken back.
    """

    APPROVED = "approved"
    GONE = "gone"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Something that is wrong now. `key` says what it is about, `began_at` since when that is, if anybody knows."""

    kind: Kind
    key: str
    model: UUID
    model_version: UUID
    namespace: str
    model_name: str
    version: str
    stage: str
    severity: str
    headline: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    began_at: Callable[[], datetime | None] = lambda: None


def watch() -> None:
    """Compare what is live with the verdicts and with open alerts: open what is new, close what has passed."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [WATCH_LOCK])
        row = cursor.fetchone()
        if not (row and row[0]):
            return
        now = timezone.now()
        versions = live_versions()
        shown = {name.version for one in versions for name in one.names}
        reconcile(Kind.UNAPPROVED, _unapproved(versions, now), live_versions=shown)
        reconcile(Kind.UNCOVERED, _uncovered(versions, now), live_versions=shown)
        reconcile(Kind.ALERT, _alerts(versions), live_versions=shown)


def live_versions() -> list[LiveVersion]:
    """What is live, each by the name by which it was promoted into its stage, where it has several names.

    One that blocked it and never let it in goes before one that let it in: nobody passes by calling it something else.
    """
    versions = live.versions()
    asked = [name.version for one in versions if one.others for name in one.names]
    if not asked:
        return versions
    reached = _reached(asked)
    return [
        _known_as(sorted(one.names, key=lambda name: _rank(reached.get((name.version, name.stage), set()))))
        for one in versions
    ]


def _reached(versions: Iterable[UUID]) -> dict[tuple[UUID, str], set[str]]:
    """The states of the promotions of these versions to each stage, those withdrawn left out."""
    states: dict[tuple[UUID, str], set[str]] = {}
    promotions = Promotion.objects.filter(model_version__in=among(list(versions))).exclude(state=State.WITHDRAWN)
    for version, stage, state in promotions.values_list("model_version", "stage", "state"):
        states.setdefault((version, stage), set()).add(state)
    return states


def _rank(reached: set[str]) -> int:
    """What counts most of several names of a version comes first: a block without any pass, then a pass."""
    if State.PASSED in reached:
        return 1
    return 0 if State.BLOCKED in reached else 2 if reached else 3


def _known_as(names: list[LiveVersion]) -> LiveVersion:
    return replace(names[0], others=tuple(names[1:]))


def reconcile(kind: Kind, found: Iterable[Found], *, live_versions: set[UUID]) -> None:
    """Open what is found and not open yet, and close what is open and not found any more.

    What a person dismissed stays closed for as long as it is about the same: what began later is something else.
    """
    wrong = {one.key: one for one in found}
    standing = {one.key: one for one in Incident.objects.filter(kind=kind, closed_at=None)}
    for key, incident in standing.items():
        if key in wrong or key.startswith(CLAIMED):
            continue
        ending = Ending.GONE
        if incident.model_version in live_versions:
            ending = Ending.RESOLVED if kind is Kind.ALERT else Ending.APPROVED
        _close(incident, ending)
    dismissals = Incident.objects.filter(kind=kind, closed_as=Ending.DISMISSED, key__in=wrong).order_by("closed_at")
    dismissed = {one.key: one.closed_at for one in dismissals if one.closed_at is not None}
    for key in wrong.keys() - standing.keys():
        if key in dismissed:
            began_at = wrong[key].began_at()
            if began_at is None or began_at <= dismissed[key]:
                continue
        open_one(wrong[key])


@transaction.atomic
def open_one(found: Found) -> Incident:
    """The incident that is open about it: the one that was, or a new one."""
    incident, is_new = Incident.objects.get_or_create(
        key=found.key,
        closed_at=None,
        defaults={
            "kind": found.kind,
            "model": found.model,
            "model_version": found.model_version,
            "namespace": found.namespace,
            "model_name": found.model_name,
            "version": found.version,
            "stage": found.stage,
            "severity": found.severity,
            "headline": found.headline,
            "detail": dict(found.detail),
            "opened_at": timezone.now(),
        },
    )
    if is_new:
        audit.record(
            actor=None,
            action=Action.INCIDENT_OPENED,
            subject=f"incident:{incident.uuid}",
            detail={"kind": found.kind, "model": str(found.model), "version": found.version, "stage": found.stage},
        )
    return incident


@transaction.atomic
def close_claim(key: str) -> None:
    """Close the incident about a claim: what is live there now was let in."""
    for incident in Incident.objects.filter(key=key, closed_at=None):
        _close(incident, Ending.GONE)


@transaction.atomic
def dismiss(*, actor: User, incident: Incident, reason: str) -> Incident:
    """Close it by a person's decision. Raises Denied, Invalid without a reason, Conflict when it is closed."""
    permissions.require(actor, Permission.APPROVE_PROMOTION, asset=incident.model)
    if not reason.strip() or len(reason) > MAX_REASON_CHARS:
        says = f"Say why, in at most {MAX_REASON_CHARS:,} characters."
        raise Invalid(f"reason: {says}", fields={"reason": says})
    locked = Incident.objects.select_for_update().get(pk=incident.pk)
    if locked.closed_at is not None:
        raise Conflict("The incident is closed already.")
    return _close(locked, Ending.DISMISSED, actor=actor, reason=reason)


def find(uuid: UUID) -> Incident:
    """Raises NotFound."""
    found = Incident.objects.select_related("closed_by").filter(uuid=uuid).first()
    if found is None:
        raise NotFound(f"There is no incident {uuid}.", fields={"incident": "Unknown."})
    return found


def let_in(versions: Iterable[UUID], stage: str) -> set[UUID]:
    """Those of the model versions that a verdict has let into the stage."""
    passed = Promotion.objects.filter(model_version__in=among(list(versions)), stage=stage, state=State.PASSED)
    return set(passed.values_list("model_version", flat=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """How a version stands at a stage by all of its names, the one that counts most first.

    Let in: by any, unless another blocked it and never let it in, which `blocked_as` names.
    """

    names: tuple[ModelVersion, ...]
    is_let_in: bool
    blocked_as: ModelVersion | None


def entry(*, namespace: str, name: str, version: str, stage: str) -> Entry:
    own, *others = evidence.by_its_names(namespace=namespace, name=name, version=version)
    reached = _reached([own.uuid, *(one.uuid for one in others)])
    ranks = {one.uuid: _rank(reached.get((one.uuid, stage), set())) for one in (own, *others)}
    names = sorted((own, *others), key=lambda one: ranks[one.uuid])
    return Entry(
        names=tuple(names),
        is_let_in=ranks[names[0].uuid] == 1,
        blocked_as=names[0] if ranks[names[0].uuid] == 0 else None,
    )


def guarded_as(names: Iterable[ModelVersion], stage: str, now: datetime) -> ModelVersion | None:
    """The first of the names of a version by which a policy judges who comes into the stage. Raises NotFound."""
    return next(
        (
            one
            for one in names
            if is_guarded(model=one.asset, namespace=one.namespace, name=one.name, stage=stage, now=now)
        ),
        None,
    )


def is_guarded(*, model: UUID, namespace: str, name: str, stage: str, now: datetime) -> bool:
    """Whether a policy that has taken effect judges who comes into the stage. Raises NotFound."""
    candidate = candidates.candidate(model=model, namespace=namespace, name=name, stage=stage)
    return selection.select(selectors.current_policies(), candidate, now).is_in_effect


def _guarded(versions: Sequence[LiveVersion], now: datetime) -> set[tuple[UUID, str]]:
    """The models and stages of these for which `is_guarded` holds; in a few queries, whatever their number."""
    policies = selectors.current_policies()
    found: set[tuple[UUID, str]] = set()
    if not policies:
        return found
    named = [name for one in versions for name in one.names]
    known = candidates.known({one.model for one in named})
    for model, stage, namespace, name in {(one.model, one.stage, one.namespace, one.name) for one in named}:
        candidate = Candidate(stage=stage, namespace=namespace, model=name, **known[model])
        if selection.select(policies, candidate, now).is_in_effect:
            found.add((model, stage))
    return found


def _close(incident: Incident, ending: Ending, *, actor: User | None = None, reason: str = "") -> Incident:
    incident.closed_at, incident.closed_as = timezone.now(), ending
    incident.closed_by, incident.reason = actor, reason
    incident.save(update_fields=["closed_at", "closed_as", "closed_by", "reason"])
    audit.record(
        actor=actor,
        action=Action.INCIDENT_CLOSED,
        subject=f"incident:{incident.uuid}",
        detail={"as": ending} | ({"reason": reason} if reason else {}),
    )
    return incident


def _unapproved(versions: Iterable[LiveVersion], now: datetime) -> Iterable[Found]:
    by_stage: dict[str, list[LiveVersion]] = {}
    for one in versions:
        by_stage.setdefault(one.stage, []).append(one)
    unapproved: list[LiveVersion] = []
    for stage, listed in by_stage.items():
        passed = let_in([one.version for one in listed], stage)
        unapproved += [one for one in listed if one.version not in passed]
    guarded = _guarded(unapproved, now)
    for served in unapproved:
        for one in [name for name in served.names if (name.model, name.stage) in guarded][:1]:
            yield _of(
                one,
                kind=Kind.UNAPPROVED,
                key=f"live:{one.deployment}:{one.served}",
                severity="critical",
                headline=f"{one.name} {one.key} is live in {one.stage} on {one.deployment_name} without a verdict.",
            )


def _uncovered(versions: Iterable[LiveVersion], now: datetime) -> Iterable[Found]:
    """Those of which no promotion stands any more without a waiver that has ended."""
    listed = list(versions)
    passed: dict[tuple[UUID, str], list[Promotion]] = {}
    about = among({name.version for one in listed for name in one.names})
    for promotion in Promotion.objects.filter(model_version__in=about, state=State.PASSED):
        passed.setdefault((promotion.model_version, promotion.stage), []).append(promotion)
    ended = coverage.uncovered((one for several in passed.values() for one in several), now)
    for one in listed:
        promotions = [each for name in one.names for each in passed.get((name.version, one.stage), [])]
        if promotions and all(promotion.pk in ended for promotion in promotions):
            newest = max(promotions, key=lambda promotion: promotion.pk)
            found = _of(
                one,
                kind=Kind.UNCOVERED,
                key=f"uncovered:{one.deployment}:{one.served}",
                severity="warning",
                headline=f"{one.name} {one.key} is live in {one.stage} by a waiver that has ended.",
                detail={"promotion": str(newest.uuid)},
            )
            yield replace(found, began_at=partial(coverage.last_end, promotions, now))


def _alerts(versions: Iterable[LiveVersion]) -> Iterable[Found]:
    served = {name.version: one for one in versions for name in one.names}
    for alert in live.open_alerts():
        if one := served.get(alert.version):
            yield _of(
                one,
                kind=Kind.ALERT,
                key=f"alert:{one.served}:{alert.id}"[:200],
                severity=alert.severity,
                headline=f"{alert.job_name} says that something is wrong with {one.name} {one.key}.",
                detail={"alert": alert.id, "kind": alert.kind, "since": alert.opened_at.isoformat()},
            )


def _of(
    one: LiveVersion, *, kind: Kind, key: str, severity: str, headline: str, detail: Mapping[str, Any] | None = None
) -> Found:
    return Found(
        kind=kind,
        key=key,
        model=one.model,
        model_version=one.version,
        namespace=one.namespace,
        model_name=one.name,
        version=one.key,
        stage=one.stage,
        severity=severity,
        headline=headline,
        detail={"deployment": str(one.deployment), "deployment_name": one.deployment_name, **(detail or {})},
    )
