"""From verdicts and incidents to notices, and from these to the requests of each outlet; claims and questions judged.

What is composed is stored with its requests in one transaction, once for each outlet and subject, so nothing is told
twice and nothing is lost when a worker dies. Sending is another matter: see `integrations.sending`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from governance import audit
from governance.actions import Action
from governance.errors import NotFound
from governance.models import AuditEntry
from integrations import carriers
from integrations.carriers.base import Answer, Carrier, Setting
from integrations.models import Connection
from integrations.notices import Claim, Kind, Notice, Question, Reason, Request, State, Subject
from integrations.outmodels import (
    ClaimState,
    Dispatch,
    LiveClaim,
    Outlet,
    QuestionState,
    ReleaseQuestion,
)
from integrations.outmodels import Notice as NoticeRow
from lineage import evidence, identity
from policies import evaluation, incidents, selectors
from policies.checks.base import Mode, Outcome
from policies.incidentmodels import Incident
from policies.incidents import Found
from policies.models import Finding, Promotion, Verdict

# What was decided longer ago is history: nobody waits for it any more.
HORIZON = timedelta(days=2)
# GitHub lets a deployment wait for so long.
QUESTION_AGE = timedelta(days=30)
ROWS = 200
# What comes due: its entry says so in one sentence, and on which page.
REMINDERS = (
    Action.ANSWER_REMINDED,
    Action.INITIATIVE_REMINDED,
    Action.INITIATIVE_REPORTED,
    Action.SOURCE_SILENT,
)
RESTORE = "restore"
REPLY = "reply"


def compose() -> int:
    """Store the notices that are due, of all outlets, and judge open claims and questions; gives how many notices."""
    now = timezone.now()
    count = 0
    outlets = Outlet.objects.filter(is_active=True, connection__is_active=True).select_related("connection")
    for outlet in outlets:
        carrier = carriers.BY_SLUG.get(outlet.connection.system)
        if carrier is None:
            continue
        setting = msgspec.convert(outlet.setting, carrier.setting)
        since = max(outlet.since, now - HORIZON)
        if Kind.VERDICT in outlet.kinds:
            for verdict in _verdicts(outlet, since):
                count += _give(outlet, carrier, setting, of_verdict(verdict), subject=f"verdict {verdict.pk}")
        for kind in (Kind.INCIDENT, Kind.RETRAIN):
            if kind in outlet.kinds:
                for incident in _incidents(outlet, kind, since):
                    notice = of_incident(incident, kind)
                    count += _give(outlet, carrier, setting, notice, subject=f"incident {incident.uuid}")
        if Kind.REMINDER in outlet.kinds:
            for entry in _reminders(outlet, since):
                count += _give(outlet, carrier, setting, of_reminder(entry), subject=f"reminder {entry.pk}")
    _judge_claims(now)
    _answer_questions(now)
    return count


# --- Notices -------------------------------------------------------------------------------------------------------


def of_verdict(verdict: Verdict) -> Notice:
    promotion = verdict.promotion
    findings = list(promotion.findings.order_by("position"))
    # A rejection blocks as well, so a verdict can be blocked though every rule is met.
    closed = [row for row in findings if row.mode == Mode.ENFORCE and not Outcome(row.outcome).opens]
    passed = verdict.state == evaluation.State.PASSED
    name = f"{promotion.model_name} {promotion.version}"
    if passed:
        headline = f"{name} may go to {promotion.stage}."
    else:
        why = f"{len(closed)} of {len(findings)} checks did not pass" if closed else "it was rejected"
        headline = f"{name} may not go to {promotion.stage}: {why}."
    return Notice(
        kind=Kind.VERDICT,
        id=str(promotion.uuid),
        at=verdict.decided_at,
        subject=_subject(promotion),
        state=State.PASSED if passed else State.BLOCKED,
        headline=headline,
        url=promotion_url(promotion),
        reasons=[] if passed else [_reason(row) for row in closed],
    )


def of_incident(incident: Incident, kind: Kind) -> Notice:
    return Notice(
        kind=kind,
        id=str(incident.uuid),
        at=incident.opened_at,
        subject=Subject(
            namespace=incident.namespace,
            model=incident.model_name,
            version=incident.version,
            stage=incident.stage,
        ),
        headline=incident.headline,
        url=f"{settings.PUBLIC_URL}/incidents/{incident.uuid}",
        severity=incident.severity,
    )


def of_reminder(entry: AuditEntry) -> Notice:
    return Notice(
        kind=Kind.REMINDER,
        id=str(entry.pk),
        at=entry.occurred_at,
        subject=Subject(namespace="", model="", version="", stage=""),
        headline=entry.detail["says"],
        url=f"{settings.PUBLIC_URL}{entry.detail['page']}",
    )


def promotion_url(promotion: Promotion) -> str:
    return f"{settings.PUBLIC_URL}/promotions/{promotion.uuid}"


def _subject(promotion: Promotion) -> Subject:
    """With the commit that the requester gave, or else that of the run that wrote the version."""
    runs = evidence.producing_runs(promotion.model_version)
    return Subject(
        namespace=promotion.namespace,
        model=promotion.model_name,
        version=promotion.version,
        stage=promotion.stage,
        commit=promotion.commit or next((run.commit for run in runs if run.commit), ""),
        repository=next((run.repository for run in runs if run.repository), ""),
    )


def _reason(row: Finding) -> Reason:
    return Reason(check=row.check_id, title=selectors.title(row), outcome=row.outcome, summary=row.summary)


# --- What is due ---------------------------------------------------------------------------------------------------


def _verdicts(outlet: Outlet, since: datetime) -> Iterable[Verdict]:
    told = NoticeRow.objects.filter(outlet=outlet, kind=Kind.VERDICT).values_list("subject", flat=True)
    due = selectors.verdicts(since=since).filter(state__in=[State.PASSED, State.BLOCKED])
    known = set(told.filter(composed_at__gte=since))
    return [one for one in due if f"verdict {one.pk}" not in known][:ROWS]


def _incidents(outlet: Outlet, kind: Kind, since: datetime) -> Iterable[Incident]:
    """Of those that ask for retraining: alerts that are critical."""
    due = selectors.incidents(since=since)
    if kind is Kind.RETRAIN:
        due = due.filter(kind=incidents.Kind.ALERT, severity="critical")
    known = set(
        NoticeRow.objects.filter(outlet=outlet, kind=kind, composed_at__gte=since).values_list("subject", flat=True)
    )
    return [one for one in due if f"incident {one.uuid}" not in known][:ROWS]


def _reminders(outlet: Outlet, since: datetime) -> Iterable[AuditEntry]:
    told = NoticeRow.objects.filter(outlet=outlet, kind=Kind.REMINDER, composed_at__gte=since)
    known = set(told.values_list("subject", flat=True))
    return [
        one
        for one in audit.recorded(actions=REMINDERS, since=since).filter(detail__has_key="says")
        if f"reminder {one.pk}" not in known
    ][:ROWS]


def _give(outlet: Outlet, carrier: Carrier, setting: Setting, notice: Notice, *, subject: str) -> int:
    requests = carrier.requests(notice, setting, outlet.connection.namespace)
    return _store(outlet, notice.kind, subject, notice.document(), requests)


def _store(outlet: Outlet, kind: str, subject: str, document: object, requests: Sequence[Request]) -> int:
    """One notice with its requests, unless it was given before. Without requests it is noted as not meant for it."""
    with transaction.atomic():
        row, is_new = NoticeRow.objects.get_or_create(
            outlet=outlet, kind=kind, subject=subject, defaults={"document": document}
        )
        if not is_new:
            return 0
        now = timezone.now()
        Dispatch.objects.bulk_create(
            Dispatch(
                notice=row,
                number=number,
                method=request.method,
                path=request.path,
                headers=dict(request.headers),
                document=request.document,
                accepts=[list(one) for one in request.accepts],
                due_at=now,
            )
            for number, request in enumerate(requests)
        )
    return 1


# --- Claims --------------------------------------------------------------------------------------------------------


def note_claims(connection: Connection, claims: Iterable[Claim]) -> None:
    """Keep what a message says is live, to be compared with the verdicts."""
    LiveClaim.objects.bulk_create(
        [
            LiveClaim(
                connection=connection,
                namespace=one.namespace,
                model=one.model,
                version=one.version,
                stage=one.stage,
                how=one.how,
                claimed_at=one.at,
            )
            for one in claims
        ],
        ignore_conflicts=True,  # The same message, translated again.
    )


def _judge_claims(now: datetime) -> None:
    """The newest claim of each place is compared with the verdicts; one that nothing let in is an incident."""
    later = LiveClaim.objects.filter(
        connection=OuterRef("connection"),
        namespace=OuterRef("namespace"),
        model=OuterRef("model"),
        stage=OuterRef("stage"),
        claimed_at__gt=OuterRef("claimed_at"),
    )
    unsettled = LiveClaim.objects.filter(state__in=[ClaimState.OPEN, ClaimState.UNAPPROVED])
    for claim in unsettled.filter(Exists(later)).select_related("connection"):
        _settle(claim, ClaimState.SUPERSEDED)
    for claim in unsettled.exclude(Exists(later)).select_related("connection").order_by("id")[:ROWS]:
        with transaction.atomic():
            _judge_claim(claim, now)


def _judge_claim(claim: LiveClaim, now: datetime) -> None:
    entry = incidents.entry(namespace=claim.namespace, name=claim.model, version=claim.version, stage=claim.stage)
    if entry.is_let_in:
        _settle(claim, ClaimState.APPROVED)
        incidents.close_claim(_place(claim))
        return
    if claim.state == ClaimState.UNAPPROVED:
        return
    try:
        guarded = incidents.guarded_as(entry.names, claim.stage, now)
    except NotFound:
        return  # Its events are not in the graph yet.
    if guarded is None:
        _settle(claim, ClaimState.UNGUARDED)
        return
    _settle(claim, ClaimState.UNAPPROVED)
    incident = incidents.open_one(
        Found(
            kind=incidents.Kind.UNAPPROVED,
            key=_place(claim),
            model=guarded.asset,
            model_version=guarded.uuid,
            namespace=guarded.namespace,
            model_name=guarded.name,
            version=guarded.version,
            stage=claim.stage,
            severity="critical",
            headline=f"{claim.model} {claim.version} was made live in {claim.stage} without a verdict: {claim.how}.",
            detail={"connection": claim.connection.slug},
        )
    )
    _put_back(claim, incident)


def _put_back(claim: LiveClaim, incident: Incident) -> None:
    """Ask the system to make the version live again that the gate let in last, of those that it knows itself."""
    outlet = Outlet.objects.filter(connection=claim.connection, is_active=True, kinds__contains=[Kind.VERDICT]).first()
    carrier = carriers.BY_SLUG.get(claim.connection.system)
    last = _let_in_last(claim)
    if outlet is None or carrier is None or carrier.restore is None or last is None:
        return
    said = Claim(
        namespace=claim.namespace,
        model=claim.model,
        version=claim.version,
        stage=claim.stage,
        at=claim.claimed_at,
        how=claim.how,
    )
    requests = list(carrier.restore(said, last, msgspec.convert(outlet.setting, carrier.setting)))
    document = of_incident(incident, Kind.INCIDENT).document() | {"restored": last}
    if requests:
        _store(outlet, RESTORE, f"claim {claim.pk}", document, requests)


def _let_in_last(claim: LiveClaim) -> str | None:
    """The version that was let in last by any name of the model, and that the claim's own name is known to have."""
    model = identity.asset("dataset", claim.namespace, claim.model)
    passed = selectors.promotions(state=evaluation.State.PASSED).filter(
        stage=claim.stage, model__in=evidence.names_of(model)
    )
    versions = dict.fromkeys(passed.order_by("-decided_at").values_list("version", flat=True))
    own = {version: identity.version(model, version) for version in versions}
    known = evidence.known(own.values())
    for version in versions:
        entry = incidents.entry(namespace=claim.namespace, name=claim.model, version=version, stage=claim.stage)
        if own[version] in known and entry.is_let_in:
            return version
    return None


