"""Retention follows promotions: what one names stays, what none names goes after a while, and rows stay anyhow."""

import hashlib
import os
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from governance.errors import NotFound
from governance.models import AuditEntry, Team, User
from policies import evidence_files, promotions, retention, tasks
from policies.models import EvidenceFile, EvidencePart, Promotion
from tests.policies import stories

pytestmark = pytest.mark.django_db
MONTH = timedelta(days=30)


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two months from now."""
    at = timezone.now() + 2 * MONTH
    monkeypatch.setattr(timezone, "now", lambda: at)


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def store(user: User, content: bytes) -> str:
    evidence_files.store(actor=user, digest=digest_of(content), content=[content])
    return digest_of(content)


def ask(user: User, digest: str, note: str = "") -> Promotion:
    return stories.ask(user, evidence={"holdout": digest}, note=note)


@pytest.fixture
def asked(team: Team, member: User) -> dict[str, str]:
    """Files by what came of the promotions that name them; one that none names."""
    stories.publish()
    stories.grow(stories.trained("1"))
    named = {name: store(member, name.encode()) for name in ("decided", "checking", "withdrawn", "unused", "both")}
    stories.judge(ask(member, named["decided"]))
    ask(member, named["checking"])
    ask(member, named["both"], note="stays")
    for name in ("withdrawn", "both"):
        promotions.withdraw(actor=member, promotion=ask(member, named[name]))
    return named


@pytest.mark.usefixtures("later")
def test_what_a_promotion_needs_stays(asked: dict[str, str], folder: Path) -> None:
    assert retention.prune(older_than=MONTH, is_dry=True).files != []
    assert evidence_files.find(asked["unused"]).digest == asked["unused"]

    pruned = retention.prune(older_than=MONTH)

    assert {file.digest for file in pruned.files} == {asked["withdrawn"], asked["unused"]}
    assert pruned.bytes == len("withdrawn") + len("unused")
    left = {path.name for path in folder.rglob("*") if path.is_file()}
    assert left == {asked["decided"], asked["checking"], asked["both"]}
    assert EvidenceFile.objects.count() == 5
    entries = AuditEntry.objects.filter(action="evidence.pruned").values_list("subject", flat=True)
    assert set(entries) == {f"evidence:{asked['withdrawn']}", f"evidence:{asked['unused']}"}
    assert retention.prune(older_than=MONTH).files == []


def test_what_came_lately_stays(asked: dict[str, str]) -> None:
    assert retention.prune(older_than=timedelta()).files == []


@pytest.mark.usefixtures("later")
def test_what_was_pruned_may_come_again_and_stays_a_while(asked: dict[str, str], member: User) -> None:
    retention.prune(older_than=MONTH)
    with pytest.raises(NotFound):
        evidence_files.find(asked["unused"])

    store(member, b"unused")
    at = (timezone.now() - timedelta(days=1)).timestamp()
    os.utime(evidence_files.path(asked["unused"]), (at, at))

    assert evidence_files.find(asked["unused"]).digest == asked["unused"]
    assert retention.prune(older_than=MONTH).files == []
    assert AuditEntry.objects.filter(action="evidence.stored", subject=f"evidence:{asked['unused']}").count() == 2


@pytest.mark.usefixtures("later")
def test_parts_left_behind_go(member: User, folder: Path) -> None:
    evidence_files.go_on(actor=member, digest="a" * 64, start=0, total=10, content=[b"part"])

    assert retention.prune(older_than=MONTH, is_dry=True).parts == 1
    assert retention.prune(older_than=MONTH).parts == 1

    assert not EvidencePart.objects.exists()
    assert [path for path in folder.rglob("*") if path.is_file()] == []


@pytest.mark.usefixtures("later")
def test_the_command_says_what_it_does(asked: dict[str, str]) -> None:
    def said(*arguments: str) -> str:
        out = StringIO()
        call_command("prune_evidence", *arguments, stdout=out)
        return out.getvalue()

    assert "2 files with 15 bytes, 0 parts and 0 copies would be removed." in said("--dry-run")
    assert asked["unused"] in said("--dry-run", "--older-than", "59")
    assert "0 files" in said("--older-than", "61")
    assert "2 files with 15 bytes, 0 parts and 0 copies removed." in said()


@pytest.mark.usefixtures("later")
def test_it_goes_at_night(member: User, settings: Settings) -> None:
    digest = store(member, b"unused")
    assert settings.CELERY_BEAT_SCHEDULE["prune-evidence"]["task"] == tasks.prune.name

    tasks.prune()

    with pytest.raises(NotFound):
        evidence_files.find(digest)
