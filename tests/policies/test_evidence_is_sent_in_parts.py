"""A file whose sending broke off is gone on with, by whom it was begun, and the whole is checked."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from governance.models import Team, User
from policies.models import EvidenceFile, EvidencePart
from tests import factories

pytestmark = pytest.mark.django_db
WHOLE = bytes(range(256)) * 40
DIGEST = hashlib.sha256(WHOLE).hexdigest()
ADDRESS = f"/api/v1/evidence/{DIGEST}"


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture
def client(team: Team, member: User) -> Client:
    return factories.client(member)


def send(client: Client, start: int, end: int, content: bytes = WHOLE, total: int | None = None) -> Any:
    said = f"bytes {start}-{end - 1}/{len(content) if total is None else total}"
    return client.put(
        ADDRESS, content[start:end], content_type="application/octet-stream", headers={"Content-Range": said}
    )


def offset(client: Client) -> tuple[int, str, str]:
    answer = client.head(ADDRESS)
    return answer.status_code, answer["Upload-Offset"], answer["Upload-Complete"]


def files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


def test_parts_come_together(client: Client, folder: Path) -> None:
    assert offset(client) == (404, "0", "?0")

    first, second = send(client, 0, 5_000), send(client, 5_000, 9_000)
    assert (first.status_code, second.status_code) == (202, 202)
    assert second.json() == {"digest": DIGEST, "received": 9_000, "total": len(WHOLE)}
    assert offset(client) == (200, "9000", "?0")
    last = send(client, 9_000, len(WHOLE))

    assert (last.status_code, last.json()["size"]) == (201, len(WHOLE))
    assert offset(client) == (200, str(len(WHOLE)), "?1")
    assert files(folder) == [DIGEST]
    assert not EvidencePart.objects.exists()
    assert send(client, 0, 10).status_code == 200


def test_a_part_comes_where_the_last_one_ended(client: Client) -> None:
    send(client, 0, 5_000)

    for start in (0, 4_999, 5_001):
        refused = send(client, start, 6_000)
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong_offset")
        assert "5000" in refused.json()["fields"]["Content-Range"]
    assert offset(client)[1] == "5000"


def test_the_whole_is_checked(client: Client, folder: Path) -> None:
    wrong = WHOLE[:-1] + b"x"
    send(client, 0, 5_000, wrong)

    refused = send(client, 5_000, len(wrong), wrong)

    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["digest"])
    assert files(folder) == []
    assert offset(client) == (404, "0", "?0")


def test_parts_are_their_senders(client: Client, owner: User) -> None:
    """Nobody spoils the upload of another, nor guesses what is being sent."""
    other = factories.client(owner)
    send(client, 0, 5_000, b"y" * len(WHOLE))

    assert offset(other) == (404, "0", "?0")
    send(other, 0, 5_000)
    assert send(other, 5_000, len(WHOLE)).status_code == 201
    # The first sender's parts were wrong, and need not be mended: the file is there.
    assert send(client, 5_000, 6_000).status_code == 200
    assert EvidenceFile.objects.get().stored_by == owner


def test_sending_the_whole_begins_anew(client: Client, folder: Path) -> None:
    send(client, 0, 5_000, b"y" * len(WHOLE))

    whole = client.put(ADDRESS, WHOLE, content_type="application/octet-stream")

    assert whole.status_code == 201
    assert files(folder) == [DIGEST]


@pytest.mark.parametrize(
    "said",
    ["bytes 0-9/*", "bytes 5-4/100", "bytes 0-100/100", "items 0-9/100", "bytes 0-8/100", "0-9/100", "bytes -9/100"],
)
def test_a_range_that_is_none_is_refused(client: Client, folder: Path, said: str) -> None:
    refused = client.put(ADDRESS, b"0123456789", content_type="x/y", headers={"Content-Range": said})

    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["Content-Range"])
    assert files(folder) == []


def test_a_whole_that_is_too_large_is_refused_at_its_first_part(client: Client, settings: Settings) -> None:
    settings.EVIDENCE_MAX_BYTES = 1_000

    assert send(client, 0, 10, total=1_001).status_code == 413
    assert not EvidencePart.objects.exists()
