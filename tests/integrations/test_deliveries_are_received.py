"""Deliveries over HTTP: believed by every scheme, stored once, and refused only for what can never be taken."""

import gzip
import json
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from governance.models import Team
from integrations import doors, edge, intake, senderkeys, systems
from integrations.models import Connection, Delivery
from integrations.proofs import SchemeOptions
from integrations.systems import circleci
from integrations.systems.base import Scheme
from tests.integrations import connecting, replaying, signing
from tests.integrations.connecting import SECRET
from tests.integrations.signing import NOW, Signed

pytestmark = pytest.mark.django_db
ENDED = (replaying.FIXTURES / "circleci" / "workflow_failed.json").read_bytes()
PING = json.dumps({"type": "ping", "id": "p-1"}).encode()
# What a sender who is believed may say all the same, and what becomes of it on arrival.
PROVEN = {
    "body of another type": (ENDED.replace(b"workflow-completed", b"job-completed"), "received"),
    "unknown type": (b'{"type": "workflow-renamed", "id": "r-1"}', "unknown"),
    "hostile strings": (b'{"type": "\\u0000\\ud800; drop table", "id": "\\u0000\\udfff<script>"}', "unknown"),
    "10 MB": (ENDED.rstrip().removesuffix(b"}") + b', "log": "' + b"x" * 9_990_000 + b'"}', "received"),
}
# What the sender's own keys are instead of a secret.
WITH_KEYS = (Scheme.OIDC, Scheme.SNS)
SIGNED_TIME = (Scheme.MLFLOW, Scheme.STANDARD_WEBHOOKS, Scheme.GRAFANA, Scheme.SNS, Scheme.OIDC)
SIGNED_BODY = tuple(
    scheme
    for scheme in Scheme
    if scheme not in {Scheme.TOKEN_HEADER, Scheme.BEARER, Scheme.BASIC, Scheme.OIDC, Scheme.SECRET_PATH}
)


@pytest.fixture(autouse=True)
def at_one_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is always the time at which the deliveries are signed, and senders' keys lie where they say."""
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    served = {
        signing.CERTIFICATE_URL: signing.certificate(),
        f"{signing.ISSUER}/.well-known/openid-configuration": b'{"jwks_uri": "https://issuer.example/keys"}',
        "https://issuer.example/keys": json.dumps(signing.key_set()).encode(),
    }
    monkeypatch.setattr(edge, "fetch", lambda url, max_bytes: served[url])
    doors.forget()
    monkeypatch.setattr(senderkeys._remembered, "_known", {})
    monkeypatch.setattr(intake._untrusted, "_noted", {})


def made(team: Team, scheme: Scheme, **columns: Any) -> Connection:
    secrets = () if scheme in WITH_KEYS else (signing.SECRET,)
    return connecting.connection(
        team, **{"scheme": scheme, "secrets": secrets, "options": signing.OPTIONS.get(scheme), **columns}
    )


def send(signed: Signed, *, body: bytes | None = None, slug: str = "ci", **more: Any) -> Any:
    address = f"/api/v1/hooks/{slug}" + (f"/{signed.token}" if signed.token else "")
    return Client().post(
        address,
        data=signed.body if body is None else body,
        content_type=more.pop("content_type", "application/json"),
        headers=signed.headers | more,
    )


def bearing(**headers: str) -> Signed:
    return Signed(headers={"authorization": f"Bearer {SECRET}", **headers})


