"""Whatever is posted, the answer is a problem that says why, and no row is written."""

import gzip
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from governance import problems, tokens
from governance.models import ApiToken, User
from governance.tokens import Scope
from lineage.models import Event, Outbox
from tests import factories
from tests.lineage import sent

ADDRESSES = ["/api/v1/lineage", "/api/v1/lineage/", "/api/v1/lineage/batch", "/api/v1/lineage/batch/"]
pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("address", ADDRESSES)]
GOOD = sent.body(sent.run_event())
ZIPPED = gzip.compress(GOOD, mtime=0)  # the same in every process
GZIP = {"Content-Encoding": "gzip"}


@pytest.fixture(autouse=True)
def nothing_is_written() -> Iterator[None]:
    yield
    assert not Event.objects.exists()
    assert not Outbox.objects.exists()


@pytest.fixture
def api(member: User) -> Client:
    return factories.client(member, Scope.LINEAGE_WRITE)


def post(api: Client, address: str, body: bytes, headers: dict[str, str] | None = None) -> Any:
    return api.post(address, body, content_type="application/json", headers=headers)


def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    document: dict[str, Any] = response.json()
    assert (response.status_code, document["status"], document["code"]) == (status, status, code), document
    assert response.headers["Content-Type"] == problems.CONTENT_TYPE
    assert document["detail"]
    return document


@pytest.mark.parametrize(
    ("event", "field", "code"),
    [
        (sent.run_event(run={}), "run.runId", "missing"),
        (sent.run_event(eventTime=None), "eventTime", "missing"),
        (sent.run_event(job={"namespace": "n"}), "job.name", "missing"),
        (sent.run_event(outputs=[{"namespace": "n"}]), "outputs[0].name", "missing"),
        (sent.dataset_event(dataset={"name": "n"}), "dataset.namespace", "missing"),
        (sent.run_event(eventTime="soon"), "eventTime", "invalid"),
        (sent.run_event(eventTime=1772359200), "eventTime", "invalid"),
        (sent.run_event(run="x"), "run", "invalid"),
        (sent.run_event(run={"runId": ["x"]}), "run.runId", "invalid"),
        (sent.run_event(inputs="x"), "inputs", "invalid"),
        (sent.run_event(job={"namespace": "n", "name": {}}), "job.name", "invalid"),
        (sent.run_event(job={"namespace": "n", "name": "x" * 10_001}), "job.name", "invalid"),
    ],
)
def test_a_missing_or_wrong_field_is_named(
    address: str, event: dict[str, Any], field: str, code: str, api: Client
) -> None:
    response = post(api, address, sent.body(event))

    if "batch" in address:
        document = problem(response, 400, "all_rejected")
        assert document["failed_events"][0]["reason"].startswith(field)
    else:
        document = problem(response, 400, code)
        assert set(document["fields"]) == {field}


@pytest.mark.parametrize("body", [b"{}", b"7", b"null", b'"x"', b"nope", b'{"a": "\xff"}', b"{", b'{"a":' * 100_000])
def test_what_is_no_event_is_refused(address: str, body: bytes, api: Client) -> None:
    response = post(api, address, body)

    assert response.status_code == 400
    assert response.json()["code"] in {"malformed", "missing", "too_deep", "all_rejected"}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", {}),
        (b" \n", {}),
        (b"[" + GOOD, {}),
        (b"[" + GOOD + b"] {}", {}),
        (b"", GZIP),
        (GOOD, GZIP),
        (ZIPPED[:-1], GZIP),
        (ZIPPED[:20], GZIP),
        (ZIPPED[:-8] + b"\0" * 8, GZIP),
        (ZIPPED + b"x", GZIP),
        (gzip.compress(b"", mtime=0), GZIP),
    ],
)
def test_a_body_that_is_not_whole_is_refused_as_a_whole(
    address: str, body: bytes, headers: dict[str, str], api: Client
) -> None:
    problem(post(api, address, body, headers), 400, "malformed")


def test_gzip_that_nobody_announced_is_refused(address: str, api: Client) -> None:
    assert post(api, address, gzip.compress(GOOD)).status_code == 400


def test_another_encoding_is_refused(address: str, api: Client) -> None:
    problem(post(api, address, GOOD, {"Content-Encoding": "br"}), 415, "unsupported_encoding")


def test_too_large_a_body_is_refused(address: str, api: Client, settings: Settings) -> None:
    settings.LINEAGE_MAX_BODY_BYTES = len(GOOD) - 1

    assert str(len(GOOD) - 1) in problem(post(api, address, GOOD), 413, "too_large")["detail"]


@pytest.mark.parametrize("content", [b"0" * 130_000_000, b'{"a": "' + b"0" * 130_000_000, b"[" * 130_000_000])
def test_an_expansion_bomb_is_refused(address: str, content: bytes, api: Client) -> None:
    bomb = gzip.compress(content, compresslevel=1)
    assert len(bomb) < 2_000_000

    problem(post(api, address, bomb, GZIP), 413, "too_large")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_refused(address: str, method: str, api: Client) -> None:
    response = api.generic(method, address, GOOD, content_type="application/json")

    problem(response, 405, "method_not_allowed")
    assert "POST" in response.headers["Allow"]


# --- Tokens --------------------------------------------------------------------------------------------------------


def with_header(value: str) -> Client:
    return Client(headers={"Authorization": value})


@pytest.mark.parametrize("client", [Client(), with_header("Basic eDp5"), with_header("assay_pat_x")])
def test_without_a_token_it_is_401(address: str, client: Client) -> None:
    response = post(client, address, GOOD)

    problem(response, 401, "not_authenticated")
    assert response.headers["WWW-Authenticate"] == problems.REALM


@pytest.mark.parametrize(
    "secret", ["", "x", "ÿ", "assay_pat_" + "0" * 42, pytest.param(tokens._new_secret(), id="of nobody")]
)
def test_an_unknown_token_is_401(address: str, secret: str) -> None:
    problem(post(with_header(f"Bearer {secret}"), address, GOOD), 401, "token_unknown")


@pytest.mark.parametrize(
    ("end", "code"), [("expires_at", "token_expired"), ("revoked_at", "token_revoked"), ("", "user_inactive")]
)
def test_a_token_that_has_ended_is_401(address: str, end: str, code: str, api: Client, member: User) -> None:
    day_ago = timezone.now() - timedelta(days=1)
    if end:
        ApiToken.objects.update(**{"created_at": day_ago - timedelta(days=1), end: day_ago})
    else:
        User.objects.filter(pk=member.pk).update(is_active=False)

    problem(post(api, address, GOOD), 401, code)


def test_a_token_that_expires_while_it_is_remembered_is_refused_at_once(
    address: str, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = timezone.now() + timedelta(hours=1)
    client = with_header(f"Bearer {factories.secret(member, Scope.LINEAGE_WRITE, expires_at=soon)}")
    assert post(client, address, b"[]").status_code == 200
    monkeypatch.setattr(timezone, "now", lambda: soon)

    problem(post(client, address, GOOD), 401, "token_expired")


def test_a_token_without_the_scope_is_told_which(address: str, member: User) -> None:
    others = [scope for scope in Scope if scope not in (Scope.ALL, Scope.LINEAGE_WRITE)]

    response = post(factories.client(member, *others), address, GOOD)

    assert problem(response, 403, "scope_missing")["fields"] == {"scope": "lineage:write"}


def test_a_session_is_no_token(address: str, member: User) -> None:
    browser = Client()
    browser.force_login(member)

    problem(post(browser, address, GOOD), 401, "not_authenticated")