def _settle(claim: LiveClaim, state: ClaimState) -> None:
    LiveClaim.objects.filter(pk=claim.pk).update(state=state)


def _place(claim: LiveClaim) -> str:
    place = identity.asset("dataset", claim.namespace, claim.model)
    return f"{incidents.CLAIMED}{claim.connection_id}:{place}:{claim.stage}"


# --- Questions -----------------------------------------------------------------------------------------------------


def note_questions(connection: Connection, questions: Iterable[Question]) -> None:
    """Keep what a system waits for, to be answered once the gate has decided."""
    ReleaseQuestion.objects.bulk_create(
        [
            ReleaseQuestion(
                connection=connection,
                callback=one.callback,
                stage=one.stage,
                commit=one.commit,
                model=one.model,
                version=one.version,
                about=dict(one.about),
                asked_at=one.at,
            )
            for one in questions
        ],
        ignore_conflicts=True,  # The same message, translated again.
    )


def _answer_questions(now: datetime) -> None:
    waiting = ReleaseQuestion.objects.filter(state__in=[QuestionState.OPEN, QuestionState.TOLD])
    waiting.filter(asked_at__lt=now - QUESTION_AGE).update(state=QuestionState.EXPIRED)
    for row in waiting.select_related("connection").order_by("asked_at", "id")[:ROWS]:
        outlet = Outlet.objects.filter(connection=row.connection, is_active=True).first()
        carrier = carriers.BY_SLUG.get(row.connection.system)
        if outlet is None or carrier is None or carrier.reply is None:
            continue
        answer = answer_to(row)
        if answer.state == "unknown" and row.state == QuestionState.TOLD:
            continue
        question = Question(
            callback=row.callback,
            stage=row.stage,
            at=row.asked_at,
            commit=row.commit,
            model=row.model,
            version=row.version,
            about=row.about,
        )
        with transaction.atomic():
            told = {"answer": answer.state, "headline": answer.headline, "url": answer.url, "commit": row.commit}
            requests = list(carrier.reply(question, answer))
            _store(outlet, REPLY, f"question {row.pk} {answer.state}", told, requests)
            row.state = QuestionState.TOLD if answer.state == "unknown" else QuestionState.ANSWERED
            row.answer, row.answered_at = answer.state, now
            row.save(update_fields=["state", "answer", "answered_at"])


