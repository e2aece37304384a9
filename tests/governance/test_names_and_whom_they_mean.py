"""All spellings of a name mean one account."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from governance import identities
from governance.errors import Conflict, Denied, Invalid, NotFound
from governance.models import AuditEntry, User
from tests import factories

ADDRESS = "ann.example@corp.example"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("member", "Member"),
        ("member", " member\t"),
        ("member", "@member"),
        ("member", "mem\u200bber"),
        ("member", "\uff4dember"),  # a full-width m
        ("stra\u00dfe", "STRASSE"),
        ("jos\u00e9", "jose\u0301"),  # composed and decomposed
        (ADDRESS, "Ann.Example@Corp.Example"),
        (ADDRESS, "ann.example+ci@corp.example"),
        (ADDRESS, "Somebody Else <ann.example@corp.example>"),
        (ADDRESS, '"Example, Ann" <ann.example+x@CORP.example>'),
        (ADDRESS, "mailto:ann.example@corp.example"),
        (ADDRESS, "ann.example@corp.example."),
        ("ann@b\u00fccher.example", "ann@xn--bcher-kva.example"),
        ("ann.example@gmail.com", "annexample@googlemail.com"),
        ("member", "12345+Member@users.noreply.github.com"),
        ("member", "12345-member@users.noreply.gitlab.com"),
    ],
)
def test_spellings_of_one_name_have_one_key(one: str, other: str) -> None:
    assert identities.key(one) == identities.key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("member", "members"),
        (ADDRESS, "annexample@corp.example"),  # dots mean something but at one provider
        (ADDRESS, "ann.example@corp.test"),
        (ADDRESS, "ann.example"),
    ],
)
def test_other_names_have_other_keys(one: str, other: str) -> None:
    assert identities.key(one) != identities.key(other)


@pytest.mark.parametrize("nothing", ["", "  ", "\u200b", "<>"])
def test_what_says_nothing_has_no_key(nothing: str) -> None:
    assert identities.key(nothing) == ""


@pytest.mark.django_db
class TestAccounts:
    def test_are_found_by_name_address_and_link(self, member: User, approver: User) -> None:
        User.objects.filter(pk=member.pk).update(email="Member@Corp.example")
        identities.link(actor=member, user=member, name="mm@private.example")
        asked = ["MEMBER", "member+x@corp.example", "M M <MM@private.example>", "approver", "nobody", ""]

        found = identities.users_known_as(asked)

        assert found == {name: {member.pk} for name in asked[:3]} | {"approver": {approver.pk}}

    def test_a_name_means_one_person(self, member: User, approver: User) -> None:
        identities.link(actor=None, user=member, name="mm@private.example")

        for taken in ("mm+2@private.example", "Member"):
            with pytest.raises(Conflict):
                identities.link(actor=approver, user=approver, name=taken)

    def test_a_service_account_acts_for_a_person(self, member: User) -> None:
        robot = factories.user("robot", is_service=True)
        identities.link(actor=None, user=member, name="robot")

        assert identities.accounts_behind([robot.pk, member.pk]) == {robot.pk: {member.pk}}

    def test_others_names_are_for_administrators(self, member: User, approver: User, administrator: User) -> None:
        with pytest.raises(Denied):
            identities.link(actor=approver, user=member, name="x@y.example")
        identities.link(actor=administrator, user=member, name="x@y.example")
        with pytest.raises(Denied):
            identities.unlink(actor=member, user=member, name="x@y.example")
        identities.unlink(actor=administrator, user=member, name="X@y.example")
        with pytest.raises(NotFound):
            identities.unlink(actor=administrator, user=member, name="x@y.example")
        entries = AuditEntry.objects.filter(subject="user:member").order_by("id")
        assert list(entries.values_list("action", flat=True)) == ["identity.linked", "identity.unlinked"]

    def test_the_operator_links_at_the_command_line(self, member: User) -> None:
        call_command("link_identity", "member", "old-login", stdout=StringIO())
        assert identities.users_known_as(["OLD-LOGIN"]) == {"OLD-LOGIN": {member.pk}}

        call_command("link_identity", "member", "old-login", "--remove", stdout=StringIO())
        assert identities.users_known_as(["OLD-LOGIN"]) == {}
        with pytest.raises(CommandError, match="no account nobody"):
            call_command("link_identity", "nobody", "x")

    @pytest.mark.parametrize("name", ["", " ", "x" * 321])
    def test_a_name_that_says_nothing_is_refused(self, member: User, name: str) -> None:
        with pytest.raises(Invalid):
            identities.link(actor=member, user=member, name=name)
