"""Every real event file is taken, by command and over HTTP, and of the broken ones it is said why they are not."""

import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from governance.models import User
from governance.tokens import Scope
from lineage.models import Event, Outbox
from tests import factories
from tests.conformance.corpus import CORPUS, requires_corpus
from tests.lineage import dump, growing

pytestmark = [pytest.mark.django_db, requires_corpus]
EVENTS = CORPUS / "openlineage" / "events"
REASONS = {
    "event_no_run_id.json": "run.runId is missing.",
    "event_invalid_run_facet.json": "run.facets.parent.run.runId is missing.",
}
STARTED_AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
_PLACEHOLDER = re.compile(r"\{\{RUN_(?:START_TIME|END_TIME_AFTER_(\d+)_MINUTES)\}\}")


@pytest.fixture
def files(tmp_path: Path, settings: Settings) -> list[Path]:
    """All files that hold whole events; those with placeholders for times have times instead."""
    settings.DATA_DIR = tmp_path / "data"
    found = []
    for path in sorted(EVENTS.rglob("*.json*")):
        if "invalid" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        if "{{RUN_" in text:
            path = tmp_path / path.name
            path.write_text(_PLACEHOLDER.sub(_moment, text), encoding="utf-8")
        found.append(path)
    return found


def _moment(placeholder: re.Match[str]) -> str:
    return (STARTED_AT + timedelta(minutes=int(placeholder[1] or 0))).isoformat()


def state() -> tuple[Any, ...]:
    return list(Event.objects.order_by("id").values_list()), dump.graph()


def test_all_files_are_imported_and_again_nothing_changes(files: list[Path]) -> None:
    out = io.StringIO()

    call_command("import_events", *map(str, files), "--no-progress", stdout=out)
    growing.project()

    counts = [re.search(r"(\d+) new, (\d+) known, 0 refused", line) for line in out.getvalue().splitlines()]
    assert len(counts) == len(files) > 80
    assert all(count and int(count[1]) + int(count[2]) for count in counts)
    assert Event.objects.count() > 100
    assert not Outbox.objects.exists(), list(Outbox.objects.values_list("error", flat=True))
    before = state()
    call_command("import_events", *map(str, files), "--no-progress", stdout=out)
    assert growing.project() == 0
    assert state() == before


def test_all_files_are_received_and_again_nothing_changes(files: list[Path], member: User) -> None:
    api = factories.client(member, Scope.LINEAGE_WRITE)

    def post() -> None:
        for path in files:
            response = api.post("/api/v1/lineage", path.read_bytes(), content_type="application/json")
            assert response.status_code in (200, 201), (path, response.content)
            assert response.json().get("rejected", 0) == 0, path
        growing.project()

    post()
    before = state()
    post()

    assert not Outbox.objects.exists()
    assert state() == before


def test_of_the_invalid_files_each_is_refused_with_its_reason(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    paths = sorted((EVENTS / "invalid").glob("*.json"))
    assert paths

    for path in paths:
        out = io.StringIO()
        with pytest.raises(CommandError, match=r"^1 refused"):
            call_command("import_events", str(path), "--no-progress", stdout=out, stderr=out)
        assert out.getvalue().splitlines()[0] == f"{path}, event 1: {REASONS[path.name]}"

    assert not Event.objects.exists()
    assert not Outbox.objects.exists()
