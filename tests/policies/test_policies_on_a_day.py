"""Which text of each policy stood on a day, over HTTP."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from governance.actions import Action
from governance.models import AuditEntry, User
from governance.tokens import Scope
from policies.models import Policy, PolicyVersion
from tests import factories

pytestmark = pytest.mark.django_db
BEFORE, FIRST, SECOND, RETIRED, AFTER = (f"2026-03-0{day}T12:00:00+00:00" for day in (1, 3, 5, 7, 9))


@pytest.fixture
def reader(member: User) -> Client:
    """Reads a policy of two versions that was retired, and published again."""
    policy = Policy.objects.create(slug="rows")
    for number, day in ((1, 2), (2, 4), (3, 8)):
        at = datetime(2026, 3, day, tzinfo=UTC)
        PolicyVersion.objects.create(policy=policy, number=number, digest="0" * 64, document="{}", created_at=at)
    AuditEntry.objects.create(
        action=Action.POLICY_RETIRED, subject="policy:rows", occurred_at=datetime(2026, 3, 6, tzinfo=UTC)
    )
    return factories.client(member, Scope.READ)


def asked(reader: Client, path: str, as_of: str) -> Any:
    response = reader.get(f"/api/v1/policies{path}", {"as_of": as_of})
    return response.json() if response.status_code == 200 else (response.status_code, set(response.json()["fields"]))


def test_of_all_policies_those_that_were_in_force_are_told(reader: Client) -> None:
    def numbers(as_of: str) -> list[int]:
        return [one["number"] for one in asked(reader, "", as_of)["results"] if one["policy"] == "rows"]

    assert [numbers(at) for at in (BEFORE, FIRST, SECOND, RETIRED, AFTER)] == [[], [1], [2], [], [3]]


def test_a_text_is_known_from_when_it_is_published(reader: Client) -> None:
    def told(path: str = "/rows", **query: str) -> Any:
        response = reader.get(f"/api/v1/policies{path}", query)
        return (
            response.json() if response.status_code == 200 else (response.status_code, set(response.json()["fields"]))
        )

    assert [told(known_at=at)["number"] for at in (FIRST, SECOND, RETIRED, AFTER)] == [1, 2, 2, 3]
    assert told(as_of=AFTER, known_at=FIRST)["number"] == told(as_of=FIRST, known_at=AFTER)["number"] == 1
    assert [one["number"] for one in told("", known_at=RETIRED)["results"] if one["policy"] == "rows"] == []
    assert told(known_at=BEFORE) == (404, {"known_at"})
    assert told(known_at="0001-01-01T00:00:00+10:00") == (400, {"known_at"})


def test_of_one_policy_the_version_that_was_newest(reader: Client) -> None:
    assert [asked(reader, "/rows", at)["number"] for at in (FIRST, SECOND, RETIRED, AFTER)] == [1, 2, 2, 3]
    assert asked(reader, "/rows", BEFORE) == (404, {"as_of"})
    assert asked(reader, "", "0001-01-01T00:00:00+10:00") == (400, {"as_of"})
