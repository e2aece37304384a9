"""Request bodies and files of events: expanded within bounds and cut into single events, byte for byte. Pure."""

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from governance import errors

CHUNK_BYTES = 262_144
WHITE_SPACE = b" \t\r\n"
# Some editors and shells put this in front of UTF-8.
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LINE_TYPES = frozenset(
    {
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/jsonlines",
        "application/x-jsonlines",
    }
)
_STRUCTURE = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{},]', re.DOTALL)
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])


class Malformed(errors.Invalid):
    """The body as a whole cannot be read, so nothing in it was taken."""

    code = "malformed"


@dataclass(frozen=True, slots=True)
class Piece:
    """The bytes of what should be one event, and where they begin in the body or file."""

    raw: bytes
    offset: int

    @property
    def end(self) -> int:
        return self.offset + len(self.raw)


def expand(chunks: Iterable[bytes], *, encoding: str, max_body_bytes: int, max_expanded_bytes: int) -> bytes:
    """The whole body, with gzip undone. Holds at most `max_expanded_bytes` and one chunk, whatever was sent.

    Raises TooLarge, Malformed for gzip that is cut or damaged, UnsupportedMedia.
    """
    sent = _bounded(chunks, max_body_bytes)
    match encoding.strip().lower():
        case "" | "identity":
            parts = sent
        case "gzip" | "x-gzip":
            parts = gunzip(sent)
        case _:
            raise errors.UnsupportedMedia(
                f"Content-Encoding {encoding[:40]!r} is not supported; send gzip or none.", code="unsupported_encoding"
            )
    expanded = bytearray()
    for part in parts:
        if len(expanded) + len(part) > max_expanded_bytes:
            raise errors.TooLarge(f"The body expands to more than {max_expanded_bytes:,} bytes.")
        expanded += part
    return bytes(expanded)


def _bounded(chunks: Iterable[bytes], max_body_bytes: int) -> Iterator[bytes]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > max_body_bytes:
            raise errors.TooLarge(f"The body is larger than {max_body_bytes:,} bytes.")
        yield chunk


def gunzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The content of a gzip stream of one or more members, in parts of at most CHUNK_BYTES. Raises Malformed."""
    member = zlib.decompressobj(wbits=31)
    is_empty = True
    for chunk in chunks:
        pending = chunk
        while pending:
            if member.eof:
                # Tools pad with zeros; anything else begins another member.
                pending = pending.lstrip(b"\0")
                if not pending:
                    break
                member = zlib.decompressobj(wbits=31)
            try:
                part = member.decompress(pending, CHUNK_BYTES)
            except zlib.error as error:
                raise Malformed(f"The gzip stream is damaged: {error}.") from None
            is_empty = False
            if part:
                yield part
            pending = member.unused_data if member.eof else member.unconsumed_tail
    if is_empty:
        raise Malformed("The gzip stream is empty.")
    while not member.eof:
        # Output that had no room yet comes without further input; when none comes, the end is missing.
        part = member.decompress(b"", CHUNK_BYTES)
        if not part:
            raise Malformed("The gzip stream is cut off.")
        yield part


@dataclass(frozen=True, slots=True)
class Body:
    """A body cut into pieces. `is_single`: one event on its own, not a list of one."""

    pieces: Iterable[Piece]
    is_single: bool


def split(body: bytes, *, content_type: str = "") -> Body:
    """Cut a body into single events: one object, an array, or lines, by its type or else by its look.

    Pieces are slices of the body without the white space around them; whether each is an event is not looked at.
    Raises Malformed.
    """
    start = len(BYTE_ORDER_MARK) if body.startswith(BYTE_ORDER_MARK) else 0
    text = body[start:] if start else body
    if content_type.partition(";")[0].strip().lower() in LINE_TYPES:
        return Body(_lines(text, start), is_single=False)
    whole = trimmed(text, start)
    if not whole.raw:
        raise Malformed("The body is empty.")
    if whole.raw.startswith(b"["):
        return Body(_elements(whole), is_single=False)
    if looks_like_lines(whole.raw):
        return Body(_lines(text, start), is_single=False)
    return Body([whole], is_single=True)


def trimmed(raw: bytes, offset: int) -> Piece:
    """The bytes without the white space around them."""
    left = raw.lstrip(WHITE_SPACE)
    return Piece(left.rstrip(WHITE_SPACE), offset + len(raw) - len(left))


def _lines(text: bytes, offset: int) -> Iterator[Piece]:
    begin = 0
    while begin < len(text):
        end = text.find(b"\n", begin)
        end = len(text) if end < 0 else end
        piece = trimmed(text[begin:end], offset + begin)
        if piece.raw:
            yield piece
        begin = end + 1


def looks_like_lines(text: bytes) -> bool:
    """Whether the text begins like one JSON object per line rather than one object over many lines."""
    first, _, rest = text.lstrip(WHITE_SPACE).partition(b"\n")
    first, rest = first.rstrip(WHITE_SPACE), rest.lstrip(WHITE_SPACE)
    if not (first.startswith(b"{") and rest):
        return False
    if rest.startswith(b"{") and first[-1:] not in b":[,{":
        return True  # Inside an object no line begins with a brace unless a colon, comma or bracket stands before it.
    return _is_closed(first)


def _is_closed(text: bytes) -> bool:
    """Every bracket and string in the text has its end."""
    depth = 0
    for match in _STRUCTURE.finditer(text):
        token = match.group()
        if token in (b"{", b"["):
            depth += 1
        elif token in (b"}", b"]"):
            depth -= 1
    return depth == 0


def _elements(array: Piece) -> Iterable[Piece]:
    """The elements of a JSON array. One that is no JSON does not spoil the others."""
    try:
        return _located(_ARRAY.decode(array.raw), array)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        splitter = Splitter(array.offset)
        pieces = list(splitter.feed(array.raw))
        splitter.finish()
        return pieces


def _located(elements: list[msgspec.Raw], array: Piece) -> Iterator[Piece]:
    position = 1
    for element in elements:
        raw = bytes(element)
        # Between two elements stand only a comma and white space, so the next place is the element's own.
        position = array.raw.index(raw, position)
        yield Piece(raw, array.offset + position)
        position += len(raw)


class Splitter:
    """Cuts a stream of bytes into the elements of a JSON array, or into objects that follow each other.

    It counts brackets and skips strings and knows no more of JSON, so that NaN and other slips of senders pass
    through to the reader of the element. With `is_in_array`, the bytes begin inside an array, before an element or a
    comma.
    """

    def __init__(self, offset: int = 0, *, is_in_array: bool = False) -> None:
        self.is_in_array = is_in_array
        self.is_closed = False
        self._buffer = b""
        self._offset = offset  # Of the buffer's first byte.
        self._scanned = 0  # How much of the buffer has been looked at.
        self._start = 0  # Where the present element begins in the buffer.
        self._depth = 1 if is_in_array else 0
        self._is_fresh = not is_in_array
        self._may_meet_comma = is_in_array

    @property
    def held_bytes(self) -> int:
        """The size of the element that is not yet complete."""
        return len(self._buffer) - self._start

    @property
    def held_offset(self) -> int:
        """Where that element begins."""
        return self._offset + self._start

    def feed(self, chunk: bytes) -> Iterator[Piece]:
        """The elements that end in this chunk."""
        self._buffer = self._buffer[self._start :] + chunk
        self._offset += self._start
        self._scanned -= self._start
        self._start = 0
        for match in _STRUCTURE.finditer(self._buffer, self._scanned):
            token = match.group()
            if token.startswith(b'"'):
                if len(token) == 1 or not token.endswith(b'"') or _ends_escaped(token):
                    self._scanned = match.start()  # The string goes on in the next chunk.
                    return
            else:
                yield from self._take(token, match.start())
            self._scanned = match.end()
        self._scanned = len(self._buffer)

    def finish(self) -> Iterator[Piece]:
        """What is left at the end of the stream. Raises Malformed when brackets or strings are open."""
        rest = self._piece(len(self._buffer))
        if self.is_closed and rest.raw:
            raise Malformed(f"Byte {rest.offset} follows the end of the array.")
        if not self.is_closed and (self._depth or self.is_in_array):
            raise Malformed(f"The JSON that begins at byte {rest.offset} is cut off.")
        return iter([rest] if rest.raw else [])

    def _take(self, token: bytes, at: int) -> Iterator[Piece]:
        if self.is_closed:
            return
        if token in (b"{", b"["):
            if self._is_fresh and token == b"[" and not self._buffer[:at].strip(WHITE_SPACE + BYTE_ORDER_MARK):
                self.is_in_array = True
                self._start = at + 1
            self._is_fresh = False
            self._depth += 1
        elif token in (b"}", b"]"):
            self._depth -= 1
            if self._depth < 0:
                raise Malformed(f"Byte {self._offset + at} closes a bracket that was not opened.")
            if self._depth == 0:
                if self.is_in_array:
                    self.is_closed = True
                    piece = self._piece(at)
                else:
                    piece = self._piece(at + 1)
                self._start = at + 1
                if piece.raw:
                    yield piece
        elif self.is_in_array and self._depth == 1:
            piece = self._piece(at)
            if piece.raw or not self._may_meet_comma:
                yield piece
            self._start = at + 1
        self._may_meet_comma = False

    def _piece(self, end: int) -> Piece:
        return trimmed(self._buffer[self._start : end], self._offset + self._start)


def _ends_escaped(token: bytes) -> bool:
    """The closing quote of the token is itself escaped, so the string is not at its end."""
    body = token[1:-1]
    return (len(body) - len(body.rstrip(b"\\"))) % 2 == 1
