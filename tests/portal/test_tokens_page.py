"""People issue tokens for themselves, see the secret once, and revoke them."""

from collections.abc import Callable

import pytest
from django.test import Client

from governance import tokens
from governance.errors import Unauthenticated
from governance.models import ApiToken, User

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
GOOD = {"name": "CI", "scopes": ["lineage:write", "read"], "days": "30"}


def test_the_secret_is_shown_once_and_works(member: User, sign_in: SignIn) -> None:
    client = sign_in(member)

    issued = client.post("/tokens", GOOD)
    later = client.get("/tokens")

    secret = issued.context["secret"]
    assert secret in issued.text
    assert secret not in later.text
    assert tokens.authenticate(secret).user == member
    assert issued.headers["Cache-Control"] == "no-store"


def test_the_list_shows_scopes_and_last_use(member: User, sign_in: SignIn) -> None:
    client = sign_in(member)
    secret = client.post("/tokens", GOOD).context["secret"]

    unused = client.get("/tokens").text
    tokens.authenticate(secret)

    assert "never" in unused
    assert "never" not in client.get("/tokens").text


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["root"]}, "scopes"),
        ({"days": "4000"}, "days"),
        ({"days": "x"}, "days"),
    ],
)
def test_a_wrong_value_is_named_beside_its_field(
    member: User, sign_in: SignIn, given: dict[str, object], field: str
) -> None:
    answer = sign_in(member).post("/tokens", GOOD | given)

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert f'id="id_{field}-error"' in answer.text
    assert f'aria-describedby="id_{field}-error"' in answer.text
    assert not ApiToken.objects.exists()


def test_a_revoked_token_opens_nothing(member: User, sign_in: SignIn) -> None:
    client = sign_in(member)
    issued = client.post("/tokens", GOOD).context

    answer = client.post(f"/tokens/{issued['issued'].pk}/revoke", follow=True)

    assert "is revoked" in answer.text
    with pytest.raises(Unauthenticated):
        tokens.authenticate(issued["secret"])


def test_the_token_of_another_is_not_there(member: User, outsider: User, sign_in: SignIn) -> None:
    token, secret = tokens.issue(actor=member, user=member, scopes=["read"], name="of the nightly build")
    client = sign_in(outsider)

    answer = client.post(f"/tokens/{token.pk}/revoke")

    assert answer.status_code == 404
    assert "of the nightly build" not in client.get("/tokens").text
    assert tokens.authenticate(secret).revoked_at is None
