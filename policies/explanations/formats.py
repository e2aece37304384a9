"""What kind of file a model is, told from its bytes before any library opens it. Pure.

Only formats that are data are named here: ONNX, XGBoost's JSON and UBJ, LightGBM's text. A pickle, in whatever
wrapping, is a program that runs when it is loaded; it is refused unopened, and so is all that is not recognised.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from governance.errors import Invalid

HEAD_BYTES = 4_096
ALLOWED = "Send ONNX, XGBoost's JSON or UBJ, or LightGBM's text."


class Format(StrEnum):
    """Formats that run no code when they are loaded, by the library that reads them."""

    ONNX = "onnx"
    XGBOOST = "xgboost"
    LIGHTGBM = "lightgbm"


# What a name that ends so says about the file.
SUFFIXES: Mapping[str, frozenset[Format]] = MappingProxyType(
    {
        ".onnx": frozenset({Format.ONNX}),
        ".ubj": frozenset({Format.XGBOOST}),
        ".json": frozenset({Format.XGBOOST}),
        ".lgb": frozenset({Format.LIGHTGBM}),
        ".txt": frozenset({Format.LIGHTGBM}),
    }
)
_RUNS_CODE = "which can run code when it is loaded: it was not opened."
_REFUSED = (
    (b"PK\x03\x04", f"a ZIP archive (as PyTorch, Keras, skops and MLflow write), {_RUNS_CODE}"),
    (b"\x1f\x8b", f"compressed by gzip, and may hold a pickle, {_RUNS_CODE}"),
    (b"BZh", f"compressed by bzip2, and may hold a pickle, {_RUNS_CODE}"),
    (b"\xfd7zXZ", f"compressed by xz, and may hold a pickle, {_RUNS_CODE}"),
    (b"\x28\xb5\x2f\xfd", f"compressed by zstd, and may hold a pickle, {_RUNS_CODE}"),
    (b"\x04\x22\x4d\x18", f"compressed by lz4, and may hold a pickle, {_RUNS_CODE}"),
    (b"\x78\x9c", f"compressed by zlib (as joblib does), and may hold a pickle, {_RUNS_CODE}"),
    (b"\x78\x01", f"compressed by zlib (as joblib does), and may hold a pickle, {_RUNS_CODE}"),
    (b"\x78\xda", f"compressed by zlib (as joblib does), and may hold a pickle, {_RUNS_CODE}"),
    (b"\x89HDF", f"HDF5 (as Keras writes), {_RUNS_CODE}"),
    (b"\x93NUMPY", "an array of NumPy, not a model."),
    (b"\x7fELF", f"a program, {_RUNS_CODE}"),
    (b"MZ", f"a program, {_RUNS_CODE}"),
    (b"#!", f"a script, {_RUNS_CODE}"),
    (b"PAR1", "a Parquet table, not a model."),
    (b"<?xml", "XML."),
    (b"binf", "XGBoost's old binary format. Save it with the suffix .json or .ubj."),
)
# How the first opcodes of pickles in the oldest protocols look: they have no mark of their own.
_OLD_PICKLES = (b"(dp", b"(lp", b"(i", b"ccopy_reg", b"c__", b"cos\n", b"cposix", b"cbuiltins", b"cnumpy", b"csklearn")
# Fields of an ONNX ModelProto by number: 0 for a number, 2 for bytes with their length (onnx.proto3).
_ONNX_FIELDS = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2}
_IR_VERSION, _GRAPH = 1, 7


def recognise(path: Path, *, name: str, said: Format | None = None) -> Format:
    """The format of the model in the file. `name` and `said` are what the sender calls it.

    Raises Invalid for every other kind of file, and for one that is not what it is called.
    """
    try:
        with path.open("rb") as file:
            found = _recognised(file, path.stat().st_size)
    except OSError as error:
        raise Invalid(f"The model cannot be read: {error.strerror}.") from error
    if said is not None and said is not found:
        raise Invalid(f"The model is said to be {said} and is {found}: it was not opened.")
    called = SUFFIXES.get(Path(name).suffix.lower())
    if called is not None and found not in called:
        raise Invalid(f"The model is called {name!r} and is {found}: it was not opened.")
    return found


def _recognised(file: BinaryIO, size: int) -> Format:
    head = file.read(HEAD_BYTES)
    if not head:
        raise Invalid("The model is empty.")
    if _is_pickle(head):
        raise Invalid(f"The model is a pickle, {_RUNS_CODE} {ALLOWED}")
    for mark, what in _REFUSED:
        if head.startswith(mark):
            raise Invalid(f"The model is {what} {ALLOWED}")
    if _is_xgboost(head):
        return Format.XGBOOST
    if head.startswith((b"tree\nversion=v", b"tree\r\nversion=v")):
        return Format.LIGHTGBM
    if {_IR_VERSION, _GRAPH} <= set(_onnx_fields(file, size)):
        return Format.ONNX
    raise Invalid(f"The model is none of the kinds that run no code when loaded: it was not opened. {ALLOWED}")


def _is_pickle(head: bytes) -> bool:
    """Protocols from 2 on have a mark, the version and an opcode; 0x80 alone may be anything."""
    return (head[0] == 0x80 and len(head) > 1 and 2 <= head[1] <= 9) or head.startswith(_OLD_PICKLES)


def _is_xgboost(head: bytes) -> bool:
    """A JSON object, or one of UBJSON, whose first key is one that XGBoost writes."""
    if not head.startswith(b"{"):
        return False
    first = head[1:64].lstrip()
    if first.startswith((b'"learner"', b'"version"')):
        return True
    return first[:1] in {b"L", b"l", b"I", b"i", b"U"} and any(key in first[:20] for key in (b"learner", b"version"))


def _onnx_fields(file: BinaryIO, size: int) -> Iterator[int]:
    """The numbers of the fields of the message that the file is; nothing more from where it is no ONNX model.

    Only tags and lengths are read. Lengths have to add up to the size of the file, to the byte.
    """
    place = 0
    found = []
    while place < size:
        file.seek(place)
        chunk = file.read(20)
        tag, place_in_chunk = _number(chunk, 0)
        field, wire = tag >> 3, tag & 7
        if _ONNX_FIELDS.get(field) != wire or place_in_chunk == 0:
            return
        value, after = _number(chunk, place_in_chunk)
        if after == 0:
            return
        place += after + (value if wire == 2 else 0)
        found.append(field)
    if place == size:
        yield from found


def _number(data: bytes, place: int) -> tuple[int, int]:
    """A number of protobuf and the place after it; 0 as the place when there is none."""
    value = 0
    for shift, byte in enumerate(data[place : place + 10]):
        value |= (byte & 0x7F) << (7 * shift)
        if not byte & 0x80:
            return value, place + shift + 1
    return 0, 0
