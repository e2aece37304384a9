"""API tokens: the right of a machine to act as a user, within scopes and until a day.

A secret reads `assay_pat_`, 36 random characters, 6 characters of checksum. The prefix lets leak scanners find it, the
checksum lets them (and us) tell a token from something that only looks like one without asking the database.
"""

import hashlib
import secrets
import zlib
from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NoReturn

import psycopg
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from governance import audit
from governance.actions import Action
from governance.errors import Denied, Invalid, Unauthenticated
from governance.models import ApiToken, User

PREFIX = "assay_pat_"
RANDOM_LENGTH = 36
CHECKSUM_LENGTH = 6
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SHOWN_LENGTH = len(PREFIX) + 4
DEFAULT_LIFE = timedelta(days=90)
MAX_LIFE = timedelta(days=366)
# The time of last use is for people; a write on every request would cost more than the request.
LAST_USE_STEP = timedelta(minutes=1)
MAX_NAME_LENGTH = 100
_TOKEN_COLUMNS = [field.attname for field in ApiToken._meta.concrete_fields]
_USER_COLUMNS = [field.attname for field in User._meta.concrete_fields]
_FIND = f"""
SELECT {", ".join(f"t.{name}" for name in _TOKEN_COLUMNS)}, {", ".join(f"u.{name}" for name in _USER_COLUMNS)}
FROM {ApiToken._meta.db_table} t JOIN {User._meta.db_table} u ON u.id = t.user_id WHERE t.digest = %b
"""


class Scope(StrEnum):
    ALL = "all"
    READ = "read"
    LINEAGE_WRITE = "lineage:write"
    PROMOTIONS_WRITE = "promotions:write"
    POLICIES_WRITE = "policies:write"
    GOVERNANCE_WRITE = "governance:write"
    MATURITY_WRITE = "maturity:write"