@pytest.mark.parametrize("scheme", Scheme)
class TestEveryScheme:
    def test_a_proven_delivery_is_stored_and_a_repeat_is_known(self, team: Team, scheme: Scheme) -> None:
        made(team, scheme)
        signed = signing.sign(scheme, body=ENDED)

        first, again = send(signed), send(signed)

        assert (first.status_code, again.status_code) == (202, 200)
        assert json.loads(again.content) == {"status": "known"}
        assert Delivery.objects.count() == 1

    def test_a_wrong_secret_or_key_is_refused_and_told_to_the_owner(self, team: Team, scheme: Scheme) -> None:
        connection = made(team, scheme)
        signed = signing.sign(scheme, secret=signing.OTHER, body=ENDED)
        if scheme is Scheme.OIDC:
            signed = replace(signed, headers={"authorization": f"Bearer {signing.token(key=signing.private_key('x'))}"})
        if scheme is Scheme.SNS:
            signed = replace(signed, body=signing.notification(key="x"))

        answer = send(signed)

        assert answer.status_code == 401
        assert json.loads(answer.content)["code"] == "signature_wrong"
        connection.refresh_from_db()
        assert connection.last_untrusted
        assert signing.SECRET not in connection.last_untrusted
        assert not Delivery.objects.exists()

    def test_without_a_proof_nothing_is_taken(self, team: Team, scheme: Scheme) -> None:
        made(team, scheme)

        assert send(Signed(body=ENDED)).status_code == 401
        assert not Delivery.objects.exists()

    def test_two_secrets_are_good_at_once(self, team: Team, scheme: Scheme) -> None:
        if scheme in WITH_KEYS:
            pytest.skip("It has no secret of ours.")
        made(team, scheme, secrets=(signing.SECRET, signing.OTHER))

        for secret, status in ((signing.SECRET, 202), (signing.OTHER, 200)):
            assert send(signing.sign(scheme, secret=secret, body=ENDED)).status_code == status

    def test_an_old_signed_time_is_refused_unless_the_window_is_wider(self, team: Team, scheme: Scheme) -> None:
        if scheme not in SIGNED_TIME:
            pytest.skip("It signs no time.")
        connection = made(team, scheme)
        old = signing.sign(scheme, body=ENDED, at=NOW - timedelta(hours=2))

        refused = send(old)
        assert (refused.status_code, json.loads(refused.content)["code"]) == (401, "signature_old")
        if scheme is not Scheme.OIDC:  # A token says itself how long it is good.
            Connection.objects.filter(pk=connection.pk).update(window_s=3 * 3600)
            doors.forget()
            assert send(old).status_code == 202

    def test_a_good_signature_of_other_bytes_is_refused(self, team: Team, scheme: Scheme) -> None:
        if scheme not in SIGNED_BODY:
            pytest.skip("It does not sign the body.")
        made(team, scheme)
        signed = signing.sign(scheme, body=ENDED)
        other = signed.body.replace(b"two", b"2x2") if scheme is Scheme.SNS else signed.body.replace(b"train", b"drain")
        assert other != signed.body

        assert send(signed, body=other).status_code == 401

    def test_a_body_that_cannot_be_read_is_refused(self, team: Team, scheme: Scheme) -> None:
        made(team, scheme)

        for body in (b"", b"{", b"\xff\xfe", b'{"a":' * 5_000, b"payload=%7B"):
            signed = Signed(body=body) if scheme is Scheme.SNS else signing.sign(scheme, body=body)
            assert send(signed).status_code == (401 if scheme is Scheme.SNS else 400), body[:20]
        assert not Delivery.objects.exists()

    @pytest.mark.parametrize("kind", PROVEN)
    def test_whatever_a_proven_body_says_it_is_kept_as_it_came(self, team: Team, scheme: Scheme, kind: str) -> None:
        made(team, scheme)
        told, state = PROVEN[kind]
        signed = signing.sign(scheme, body=told)
        if scheme is Scheme.SNS:
            signed = replace(signed, body=signing.notification(Message=told.decode()))

        answers = [send(signed).status_code for _ in range(2)]

        assert answers == [202, 200]
        delivery = Delivery.objects.get()
        assert bytes(delivery.body) == signed.body
        # A topic's message is no document of this system.
        assert delivery.state == ("refused" if scheme is Scheme.SNS else state)

    def test_a_body_over_the_bound_is_refused(self, team: Team, scheme: Scheme, settings: Any) -> None:
        settings.DELIVERY_MAX_BYTES = 20_000
        made(team, scheme)

        assert (
            send(signing.sign(scheme, body=b'{"type": "' + b"x" * 20_000 + b'"}'), body=b" " * 20_001).status_code
            == 413
        )


