"""However a body is written, sent or broken, its events are cut out byte for byte or it is refused."""

import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.errors import TooLarge, UnsupportedMedia
from lineage import bodies
from lineage.bodies import Malformed, Piece, Splitter

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)
OBJECTS = st.dictionaries(st.text(), VALUES)
SPACE = st.text(alphabet=" \t\r\n", max_size=3).map(str.encode)
TOKENS = (
    *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b'"}"', b"\\u0000", b"NaN", b"1", b"\xff", b" ", b"\n"),
    b"\xef\xbb\xbf",
)
NEARLY_JSON = st.lists(st.sampled_from(TOKENS)).map(b"".join)


def chunks(body: bytes, size: int) -> Iterator[bytes]:
    return (body[begin : begin + size] for begin in range(0, len(body), size))


def written(value: Any) -> bytes:
    """JSON as Python's own writer spells it, with NaN and Infinity bare."""
    return json.dumps(value).encode()


# --- Cutting -------------------------------------------------------------------------------------------------------


@given(
    values=st.lists(VALUES, max_size=5), before=SPACE, after=SPACE, mark=st.sampled_from([b"", bodies.BYTE_ORDER_MARK])
)
def test_the_elements_of_an_array(values: list[Any], before: bytes, after: bytes, mark: bytes) -> None:
    elements = [written(value) for value in values]
    body = mark + before + b"[" + before + (after + b"," + before).join(elements) + after + b"]" + after

    cut = bodies.split(body)

    pieces = list(cut.pieces)
    assert not cut.is_single
    assert [piece.raw for piece in pieces] == elements
    assert all(body[piece.offset : piece.end] == piece.raw for piece in pieces)


@given(
    values=st.lists(OBJECTS, min_size=2, max_size=4),
    between=SPACE,
    content_type=st.sampled_from(["", "application/x-ndjson"]),
)
def test_lines_by_their_type_or_by_their_look(values: list[Any], between: bytes, content_type: str) -> None:
    lines = [written(value) for value in values]
    body = (b"\n" + between).join(lines)

    cut = bodies.split(body, content_type=content_type)

    pieces = list(cut.pieces)
    assert not cut.is_single
    assert [piece.raw for piece in pieces] == lines
    assert all(body[piece.offset : piece.end] == piece.raw for piece in pieces)


@given(value=OBJECTS, indent=st.sampled_from([None, 0, 1, 4, "\t"]), around=SPACE)
def test_one_object_on_one_or_many_lines(value: Any, indent: Any, around: bytes) -> None:
    raw = json.dumps(value, indent=indent).encode()

    cut = bodies.split(around + raw + around, content_type="application/json; charset=utf-8")

    assert cut.is_single
    assert list(cut.pieces) == [Piece(raw, len(around))]


@pytest.mark.parametrize("content_type", [*sorted(bodies.LINE_TYPES), "Application/X-NDJSON; charset=utf-8"])
def test_a_single_line_of_a_type_of_lines_is_a_list_of_one(content_type: str) -> None:
    assert not bodies.split(b'{"a": 1}', content_type=content_type).is_single


@pytest.mark.parametrize("body", [b"", b" \r\n", bodies.BYTE_ORDER_MARK])
def test_nothing_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed, match="empty"):
        bodies.split(body)


@pytest.mark.parametrize("body", [b"[1, NaN", b"[{}, ", b"[", b'["a', b"[1]]", b"[1] 2", b"[1], {}"])
def test_an_array_that_is_not_whole_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(Malformed):
        list(bodies.split(body).pieces)


@pytest.mark.parametrize("body", [b'[{"a":1}, {"a":nope}, {"a":2}]', b'[{"a":1}, \xff, {"a":2}]'])
def test_an_element_that_is_no_json_spoils_no_other(body: bytes) -> None:
    first, _, last = bodies.split(body).pieces

    assert (first.raw, last.raw) == (b'{"a":1}', b'{"a":2}')


