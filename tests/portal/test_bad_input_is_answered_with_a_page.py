"""Whatever is in an address or a form: never a fault of ours, always a page that says what was wrong."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from governance.models import ApiToken, AuditEntry, Ownership, User
from lineage import identity
from policies.models import Approval, Promotion
from tests.portal.scenes import RUN

pytestmark = pytest.mark.django_db

SOME_ID = "0f6f0c2e-6f0b-4c1e-9d1b-5c1d1b7a2e3f"
SignIn = Callable[[User], Client]
Ask = Callable[..., Promotion]

# What no parameter of an address may be, as it is written in one.
NASTY = [
    "%00",
    "%ff%fe",
    "%ed%a0%80",
    "' OR 1=1 --",
    "{{7*7}}",
    "..%2f..%2fetc%2fpasswd",
    "-1",
    "1e400",
    "NaN",
    "9" * 40,
    "0001-01-01T00:00:00%2B23:59",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00%2B23:59~00000000-0000-0000-0000-000000000000",
    "2026-01-01T00:00:00",
    "x" * 4_000,
    "%F0%9F%92%A5",
    "[]",
    "%3Cscript%3Ealert(1)%3C/script%3E",
]


@pytest.fixture
def parameters(graph: UUID, ask: Ask) -> dict[str, list[str]]:
    """Every page, with the parameters of its address."""
    promotion = ask()
    return {
        "/assets": ["q", "kind", "after", "page", "sort"],
        f"/assets/{graph}": [],
        f"/assets/{graph}/lineage": ["direction", "depth", "size"],
        f"/assets/{graph}/versions": ["after"],
        f"/assets/{graph}/runs": ["after"],
        f"/versions/{identity.version(graph, '7')}": [],
        f"/runs/{RUN}": [],
        "/promotions": ["state", "after"],
        f"/promotions/{promotion.uuid}": ["seen"],
        "/policies": [],
        "/policies/production-credit": ["version"],
        "/teams": [],
        "/teams/credit": ["after"],
        "/tokens": [],
        "/audit": ["subject", "by", "action", "after"],
    }


@pytest.mark.parametrize("value", NASTY)
def test_no_parameter_of_an_address_is_our_fault(
    parameters: dict[str, list[str]], auditor: User, sign_in: SignIn, value: str
) -> None:
    client = sign_in(auditor)

    for address, names in parameters.items():
        for name in names:
            answer = client.get(f"{address}?{name}={value}")

            assert answer.status_code in {200, 400, 404}, (address, name)
            assert "<h1" in answer.text
            assert "<script>alert" not in answer.text


def test_a_page_after_the_last_does_not_look_like_an_empty_list(
    parameters: dict[str, list[str]], graph: UUID, auditor: User, sign_in: SignIn
) -> None:
    client, long_ago = sign_in(auditor), "2000-01-01T00:00:00%2B00:00"

    for address, after in (
        ("/assets", "9" * 9),
        ("/assets?sort=name", "9" * 9),
        ("/promotions", "0"),
        ("/incidents", f"{long_ago}~{SOME_ID}"),
        ("/waivers", f"3{long_ago[1:]}~{SOME_ID}"),
        ("/audit", "0"),
        ("/teams/credit", "9" * 9),
        ("/policies/production-credit/judged", "0"),
        (f"/assets/{graph}/runs", f"{long_ago}~{SOME_ID}"),
        (f"/assets/{graph}/versions", long_ago),
    ):
        page = client.get(f"{address}{'&' if '?' in address else '?'}after={after}").text
        assert "The list ends before this page" in page, address
        assert "First page</a>" in page


def test_a_refused_address_leads_back_to_its_page(auditor: User, sign_in: SignIn) -> None:
    answer = sign_in(auditor).get("/promotions?state=lost")

    assert answer.status_code == 400
    assert 'href="/promotions">This page from its start</a>' in answer.text


@pytest.mark.parametrize("part", ["", "/lineage", "/versions", "/runs", "/owners", "/owners/steward/end"])
@pytest.mark.parametrize("written", ["x", "1", "0" * 36, "%00", "..", f"{SOME_ID}x", SOME_ID.upper(), "%ff"])
def test_what_is_no_id_of_an_asset_is_not_found(owner: User, sign_in: SignIn, written: str, part: str) -> None:
    client = sign_in(owner)

    for answer in (client.get(f"/assets/{written}{part}", follow=True), client.post(f"/assets/{written}{part}")):
        assert answer.status_code in {400, 404}
        assert "nothing at this address" in answer.text or "U+0000" in answer.text


@pytest.mark.parametrize(
    "address", ["/teams/nobody", "/policies/none", "/tokens/999999999999999999999/revoke", "/runs/x", "/versions/1"]
)
def test_what_does_not_exist_says_what_to_do(owner: User, sign_in: SignIn, address: str) -> None:
    answer = sign_in(owner).post(address) if address.endswith("revoke") else sign_in(owner).get(address)

    assert answer.status_code == 404
    assert "Search the assets" in answer.text


FORMS = [
    {},
    {"role": "emperor", "team": "credit"},
    {"role": "steward", "team": "no-such-team"},
    {"role": "steward", "team": "a\x00b"},
    {"role": "steward", "team": "credit", "user": "nobody"},
    {"role": "steward", "team": "credit", "user": "a\x00b"},
    {"role": "steward", "team": "credit", "user": "x" * 10_000},
    {"role": ["steward", "steward"], "team": ["credit", "x"]},
]


@pytest.mark.parametrize("given", FORMS)
def test_a_form_of_owners_comes_back_with_its_errors(
    ask: Ask, graph: UUID, owner: User, sign_in: SignIn, given: dict[str, Any]
) -> None:
    ask()
    before = Ownership.objects.count()

    answer = sign_in(owner).post(f"/assets/{graph}/owners", given)

    assert answer.status_code == 422
    assert 'class="form__error"' in answer.text
    assert Ownership.objects.count() == before


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"decision": "perhaps"},
        {"decision": "reject", "reason": ""},
        {"decision": "reject", "reason": "x" * 2_001},
        {"decision": "approve", "reason": "a\x00b"},
    ],
)
def test_a_decision_that_cannot_be_read_is_not_recorded(
    ask: Ask, judge: Callable[[Promotion], Promotion], approver: User, sign_in: SignIn, given: dict[str, str]
) -> None:
    promotion = judge(ask())

    answer = sign_in(approver).post(f"/promotions/{promotion.uuid}/decide", given)

    assert answer.status_code == 422
    assert 'class="form__error"' in answer.text
    assert not Approval.objects.exists()


def test_forms_without_their_token_change_nothing(
    ask: Ask, graph: UUID, owner: User, approver: User, member: User
) -> None:
    promotion = ask()
    entries = AuditEntry.objects.count()

    for person, address, given in (
        (owner, f"/assets/{graph}/owners", {"role": "business_owner", "team": "credit"}),
        (owner, f"/assets/{graph}/owners/steward/end", {}),
        (approver, f"/promotions/{promotion.uuid}/decide", {"decision": "approve"}),
        (member, f"/promotions/{promotion.uuid}/withdraw", {}),
        (member, "/tokens", {"name": "x", "scopes": ["all"], "days": "30"}),
    ):
        client = Client(enforce_csrf_checks=True)
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        answer = client.post(address, given)

        assert answer.status_code == 403
        assert "load the page again" in answer.text

    assert AuditEntry.objects.count() == entries
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"--", "multipart/form-data"),
        (b"name=" + b"x" * 3_000_000, "application/x-www-form-urlencoded"),
        (b"&".join(b"f%d=1" % number for number in range(1_100)), "application/x-www-form-urlencoded"),
        (b"name=%ff%fe&scopes=%00", "application/x-www-form-urlencoded"),
        (b'{"name": "x"}', "application/json"),
        (b"\xff\xfe", "text/plain; charset=no-such-charset"),
    ],
)
def test_a_body_that_is_no_form_is_refused(member: User, sign_in: SignIn, body: bytes, kind: str) -> None:
    answer = sign_in(member).generic("POST", "/tokens", body, content_type=kind)

    assert answer.status_code in {400, 413, 422}
    assert "<h1" in answer.text
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_a_method_that_no_page_takes_is_refused_with_a_page(
    parameters: dict[str, list[str]], auditor: User, sign_in: SignIn, method: str
) -> None:
    client = sign_in(auditor)

    for address in parameters:
        answer = client.generic(method, address)

        assert (answer.status_code, "Nothing was changed." in answer.text) == (405, True), address
        assert "GET" in answer.headers["Allow"]


def test_reading_the_address_of_a_form_leads_to_its_page(ask: Ask, graph: UUID, owner: User, sign_in: SignIn) -> None:
    """As after a sign-in that came in between, or a reload of a form that was refused."""
    promotion, client = ask(), sign_in(owner)

    for address, page in (
        (f"/assets/{graph}/owners", f"/assets/{graph}"),
        (f"/assets/{graph}/owners/steward/end", f"/assets/{graph}"),
        (f"/promotions/{promotion.uuid}/decide", f"/promotions/{promotion.uuid}"),
        (f"/promotions/{promotion.uuid}/withdraw", f"/promotions/{promotion.uuid}"),
        ("/tokens/1/revoke", "/tokens"),
        ("/theme", "/assets"),
    ):
        assert client.get(address).headers["Location"] == page
    assert client.get(f"/promotions/{promotion.uuid}").status_code == 200
