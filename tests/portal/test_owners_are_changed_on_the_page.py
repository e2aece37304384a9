"""Owners are assigned and ended on the asset's page by those who may; others see who they are and no form."""

from collections.abc import Callable
from uuid import UUID

import pytest
from django.test import Client

from governance import selectors
from governance.models import OwnerRole, Ownership, Team, User
from tests import factories

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def owned(graph: UUID, team: Team) -> UUID:
    """The model, owned by the team as its steward."""
    factories.ownership(graph, OwnerRole.STEWARD, team)
    return graph


def holders(asset: UUID) -> dict[str, str]:
    return {one.role: str(one.user or one.team) for one in selectors.owners(asset)}


def test_a_maintainer_assigns_an_owner(owned: UUID, owner: User, team: Team, sign_in: SignIn) -> None:
    answer = sign_in(owner).post(
        f"/assets/{owned}/owners", {"role": "business_owner", "team": team.slug, "user": "owner"}, follow=True
    )

    assert "Business owner assigned." in answer.text
    assert holders(owned) == {"steward": team.name, "business_owner": "owner"}


def test_with_scripts_only_the_section_changes(owned: UUID, owner: User, team: Team, sign_in: SignIn) -> None:
    answer = sign_in(owner).post(f"/assets/{owned}/owners", {"role": "business_owner", "team": team.slug}, headers=HTMX)

    assert answer.text.strip().startswith('<section class="section" id="owners"')
    assert 'data-announce="Business owner assigned."' in answer.text


def test_an_ended_owner_stays_in_the_history(owned: UUID, owner: User, sign_in: SignIn) -> None:
    answer = sign_in(owner).post(f"/assets/{owned}/owners/steward/end", follow=True)

    assert "Steward ended." in answer.text
    assert holders(owned) == {}
    assert [past.role_label for past in answer.context["history"]] == ["Steward"]


@pytest.mark.parametrize("name", ["member", "outsider", "approver", "auditor"])
def test_others_see_no_form_and_may_not(
    request: pytest.FixtureRequest, owned: UUID, team: Team, sign_in: SignIn, name: str
) -> None:
    client = sign_in(request.getfixturevalue(name))

    shown = client.get(f"/assets/{owned}")
    assigned = client.post(f"/assets/{owned}/owners", {"role": "business_owner", "team": team.slug})
    ended = client.post(f"/assets/{owned}/owners/steward/end")

    assert "Assign an owner" not in shown.text
    assert (assigned.status_code, ended.status_code) == (403, 403)
    assert "ask for the permission manage_ownership" in assigned.text
    assert holders(owned) == {"steward": team.name}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"role": "king"}, "role"),
        ({"team": "nowhere"}, "team"),
        ({"team": ""}, "team"),
        ({"user": "nobody"}, "user"),
        ({"user": "outsider"}, "user"),
        ({"user": "a\x00b"}, "user"),
    ],
)
def test_a_wrong_value_is_named_beside_its_field(
    owned: UUID, owner: User, outsider: User, team: Team, sign_in: SignIn, given: dict[str, str], field: str
) -> None:
    answer = sign_in(owner).post(
        f"/assets/{owned}/owners", {"role": "business_owner", "team": team.slug, "user": "owner"} | given
    )

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert f'id="id_{field}-error"' in answer.text
    assert Ownership.objects.count() == 1


def test_ending_what_nobody_holds_says_so(owned: UUID, owner: User, sign_in: SignIn) -> None:
    client, address = sign_in(owner), f"/assets/{owned}/owners/business_owner/end"

    page, fragment = client.post(address), client.post(address, headers=HTMX)

    assert (page.status_code, fragment.status_code) == (404, 404)
    assert "no business owner" in page.text
    assert fragment.text.startswith("The asset has no business owner")
    assert fragment.headers["Content-Type"].startswith("text/plain")
