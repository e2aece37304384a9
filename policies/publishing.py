"""Publishing policies: a document becomes the next version of its policy, unless it is the current one."""

from django.db import transaction

from governance import audit, permissions
from governance.actions import Action
from governance.models import User
from governance.permissions import Permission
from policies import documents
from policies.models import Policy, PolicyVersion


@transaction.atomic
def publish(*, actor: User | None, text: str) -> tuple[PolicyVersion, bool]:
    """The version that holds this text, and whether it is new. The operator at the command line has no actor.

    Raises BadDocument and Denied.
    """
    if actor is not None:
        permissions.require(actor, Permission.MANAGE_POLICIES)
    said = documents.parse(text)
    policy, _ = Policy.objects.get_or_create(slug=said.slug)
    # One at a time for a policy, so that numbers follow each other.
    policy = Policy.objects.select_for_update().get(pk=policy.pk)
    newest = policy.versions.order_by("-number").first()
    digest = documents.digest(text)
    if newest is not None and newest.digest == digest and policy.is_active:
        return newest, False
    version = PolicyVersion.objects.create(
        policy=policy,
        number=newest.number + 1 if newest else 1,
        digest=digest,
        document=text,
        created_by=actor,
    )
    if not policy.is_active:
        policy.is_active = True
        policy.save(update_fields=["is_active"])
    audit.record(
        actor=actor,
        action=Action.POLICY_PUBLISHED,
        subject=f"policy:{policy.slug}",
        detail={"number": version.number, "digest": digest},
    )
    return version, True
