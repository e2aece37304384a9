"""Files of events, read piece by piece in constant memory, from the start or from where an import was interrupted."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO

from lineage import bodies
from lineage.bodies import Malformed, Piece, Splitter

CHUNK_BYTES = 1_000_000
LINE_SUFFIXES = frozenset({".jsonl", ".ndjson"})
GZIP_MAGIC = b"\x1f\x8b"
HEAD_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far a file has been read: everything before `offset`, which counts expanded bytes."""

    offset: int = 0
    # The line of the last piece in files of lines, else how many pieces there were.
    number: int = 0
    is_in_array: bool = False

    def after(self, piece: Piece, number: int, *, is_in_array: bool) -> "Place":
        return replace(self, offset=piece.end, number=number, is_in_array=is_in_array)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A piece of a file, and the place behind it."""

    piece: Piece
    place: Place


class EventFile:
    """One file: JSON lines, or a document of one event, an array, or events one after the other. Perhaps gzipped."""

    def __init__(self, stream: BinaryIO, *, name: str, max_event_bytes: int) -> None:
        self._stream = stream
        self._max_event_bytes = max_event_bytes
        self._head = stream.read(CHUNK_BYTES)
        self.is_gzipped = self._head.startswith(GZIP_MAGIC)
        path = Path(name.lower())
        suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
        self._has_line_suffix = suffix in LINE_SUFFIXES
        self.is_lines = False

    def found(self, start: Place) -> Iterator[Found]:
        """The pieces behind `start`. Raises Malformed where the file cannot be read further."""
        chunks = self._expanded()
        first = next(chunks, b"")
        if start.offset == 0 and first.startswith(bodies.BYTE_ORDER_MARK):
            first, start = first[len(bodies.BYTE_ORDER_MARK) :], replace(start, offset=len(bodies.BYTE_ORDER_MARK))
            skipped = 0
        else:
            skipped = start.offset
        self.is_lines = self._has_line_suffix or bodies.looks_like_lines(first)
        rest = _skip(_chain(first, chunks), skipped)
        yield from self._lines(rest, start) if self.is_lines else self._elements(rest, start)

    def _expanded(self) -> Iterator[bytes]:
        sent = _chain(self._head, iter(lambda: self._stream.read(CHUNK_BYTES), b""))
        return bodies.gunzip(sent) if self.is_gzipped else sent

    def _lines(self, chunks: Iterable[bytes], start: Place) -> Iterator[Found]:
        held, offset, number = b"", start.offset, max(start.number, 1)
        for chunk in chunks:
            *lines, held = (held + chunk).split(b"\n")
            for line in lines:
                self._check_size(len(line), f"line {number}")
                yield from _line(line, offset, number)
                offset += len(line) + 1
                number += 1
            self._check_size(len(held), f"line {number}")
        yield from _line(held, offset, number)

    def _elements(self, chunks: Iterable[bytes], start: Place) -> Iterator[Found]:
        splitter = Splitter(start.offset, is_in_array=start.is_in_array)
        number = start.number
        for chunk in chunks:
            for piece in splitter.feed(chunk):
                self._check_size(len(piece.raw), f"byte {piece.offset}")
                number += 1
                yield Found(piece=piece, place=start.after(piece, number, is_in_array=splitter.is_in_array))
            self._check_size(splitter.held_bytes, f"byte {splitter.held_offset}")
        for piece in splitter.finish():
            number += 1
            yield Found(piece=piece, place=start.after(piece, number, is_in_array=False))

    def _check_size(self, size_bytes: int, at: str) -> None:
        if size_bytes > self._max_event_bytes:
            raise Malformed(
                f"The event at {at} is larger than {self._max_event_bytes:,} bytes (ASSAY_MAX_EXPANDED_BYTES); "
                "the file is read no further."
            )


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def _skip(chunks: Iterator[bytes], count: int) -> Iterator[bytes]:
    for chunk in chunks:
        if count >= len(chunk):
            count -= len(chunk)
            continue
        yield chunk[count:] if count else chunk
        count = 0


def _line(line: bytes, offset: int, number: int) -> Iterator[Found]:
    piece = bodies.trimmed(line, offset)
    if piece.raw:
        yield Found(piece=piece, place=Place(offset=piece.end, number=number))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """Where the import of a file stood when it was last heard of."""

    place: Place
    refused: int
    # Of the file's beginning, as far as it was imported, and of the last event stored.
    head: str
    last_digest: str


class Bookmarks:
    """Bookmarks of interrupted imports, one small file each. A finished import leaves none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, path: Path) -> Bookmark | None:
        """The bookmark of this file, unless the file is another than then."""
        try:
            stored = json.loads(self._file(path).read_text(encoding="utf-8"))
            bookmark = Bookmark(**stored | {"place": Place(**stored["place"])})
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError):
            return None  # Written by another release; reading from the start is always right.
        return bookmark if bookmark.head == head_digest(path) else None

    def keep(self, path: Path, bookmark: Bookmark) -> None:
        """Replace the bookmark at once, so that a kill leaves the old or the new one, never half."""
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._file(path).with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(asdict(bookmark)), encoding="utf-8")
        draft.replace(self._file(path))

    def drop(self, path: Path) -> None:
        self._file(path).unlink(missing_ok=True)

    def _file(self, path: Path) -> Path:
        return self._folder / f"{hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:32]}.json"


def head_digest(path: Path) -> str:
    """What tells two files of one name apart. A file that only grows keeps it, once it has HEAD_BYTES."""
    with closing(path.open("rb")) as file:
        return hashlib.sha256(file.read(HEAD_BYTES)).hexdigest()
