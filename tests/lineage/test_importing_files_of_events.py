"""`manage.py import_events` takes files as they are, once each, and names what it refuses."""

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from lineage import eventfiles
from lineage.models import Event, Outbox
from tests.lineage import sent

pytestmark = pytest.mark.django_db
THREE = sent.several(3)
LINES = b"\n".join(map(sent.body, THREE))


@pytest.fixture(autouse=True)
def data_dir(settings: Settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path / "data"
    return tmp_path / "data"


def imported(*files: Path, options: tuple[str, ...] = ()) -> str:
    """Import files; gives what was printed. Raises CommandError after refusals."""
    out = io.StringIO()
    call_command("import_events", *map(str, files), "--no-progress", *options, stdout=out, stderr=out)
    return out.getvalue()


def refused(*files: Path) -> list[str]:
    """Import files of which some events are refused; gives the lines printed."""
    out = io.StringIO()
    with pytest.raises(CommandError, match="refused"):
        call_command("import_events", *map(str, files), "--no-progress", stdout=out, stderr=out)
    return out.getvalue().splitlines()


def bodies() -> list[bytes]:
    """What was stored; events of one transaction have no order."""
    return sorted(bytes(body) for body in Event.objects.values_list("body", flat=True))


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


# --- Forms ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("events.jsonl", LINES),
        ("events.jsonl", LINES + b"\n"),
        ("events.NDJSON", LINES.replace(b"\n", b"\r\n\r\n  ")),
        ("events.jsonl", b"\xef\xbb\xbf" + LINES),
        ("events", LINES),
        ("events.json", b"[" + LINES.replace(b"\n", b",\n") + b"]"),
        ("events.json", b"\xef\xbb\xbf \n[\n" + LINES.replace(b"\n", b"\n,") + b"\n]\n"),
        ("events.json", b"\n".join(json.dumps(event, indent=2).encode() for event in THREE)),
        ("events.json", LINES.replace(b"\n", b"")),
    ],
)
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_lines_arrays_and_events_one_after_the_other(
    name: str, content: bytes, compress: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    file = written(tmp_path / name, compress(content))

    assert imported(file) == f"{file}: 3 new, 0 known, 0 refused, 0 with warnings.\n"
    assert sorted(map(json.loads, bodies()), key=sent.body) == THREE
    assert Outbox.objects.count() == 3


def test_one_event_alone_is_kept_byte_for_byte(tmp_path: Path) -> None:
    event = json.dumps(THREE[0], indent=4).encode()

    imported(written(tmp_path / "event.json", event + b"\n"))

    assert bodies() == [event]


def test_an_array_of_anything_is_cut_where_its_elements_end(tmp_path: Path) -> None:
    """NaN, brackets in strings and chunks that end anywhere do not mislead the reader."""
    odd = [sent.run_event(job={"namespace": '}],["\\', "name": "\\" * n + '"' + "x" * 9_000}) for n in range(300)]
    content = sent.body(odd).replace(b'"inputs"', b'"n": NaN, "inputs"')
    assert len(content) > 2 * eventfiles.CHUNK_BYTES

    imported(written(tmp_path / "odd.json", content))

    assert Event.objects.count() == 300


def test_gzip_in_several_members_is_one_file(tmp_path: Path) -> None:
    file = written(
        tmp_path / "rotated.jsonl.gz", gzip.compress(LINES + b"\n") + gzip.compress(sent.body(sent.job_event()))
    )

    assert "4 new" in imported(file)


def test_an_empty_file_holds_no_events(tmp_path: Path) -> None:
    assert "0 new, 0 known, 0 refused" in imported(written(tmp_path / "empty.jsonl", b""))


def test_warnings_are_counted(tmp_path: Path) -> None:
    assert "1 new, 0 known, 0 refused, 1 with warnings" in imported(
        written(tmp_path / "old.json", sent.body(sent.run_event(schemaURL=None)))
    )


# --- Again ---------------------------------------------------------------------------------------------------------


def test_importing_again_changes_nothing(tmp_path: Path) -> None:
    file = written(tmp_path / "events.jsonl", LINES + b"\n" + LINES)
    first = imported(file)
    rows = list(Event.objects.order_by("id").values_list())

    second = imported(file)

    assert "3 new, 3 known" in first
    assert "0 new, 6 known" in second
    assert list(Event.objects.order_by("id").values_list()) == rows
    assert Outbox.objects.count() == 3


# --- Refusals ------------------------------------------------------------------------------------------------------


def test_a_refused_line_is_named_with_its_reason_and_keeps_no_other_out(tmp_path: Path) -> None:
    lines = [
        sent.body(THREE[0]),
        b"",
        sent.body(sent.run_event(run={})),
        sent.body(THREE[1]),
        b"{",
        b'{"a": "\xff"}',
    ]
    file = written(tmp_path / "mixed.jsonl", b"\n".join(lines))

    assert refused(file) == [
        f"{file}:3: run.runId is missing.",
        f"{file}:5: Not valid JSON: Input data was truncated.",
        f"{file}:6: Byte 7 is not UTF-8 (invalid start byte).",
        f"{file}: 2 new, 0 known, 3 refused, 0 with warnings.",
    ]
    assert bodies() == sorted([lines[0], lines[3]])


def test_a_refused_element_of_an_array_is_counted_from_one(tmp_path: Path) -> None:
    file = written(tmp_path / "mixed.json", sent.body([THREE[0], 7, {}, THREE[1]]))

    assert refused(file)[:2] == [
        f"{file}, event 2: An event is a JSON object, not a number.",
        f"{file}, event 3: The event has neither run nor job nor dataset.",
    ]
    assert Event.objects.count() == 2


@pytest.mark.parametrize(
    ("name", "content", "stored", "says"),
    [
        ("cut.json", sent.body(THREE)[:-40], 2, "The JSON that begins at byte"),
        ("cut.jsonl", LINES[:-40], 2, "Not valid JSON: Input data was truncated"),
        ("cut.json", LINES[:-40], 2, "Not valid JSON: Input data was truncated"),
        ("more.json", sent.body(THREE) + b"{}", 3, "follows the end of the array"),
        ("closed.json", sent.body(THREE[0]) + b"}", 1, "closes a bracket that was not opened"),
        ("cut.jsonl.gz", gzip.compress(LINES)[:-1], 2, "The gzip stream is cut off"),
        ("cut.gz", gzip.compress(LINES)[:-40], 0, "The gzip stream is cut off"),
        ("damaged.gz", gzip.compress(LINES)[:-8] + b"\0" * 8, 0, "The gzip stream is damaged"),
        ("followed.gz", gzip.compress(LINES + b"\n") + b"PK", 3, "The gzip stream is damaged"),
        ("head.gz", b"\x1f\x8b\x08", 0, "The gzip stream is cut off"),
    ],
)
def test_of_a_file_that_breaks_off_what_came_before_is_taken(
    name: str, content: bytes, stored: int, says: str, tmp_path: Path
) -> None:
    file = written(tmp_path / name, content)

    lines = refused(file)

    assert len(lines) == 2
    assert lines[0].startswith(str(file))
    assert says in lines[0]
    assert f"{stored} new, 0 known, 1 refused" in lines[1]
    assert Event.objects.count() == stored


@pytest.mark.parametrize(
    ("name", "separators", "says"),
    [
        ("large.jsonl", (b"", b"\n", b""), "The event at line 2 is larger than 5,000 bytes"),
        ("large.json", (b"[", b",", b"]"), "is larger than 5,000 bytes (ASSAY_MAX_EXPANDED_BYTES)"),
        ("large.jsonl.gz", (b"", b"\n", b""), "The event at line 2 is larger than 5,000 bytes"),
    ],
)
@pytest.mark.parametrize("size", [6_000, 3_000_000])
def test_an_event_beyond_the_bound_ends_the_reading(
    name: str, separators: tuple[bytes, bytes, bytes], says: str, size: int, tmp_path: Path, settings: Settings
) -> None:
    settings.LINEAGE_MAX_EXPANDED_BYTES = 5_000
    opening, between, closing = separators
    parts = [sent.body(THREE[0]), sent.body(sent.run_event(x="x" * size)), sent.body(THREE[1])]
    content = opening + between.join(parts) + closing
    file = written(tmp_path / name, gzip.compress(content) if name.endswith("gz") else content)

    assert says in refused(file)[0]
    assert Event.objects.count() == 1


def test_an_expansion_bomb_is_read_in_little_memory(tmp_path: Path, settings: Settings) -> None:
    settings.LINEAGE_MAX_EXPANDED_BYTES = 1_000_000
    file = written(tmp_path / "bomb.json.gz", gzip.compress(b'{"a": "' + b"0" * 300_000_000, compresslevel=1))

    assert "is larger than 1,000,000 bytes" in refused(file)[0]


def test_every_file_is_looked_for_before_any_is_read(tmp_path: Path) -> None:
    file = written(tmp_path / "events.jsonl", LINES)

    with pytest.raises(CommandError, match=f"{tmp_path / 'absent'} is not a file"):
        imported(file, tmp_path / "absent")

    assert not Event.objects.exists()


def test_refusals_of_one_file_do_not_keep_the_next_out(tmp_path: Path) -> None:
    bad, good = written(tmp_path / "bad.json", b"{"), written(tmp_path / "good.jsonl", LINES)

    assert len(refused(bad, good)) == 3
    assert Event.objects.count() == 3
