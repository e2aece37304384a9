"""An import that was interrupted goes on where it stopped, in whatever form the file is."""

import gzip
import io
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from pytest_django import Settings

from lineage import eventfiles, eventlog, events, intake
from lineage.eventfiles import Bookmark, Bookmarks, EventFile, Found, Place
from lineage.models import Event
from tests import service
from tests.conftest import CommittedDatabase
from tests.lineage import sent

LINES = [sent.body(event) for event in sent.several(5)]
FORMS = {
    "events.jsonl": b"\n".join(LINES) + b"\n",
    "bare.jsonl": b"\xef\xbb\xbf" + b"\n\r\n".join(LINES),
    "array.json": b"[ " + b" ,\n".join(LINES) + b"\n]",
    "bom.json": b"\xef\xbb\xbf[" + b",".join(LINES) + b"]",
    "concatenated.json": b"\n".join(json.dumps(json.loads(line), indent=1).encode() for line in LINES),
    "events.jsonl.gz": gzip.compress(b"\n".join(LINES)),
    "array.json.gz": gzip.compress(b"[" + b",".join(LINES) + b"]"),
}


def found(content: bytes, name: str, start: Place) -> list[Found]:
    return list(EventFile(io.BytesIO(content), name=name, max_event_bytes=10_000).found(start))


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("chunk_bytes", [2, 7, 1_000, 1_000_000])
def test_from_every_place_the_rest_is_found(name: str, chunk_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eventfiles, "CHUNK_BYTES", chunk_bytes)

    everything = found(FORMS[name], name, Place())

    assert [json.loads(one.piece.raw) for one in everything] == sent.several(5)
    for count, one in enumerate(everything, start=1):
        assert found(FORMS[name], name, one.place) == everything[count:]


# --- Bookmarks -----------------------------------------------------------------------------------------------------


@pytest.fixture
def bookmarks(settings: Settings, tmp_path: Path) -> Bookmarks:
    settings.DATA_DIR = tmp_path / "data"
    return Bookmarks(tmp_path / "data" / "imports")


def stop_after(count: int, file: Path, bookmarks: Bookmarks) -> Bookmark:
    """What an import leaves that was interrupted after this many events, one of them refused."""
    with file.open("rb") as stream:
        everything = list(EventFile(stream, name=file.name, max_event_bytes=10_000).found(Place()))
    new = [events.read(one.piece.raw) for one in everything[:count]]
    eventlog.append(new, sender=None)
    bookmark = Bookmark(
        place=everything[count - 1].place,
        refused=1,
        head=eventfiles.head_digest(file),
        last_digest=new[-1].digest.hex(),
    )
    bookmarks.keep(file, bookmark)
    return bookmark


def imported(file: Path, *options: str) -> str:
    out = io.StringIO()
    call_command("import_events", str(file), "--no-progress", *options, stdout=out, stderr=out)
    return out.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_bytes(FORMS["events.jsonl"])
    return path


@pytest.mark.django_db
def test_it_goes_on_and_still_knows_what_was_refused_before(file: Path, bookmarks: Bookmarks) -> None:
    stop_after(2, file, bookmarks)
    out = io.StringIO()

    with pytest.raises(CommandError, match="1 refused"):
        call_command("import_events", str(file), "--no-progress", stdout=out, stderr=out)

    assert "going on after byte" in out.getvalue()
    assert "3 new, 0 known, 1 refused" in out.getvalue()
    assert Event.objects.count() == 5
    assert bookmarks.find(file) is None


@pytest.mark.django_db
def test_from_the_start_when_told_so(file: Path, bookmarks: Bookmarks) -> None:
    stop_after(2, file, bookmarks)

    assert "3 new, 2 known, 0 refused" in imported(file, "--from-start")


@pytest.mark.django_db
def test_from_the_start_into_another_log(file: Path, bookmarks: Bookmarks) -> None:
    with transaction.atomic():
        stop_after(2, file, bookmarks)
        transaction.set_rollback(True)

    assert "5 new, 0 known, 0 refused" in imported(file)


@pytest.mark.django_db
def test_from_the_start_when_the_file_is_another(file: Path, bookmarks: Bookmarks) -> None:
    stop_after(2, file, bookmarks)
    file.write_bytes(sent.body(sent.job_event()) + b"\n" + FORMS["events.jsonl"])

    assert "4 new, 2 known, 0 refused" in imported(file)


@pytest.mark.django_db
def test_a_bookmark_of_another_form_is_none(file: Path, bookmarks: Bookmarks, tmp_path: Path) -> None:
    bookmark = stop_after(2, file, bookmarks)
    (written,) = (tmp_path / "data" / "imports").iterdir()

    for content in ("", "{", "[]", "null", '{"place": 7}', '{"place": {"page": 1}}'):
        written.write_text(content)
        assert bookmarks.find(file) is None

    bookmarks.keep(file, replace(bookmark, refused=9))
    assert bookmarks.find(file) == replace(bookmark, refused=9)


# --- A real end ----------------------------------------------------------------------------------------------------


@pytest.fixture
def long_file(tmp_path: Path) -> Path:
    path = tmp_path / "long.jsonl"
    lines = [sent.body(event) for event in sent.several(2 * intake.CHUNK_EVENTS + 100)]
    path.write_bytes(b"\n".join([*lines[:10], b"nope", *lines[10:]]))
    return path


@pytest.fixture
def environment(committed_db: CommittedDatabase, tmp_path: Path) -> dict[str, str]:
    return committed_db.environment | {"ASSAY_DATA": str(tmp_path / "data"), "PYTHONPATH": str(service.ROOT)}


def started(file: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "import_events", str(file), "--no-progress"],
        cwd=service.ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def stopped_in_its_second_chunk(file: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """An import that has stored its first chunk and waits, since another transaction holds an event of the next."""
    held = events.read(sent.body(sent.several(intake.CHUNK_EVENTS + 50)[-1]))
    bookmarks = Path(environment["ASSAY_DATA"]) / "imports"
    with transaction.atomic():
        eventlog.append([held], sender=None)
        process = started(file, environment)
        try:
            service.until(lambda: any(bookmarks.glob("*.json")), timeout_s=60, what="the first chunk is stored")
            yield process
        finally:
            process.kill()
            transaction.set_rollback(True)


@pytest.mark.parametrize(("end", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_an_import_that_was_ended_goes_on(
    end: signal.Signals, code: int, long_file: Path, environment: dict[str, str]
) -> None:
    with stopped_in_its_second_chunk(long_file, environment) as process:
        process.send_signal(end)
        printed = process.communicate(timeout=60)[0]
        assert process.returncode == code, printed
        assert ("The same command goes on from here" in printed) is (end == signal.SIGINT)
    assert Event.objects.count() == intake.CHUNK_EVENTS - 1

    again = started(long_file, environment)
    printed = again.communicate(timeout=60)[0]

    assert again.returncode == 1
    assert "going on after byte" in printed
    assert f"{intake.CHUNK_EVENTS + 101} new, 0 known, 1 refused" in printed
    assert Event.objects.count() == 2 * intake.CHUNK_EVENTS + 100
