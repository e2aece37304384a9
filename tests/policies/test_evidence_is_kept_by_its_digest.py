"""Files of evidence: sent, checked, kept once, counted once, and judged."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from governance.errors import Invalid
from governance.models import AuditEntry, Team, User
from governance.tokens import Scope
from policies import evidence_files
from policies.models import EvidenceFile, GroupCounts, Promotion
from tests import factories
from tests.policies import stories

pytestmark = pytest.mark.django_db
POLICY = """\
policy: fair
applies: {stage: production}
rules:
  - check: fairness
    evidence: holdout
    label: label
    prediction: prediction
    sensitive: [group]
    metric: selection_rate_difference
    maximum: 0.2
"""


def table(selected_of_a: int, selected_of_b: int) -> bytes:
    """A hundred people in each group, so many of them selected."""
    rows = ["group,label,prediction"]
    for group, selected in (("a", selected_of_a), ("b", selected_of_b)):
        rows += [f"{group},1,{int(number < selected)}" for number in range(100)]
    return "\n".join(rows).encode()


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path / "evidence"


@pytest.fixture
def client(team: Team, member: User) -> Client:
    return factories.client(member)


def send(client: Client, content: bytes, digest: str | None = None) -> Any:
    address = f"/api/v1/evidence/{digest or digest_of(content)}"
    return client.put(address, content, content_type="application/octet-stream")


def files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


def test_a_file_is_kept_once(client: Client, folder: Path) -> None:
    content = table(50, 50)

    first, again = send(client, content), send(client, content)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["size"] == len(content)
    assert files(folder) == [digest_of(content)]
    assert client.get(f"/api/v1/evidence/{digest_of(content)}").json() == first.json()
    assert AuditEntry.objects.filter(action="evidence.stored").count() == 1


def test_another_content_than_the_digest_says_is_refused(client: Client, folder: Path) -> None:
    refused = send(client, b"one", digest_of(b"another"))

    assert refused.status_code == 400
    assert digest_of(b"one") in refused.json()["fields"]["digest"]
    assert files(folder) == []
    assert not EvidenceFile.objects.exists()


def test_a_file_that_is_too_large_is_refused(client: Client, folder: Path, settings: Settings) -> None:
    settings.EVIDENCE_MAX_BYTES = 10

    assert send(client, b"x" * 11).status_code == 413
    assert files(folder) == []


def test_content_that_breaks_off_is_gone_on_with(member: User, folder: Path) -> None:
    whole = b"half and half"

    def breaking() -> Iterator[bytes]:
        yield whole[:4]
        raise Invalid("The body ends early.")

    with pytest.raises(Invalid):
        evidence_files.store(actor=member, digest=digest_of(whole), content=breaking())

    assert not EvidenceFile.objects.exists()
    assert evidence_files.received(member, digest_of(whole)) == 4
    rest = evidence_files.go_on(
        actor=member, digest=digest_of(whole), start=4, total=len(whole), content=iter([whole[4:]])
    )
    assert rest.file == EvidenceFile.objects.get()
    assert evidence_files.path(digest_of(whole)).read_bytes() == whole
    assert files(folder) == [digest_of(whole)]


@pytest.mark.parametrize("digest", ["x", "A" * 64, "..%2F..%2Fsecrets", "0" * 63])
def test_what_is_no_digest_is_refused(digest: str, client: Client, folder: Path) -> None:
    assert client.get(f"/api/v1/evidence/{digest}").status_code in {400, 404}
    assert client.put(f"/api/v1/evidence/{digest}", b"x").status_code in {400, 404}
    assert files(folder) == []


def test_sending_needs_the_scope(member: User) -> None:
    reader = factories.client(member, Scope.READ)

    assert send(reader, b"x").status_code == 403
    assert reader.get(f"/api/v1/evidence/{digest_of(b'x')}").status_code == 404


@pytest.fixture
def asked(team: Team, member: User) -> Any:
    stories.publish(POLICY)
    stories.grow(stories.trained("1"))
    return lambda content, **more: stories.ask(member, evidence={"holdout": digest_of(content)}, **more)


@pytest.mark.parametrize(
    ("of_a", "of_b", "state", "outcome"),
    [(60, 60, "passed", "pass"), (90, 20, "blocked", "fail"), (60, 42, "blocked", "unknown")],
)
def test_the_gate_judges_what_was_sent(
    asked: Any, client: Client, of_a: int, of_b: int, state: str, outcome: str
) -> None:
    content = table(of_a, of_b)
    send(client, content)

    promotion = stories.judge(asked(content))

    finding = promotion.findings.get()
    assert (promotion.state, finding.outcome) == (state, outcome)
    assert finding.evidence is not None
    assert finding.evidence["digest"] == digest_of(content)


def test_a_file_that_was_only_stated_is_unknown(asked: Any) -> None:
    promotion = stories.judge(asked(b"never sent"))

    finding = promotion.findings.get()
    assert (promotion.state, finding.outcome) == ("blocked", "unknown")
    assert "not sent" in finding.summary


def test_a_file_that_is_no_table_is_unknown(asked: Any, client: Client) -> None:
    send(client, b"PK\x03\x04 not a table")

    assert stories.judge(asked(b"PK\x03\x04 not a table")).findings.get().outcome == "unknown"


def test_the_same_question_is_counted_once(asked: Any, client: Client) -> None:
    content = table(60, 60)
    send(client, content)
    first: Promotion = stories.judge(asked(content))
    # Without the table only what was kept can answer.
    evidence_files.path(digest_of(content)).write_bytes(b"")

    again: Promotion = stories.judge(asked(content, note="again"))

    assert (first.state, again.state) == ("passed", "passed")
    assert GroupCounts.objects.count() == 1
    assert first.findings.get().measured == again.findings.get().measured


def test_only_a_question_that_is_new_is_measured(asked: Any, client: Client) -> None:
    """The same data and parameters asked twice are measured once; one changed parameter measures again."""
    content = table(60, 60)
    send(client, content)

    def measured(policy: str, note: str, evidence: bytes = content) -> int:
        stories.publish(policy)
        stories.judge(asked(evidence, note=note))
        return GroupCounts.objects.count()

    assert measured(POLICY, "first") == 1
    assert measured(POLICY, "again") == 1
    # A bound judges what was counted: nothing has to be counted for it.
    assert measured(POLICY.replace("0.2", "0.3"), "another bound") == 1
    assert measured(POLICY.replace("prediction: prediction", "prediction: label"), "another column") == 2
    send(client, table(61, 60))
    assert measured(POLICY, "other data", table(61, 60)) == 3
