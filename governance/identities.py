"""Who is meant by a name that another system uses: whichever way it is spelled, it is the same person.

Separation of duties compares accounts, and the authors of a commit or the actor of a pipeline come as names. Two
spellings of one name must not look like two people, so names are compared by their keys alone, and only here. When in
doubt two names are one: that costs somebody a second approver, the other mistake costs the separation.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Mapping

from django.db import IntegrityError, transaction

from governance import audit
from governance.actions import Action
from governance.errors import Conflict, Denied, Invalid, NotFound
from governance.models import Identity, User

MAX_NAME_CHARS = 320
ADDRESS = re.compile(r"<([^<>]*)>\s*$")
# The hidden addresses of code hosts carry the login: 12345+login@users.noreply.github.com.
HIDDEN = re.compile(r"(?:\d+[+-])?(?P<login>[^+@]+)@users\.noreply\.[a-z0-9.-]+$")
# Domains where dots before the @ mean nothing, and what each is called here.
DOTLESS = {"gmail.com": "gmail.com", "googlemail.com": "gmail.com"}


def key(name: str) -> str:
    """What all spellings of a name or address have in common; empty for a name that says nothing.

    Case, Unicode compatibility forms, invisible characters, space around, a display name before the address, "@" before
    a login, and what follows "+" in an address make no difference.
    """
    bracketed = ADDRESS.search(name)
    plain = unicodedata.normalize("NFKC", bracketed[1] if bracketed else name)
    shown = "".join(letter for letter in plain if unicodedata.category(letter) not in {"Cf", "Cc"})
    # Folding may undo the normal form, so once more.
    folded = unicodedata.normalize("NFKC", shown.casefold()).strip().removeprefix("mailto:").lstrip("@")
    if hidden := HIDDEN.fullmatch(folded):
        return hidden["login"]
    local, at, domain = folded.rpartition("@")
    if not at:
        return folded
    local = local.partition("+")[0]
    domain = _ascii(domain.rstrip("."))
    if domain in DOTLESS:
        local, domain = local.replace(".", ""), DOTLESS[domain]
    return f"{local}@{domain}"


def _ascii(domain: str) -> str:
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return domain  # No domain at all; it still equals itself.


def users_known_as(names: Collection[str]) -> Mapping[str, frozenset[int]]:
    """The accounts that each name may mean, by their ids: by user name, by address, or as it was linked.

    A name that means nobody is missing. Reads every account, since any may be spelled in another way.
    """
    wanted: defaultdict[str, set[str]] = defaultdict(set)
    for name in names:
        if found := key(name):
            wanted[found].add(name)
    if not wanted:
        return {}
    known: defaultdict[str, set[int]] = defaultdict(set)
    for user, linked in Identity.objects.filter(key__in=wanted).values_list("user_id", "key"):
        known[linked].add(user)
    for user, *own in User.objects.values_list("pk", "username", "email"):
        for one in own:
            if one and (same := key(one)) in wanted:
                known[same].add(user)
    return {name: frozenset(users) for same, users in known.items() for name in wanted[same]}


def accounts_behind(users: Collection[int]) -> Mapping[int, frozenset[int]]:
    """The people for whom those of the accounts act that are service accounts, as links say."""
    services = dict(User.objects.filter(pk__in=users, is_service=True).values_list("pk", "username"))
    if not services:
        return {}
    # A person is behind one only by a link, so that the other accounts need not be read.
    keys = {pk: key(username) for pk, username in services.items()}
    linked: defaultdict[str, set[int]] = defaultdict(set)
    for user, same in Identity.objects.filter(key__in=set(keys.values())).values_list("user_id", "key"):
        linked[same].add(user)
    return {pk: frozenset(linked[same] - {pk}) for pk, same in keys.items()}


@transaction.atomic
def link(*, actor: User | None, user: User, name: str) -> Identity:
    """Say that other systems mean this user by the name. Also for a service account that acts for a person.

    Users link names to themselves, administrators and the operator at the command line (no actor) to anybody. Raises
    Denied, Invalid, or Conflict when the name means another user already.
    """
    if actor is not None and actor != user and not actor.is_superuser:
        raise Denied("Only administrators link names to other accounts.")
    same = key(name)
    if not same or len(name) > MAX_NAME_CHARS:
        says = f"A login or an address of at most {MAX_NAME_CHARS} characters."
        raise Invalid(f"name: {says}", fields={"name": says})
    others = users_known_as([name]).get(name, frozenset()) - {user.pk}
    service_accounts = set(User.objects.filter(pk__in=others, is_service=True).values_list("pk", flat=True))
    if others - service_accounts:
        raise Conflict(f"{name} means another account already.", fields={"name": "Means another account."})
    try:
        with transaction.atomic():
            identity = Identity.objects.create(user=user, name=name, key=same)
    except IntegrityError:
        raise Conflict(f"{name} is linked already.", fields={"name": "Linked already."}) from None
    audit.record(
        actor=actor, action=Action.IDENTITY_LINKED, subject=f"user:{user.username}", detail={"name": name, "key": same}
    )
    return identity


@transaction.atomic
def unlink(*, actor: User | None, user: User, name: str) -> None:
    """Take a link back. Only administrators and the operator may: whoever made something cannot shed their name.

    Raises Denied and NotFound.
    """
    if actor is not None and not actor.is_superuser:
        raise Denied("Only administrators take links back.")
    removed, _ = Identity.objects.filter(user=user, key=key(name)).delete()
    if not removed:
        raise NotFound(f"{name} is not linked to {user.username}.", fields={"name": "Not linked."})
    audit.record(actor=actor, action=Action.IDENTITY_UNLINKED, subject=f"user:{user.username}", detail={"name": name})
