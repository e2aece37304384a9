"""People and service accounts."""

from collections.abc import Collection

from django.contrib.auth.models import Permission as ModelPermission
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from governance import audit, tokens
from governance.actions import Action
from governance.errors import Conflict, Denied, Invalid
from governance.models import ApiToken, User
from governance.permissions import Permission


@transaction.atomic
def create(
    *,
    actor: User | None,
    username: str,
    password: str | None = None,
    first_name: str = "",
    last_name: str = "",
    email: str = "",
    is_service: bool = False,
    is_superuser: bool = False,
    everywhere: Collection[Permission] = (),
) -> User:
    """A new account, with these permissions for everything. Without a password it cannot sign in; services never can.

    Superusers may, and the operator at the command line (no actor). Raises Denied, Invalid, or Conflict when the name
    is taken.
    """
    if actor is not None and not actor.is_superuser:
        raise Denied("Only administrators make accounts.")
    user = User(
        username=username,
        first_name=first_name,
        last_name=last_name,
        email=email,
        is_service=is_service,
        is_superuser=is_superuser,
    )
    _set_password(user, password)
    try:
        user.clean_fields()
        with transaction.atomic():
            user.save(force_insert=True)
    except ValidationError as error:
        raise Invalid("The account cannot be made as asked.", fields=_fields(error)) from None
    except IntegrityError:
        raise Conflict(f"There is an account {username} already.", fields={"username": "Taken."}) from None
    grant_everywhere(user, everywhere)
    audit.record(
        actor=actor,
        action=Action.USER_CREATED,
        subject=f"user:{user.username}",
        detail={
            "is_service": is_service,
            "is_superuser": is_superuser,
            "everywhere": sorted(permission.value for permission in everywhere),
        },
    )
    return user


@transaction.atomic
def deactivate(*, actor: User | None, user: User) -> int:
    """End an account at once, with its sessions and its live tokens; gives how many tokens were revoked.

    Superusers may, and the operator at the command line (no actor). What the user did, owns and belongs to stays: it
    is history, and who takes it over is for people to say. Raises Denied, or Conflict when it is not active any more.
    """
    if actor is not None and not actor.is_superuser:
        raise Denied("Only administrators end accounts.")
    # Whoever issues a token to this user at the same time waits here, and then finds an account that is not active.
    locked = User.objects.select_for_update().get(pk=user.pk)
    if not locked.is_active:
        raise Conflict(f"The account {locked.username} is not active any more.", fields={"username": "Not active."})
    locked.is_active = False
    # Sessions carry a digest of the password, so that none outlives it, not even one that begins just now.
    locked.set_unusable_password()
    locked.save(update_fields=["is_active", "password"])
    live = list(ApiToken.objects.filter(user=locked, revoked_at=None))
    for token in live:
        tokens.revoke(actor=actor, token=token)
    audit.record(
        actor=actor,
        action=Action.USER_DEACTIVATED,
        subject=f"user:{locked.username}",
        detail={"tokens_revoked": len(live)},
    )
    return len(live)


def grant_everywhere(user: User, granted: Collection[Permission]) -> None:
    """Let the user have these permissions for everything, beside those they have on teams."""
    user.user_permissions.add(
        *ModelPermission.objects.filter(
            content_type__app_label="governance", codename__in=[permission.value for permission in granted]
        )
    )


def _set_password(user: User, password: str | None) -> None:
    if password is None:
        user.set_unusable_password()
        return
    if user.is_service:
        raise Invalid("password: a service account cannot sign in.", fields={"password": "Not for service accounts."})
    try:
        validate_password(password, user)
    except ValidationError as error:
        says = " ".join(error.messages)
        raise Invalid(f"password: {says}", fields={"password": says}) from None
    user.set_password(password)


def _fields(error: ValidationError) -> dict[str, str]:
    return {name: " ".join(messages) for name, messages in error.message_dict.items()}
