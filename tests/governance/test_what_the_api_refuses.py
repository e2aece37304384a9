"""Whatever is sent, the answer is a problem document that names the field, and nothing was changed."""

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from governance import problems, tokens
from governance.models import ApiToken, AuditEntry, Membership, Ownership, Team, User
from governance.tokens import Scope
from tests import factories

pytestmark = pytest.mark.django_db
JSON = "application/json"
ASSET = uuid.UUID(int=7)
TEAM = {"slug": "fraud", "name": "Fraud"}
OWNERSHIP = {"asset": str(ASSET), "role": "steward", "team": "credit"}
WRITES = [
    ("POST", "/api/v1/teams", TEAM),
    ("PUT", "/api/v1/teams/credit/members/member", {"role": "approver"}),
    ("POST", "/api/v1/ownerships", OWNERSHIP),
]
DELETES = [
    ("DELETE", "/api/v1/teams/credit/members/member"),
    ("DELETE", f"/api/v1/assets/{ASSET}/owners/steward"),
]
READS = [
    "/api/v1/teams",
    "/api/v1/teams/credit",
    f"/api/v1/assets/{ASSET}/owners",
    f"/api/v1/assets/{ASSET}/owners/history",
    "/api/v1/audit",
]
LISTS = ["/api/v1/teams", f"/api/v1/assets/{ASSET}/owners/history", "/api/v1/audit"]


@pytest.fixture(autouse=True)
def unchanged(team: Team, member: User, administrator: User) -> Any:
    """No refusal changes a row."""
    api_token_entries = AuditEntry.objects.filter(action="token.issued")

    def rows() -> tuple[Any, ...]:
        return (
            list(Team.objects.values_list()),
            list(Membership.objects.values_list()),
            list(Ownership.objects.values_list()),
            AuditEntry.objects.count() - api_token_entries.count(),
        )

    before = rows()
    yield
    assert rows() == before


