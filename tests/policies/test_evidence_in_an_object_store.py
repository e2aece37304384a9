"""Evidence in a bucket of a server that speaks S3: a process of its own, reached over HTTP."""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
import requests
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from governance import stores as governance_stores
from governance.environment import BadSetting
from governance.errors import NotFound
from governance.models import Team, User
from policies import evidence_files, retention, stores
from policies.models import EvidencePart
from tests import factories, service

READY_S = 180
# boto3 sends what is larger than 8 MiB in parts.
LARGER_THAN_A_PART = 9 << 20
WHOLE = os.urandom(300_000)
DIGEST = hashlib.sha256(WHOLE).hexdigest()
ADDRESS = f"/api/v1/evidence/{DIGEST}"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The address of moto's server, which keeps buckets in memory."""
    port = service.free_port()
    serve = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(serve, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    until = time.monotonic() + READY_S
    try:
        while True:
            with suppress(requests.ConnectionError):
                requests.get(address, timeout=5)
                break
            if process.poll() is not None or time.monotonic() > until:
                pytest.fail("moto's server did not answer.")
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=90)


@pytest.fixture
def bucket(endpoint: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret")
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket="evidence")
    settings.DATA_DIR = tmp_path
    address = f"s3://evidence/of/assay?endpoint={endpoint}&region=us-east-1"
    settings.STORAGES = settings.STORAGES | governance_stores.storages("ASSAY_EVIDENCE_STORE", address)
    return endpoint


def keys(endpoint: str) -> list[str]:
    listed = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").list_objects_v2(Bucket="evidence")
    return [one["Key"] for one in listed.get("Contents", [])]


@pytest.mark.slow
@pytest.mark.django_db
def test_files_are_sent_gone_on_with_read_and_pruned(
    bucket: str, team: Team, member: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client: Client = factories.client(member)

    def send(start: int, end: int) -> int:
        said = f"bytes {start}-{end - 1}/{len(WHOLE)}"
        sent = client.put(ADDRESS, WHOLE[start:end], content_type="x/y", headers={"Content-Range": said})
        return sent.status_code

    assert send(0, 100_000) == 202
    assert client.head(ADDRESS)["Upload-Offset"] == "100000"
    assert send(100_000, len(WHOLE)) == 201
    assert keys(bucket) == [f"of/assay/{DIGEST[:2]}/{DIGEST}"]
    assert client.put(ADDRESS, WHOLE, content_type="x/y").status_code == 200

    # What is not what it says never comes there; what the store breaks into parts does, in one piece.
    wrong = hashlib.sha256(b"something else").hexdigest()
    refused = client.put(f"/api/v1/evidence/{wrong}", WHOLE, content_type="x/y")
    assert (refused.status_code, keys(bucket)) == (400, [f"of/assay/{DIGEST[:2]}/{DIGEST}"])
    large = bytes(LARGER_THAN_A_PART)
    evidence_files.store(actor=member, digest=hashlib.sha256(large).hexdigest(), content=[large])
    assert evidence_files.path(hashlib.sha256(large).hexdigest()).read_bytes() == large

    copy = evidence_files.path(DIGEST)
    assert copy.read_bytes() == WHOLE
    assert copy.is_relative_to(tmp_path / "evidence-copies")
    assert evidence_files.path(DIGEST) == copy

    at = timezone.now() + timedelta(days=60)
    monkeypatch.setattr(timezone, "now", lambda: at)
    assert len(retention.prune(older_than=timedelta(days=30)).files) == 2
    assert keys(bucket) == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert not EvidencePart.objects.exists()


@pytest.mark.slow
@pytest.mark.django_db
def test_what_the_store_has_lost_or_does_not_answer_is_said(
    bucket: str, team: Team, member: User, settings: Settings
) -> None:
    client: Client = factories.client(member)
    assert client.put(ADDRESS, WHOLE, content_type="x/y").status_code == 201
    s3 = boto3.client("s3", endpoint_url=bucket, region_name="us-east-1")
    s3.delete_object(Bucket="evidence", Key=f"of/assay/{DIGEST[:2]}/{DIGEST}")

    assert client.get(ADDRESS).status_code == 404
    with pytest.raises(NotFound):
        evidence_files.path(DIGEST)
    # Sent again it is there again.
    assert client.put(ADDRESS, WHOLE, content_type="x/y").status_code == 200
    assert evidence_files.path(DIGEST).read_bytes() == WHOLE

    nowhere = "s3://no-such-bucket/x?endpoint=http://127.0.0.1:1&region=us-east-1"
    settings.STORAGES = settings.STORAGES | governance_stores.storages("ASSAY_EVIDENCE_STORE", nowhere)
    answer = client.put(ADDRESS, WHOLE, content_type="x/y")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


@pytest.mark.parametrize(
    "address",
    [
        "bucket",
        "https://bucket/x",
        "s3:///x",
        "s3://key:secret@bucket",
        "s3://bucket?acl=public",
        "s3://b?endpoint=ftp://x",
    ],
)
def test_a_bad_address_stops_the_start(address: str) -> None:
    with pytest.raises(BadSetting, match="ASSAY_EVIDENCE_STORE"):
        governance_stores.storages("ASSAY_EVIDENCE_STORE", address)


def test_without_an_address_it_is_a_folder(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path

    assert governance_stores.storages("ASSAY_EVIDENCE_STORE", "") == {}
    assert isinstance(stores.evidence(), stores.Folder)
