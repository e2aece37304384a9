"""Pages of connections: connected, changed, looked at, told, and retired by those who maintain the team."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.models import Team, TeamRole, User
from integrations import connections
from integrations.models import Connection, Delivery, Join
from integrations.outmodels import Dispatch, Notice, Outlet
from tests import factories

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
LIST_BUDGET = 10
PAGE_BUDGET = 24


@pytest.fixture
def maintainer(team: Team) -> User:
    return factories.member(team, "maintainer", role=TeamRole.MAINTAINER)


@pytest.fixture
def connected(team: Team) -> Connection:
    settings = connections.Settings(title="Code <host>", scheme="github", address="https://api.git.example")
    return connections.create(
        actor=None, team=team, slug="code", system="github", namespace="github://git.example", settings=settings
    ).connection


def said(**more: Any) -> dict[str, Any]:
    return {
        "title": "Code",
        "slug": "code",
        "namespace": "github://git.example",
        "team": "credit",
        "scheme": "github",
        "auth_kind": "none",
    } | more


def delivered(connection: Connection, state: str = "translated", **more: Any) -> Delivery:
    return Delivery.objects.create(
        connection=connection,
        key=more.pop("key", "k1"),
        type="push",
        headers={"x-github-event": "push"},
        body=b'{"ref": "<b>main</b>"}',
        state=state,
        **more,
    )


def test_an_empty_list_says_how_to_begin(member: User, maintainer: User, sign_in: SignIn) -> None:
    assert "A maintainer of a team can connect systems." in sign_in(member).get("/connections").text
    listed = sign_in(maintainer).get("/connections").text
    assert "Nothing is connected yet" in listed
    assert "/connections/new" in listed


def test_whoever_may_make_the_first_team_is_led_there(administrator: User, sign_in: SignIn) -> None:
    client = sign_in(administrator)

    for address in ("/connections", "/connections/new/github"):
        page = client.get(address).text
        assert "Make the first team" in page
        assert "Ask one of yours" not in page


def test_the_catalogue_is_searched(maintainer: User, sign_in: SignIn) -> None:
    client = sign_in(maintainer)
    everything = client.get("/connections/new").text

    assert "MLflow" in everything
    assert "Code and CI" in everything
    found = client.get("/connections/new?q=mlf").text
    assert "MLflow" in found
    assert "GitLab" not in found
    nothing = client.get("/connections/new?q=zzz").text
    assert "No system of this name" in nothing
    assert "/connections/new/json" in nothing


def test_a_system_is_connected_and_its_secret_shown_once(team: Team, maintainer: User, sign_in: SignIn) -> None:
    client = sign_in(maintainer)
    assert client.get("/connections/new/github").status_code == 200
    assert client.get("/connections/new/nothing").status_code == 404

    made = client.post("/connections/new/github", said())
    secret = made.context["secret"]
    assert len(secret) > 20
    assert secret in made.text
    page = client.get("/connections/code").text
    assert secret not in page
    assert "/api/v1/hooks/code" in page
    assert "Nothing has come yet" in page


def test_a_secret_address_is_shown_whole_once(team: Team, maintainer: User, sign_in: SignIn) -> None:
    client = sign_in(maintainer)
    made = client.post("/connections/new/kserve", said(slug="serving", scheme="secret_path", namespace="kserve://k"))

    address = made.context["full_address"]
    assert address.endswith(f"/api/v1/hooks/serving/{made.context['secret']}")
    assert address in made.text
    assert made.context["secret"] not in client.get("/connections/serving").text


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"slug": "No Such"}, "slug"),
        ({"title": ""}, "title"),
        ({"namespace": ""}, "namespace"),
        ({"networks": "home"}, "networks"),
        ({"address": "ftp://x"}, "address"),
        ({"options": "- a list"}, "options"),
        ({"options": "unheard: 1"}, "options"),
        ({"options": "a: [1"}, "options"),
        ({"scheme_options": "unheard: 1"}, "scheme_options"),
        ({"auth_kind": "bearer"}, "outgoing_secret"),
        ({"auth_kind": "basic", "outgoing_secret": "x" * 20}, "auth_username"),
        ({"secret": "short"}, "secret"),
        ({"poll_interval_s": "5", "address": "https://a.example"}, "poll_interval_s"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    change: dict[str, Any], field: str, team: Team, maintainer: User, sign_in: SignIn
) -> None:
    answer = sign_in(maintainer).post("/connections/new/github", said(**change))

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert Connection.objects.count() == 0


def test_a_name_that_is_taken_is_said(connected: Connection, maintainer: User, sign_in: SignIn) -> None:
    answer = sign_in(maintainer).post("/connections/new/github", said())

    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["slug"])


def test_the_list_and_the_page_cost_few_queries(connected: Connection, member: User, sign_in: SignIn) -> None:
    for number in range(5):
        delivered(connected, key=str(number))
    for number in range(20):
        factories.team(f"other-{number}")
    client = sign_in(member)
    with CaptureQueriesContext(database) as asked:
        listed = client.get("/connections")
    assert len(asked) <= LIST_BUDGET
    assert "Code &lt;host&gt;" in listed.text
    with CaptureQueriesContext(database) as asked:
        client.get("/connections/code")
    assert len(asked) <= PAGE_BUDGET


def test_a_delivery_is_shown_and_translated_again_by_who_may(
    connected: Connection, member: User, maintainer: User, sign_in: SignIn
) -> None:
    delivery = delivered(connected, "refused", error="repository: is missing.")
    address = f"/connections/code/deliveries/{delivery.pk}"

    page = sign_in(member).get(address).text
    assert "repository: is missing." in page
    assert "the maintainers of Credit" in page
    assert "main&lt;" not in page
    assert "Translate again" not in page
    assert "&lt;b&gt;main&lt;/b&gt;" in sign_in(maintainer).get(address).text
    assert sign_in(member).post(f"{address}/again").status_code == 403
    assert sign_in(maintainer).post(f"{address}/again")["Location"] == address
    delivery.refresh_from_db()
    assert delivery.state == "received"
    assert sign_in(member).get("/connections/code/deliveries/99999").status_code == 404


def test_deliveries_are_filtered_by_state(connected: Connection, member: User, sign_in: SignIn) -> None:
    delivered(connected, key="1")
    delivered(connected, "unknown", key="2")
    client = sign_in(member)

    shown = client.get("/connections/code/deliveries?state=unknown")
    assert [one.key for one in shown.context["page"].rows] == ["2"]
    assert client.get("/connections/code/deliveries?state=other").status_code == 400


def test_all_since_a_time_are_replayed(connected: Connection, maintainer: User, sign_in: SignIn) -> None:
    delivered(connected)
    client = sign_in(maintainer)

    assert client.post("/connections/code/replay", {"since": "soon"}).status_code == 422
    assert "1 deliveries" in client.post("/connections/code/replay", {"since": "2020-01-01T00:00"}, follow=True).text


def test_secrets_are_rotated_and_ended(connected: Connection, maintainer: User, sign_in: SignIn) -> None:
    client = sign_in(maintainer)
    made = client.post("/connections/code/secrets", {"purpose": "incoming"})
    assert made.context["secret"] in made.text
    again = client.post("/connections/code/secrets", {"purpose": "incoming"}, follow=True)
    assert "retire the older one first" in again.text
    older = connected.secrets.order_by("id")[0]
    ended = client.post(f"/connections/code/secrets/{older.pk}/retire", follow=True)
    assert "opens nothing any more" in ended.text
    kept = client.post("/connections/code/secrets", {"purpose": "outgoing", "secret": "x" * 30}, follow=True)
    assert "x" * 30 not in kept.text


def test_it_is_changed_paused_resumed_and_retired(
    connected: Connection, member: User, maintainer: User, sign_in: SignIn
) -> None:
    client = sign_in(maintainer)
    assert sign_in(member).get("/connections/code/change").status_code == 403
    form = client.get("/connections/code/change").text
    assert 'value="Code &lt;host&gt;"' in form
    changed = client.post("/connections/code/change", said(title="Other", networks="192.0.2.0/24"))
    assert changed["Location"] == "/connections/code"
    connected.refresh_from_db()
    assert (connected.title, connected.networks) == ("Other", ["192.0.2.0/24"])

    for action, word in (("pause", "paused"), ("pause", "already"), ("resume", "active"), ("retire", "retired")):
        assert word in client.post(f"/connections/code/do/{action}", {"reason": "x"}, follow=True).text
    assert client.post("/connections/code/do/explode").status_code == 404
    assert "Other" in client.get("/connections?state=retired").text
    assert "Other" not in client.get("/connections").text


def test_a_name_is_joined_rejected_and_taken_back(
    graph: Any, connected: Connection, maintainer: User, sign_in: SignIn
) -> None:
    join = Join.objects.create(
        connection=connected,
        name="credit",
        asset=graph,
        model_namespace="registry://r",
        model_name="credit-risk",
        state="proposed",
    )
    client = sign_in(maintainer)
    for decision, state in (("confirm", "confirmed"), ("undo", "proposed"), ("reject", "rejected")):
        client.post(f"/connections/code/names/{join.pk}", {"decision": decision})
        join.refresh_from_db()
        assert join.state == state
    assert "Take back" in client.get("/connections/code").text
    assert client.post(f"/connections/code/names/{join.pk}", {"decision": "guess"}).status_code == 404


def test_joins_say_what_they_rest_on_and_are_undone_with_a_reason(
    graph: Any, connected: Connection, maintainer: User, member: User, sign_in: SignIn
) -> None:
    join = Join.objects.create(
        connection=connected,
        rule="files",
        name="s3://models/credit/7",
        asset=graph,
        model_namespace="registry://r",
        model_name="credit-risk",
        version="7",
        found_at="s3://models credit",
        state="automatic",
    )
    client = sign_in(maintainer)
    said = client.get("/joins").text
    assert "The registration of version 7 says that its files lie at s3://models credit." in said
    assert "Places of files" in said
    assert 'name="decision"' in said

    for decision, state in (("reject", "rejected"), ("undo", "automatic")):
        answer = client.post(
            f"/joins/{join.pk}", {"decision": decision, "reason": f"{decision} <why>", "rule": "files"}
        )
        assert answer["Location"] == f"/joins?rule=files#join-{join.pk}"
        join.refresh_from_db()
        assert join.state == state
    shown = client.get("/joins?rule=files").text
    assert "reject &lt;why&gt;" in shown
    assert "undo &lt;why&gt;" in shown
    assert "No join is like that" in client.get("/joins?state=rejected").text
    assert "No join is like that" in client.get("/joins?rule=names").text
    assert client.get("/joins?rule=guess").status_code == 400
    assert client.post(f"/joins/{join.pk}", {"decision": "guess"}).status_code == 404
    assert client.post("/joins/0", {"decision": "undo"}).status_code == 404


def test_the_list_says_how_many_names_wait_for_people(connected: Connection, member: User, sign_in: SignIn) -> None:
    for name, state in (("credit", "proposed"), ("credit", "proposed"), ("churn", "proposed"), ("loans", "confirmed")):
        made = {"model_namespace": "registry://r", "model_name": name, "state": state}
        Join.objects.create(connection=connected, name=name, asset=uuid4(), **made)

    assert "2 names for you to say" in sign_in(member).get("/connections").text


def test_headers_that_are_sent_along_outlive_a_change_of_something_else(
    team: Team, maintainer: User, sign_in: SignIn
) -> None:
    headers = {"X-Scope-OrgID": "credit"}
    settings = connections.Settings(title="Mimir", address="https://mimir.example", auth={"headers": headers})
    connections.create(actor=None, team=team, slug="mimir", system="prometheus", namespace="p://m", settings=settings)
    client = sign_in(maintainer)
    form = client.get("/connections/mimir/change").context["form"]

    client.post("/connections/mimir/change", {name: form[name].value() or "" for name in form.fields} | {"title": "M"})

    changed = Connection.objects.get()
    assert (changed.title, changed.auth["headers"]) == ("M", headers)


def test_what_is_only_told_is_asked_for_nothing_else(team: Team, maintainer: User, sign_in: SignIn) -> None:
    client = sign_in(maintainer)
    form = client.get("/connections/new/slack").text
    assert "Make an incoming webhook" in form
    assert 'name="options"' not in form
    settings = connections.Settings(title="Chat")
    connections.create(actor=None, team=team, slug="chat", system="slack", namespace="slack://a", settings=settings)

    page = client.get("/connections/chat").text

    assert "Nothing told yet" in page
    assert "Deliveries" not in page


def test_the_form_asks_for_what_the_proof_and_the_system_need(maintainer: User, sign_in: SignIn) -> None:
    client = sign_in(maintainer)
    token, signed = (client.get(f"/connections/new/{system}").text for system in ("vertex_ai", "github"))

    assert "a push subscription of that topic" in token
    assert "issuer: https://token.example" in token
    assert 'name="address"' not in token
    assert 'name="scheme_options"' not in signed
    assert 'name="address"' in signed


def test_what_is_carried_out_is_set_and_sent_again(connected: Connection, maintainer: User, sign_in: SignIn) -> None:
    client = sign_in(maintainer)
    wrong = client.post("/connections/code/outlet", {"kinds": ["verdict"], "setting": "how: by pigeon"})
    assert (wrong.status_code, list(wrong.context["outlet_form"].errors)) == (422, ["setting"])
    client.post("/connections/code/outlet", {"kinds": ["verdict"], "setting": "how: check_run", "is_active": "on"})
    outlet = Outlet.objects.get()
    assert (outlet.kinds, outlet.setting, outlet.is_active) == (["verdict"], {"how": "check_run"}, True)

    notice = Notice.objects.create(
        outlet=outlet, kind="verdict", subject="verdict 1", document={"headline": "It <may> go.", "url": "/x"}
    )
    dispatch = Dispatch.objects.create(
        notice=notice, number=0, method="POST", path="repos/a/b/statuses/c", state="given_up", error="Answered 404"
    )
    page = client.get("/connections/code").text
    assert "It &lt;may&gt; go." in page
    assert "Answered 404" in page
    assert "is sent again" in client.post(f"/connections/code/requests/{dispatch.pk}/again", follow=True).text
    assert client.post("/connections/code/requests/0/again").status_code == 404


def test_a_mapping_is_tried_on_a_sample_and_nothing_is_stored(team: Team, member: User, sign_in: SignIn) -> None:
    settings = connections.Settings(title="Any", scheme="bearer")
    connections.create(actor=None, team=team, slug="any", system="json", namespace="json://any", settings=settings)
    client = sign_in(member)
    assert "Try a mapping on a sample" in client.get("/connections/any").text
    form = client.get("/connections/any/mapping")
    assert "Change the options" not in form.text
    example = {name: form.context["form"].initial[name] for name in ("mapping", "sample")}

    tried = client.post("/connections/any/mapping", example)
    assert tried.context["tried"].problems == []
    assert "0.91" in tried.text
    assert Delivery.objects.count() == 0

    wrong = client.post("/connections/any/mapping", example | {"mapping": "mapping: [{fact: kpi, fields: {kpi: a}}]"})
    assert "needs the fields" in wrong.text
    for change, field in (({"sample": "{"}, "sample"), ({"mapping": "- a"}, "mapping"), ({"sample": ""}, "sample")):
        refused = client.post("/connections/any/mapping", example | change)
        assert (refused.status_code, list(refused.context["form"].errors)) == (422, [field])
