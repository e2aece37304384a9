"""Requests reach the other system in their order, are tried again while that may help, and are given up otherwise."""

import ipaddress
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from governance.errors import Conflict, Denied
from governance.models import Team, TeamRole
from integrations import connections, outlets, schemes, sending
from integrations.models import Connection
from integrations.outmodels import Dispatch, DispatchState, Notice, Outlet
from integrations.proofs import Delivery, Untrusted
from integrations.systems.base import Scheme
from tests import factories

pytestmark = pytest.mark.django_db
SECRET = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ="


class System:
    """Another system, over real HTTP: what it got, and what it is to answer (200 when nothing is said)."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], Any]] = []
        self.answers: list[tuple[int, str]] = []
        system = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                system.got.append((self.path, headers | {"raw": body.decode()}, json.loads(body)))
                status, text = system.answers.pop(0) if system.answers else (200, "{}")
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *args: Any) -> None:
                """Tests are quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def system(settings: Settings) -> Iterator[System]:
    settings.OUTGOING_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    running = System()
    yield running
    running.server.shutdown()
    running.server.server_close()


@pytest.fixture
def team() -> Team:
    return factories.team("credit")


def outlet_to(team: Team, address: str, *, auth: dict[str, Any] | None = None) -> Outlet:
    settings = connections.Settings(title="GitHub", address=address, auth=auth or {"kind": "bearer"})
    made = connections.create(
        actor=None,
        team=team,
        slug="github",
        system="github",
        namespace="github://git.example",
        settings=settings,
        outgoing_secret=SECRET,
    )
    return outlets.set_up(actor=None, connection=made.connection, kinds=["verdict"], setting={})


def dispatches(outlet: Outlet, *paths: str, accepts: list[list[Any]] | None = None) -> list[Dispatch]:
    notice = Notice.objects.create(outlet=outlet, kind="verdict", subject="verdict 1", document={})
    return [
        Dispatch.objects.create(
            notice=notice,
            number=number,
            method="POST",
            path=path,
            document={"number": number},
            headers={"webhook-id": "verdict-1"},
            accepts=accepts or [],
            due_at=timezone.now(),
        )
        for number, path in enumerate(paths)
    ]


def state(dispatch: Dispatch) -> tuple[str, int | None]:
    dispatch.refresh_from_db()
    return dispatch.state, dispatch.status


def now_due() -> None:
    Dispatch.objects.exclude(due_at=None).update(due_at=timezone.now() - timedelta(seconds=1))


def test_they_go_in_order_with_the_credentials(team: Team, system: System) -> None:
    first, second = dispatches(outlet_to(team, system.address), "a", "b")

    assert sending.send_due() == 2
    assert [(path, document) for path, _, document in system.got] == [("/a", {"number": 0}), ("/b", {"number": 1})]
    assert system.got[0][1]["authorization"].startswith("Bearer whsec_")
    assert state(first) == state(second) == (DispatchState.SENT, 200)
    assert sending.send_due() == 0


def test_what_may_pass_is_tried_again_and_holds_up_what_comes_after(team: Team, system: System) -> None:
    first, second = dispatches(outlet_to(team, system.address), "a", "b")
    system.answers = [(503, "busy"), (200, "{}")]

    assert sending.send_due() == 1
    assert state(first) == (DispatchState.PENDING, 503)
    assert "busy" in first.error
    assert first.due_at is not None
    assert first.due_at > timezone.now() + timedelta(seconds=5)
    assert state(second) == (DispatchState.PENDING, None)

    now_due()
    assert sending.send_due() == 2
    assert state(first) == state(second) == (DispatchState.SENT, 200)


def test_what_is_only_told_works_again_once_it_takes_what_it_is_told(team: Team, system: System) -> None:
    settings = connections.Settings(title="Mine", address=system.address, auth={"kind": "bearer"})
    made = connections.create(
        actor=None,
        team=team,
        slug="mine",
        system="webhook",
        namespace="webhook://mine",
        settings=settings,
        outgoing_secret=SECRET,
    )
    connection = made.connection
    dispatches(outlets.set_up(actor=None, connection=connection, kinds=["verdict"], setting={}), "a")
    system.answers = [(503, "busy")]
    sending.send_due()
    now_due()

    sending.send_due()

    connection.refresh_from_db()
    assert connection.last_failure_at is not None
    assert connection.last_success_at is not None
    assert connection.last_success_at > connection.last_failure_at


