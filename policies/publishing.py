"""Publishing policies: a document becomes the next version of its policy, unless it is the current one."""

from django.db import transaction

from governance import audit, permissions
from governance.actions import Action
from governance.errors import Conflict, Invalid
from governance.models import User
from governance.permissions import Permission
from policies import documents, starters
from policies.models import Policy, PolicyVersion

MAX_NOTE_CHARS = 2_000


@transaction.atomic
def publish(
    *, actor: User | None, text: str, note: str = "", after: int | None = None, slug: str | None = None
) -> tuple[PolicyVersion, bool]:
    """The version that holds this text, and whether it is new. The operator at the command line has no actor.

    `after` is the number of the version that the author has read, 0 for none: another in between is a Conflict. With
    `slug` the document must be of that policy. Raises BadDocument, Denied, Invalid and Conflict.
    """
    if actor is not None:
        permissions.require(actor, Permission.MANAGE_POLICIES)
    if len(note) > MAX_NOTE_CHARS:
        says = f"Longer than {MAX_NOTE_CHARS} characters."
        raise Invalid(f"note: {says}", fields={"note": says})
    said = documents.parse(text)
    if slug is not None and said.slug != slug:
        says = f"The document is of the policy {said.slug}, not of {slug}."
        raise Invalid(f"document: {says}", fields={"document": says})
    policy, _ = Policy.objects.get_or_create(slug=said.slug)
    # One at a time for a policy, so that numbers follow each other.
    policy = Policy.objects.select_for_update().get(pk=policy.pk)
    newest = policy.versions.order_by("-number").first()
    digest = documents.digest(text)
    if newest is not None and newest.digest == digest and policy.is_active:
        return newest, False
    if after is not None and after != (newest.number if newest else 0):
        known = f"version {newest.number}" if newest else "no version"
        raise Conflict(
            f"Somebody published {said.slug} meanwhile: there is {known} now. Compare with it, then publish again.",
            code="policy_changed",
        )
    version = PolicyVersion.objects.create(
        policy=policy,
        number=newest.number + 1 if newest else 1,
        digest=digest,
        document=text,
        note=note,
        created_by=actor,
    )
    if not policy.is_active:
        policy.is_active = True
        policy.save(update_fields=["is_active"])
    audit.record(
        actor=actor,
        action=Action.POLICY_PUBLISHED,
        subject=f"policy:{policy.slug}",
        detail={"number": version.number, "digest": digest, "note": note},
    )
    return version, True


@transaction.atomic
def publish_defaults() -> list[PolicyVersion]:
    """The defaults of the tiers, as the operator, but for those whose name a policy has already, retired or not."""
    published = []
    for starter in starters.defaults():
        if not Policy.objects.filter(slug=starter.name).exists():
            version, _ = publish(actor=None, text=starter.text, note="The default that ships with Assay.")
            published.append(version)
    return published


@transaction.atomic
def retire(*, actor: User, policy: Policy, reason: str) -> Policy:
    """Let the policy judge nothing from now on; its versions stay, and publishing one brings it back.

    Raises Denied, Invalid without a reason, and Conflict when it is retired already.
    """
    permissions.require(actor, Permission.MANAGE_POLICIES)
    if not reason.strip() or len(reason) > MAX_NOTE_CHARS:
        says = f"Say why, in at most {MAX_NOTE_CHARS} characters."
        raise Invalid(f"reason: {says}", fields={"reason": says})
    if not Policy.objects.filter(pk=policy.pk, is_active=True).update(is_active=False):
        raise Conflict(f"{policy.slug} is retired already.", code="already_retired")
    audit.record(actor=actor, action=Action.POLICY_RETIRED, subject=f"policy:{policy.slug}", detail={"reason": reason})
    policy.refresh_from_db()
    return policy
