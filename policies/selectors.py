"""Reads of policies and promotions for pages and the API."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from governance import selectors as governance_selectors
from governance.actions import Action
from governance.errors import NotFound
from policies import coverage, documents, waiver_states
from policies.checks.catalogue import CHECKS
from policies.evaluation import State
from policies.incidentmodels import Incident
from policies.models import Finding, Policy, PolicyVersion, Promotion, Verdict, Waiver
from policies.waiver_states import WaiverState


def current_policies(*, retired: bool = False) -> list[tuple[PolicyVersion, documents.Policy]]:
    """The newest version of every active policy with what it says, by slug; or of every retired one, none of which
    judges anything. One query; parsing is remembered.
    """
    versions = (
        PolicyVersion.objects.filter(policy__is_active=not retired)
        .select_related("policy", "created_by")
        .order_by("policy__slug", "-number")
        .distinct("policy__slug")
    )
    return [(version, documents.published(version.document)) for version in versions]


def policies_on(at: datetime) -> list[PolicyVersion]:
    """The version of each policy that stood then, by slug, those left out that were retired then."""
    retired = governance_selectors.last_done(Action.POLICY_RETIRED, until=at)
    versions = (
        PolicyVersion.objects.filter(created_at__lte=at)
        .select_related("policy", "created_by")
        .order_by("policy__slug", "-number")
        .distinct("policy__slug")
    )
    # Publishing brings a policy back, always as a new version.
    return [one for one in versions if retired.get(f"policy:{one.policy.slug}", one.created_at) <= one.created_at]


def policy(slug: str) -> Policy:
    """Raises NotFound."""
    found = Policy.objects.filter(slug=slug).first()
    if found is None:
        raise NotFound(f"There is no policy {slug}.", fields={"policy": "unknown"})
    return found


def policy_versions(policy: Policy) -> QuerySet[PolicyVersion]:
    """All versions of a policy, the newest first."""
    return policy.versions.select_related("created_by").order_by("-number")


def policy_version(policy: Policy, number: int | None) -> PolicyVersion:
    """The version of that number, or the newest. Raises NotFound."""
    versions = policy_versions(policy)
    found = versions.first() if number is None else versions.filter(number=number).first()
    if found is None:
        raise NotFound(f"{policy.slug} has no version {number}.", fields={"number": "Unknown."})
    return found


def policy_version_on(policy: Policy, at: datetime, *, field: str = "as_of") -> PolicyVersion:
    """The version that was newest then. Raises NotFound, naming the field that asked."""
    found = policy_versions(policy).filter(created_at__lte=at).first()
    if found is None:
        raise NotFound(f"{policy.slug} had no version then.", fields={field: "Before its first version."})
    return found


def newest_version(slug: str) -> PolicyVersion | None:
    """None when there is no such policy."""
    return PolicyVersion.objects.filter(policy__slug=slug).order_by("-number").select_related("created_by").first()


def two_versions(policy: Policy, old: int | None, new: int | None) -> tuple[PolicyVersion, PolicyVersion]:
    """Two versions to compare: the newest and the one before it when absent. The first is its own predecessor."""
    later = policy_version(policy, new)
    return policy_version(policy, old if old is not None else max(1, later.number - 1)), later


def judged_by(policy: Policy) -> QuerySet[Promotion]:
    """The promotions that any version of the policy judged, the newest first."""
    return (
        Promotion.objects.filter(pk__in=Finding.objects.filter(policy_version__policy=policy).values("promotion"))
        .select_related("requested_by")
        .order_by("-id")
    )


def promotions(*, state: str = "", model: UUID | None = None) -> QuerySet[Promotion]:
    """Promotions, the newest first."""
    found = Promotion.objects.select_related("requested_by").order_by("-id")
    if state:
        found = found.filter(state=state)
    return found.filter(model=model) if model is not None else found


def passed_to(stage: str, until: datetime | None = None) -> frozenset[UUID]:
    """The models of which a version passed to the stage, by an instant if one is given."""
    passed = promotions(state="passed").order_by().filter(stage=stage)
    if until is not None:
        passed = passed.filter(decided_at__lte=until)
    return frozenset(passed.values_list("model", flat=True))


def verdicts(*, since: datetime) -> QuerySet[Verdict]:
    """Verdicts with their promotions, the oldest first."""
    return Verdict.objects.filter(decided_at__gte=since).select_related("promotion").order_by("decided_at", "id")


def incidents(*, since: datetime) -> QuerySet[Incident]:
    """Incidents that were opened since, the oldest first."""
    return Incident.objects.filter(opened_at__gte=since).order_by("opened_at", "id")


def states() -> dict[str, int]:
    """How many promotions there are in each state."""
    return dict(Promotion.objects.order_by().values_list("state").annotate(Count("id")))


def promotion(uuid: UUID) -> Promotion:
    """With its findings and approvals in order. Raises NotFound."""
    found = (
        Promotion.objects.select_related("requested_by")
        .prefetch_related("findings__policy_version__policy", "approvals__user")
        .filter(uuid=uuid)
        .first()
    )
    if found is None:
        raise NotFound(f"There is no promotion {uuid}.", fields={"promotion": "unknown"})
    return found


def waivers(
    *,
    now: datetime,
    state: str = "",
    promotion: UUID | None = None,
    model: UUID | None = None,
    policy: str = "",
) -> QuerySet[Waiver]:
    """Waivers, those that end first first; of a model also those of its versions and of the teams that own it."""
    found = _waivers().order_by("ends_at", "id")
    if state:
        found = found.filter(waiver_states.where(WaiverState(state), now))
    if promotion is not None:
        found = found.filter(promotion__uuid=promotion)
    if policy:
        found = found.filter(policy__slug=policy)
    if model is not None:
        teams = [owner.team_id for owner in governance_selectors.owners(model, now)]
        found = found.filter(Q(model=model) | Q(team__in=teams))
    return found


def waiver(uuid: UUID) -> Waiver:
    """With its decisions. Raises NotFound."""
    found = _waivers().filter(uuid=uuid).first()
    if found is None:
        raise NotFound(f"There is no waiver {uuid}.", fields={"waiver": "unknown"})
    return found


def _waivers() -> QuerySet[Waiver]:
    related = ("policy", "promotion", "team", "requested_by", "revoked_by")
    return Waiver.objects.select_related(*related).prefetch_related("decisions__user")


def counted_waivers(now: datetime) -> dict[str, int]:
    """How many waivers there are in each state."""
    counts = {one.value: Count("id", filter=waiver_states.where(one, now)) for one in WaiverState}
    return Waiver.objects.aggregate(**counts)


def open_waivers(now: datetime) -> QuerySet[Waiver]:
    """Those that are asked for or approved, and not over."""
    both = waiver_states.where(WaiverState.REQUESTED, now) | waiver_states.where(WaiverState.APPROVED, now)
    return _waivers().filter(both)


def passed_with(waiver: Waiver) -> list[Promotion]:
    """The promotions that a verdict let pass because of it, the newest first."""
    return list(promotions().filter(waiver_uses__waiver=waiver).distinct())


def waived(promotion: Promotion, now: datetime) -> Mapping[int, Waiver]:
    """The waivers of its findings, by the finding's id: those it passed with, or those that cover them now."""
    if promotion.state == State.PASSED and promotion.covered_until is None:
        # Decided without any waiver.
        return {}
    verdict = promotion.verdicts.order_by("-number").first()
    if verdict is not None and promotion.state == State.PASSED:
        uses = verdict.waiver_uses.values_list("finding_id", "waiver_id")
        used = _waivers().in_bulk([waiver for _, waiver in uses])
        return {finding: used[waiver] for finding, waiver in uses}
    return coverage.of_findings(promotion, promotion.findings.all(), now)


def waivers_of(promotion: Promotion, covering_it: Mapping[int, Waiver]) -> list[Waiver]:
    """Those that cover its findings, as `waived` gives them, and those that were asked from it, the oldest first."""
    covering = [one.pk for one in covering_it.values()]
    return list(_waivers().filter(Q(pk__in=covering) | Q(promotion=promotion)).order_by("requested_at", "id"))


def title(finding: Finding) -> str:
    """The check's question as a heading."""
    return check_title(finding.check_id)


def check_title(check_id: str) -> str:
    """The question of a check as a heading; the only finding of none is that no policy applies."""
    check = CHECKS.get(check_id)
    return check.title if check else "A policy applies"


def remedy(finding: Finding) -> str:
    """What to do when the finding does not open the gate."""
    check = CHECKS.get(finding.check_id)
    return check.remedy if check else "Publish a policy that applies to this model and stage, then ask again."