def problem(response: Any, status: int, code: str, *fields: str) -> dict[str, Any]:
    """The response's problem document, after checking that it is one and says this."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == problems.CONTENT_TYPE
    document: dict[str, Any] = response.json()
    assert set(document) == {"type", "title", "status", "detail", "code", "fields"}
    assert (document["status"], document["code"]) == (status, code), document
    assert document["type"] == f"urn:assay:problem:{code}"
    assert document["detail"]
    assert set(document["fields"]) == set(fields), document
    return document


def send(api: Client, method: str, path: str, body: Any, content_type: str = JSON) -> HttpResponse:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return api.generic(method, path, data, content_type=content_type, CONTENT_TYPE=content_type)  # type: ignore[return-value]


@pytest.fixture
def api(administrator: User) -> Client:
    return factories.client(administrator)


@pytest.mark.parametrize(("method", "path", "good"), WRITES)
class TestBodies:
    def test_a_missing_field_is_named(self, method: str, path: str, good: dict[str, str], api: Client) -> None:
        for name in good:
            problem(
                send(api, method, path, {key: value for key, value in good.items() if key != name}),
                400,
                "invalid",
                name,
            )

    def test_an_unknown_field_is_named(self, method: str, path: str, good: dict[str, str], api: Client) -> None:
        problem(send(api, method, path, good | {"nmae": "x"}), 400, "invalid", "nmae")

    @pytest.mark.parametrize("wrong", [7, None, True, ["x"], {"x": 1}])
    def test_a_wrong_type_is_named(self, wrong: Any, method: str, path: str, good: dict[str, str], api: Client) -> None:
        for name in good:
            problem(send(api, method, path, good | {name: wrong}), 400, "invalid", name)

    @pytest.mark.parametrize("text", ["a\x00b", "\x00"])
    def test_a_nul_character_is_refused(
        self, text: str, method: str, path: str, good: dict[str, str], api: Client
    ) -> None:
        for name in good:
            problem(send(api, method, path, good | {name: text}), 400, "invalid", name)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"  ",
            b"{",
            b"\xff\xfe",
            b'{"slug": "\xff"}',
            b'{"slug": "\\ud800"}',
            b'{"slug": NaN}',
            b"\xef\xbb\xbf{}",
            b'{"a": ' * 100_000,
        ],
    )
    def test_what_is_not_json_in_utf8_is_refused(
        self, body: bytes, method: str, path: str, good: dict[str, str], api: Client
    ) -> None:
        document = json.loads(send(api, method, path, body).content)

        assert (document["status"], document["code"]) in {(400, "malformed"), (400, "invalid")}

    @pytest.mark.parametrize("body", [[], "text", 7, None])
    def test_what_is_not_an_object_is_refused(
        self, body: Any, method: str, path: str, good: dict[str, str], api: Client
    ) -> None:
        problem(send(api, method, path, body), 400, "invalid", "body")

    @pytest.mark.parametrize("size", [1_100_000, 3_000_000])
    def test_too_large_a_body_is_refused(
        self, size: int, method: str, path: str, good: dict[str, str], api: Client
    ) -> None:
        problem(send(api, method, path, good | {"name": "x" * size}), 413, "too_large")

    @pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
    def test_another_media_type_is_refused(
        self, content_type: str, method: str, path: str, good: dict[str, str], api: Client
    ) -> None:
        problem(send(api, method, path, good, content_type), 415, "unsupported_media_type")

    def test_a_token_without_the_scope_is_told_which(
        self, method: str, path: str, good: dict[str, str], administrator: User
    ) -> None:
        response = send(factories.client(administrator, Scope.READ, Scope.LINEAGE_WRITE), method, path, good)

        document = problem(response, 403, "scope_missing", "scope")
        assert document["fields"]["scope"] == "governance:write"
        assert 'error="insufficient_scope", scope="governance:write"' in response.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("/api/v1/teams", TEAM | {"slug": "Has Spaces"}, 400, "slug"),
        ("/api/v1/teams", TEAM | {"slug": "x" * 51}, 400, "slug"),
        ("/api/v1/teams", TEAM | {"name": "x" * 201}, 400, "name"),
        ("/api/v1/teams", TEAM | {"slug": "credit"}, 409, "slug"),
        ("/api/v1/ownerships", OWNERSHIP | {"asset": "7"}, 400, "asset"),
        ("/api/v1/ownerships", OWNERSHIP | {"role": "boss"}, 400, "role"),
        ("/api/v1/ownerships", OWNERSHIP | {"team": "nobody"}, 404, "team"),
        ("/api/v1/ownerships", OWNERSHIP | {"user": "nobody"}, 404, "user"),
        ("/api/v1/ownerships", OWNERSHIP | {"user": "administrator"}, 400, "user"),
        ("/api/v1/ownerships", OWNERSHIP | {"since": "yesterday"}, 400, "since"),
        ("/api/v1/ownerships", OWNERSHIP | {"since": "2026-01-01T00:00:00"}, 400, "since"),
        ("/api/v1/ownerships", OWNERSHIP | {"since": "0001-01-01T00:00:00+14:00"}, 400, "since"),
        ("/api/v1/ownerships", OWNERSHIP | {"since": "9999-12-31T23:59:59-14:00"}, 400, "since"),
    ],
)
def test_a_value_that_cannot_be_is_named(path: str, body: dict[str, str], status: int, field: str, api: Client) -> None:
    codes = {400: "invalid", 404: "not_found", 409: "conflict"}

    problem(send(api, "POST", path, body), status, codes[status], field)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/teams/nobody"),
        ("PUT", "/api/v1/teams/nobody/members/member"),
        ("PUT", "/api/v1/teams/credit/members/nobody"),
        ("DELETE", "/api/v1/teams/credit/members/nobody"),
        ("DELETE", "/api/v1/teams/credit/members/administrator"),
        ("DELETE", f"/api/v1/assets/{ASSET}/owners/steward"),
    ],
)
def test_what_is_not_there_is_404(method: str, path: str, api: Client) -> None:
    response = send(api, method, path, {"role": "member"})

    assert response.status_code == 404
    assert json.loads(response.content)["code"] == "not_found"


@pytest.mark.parametrize(
    "path",
    ["/api/v1/nothing", "/api/v1/assets/not-a-uuid/owners", "/api/v1/teams/credit/", "/api/v1/teams/a%20b"],
)
def test_an_unknown_address_is_a_problem_too(path: str, api: Client) -> None:
    problem(api.get(path), 404, "not_found")


def test_a_nul_character_in_the_address_is_refused(api: Client) -> None:
    problem(api.get("/api/v1/teams/credit/members/a%00b"), 400, "malformed")


@pytest.mark.parametrize(("method", "path"), [("PATCH", "/api/v1/teams"), ("POST", "/api/v1/audit")])
def test_another_method_is_405_and_says_which_there_are(method: str, path: str, api: Client) -> None:
    response = send(api, method, path, {})

    problem(response, 405, "method_not_allowed")
    assert "GET" in response.headers["Allow"]


@pytest.mark.parametrize("path", [path for path in READS if path != "/api/v1/teams/credit"])
@pytest.mark.parametrize(
    ("query", "field"),
    [("subjekt=x", "subjekt"), ("limit=1&limit=2", "limit"), ("at=2026-01-01T00:00:00Z&at=x", "at")],
)
def test_a_query_parameter_that_nobody_reads_is_refused(path: str, query: str, field: str, api: Client) -> None:
    problem(api.get(f"{path}?{query}"), 400, "invalid", field)


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-1", "limit"),
        ("limit=many", "limit"),
        ("count=perhaps", "count"),
        ("cursor=x", "cursor"),
        ("cursor=%00", "cursor"),
        ("cursor=WzEsMl0", "cursor"),  # [1,2]: two places where the list has one
        ("cursor=W251bGxd", "cursor"),  # [null]
        ("cursor=W1sxXV0", "cursor"),  # [[1]]
        ("cursor=%F0%9F%98%80", "cursor"),
    ],
)
def test_a_bad_page_is_refused(path: str, query: str, field: str, api: Client) -> None:
    problem(api.get(f"{path}?{query}"), 400, "invalid", field)


@pytest.mark.parametrize(
    "cursor",
    ["WyJ4Il0", "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTld", "WyJcdTAwMDAiXQ"],  # ["x"], a number beyond 64 bits, a NUL
)
def test_a_cursor_of_wrong_values_is_refused(cursor: str, api: Client) -> None:
    problem(api.get(f"/api/v1/audit?cursor={cursor}"), 400, "invalid", "cursor")


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (f"/api/v1/assets/{ASSET}/owners?at=yesterday", "at"),
        (f"/api/v1/assets/{ASSET}/owners?at=2026-01-01T00:00:00", "at"),
        ("/api/v1/audit?since=x", "since"),
        ("/api/v1/audit?subject=a%00b", "subject"),
        ("/api/v1/audit?by=a%00b", "by"),
    ],
)
def test_a_filter_that_cannot_be_read_is_named(path: str, field: str, api: Client) -> None:
    problem(api.get(path), 400, "invalid", field)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"])
def test_the_ends_of_the_calendar_are_days_without_owners(at: str, api: Client) -> None:
    assert api.get(f"/api/v1/assets/{ASSET}/owners?at={at}").json()["results"] == []


EVERY_CALL: list[tuple[str, str, Any]] = [("GET", path, None) for path in [*READS, "/api/v1/whoami", "/metrics"]]
EVERY_CALL += [(method, path, body) for method, path, body in WRITES]
EVERY_CALL += [(method, path, None) for method, path in DELETES]


@pytest.mark.parametrize(("method", "path", "body"), EVERY_CALL)
class TestWhoAsks:
    def test_nobody_is_401(self, method: str, path: str, body: Any) -> None:
        response = send(Client(), method, path, body)

        problem(response, 401, "not_authenticated")
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="assay"'

    def test_an_unknown_token_is_401(self, method: str, path: str, body: Any) -> None:
        for secret in ("", "x", tokens._new_secret(), "assay_pat_" + "0" * 42, "ÿ"):
            response = send(Client(headers={"Authorization": f"Bearer {secret}"}), method, path, body)

            problem(response, 401, "token_unknown")
            assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]

    def test_an_expired_token_is_401(self, method: str, path: str, body: Any, administrator: User) -> None:
        api = factories.client(administrator)
        day_ago = timezone.now() - timedelta(days=1)
        ApiToken.objects.update(created_at=day_ago, expires_at=day_ago + timedelta(hours=1))

        problem(send(api, method, path, body), 401, "token_expired")

    def test_a_revoked_token_is_401(self, method: str, path: str, body: Any, administrator: User) -> None:
        api = factories.client(administrator)
        ApiToken.objects.update(revoked_at=timezone.now())

        problem(send(api, method, path, body), 401, "token_revoked")

    def test_a_token_of_someone_gone_is_401(self, method: str, path: str, body: Any, administrator: User) -> None:
        api = factories.client(administrator)
        User.objects.update(is_active=False)

        problem(send(api, method, path, body), 401, "user_inactive")

    def test_another_scheme_is_no_credential(self, method: str, path: str, body: Any) -> None:
        problem(send(Client(headers={"Authorization": "Basic eDp5"}), method, path, body), 401, "not_authenticated")


@pytest.mark.parametrize("path", [*READS, "/metrics"])
def test_reading_needs_the_scope_read(path: str, administrator: User) -> None:
    response = factories.client(administrator, Scope.GOVERNANCE_WRITE).get(path)

    assert problem(response, 403, "scope_missing", "scope")["fields"]["scope"] == "read"


@pytest.mark.parametrize(("method", "path"), DELETES)
def test_deleting_needs_the_scope_to_write(method: str, path: str, administrator: User) -> None:
    response = send(factories.client(administrator, Scope.READ), method, path, None)

    assert problem(response, 403, "scope_missing", "scope")["fields"]["scope"] == "governance:write"


def test_a_form_of_another_site_cannot_write_with_the_session(administrator: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(administrator)

    problem(send(browser, "POST", "/api/v1/teams", TEAM), 403, "denied")