@given(body=st.binary() | NEARLY_JSON)
def test_cutting_raises_nothing_but_malformed(body: bytes) -> None:
    with suppress(Malformed):
        for piece in bodies.split(body).pieces:
            assert body[piece.offset : piece.end] == piece.raw


@given(body=NEARLY_JSON, size=st.integers(1, 9))
def test_a_stream_is_cut_alike_whatever_its_chunks(body: bytes, size: int) -> None:
    assert streamed(chunks(body, size)) == streamed(iter([body]))


def streamed(parts: Iterator[bytes]) -> tuple[list[Piece], str]:
    pieces: list[Piece] = []
    splitter = Splitter()
    try:
        for part in parts:
            pieces += splitter.feed(part)
        pieces += splitter.finish()
    except Malformed as error:
        return pieces, error.message
    return pieces, ""


# --- Expanding -----------------------------------------------------------------------------------------------------


def expanded(parts: Iterator[bytes], encoding: str = "gzip", *, sent: int = 10_000, at_most: int = 1_000_000) -> bytes:
    return bodies.expand(parts, encoding=encoding, max_body_bytes=sent, max_expanded_bytes=at_most)


@given(
    members=st.lists(st.binary(max_size=300), min_size=1, max_size=3),
    size=st.integers(1, 50),
    padding=st.integers(0, 9),
)
def test_gzip_is_undone_whatever_its_members_and_chunks(members: list[bytes], size: int, padding: int) -> None:
    body = b"".join(map(gzip.compress, members)) + b"\0" * padding

    assert expanded(chunks(body, size)) == b"".join(members)


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_a_plain_body_stays_as_it_is(encoding: str) -> None:
    assert expanded(iter([b"a", b"", b"b"]), encoding) == b"ab"


@pytest.mark.parametrize("encoding", ["X-GZIP", "gzip "])
def test_the_other_spellings_of_gzip(encoding: str) -> None:
    assert expanded(iter([gzip.compress(b"a")]), encoding) == b"a"


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "x" * 9_999])
def test_another_encoding_is_refused(encoding: str) -> None:
    with pytest.raises(UnsupportedMedia, match="send gzip or none") as refusal:
        expanded(iter([b"a"]), encoding)

    assert len(refusal.value.message) < 200


@given(lost=st.integers(1, 60), size=st.integers(1, 70))
def test_gzip_that_is_cut_anywhere_is_refused(lost: int, size: int) -> None:
    body = gzip.compress(b"some content that is here more than once, more than once")[:-lost]

    with pytest.raises(Malformed, match=r"empty|cut off"):
        expanded(chunks(body, size))


@given(at=st.integers(0, 200), byte=st.integers(0, 255), size=st.integers(1, 300))
def test_damaged_gzip_raises_nothing_but_malformed(at: int, byte: int, size: int) -> None:
    content = bytes(range(256)) * 4
    body = bytearray(gzip.compress(content))
    body[at % len(body)] = byte

    with suppress(Malformed):
        assert expanded(chunks(bytes(body), size)) == content


def test_a_body_beyond_the_bound_is_not_read_to_its_end() -> None:
    read = []

    def endless() -> Iterator[bytes]:
        while True:
            read.append(1)
            yield b"x" * 1_000

    with pytest.raises(TooLarge, match="The body is larger than 10,000 bytes"):
        expanded(endless(), "")
    assert len(read) == 11


@pytest.mark.parametrize("layers", [1, 2])
def test_an_expansion_bomb_is_not_expanded(layers: int) -> None:
    bomb = zlib.compress(b"\0" * 100_000_000, wbits=31)
    for _ in range(layers - 1):
        bomb = gzip.compress(bomb)

    if layers == 1:
        with pytest.raises(TooLarge, match="expands to more than 1,000,000 bytes"):
            expanded(iter([bomb]), sent=1_000_000)
    else:
        assert len(expanded(iter([bomb]), sent=1_000_000)) < 1_000_000  # One layer is undone, never two.
