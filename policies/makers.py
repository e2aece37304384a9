"""Who made what a promotion is about, as accounts: nobody approves what they wrote, ran, registered or requested."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from governance import identities
from governance.errors import Invalid
from lineage import makers as lineage_makers
from lineage.makers import ROLES
from policies.models import Maker, Promotion

REQUESTER = "requester"
# Words of a refusal, after "Nobody approves what they".
ACTS = {
    REQUESTER: "requested",
    "committer": "committed",
    "author": "wrote",
    "runner": "ran",
    "ci_actor": "had a pipeline make",
    "registrant": "registered",
}
MAX_NAMES = 20


def check(named: Mapping[str, Sequence[str]]) -> None:
    """Raises Invalid for what `Promotion.makers` cannot hold."""
    for role, names in named.items():
        if role not in ROLES:
            says = f"One of {', '.join(ROLES)}."
            raise Invalid(f"made_by: {role[:50]!r} is no role. {says}", fields={f"made_by.{role[:50]}": says})
        if len(names) > MAX_NAMES or not all(0 < len(name) <= identities.MAX_NAME_CHARS for name in names):
            says = f"At most {MAX_NAMES} names, each of 1 to {identities.MAX_NAME_CHARS} characters."
            raise Invalid(f"made_by.{role}: {says}", fields={f"made_by.{role}": says})


def note(promotion: Promotion) -> None:
    """Write down every account that is known to have made it, so that the database can refuse their word on it.

    Called again before each decision: events may have come since, and names may have been linked.
    """
    Maker.objects.bulk_create(
        [Maker(promotion=promotion, user_id=user, role=role, name=name) for role, user, name in _found(promotion)],
        ignore_conflicts=True,
    )


def _found(promotion: Promotion) -> Iterator[tuple[str, int, str]]:
    told = lineage_makers.of(promotion.model_version)
    accounts = [(REQUESTER, promotion.requested_by_id)]
    accounts += [(one.role, one.user) for one in told if one.user is not None]
    behind = identities.accounts_behind({user for _, user in accounts})
    for role, user in accounts:
        yield role, user, ""
        yield from ((role, person, "") for person in sorted(behind.get(user, ())))
    named = _named(promotion, told)
    known = identities.users_known_as({name for _, name in named})
    yield from ((role, user, name) for role, name in named for user in sorted(known.get(name, ())))


def _named(promotion: Promotion, told: Sequence[lineage_makers.Maker]) -> list[tuple[str, str]]:
    given = [(role, name) for role, names in promotion.makers.items() for name in names]
    return list(dict.fromkeys([*given, *((one.role, one.name) for one in told if one.name)]))


def of(promotions: Collection[Promotion]) -> dict[int, dict[int, str]]:
    """For each promotion, by id, the accounts noted as its makers with the part of each. One query."""
    found: dict[int, dict[int, str]] = {promotion.pk: {} for promotion in promotions}
    for promotion, user, role in (
        Maker.objects.filter(promotion__in=promotions).order_by("-id").values_list("promotion_id", "user_id", "role")
    ):
        found[promotion][user] = role
    return found


def strangers(promotion: Promotion) -> list[tuple[str, str]]:
    """Names of makers, with their roles, that mean no account: whether they approved it nobody can say."""
    named = _named(promotion, lineage_makers.of(promotion.model_version))
    known = identities.users_known_as({name for _, name in named})
    return [(role, name) for role, name in named if name not in known]
