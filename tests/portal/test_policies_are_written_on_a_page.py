"""The editor, who may use it, what changed between versions, and what a policy judged."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.models import User
from policies import publishing, starters
from policies.models import Policy, PolicyVersion, Promotion
from tests import factories
from tests.portal.conftest import POLICY

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
FRAGMENT = {"HX-Request": "true"}
EDIT = "/policies/production-credit/edit"


@pytest.fixture
def manager() -> User:
    return factories.policy_manager("policy-manager")


@pytest.fixture
def versions() -> None:
    publishing.publish(actor=None, text=POLICY % 0.8, note="First.")
    publishing.publish(actor=None, text=POLICY % 0.9, note="Too many misses.")


def test_who_manages_policies_publishes_the_next_version(manager: User, sign_in: SignIn, versions: None) -> None:
    client = sign_in(manager)
    text = (POLICY % 0.95).replace("\n", "\r\n")

    answer = client.post(EDIT, {"document": text, "note": "Stricter.", "after": "2"}, follow=True)

    newest = PolicyVersion.objects.latest("number")
    assert (newest.number, newest.document, newest.note) == (3, POLICY % 0.95, "Stricter.")
    assert newest.created_by == manager
    assert "production-credit version 3 published." in answer.text
    assert "Stricter." in answer.text


@pytest.mark.parametrize("who", ["member", "owner", "approver", "outsider"])
def test_who_does_not_is_told_so_and_sees_no_way_to(
    who: str, request: pytest.FixtureRequest, sign_in: SignIn, versions: None
) -> None:
    client = sign_in(request.getfixturevalue(who))
    shown = client.get("/policies/production-credit").text

    assert EDIT not in shown
    assert "takes the permission" in shown
    assert "/policies/new" not in client.get("/policies").text
    for address in ("/policies/new", EDIT):
        assert client.get(address).status_code == 403
        assert client.post(address, {"document": POLICY % 0.1, "note": "x", "after": 2}).status_code == 403
    assert client.post("/policies/production-credit/retire", {"reason": "x"}).status_code == 403
    assert (PolicyVersion.objects.count(), Policy.objects.get().is_active) == (2, True)


def test_errors_come_back_with_their_place_and_the_text_is_kept(manager: User, sign_in: SignIn, versions: None) -> None:
    wrong = (POLICY % 0.9).replace("metric: auc", "metrik: auc")

    answer = sign_in(manager).post(EDIT, {"document": wrong, "note": "Why.", "after": 2})

    assert answer.status_code == 422
    assert "metrik: auc" in answer.text
    assert 'data-line="8" data-column="5"' in answer.text
    assert "Why." in answer.text
    assert PolicyVersion.objects.count() == 2


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"note": ""}, "Say why"),
        ({"document": ""}, "Write the policy."),
        ({"after": 1}, "Somebody published production-credit meanwhile"),
        (
            {"document": "policy: other\napplies: {stage: s}\nrules: [{check: lineage-complete}]"},
            "is of the policy other",
        ),
    ],
)
def test_what_cannot_be_published_is_said(
    sent: dict[str, object], says: str, manager: User, sign_in: SignIn, versions: None
) -> None:
    said = {"document": POLICY % 0.7, "note": "Why.", "after": 2} | sent

    answer = sign_in(manager).post(EDIT, said)

    assert answer.status_code == 422
    assert says in answer.text
    assert PolicyVersion.objects.count() == 2


def test_a_new_policy_begins_with_a_template(manager: User, sign_in: SignIn) -> None:
    client = sign_in(manager)

    for starter in starters.starters():
        answer = client.get(f"/policies/new?from={starter.name}")
        assert '<h2 id="checked-title">Valid</h2>' in answer.text
    text = starters.starters()[0].text
    client.post("/policies/new", {"document": text, "note": "First.", "after": 0})

    assert PolicyVersion.objects.get().document == text


def test_a_text_is_checked_while_it_is_written(member: User, sign_in: SignIn) -> None:
    client = sign_in(member)

    good = client.post("/policies/check", {"document": POLICY % 0.8}, headers=FRAGMENT)
    bad = client.post("/policies/check", {"document": "policy: x\nrules: []\n"}, headers=FRAGMENT)

    assert "The policy is valid" in good.text
    assert "models credit-*" in good.text
    assert "Line 2, column 1" in bad.text
    assert "<html" not in bad.text


def test_a_text_is_tried_on_the_past(
    manager: User, sign_in: SignIn, ask: Callable[..., Promotion], judge: Callable[[Promotion], Promotion]
) -> None:
    judge(ask())
    client = sign_in(manager)

    stricter = client.post("/policies/try", {"document": POLICY % 0.99}, headers=FRAGMENT)
    same = client.post("/policies/try", {"document": POLICY % 0.8}, headers=FRAGMENT)
    wrong = client.post("/policies/try", {"document": "x"}, headers=FRAGMENT)

    assert "1 of 1 promotion would have been decided otherwise." in stricter.text
    assert "below 0.99" in stricter.text
    assert "0 of 1 promotion" in same.text
    assert "not valid yet" in wrong.text
    assert PolicyVersion.objects.count() == 1


def test_two_versions_are_compared(member: User, sign_in: SignIn, versions: None) -> None:
    client = sign_in(member)

    answer = client.get("/policies/production-credit/compare")
    back = client.get("/policies/production-credit/compare?old=2&new=1")
    same = client.get("/policies/production-credit/compare?old=1&new=1")

    assert "kpi of auc: minimum 0.9 instead of 0.8." in answer.text
    assert "kpi of auc: minimum 0.8 instead of 0.9." in back.text
    assert "Both say the same." in same.text
    assert client.get("/policies/production-credit/compare?old=7").status_code == 404


def test_a_policy_says_what_it_judged(
    member: User, sign_in: SignIn, ask: Callable[..., Promotion], judge: Callable[[Promotion], Promotion]
) -> None:
    promotion = judge(ask())
    client = sign_in(member)

    assert f"/promotions/{promotion.uuid}" in client.get("/policies/production-credit").text
    assert f"/promotions/{promotion.uuid}" in client.get("/policies/production-credit/judged", headers=FRAGMENT).text
    with CaptureQueriesContext(connection) as queries:
        client.get("/policies/production-credit")
    assert len(queries) <= 12


def test_a_retired_policy_judges_nothing_until_it_is_published_again(
    manager: User, sign_in: SignIn, versions: None
) -> None:
    client = sign_in(manager)

    unsaid = client.post("/policies/production-credit/retire", {"reason": " "})
    retired = client.post("/policies/production-credit/retire", {"reason": "Merged."}, follow=True)
    again = client.post("/policies/production-credit/retire", {"reason": "Merged."})

    assert (unsaid.status_code, again.status_code) == (422, 422)
    assert "This policy is retired" in retired.text
    assert "/policies/production-credit" not in client.get("/policies").text
    assert "/policies/production-credit" in client.get("/policies?state=retired").text
    client.post(EDIT, {"document": POLICY % 0.9, "note": "Back.", "after": 2})
    assert Policy.objects.get().is_active