@pytest.mark.parametrize(
    "body",
    [
        b'{"type": "\\u0000\\ud800"}',
        b'{"type": "\\u0000", "id": "\\u0000\\udfff"}',
        b'{"type": "' + b"x" * 9_000 + b'", "id": "' + b"y" * 9_000 + b'"}',
        b'{"type": "; drop table"}',
        b'{"type": "workflow-completed", "id": NaN}',
        b"[]",
        b"7",
    ],
)
def test_hostile_words_are_kept_and_repeated_they_are_known(team: Team, body: bytes) -> None:
    connecting.connection(team)

    answers = [send(bearing(), body=body).status_code for _ in range(2)]

    assert answers == [202, 200]
    assert Delivery.objects.get().state in {"unknown", "refused", "received"}


@pytest.mark.parametrize(
    ("body", "status", "state"),
    [
        (PING, 200, "ignored"),
        (b'{"type": "workflow-renamed", "id": "r-1"}', 202, "unknown"),
        (b'{"id": "no type"}', 202, "refused"),
        (ENDED, 202, "received"),
    ],
)
def test_what_comes_of_a_delivery_is_told(team: Team, body: bytes, status: int, state: str) -> None:
    connecting.connection(team)

    answer = send(bearing(), body=body)

    assert answer.status_code == status
    delivery = Delivery.objects.get()
    assert delivery.state == state
    assert (delivery.due_at is not None) == (state == "received")
    assert bytes(delivery.body) == body


def test_a_message_that_there_is_news_asks_for_a_poll(team: Team) -> None:
    later = NOW + timedelta(hours=1)
    polled = {"address": "https://fiddler.example", "poll_interval_s": 3_600, "poll_at": later}
    connection = made(team, Scheme.SECRET_PATH, system="fiddler", **polled)
    signed = signing.sign(Scheme.SECRET_PATH, body=b'{"text": "Drift of income"}')

    assert send(replace(signed, body=b'{"data": {"items": []}}')).status_code == 202
    connection.refresh_from_db()
    assert connection.poll_at == later

    assert send(signed).status_code == 200
    connection.refresh_from_db()
    assert connection.poll_at == NOW


def test_forms_and_gzip_are_read(team: Team) -> None:
    connecting.connection(team)

    form = send(
        bearing(),
        body=b"payload=" + ENDED.decode().replace("%", "%25").replace("&", "%26").replace("+", "%2B").encode(),
        content_type="application/x-www-form-urlencoded",
    )
    zipped = send(bearing(**{"content-encoding": "gzip"}), body=gzip.compress(PING))
    bomb = send(bearing(**{"content-encoding": "gzip"}), body=gzip.compress(b" " * 20_000_000))

    assert (form.status_code, zipped.status_code, bomb.status_code) == (202, 200, 413)


def test_headers_are_kept_without_credentials(team: Team) -> None:
    connecting.connection(team)

    send(
        bearing(**{"x-github-event": "push", "x-gitlab-token": "t", "cookie": "c", "ce-type": "x", "x-event-key": "k"}),
        body=ENDED,
    )

    kept = Delivery.objects.get().headers
    assert kept == {"content-type": "application/json", "x-github-event": "push", "ce-type": "x", "x-event-key": "k"}


def test_the_secret_of_an_address_is_stored_as_a_digest(team: Team) -> None:
    made(team, Scheme.SECRET_PATH)

    with database.cursor() as cursor:
        cursor.execute("SELECT * FROM integrations_connectionsecret")
        (row,) = cursor.fetchall()
    assert signing.SECRET.encode() not in b"".join(bytes(one) for one in row if isinstance(one, bytes | memoryview))


