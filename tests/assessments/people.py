"""Those who look at teams from outside."""

from django.contrib.auth.models import Permission as ModelPermission

from governance.models import User
from tests import factories


def assessor(username: str = "assessor") -> User:
    return _with(username, "assess")


def sponsor(username: str = "sponsor") -> User:
    return _with(username, "set_targets")


def _with(username: str, permission: str) -> User:
    account = factories.user(username)
    account.user_permissions.add(ModelPermission.objects.get(codename=permission))
    return account