def answer_to(row: ReleaseQuestion) -> Answer:
    """What the newest promotion of the model version says, or those of all versions built from the commit.

    Of several each must have passed, and of a version that has several names each by which somebody asked. Nothing
    known, or two names that contradict each other, is never a yes.
    """
    asked = selectors.promotions().filter(stage=row.stage).exclude(state=evaluation.State.WITHDRAWN)
    if row.model and row.version:
        named = asked.filter(model_name=row.model, version=row.version)
        versions = evidence.versions_called(row.model, row.version)
    elif row.commit:
        named = asked.filter(commit=row.commit)
        versions = evidence.versions_built_from(row.commit)
    else:
        named, versions = asked.none(), []
    things = evidence.by_thing({*versions, *named.values_list("model_version", flat=True)})
    about = asked.filter(model_version__in=[version for thing in things for version in thing])
    of_each = {one.model_version: one for one in about.order_by("model_version", "-id").distinct("model_version")}
    newest = list(of_each.values())
    if not newest:
        what = f"{row.model} {row.version}".strip() or f"commit {row.commit[:12]}"
        return Answer(state="unknown", headline=f"Nobody has asked yet whether {what} may go to {row.stage}.", url="")
    passed = {one.model_version for one in newest if one.state == evaluation.State.PASSED}
    let_in = {version for thing in things if passed.intersection(thing) for version in thing}
    stopped = [one for one in newest if one.state == evaluation.State.BLOCKED]
    blocked = [one for one in stopped if one.model_version not in let_in]
    open_ones = [one for one in newest if not evaluation.State(one.state).is_final]
    shown = (blocked or stopped or open_ones or newest)[0]
    words = f"{shown.model_name} {shown.version}"
    if blocked:
        return Answer(state="blocked", headline=f"{words} may not go to {row.stage}.", url=promotion_url(shown))
    if stopped:
        said = f"{words} may not go to {row.stage} by this name, and may by another."
        return Answer(state="unknown", headline=said, url=promotion_url(shown))
    if open_ones:
        said = f"{words} is being checked for {row.stage}, or waits for approval."
        return Answer(state="unknown", headline=said, url=promotion_url(shown))
    return Answer(state="passed", headline=f"{words} may go to {row.stage}.", url=promotion_url(shown))