def test_only_its_networks_may_send(team: Team, settings: Any) -> None:
    connecting.connection(team, networks=["192.0.2.0/24"])

    def answer(peer: str, forwarded: str = "") -> int:
        headers = bearing().headers | ({"x-forwarded-for": forwarded} if forwarded else {})
        return (
            Client()
            .post("/api/v1/hooks/ci", ENDED, content_type="application/json", headers=headers, REMOTE_ADDR=peer)
            .status_code
        )

    assert answer("198.51.100.7") == 403
    assert answer("198.51.100.7", "192.0.2.1") == 403  # Anybody can say that.
    assert answer("192.0.2.1") == 202
    settings.TRUSTED_PROXIES = [ip_network("198.51.100.7")]
    assert answer("198.51.100.7", "203.0.113.9, 192.0.2.1") == 200
    assert answer("198.51.100.7", "192.0.2.1, 203.0.113.9") == 403


def test_a_paused_one_asks_to_come_again_and_an_unknown_one_is_not_found(team: Team) -> None:
    connecting.connection(team, is_active=False)

    paused = send(bearing(), body=ENDED)

    assert (paused.status_code, paused["Retry-After"]) == (503, "300")
    assert send(bearing(), body=ENDED, slug="nobody").status_code == 404
    assert Client().get("/api/v1/hooks/ci").status_code == 405


def test_too_many_that_wait_are_asked_to_come_again(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    connecting.connection(team)
    Delivery.objects.create(connection=Connection.objects.get(), key="k", body=b"", due_at=NOW - timedelta(days=1))
    monkeypatch.setattr(intake, "MAX_WAITING", 0)
    monkeypatch.setattr(intake._waiting, "_is_exceeded", False)
    monkeypatch.setattr(intake._waiting, "_looked_at", -10.0)

    answer = send(bearing(), body=ENDED)

    assert answer.status_code == 503
    assert answer["Retry-After"]


def test_handshakes_are_answered_and_stored_nowhere(team: Team) -> None:
    connecting.connection(team)
    asked = [
        {
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "data": {"validationCode": "c-1"},
            "id": "1",
        }
    ]

    options = Client().options("/api/v1/hooks/ci", headers={"webhook-request-origin": "eventgrid.azure.example"})
    grid = send(bearing(**{"aeg-event-type": "SubscriptionValidation"}), body=json.dumps(asked).encode())
    unproven = send(Signed(headers={"aeg-event-type": "SubscriptionValidation"}), body=json.dumps(asked).encode())

    assert (options.status_code, options["WebHook-Allowed-Origin"]) == (200, "eventgrid.azure.example")
    assert (grid.status_code, json.loads(grid.content)) == (200, {"validationResponse": "c-1"})
    assert unproven.status_code == 401
    assert not Delivery.objects.exists()


def test_a_topic_is_confirmed_by_fetching_what_it_names(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    made(team, Scheme.SNS)
    url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"
    fetched: list[str] = []

    def fetch(url: str, max_bytes: int) -> bytes:
        fetched.append(url)
        return signing.certificate()

    monkeypatch.setattr(edge, "fetch", fetch)
    asked = signing.notification(Type="SubscriptionConfirmation", SubscribeURL=url, Token="t")

    assert json.loads(send(Signed(body=asked)).content) == {"status": "confirmed"}
    assert fetched == [signing.CERTIFICATE_URL, url]


def test_while_keys_cannot_be_had_the_sender_is_asked_to_come_again(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(team, Scheme.OIDC)

    def away(url: str, max_bytes: int) -> bytes:
        raise edge.Unreachable("issuer.example cannot be reached.")

    monkeypatch.setattr(edge, "fetch", away)

    assert send(signing.sign(Scheme.OIDC, body=ENDED)).status_code == 503


def test_a_mistake_in_a_module_loses_no_delivery(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    connecting.connection(team)

    def broken(message: object) -> str:
        raise ZeroDivisionError

    broken_system = replace(circleci.SYSTEM, type_of=broken)
    monkeypatch.setattr(systems, "BY_SLUG", {"circleci": broken_system})

    assert send(bearing(), body=ENDED).status_code == 202
    assert Delivery.objects.get().state == "received"


def test_a_token_header_may_have_another_name(team: Team) -> None:
    made(team, Scheme.TOKEN_HEADER, options=SchemeOptions(header="x-own"), secrets=(SECRET,))

    assert send(Signed(headers={"x-own": SECRET}), body=ENDED).status_code == 202
