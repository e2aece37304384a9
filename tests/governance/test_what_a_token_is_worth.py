import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from governance import tokens
from governance.errors import Denied, Invalid, Unauthenticated
from governance.models import ApiToken, AuditEntry, User
from governance.tokens import Scope
from tests import factories

pytestmark = pytest.mark.django_db


def refusal(secret: str) -> str:
    with pytest.raises(Unauthenticated) as refused:
        tokens.authenticate(secret)
    return refused.value.code


def test_a_secret_looks_like_what_leak_scanners_know_and_is_not_stored(member: User) -> None:
    token, secret = tokens.issue(actor=member, user=member, scopes=["read"], name="CI")

    assert re.fullmatch(r"assay_pat_[0-9A-Za-z]{36}[0-9A-Za-z]{6}", secret)
    assert tokens.is_well_formed(secret)
    assert token.prefix == secret[:14]
    stored = " ".join(str(value) for value in ApiToken.objects.filter(pk=token.pk).values_list()[0])
    assert secret not in stored
    assert secret not in str(AuditEntry.objects.get().detail)


@pytest.mark.parametrize("place", [10, 30, 45, 51])
def test_a_changed_character_is_seen_without_the_database(
    place: int, member: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    secret = factories.secret(member)
    changed = secret[:place] + ("a" if secret[place] != "a" else "b") + secret[place + 1 :]

    with django_assert_num_queries(0):
        assert refusal(changed) == "token_unknown"


@pytest.mark.parametrize("secret", ["", "assay_pat_", "ghp_" + "a" * 40, "assay_pat_" + "é" * 42, "a" * 100_000])
def test_what_is_no_token_is_refused(secret: str) -> None:
    assert refusal(secret) == "token_unknown"


def test_each_refusal_says_which_it_is(member: User) -> None:
    other_installation = tokens._new_secret()
    expired, revoked, orphaned = (factories.secret(member) for _ in range(3))
    hours_ago = timezone.now() - timedelta(hours=2)
    ApiToken.objects.filter(digest=tokens.digest(expired)).update(
        created_at=hours_ago, expires_at=hours_ago + timedelta(hours=1)
    )
    tokens.revoke(actor=member, token=ApiToken.objects.get(digest=tokens.digest(revoked)))
    gone = factories.user("gone")
    orphaned = factories.secret(gone)
    User.objects.filter(pk=gone.pk).update(is_active=False)

    assert refusal(other_installation) == "token_unknown"
    assert refusal(expired) == "token_expired"
    assert refusal(revoked) == "token_revoked"
    assert refusal(orphaned) == "user_inactive"


def test_a_token_lives_90_days_unless_said_and_366_at_most(member: User) -> None:
    usual, _ = tokens.issue(actor=member, user=member, scopes=["read"], name="usual")
    assert usual.expires_at - usual.created_at == timedelta(days=90)

    for days in (367, 0, -1):
        with pytest.raises(Invalid) as refused:
            tokens.issue(
                actor=member,
                user=member,
                scopes=["read"],
                name="x",
                expires_at=timezone.now() + timedelta(days=days),
            )
        assert set(refused.value.fields) == {"expires_at"}


@pytest.mark.parametrize(
    ("scopes", "name", "field"),
    [
        ([], "x", "scopes"),
        (["read", "everything"], "x", "scopes"),
        (["read"], "  ", "name"),
        (["read"], "x" * 101, "name"),
        (["read"], "a\x00b", "name"),
    ],
)
def test_a_token_asked_for_badly_is_refused_by_field(scopes: list[str], name: str, field: str, member: User) -> None:
    with pytest.raises(Invalid) as refused:
        tokens.issue(actor=member, user=member, scopes=scopes, name=name)

    assert set(refused.value.fields) == {field}
    assert not ApiToken.objects.exists()


def test_people_issue_and_revoke_only_their_own(member: User, outsider: User, administrator: User) -> None:
    with pytest.raises(Denied):
        tokens.issue(actor=outsider, user=member, scopes=["read"], name="x")
    token, _ = tokens.issue(actor=administrator, user=member, scopes=["read"], name="x")
    with pytest.raises(Denied):
        tokens.revoke(actor=outsider, token=token)

    tokens.revoke(actor=member, token=token)
    first = token.revoked_at
    tokens.revoke(actor=administrator, token=token)

    assert token.revoked_at == first
    assert AuditEntry.objects.filter(action="token.revoked").count() == 1


def test_the_last_use_is_written_at_most_once_a_minute(
    member: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    secret = factories.secret(member)
    tokens.authenticate(secret)
    first = ApiToken.objects.get().last_used_at

    tokens.authenticate(secret)
    second = ApiToken.objects.get().last_used_at
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    tokens.authenticate(secret)
    third = ApiToken.objects.get().last_used_at

    assert first is not None
    assert third is not None
    assert second == first
    assert third > first


def test_the_found_token_is_as_the_orm_would_give_it(member: User) -> None:
    secret = factories.secret(member, Scope.READ)

    found = tokens.authenticate(secret)

    loaded = ApiToken.objects.select_related("user").get()
    for field in ApiToken._meta.concrete_fields:
        if field.name not in {"last_used_at", "digest"}:
            assert getattr(found, field.attname) == getattr(loaded, field.attname), field.name
    for field in User._meta.concrete_fields:
        assert getattr(found.user, field.attname) == getattr(member, field.attname), field.name
    assert not found._state.adding


@pytest.mark.parametrize("scope", [scope for scope in Scope if scope is not Scope.ALL])
def test_a_scope_covers_itself_alone_and_all_covers_each(scope: Scope, member: User) -> None:
    single = ApiToken(user=member, scopes=[scope.value])

    assert [other for other in Scope if tokens.allows(single, other)] == [scope]
    assert tokens.allows(ApiToken(user=member, scopes=["all"]), scope)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_in_any_case(scheme: str, member: User) -> None:
    response = Client(headers={"Authorization": f"{scheme} {factories.secret(member)}"}).get("/api/v1/whoami")

    assert response.status_code == 200
    assert response.json()["user"] == "member"