@transaction.atomic
def issue(
    *,
    actor: User | None,
    user: User,
    scopes: Collection[str],
    name: str,
    expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    """Give `user` a token until `expires_at` (exclusive; DEFAULT_LIFE from now when absent), and its secret, once.

    People issue tokens for themselves, superusers for anyone, the operator at the command line (no actor) likewise.
    Raises Denied, or Invalid for an unknown scope, an empty name or a life beyond MAX_LIFE.
    """
    if actor is not None and actor != user and not actor.is_superuser:
        raise Denied("You may issue tokens only for yourself.")
    # Locked, so that no token is issued past a deactivation that is under way.
    if not User.objects.select_for_update(no_key=True).filter(pk=user.pk, is_active=True).exists():
        raise Invalid("The user is not active.", fields={"user": "Not active."})
    now = timezone.now()
    expires_at = expires_at or now + DEFAULT_LIFE
    _check(scopes, name, expires_at, now)
    secret = _new_secret()
    token = ApiToken.objects.create(
        user=user,
        name=name.strip(),
        prefix=secret[:SHOWN_LENGTH],
        digest=digest(secret),
        scopes=sorted(set(scopes)),
        created_at=now,
        expires_at=expires_at,
    )
    detail = {"user": user.username, "name": token.name, "scopes": token.scopes, "expires_at": expires_at.isoformat()}
    audit.record(actor=actor, action=Action.TOKEN_ISSUED, subject=f"token:{token.pk}", detail=detail)
    return token, secret


@transaction.atomic
def revoke(*, actor: User | None, token: ApiToken) -> None:
    """End a token at once. Its user, superusers and the operator (no actor) may; revoking twice changes nothing."""
    if actor is not None and actor.pk != token.user_id and not actor.is_superuser:
        raise Denied("You may revoke only your own tokens.")
    # The condition lets one of two who revoke at once win, so that the first time stays.
    if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
        audit.record(actor=actor, action=Action.TOKEN_REVOKED, subject=f"token:{token.pk}", detail={"name": token.name})
    token.refresh_from_db(fields=["revoked_at"])


def authenticate(secret: str) -> ApiToken:
    """The live token with this secret, with its user loaded: one query by the digest's index.

    Raises Unauthenticated with the code token_unknown, token_revoked, token_expired or user_inactive.
    """
    if not is_well_formed(secret):
        refuse("token_unknown", "This is not a token of this service.")
    token = _find(digest(secret))
    if token is None:
        refuse("token_unknown", "The token is not known here: it may belong to another installation.")
    now = timezone.now()
    if token.revoked_at is not None:
        refuse("token_revoked", "The token was revoked: issue a new one.")
    if token.expires_at <= now:
        refuse("token_expired", f"The token expired at {token.expires_at:%Y-%m-%dT%H:%M:%SZ}: issue a new one.")
    if not token.user.is_active:
        refuse("user_inactive", "The token's user is not active any more.")
    if token.last_used_at is None or token.last_used_at <= now - LAST_USE_STEP:
        _note_use(token, now)
    return token


def _find(digest_of_secret: bytes) -> ApiToken | None:
    """The token and its user, as `ApiToken.objects.select_related("user")` gives them at a third of its cost.

    Every request of a machine comes through here, and building the query anew took longer than storing an event.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        row = cursor.execute(_FIND, [digest_of_secret], prepare=True).fetchone()
    if row is None:
        return None
    token = ApiToken.from_db(connection.alias, _TOKEN_COLUMNS, row[: len(_TOKEN_COLUMNS)])
    token.user = User.from_db(connection.alias, _USER_COLUMNS, row[len(_TOKEN_COLUMNS) :])
    return token


def allows(token: ApiToken, scope: Scope) -> bool:
    """Whether the token covers the scope. Rights to write do not include the right to read."""
    return scope.value in token.scopes or Scope.ALL.value in token.scopes


def digest(secret: str) -> bytes:
    """What is stored. The secret has 214 bits of chance, so a plain hash cannot be guessed back."""
    return hashlib.sha256(secret.encode()).digest()


def is_well_formed(secret: str) -> bool:
    body = secret.removeprefix(PREFIX)
    if body == secret or len(body) != RANDOM_LENGTH + CHECKSUM_LENGTH or not body.isascii():
        return False
    return _checksum(body[:RANDOM_LENGTH]) == body[RANDOM_LENGTH:]


def refuse(code: str, message: str) -> NoReturn:
    raise Unauthenticated(message, code=code)


def _check(scopes: Collection[str], name: str, expires_at: datetime, now: datetime) -> None:
    fields = {}
    known = {scope.value for scope in Scope}
    if not scopes:
        fields["scopes"] = "Name at least one scope."
    elif unknown := sorted(set(scopes) - known):
        fields["scopes"] = f"Unknown: {', '.join(unknown)}. Known: {', '.join(sorted(known))}."
    if not name.strip():
        fields["name"] = "A token needs a name, so that people can tell what it is for."
    elif len(name.strip()) > MAX_NAME_LENGTH:
        fields["name"] = f"Longer than {MAX_NAME_LENGTH} characters."
    elif "\x00" in name:
        fields["name"] = "Holds a NUL character."
    if expires_at <= now:
        fields["expires_at"] = "Lies in the past."
    elif expires_at - now > MAX_LIFE:
        fields["expires_at"] = f"A token lasts at most {MAX_LIFE.days} days."
    if fields:
        raise Invalid("The token cannot be issued as asked.", fields=fields)


def _new_secret() -> str:
    body = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    return f"{PREFIX}{body}{_checksum(body)}"


def _checksum(body: str) -> str:
    """CRC-32 in base 62, as GitHub's tokens carry it: six digits hold all 32 bits."""
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        number, rest = divmod(number, len(ALPHABET))
        digits = ALPHABET[rest] + digits
    return digits


def _note_use(token: ApiToken, now: datetime) -> None:
    """One conditional update: of many requests at once, one writes."""
    stale = Q(last_used_at=None) | Q(last_used_at__lte=now - LAST_USE_STEP)
    ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
