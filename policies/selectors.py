"""Reads of policies and promotions for pages and the API."""

from uuid import UUID

from django.db.models import Count, QuerySet

from governance.errors import NotFound
from policies import documents
from policies.checks.catalogue import CHECKS
from policies.models import Finding, Policy, PolicyVersion, Promotion


def current_policies() -> list[tuple[PolicyVersion, documents.Policy]]:
    """The newest version of every active policy with what it says, by slug. One query; parsing is remembered."""
    versions = (
        PolicyVersion.objects.filter(policy__is_active=True)
        .select_related("policy", "created_by")
        .order_by("policy__slug", "-number")
        .distinct("policy__slug")
    )
    return [(version, documents.parse(version.document)) for version in versions]


def policy(slug: str) -> Policy:
    """Raises NotFound."""
    found = Policy.objects.filter(slug=slug).first()
    if found is None:
        raise NotFound(f"There is no policy {slug}.", fields={"policy": "unknown"})
    return found


def policy_versions(policy: Policy) -> QuerySet[PolicyVersion]:
    """All versions of a policy, the newest first."""
    return policy.versions.select_related("created_by").order_by("-number")


def promotions(*, state: str = "", model: UUID | None = None) -> QuerySet[Promotion]:
    """Promotions, the newest first."""
    found = Promotion.objects.select_related("requested_by").order_by("-id")
    if state:
        found = found.filter(state=state)
    return found.filter(model=model) if model is not None else found


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


def title(finding: Finding) -> str:
    """The check's question as a heading."""
    check = CHECKS.get(finding.check_id)
    return check.title if check else "A policy applies"


def remedy(finding: Finding) -> str:
    """What to do when the finding does not open the gate."""
    check = CHECKS.get(finding.check_id)
    return check.remedy if check else "Publish a policy that applies to this model and stage, then ask again."