def test_what_is_refused_for_good_is_given_up_until_a_person_sends_it_again(team: Team, system: System) -> None:
    outlet = outlet_to(team, system.address)
    (dispatch,) = dispatches(outlet, "a")
    system.answers = [(404, "Not Found")]
    sending.send_due()
    assert state(dispatch) == (DispatchState.GIVEN_UP, 404)
    connection = Connection.objects.get()
    assert "404" in connection.last_error

    with pytest.raises(Denied):
        outlets.send_again(actor=factories.member(team, "member"), dispatch=dispatch)
    maintainer = factories.member(team, "maintainer", role=TeamRole.MAINTAINER)
    outlets.send_again(actor=maintainer, dispatch=dispatch)
    sending.send_due()
    assert state(dispatch) == (DispatchState.SENT, 200)
    with pytest.raises(Conflict):
        outlets.send_again(actor=maintainer, dispatch=dispatch)


def test_an_answer_that_says_it_is_so_already_will_do(team: Team, system: System) -> None:
    outlet = outlet_to(team, system.address)
    first, second = dispatches(outlet, "a", "b", accepts=[[409, ""], [400, "Cannot transition"]])
    system.answers = [(409, "exists"), (400, "something else")]
    sending.send_due()

    assert state(first) == (DispatchState.SENT, 409)
    assert state(second) == (DispatchState.GIVEN_UP, 400)


def test_a_system_that_is_away_is_tried_for_days_and_then_given_up(team: Team, system: System) -> None:
    (dispatch,) = dispatches(outlet_to(team, "http://127.0.0.1:9"), "a")
    for _ in range(sending.MAX_ATTEMPTS):
        now_due()
        assert sending.send_due() == 1

    assert state(dispatch) == (DispatchState.GIVEN_UP, None)
    assert "cannot be reached" in dispatch.error


def test_an_address_inside_is_refused_unless_it_is_named(team: Team, system: System, settings: Settings) -> None:
    settings.OUTGOING_NETWORKS = []
    (dispatch,) = dispatches(outlet_to(team, system.address), "a")
    sending.send_due()

    assert state(dispatch) == (DispatchState.GIVEN_UP, None)
    assert "ASSAY_OUTGOING_NETWORKS" in dispatch.error
    assert system.got == []


def test_a_redirect_is_not_followed(team: Team, system: System) -> None:
    (dispatch,) = dispatches(outlet_to(team, system.address), "a")
    system.answers = [(302, "")]
    sending.send_due()

    assert state(dispatch) == (DispatchState.GIVEN_UP, None)
    assert len(system.got) == 1


def test_a_paused_connection_sends_nothing(team: Team, system: System) -> None:
    outlet = outlet_to(team, system.address)
    dispatches(outlet, "a")
    connections.pause(actor=None, connection=outlet.connection)

    assert sending.send_due() == 0


def test_our_own_webhooks_are_signed_as_standard_webhooks_has_it(team: Team, system: System) -> None:
    outlet = outlet_to(team, system.address, auth={"kind": "signed"})
    dispatches(outlet, "a")
    sending.send_due()

    _, headers, _ = system.got[0]
    assert headers["webhook-id"] == "verdict-1"
    delivery = Delivery(headers=headers, body=headers["raw"].encode(), now=timezone.now())
    window = timedelta(minutes=5)
    schemes.verify(Scheme.STANDARD_WEBHOOKS, secrets=[SECRET], delivery=delivery, window=window)
    with pytest.raises(Untrusted):
        schemes.verify(Scheme.STANDARD_WEBHOOKS, secrets=[SECRET[::-1]], delivery=delivery, window=window)


def test_chat_is_told_at_an_address_that_is_shown_nowhere(team: Team, system: System) -> None:
    settings = connections.Settings(title="Chat", address=system.address, auth={"kind": "path"})
    made = connections.create(
        actor=None,
        team=team,
        slug="chat",
        system="slack",
        namespace="slack://chat",
        settings=settings,
        outgoing_secret="services/T0/B0/secretsecret",
    )
    outlet = outlets.set_up(actor=None, connection=made.connection, kinds=["verdict"], setting={})
    (dispatch,) = dispatches(outlet, "")
    system.answers = [(500, "no")]
    sending.send_due()

    assert system.got[0][0] == "/services/T0/B0/secretsecret"
    dispatch.refresh_from_db()
    assert "secretsecret" not in f"{dispatch.path} {dispatch.error} {Connection.objects.get().last_error}"
