"""A model's format is told from its bytes; what could run code is refused before anything opens it."""

import bz2
import gzip
import io
import lzma
import pickle
import zipfile
import zlib
from pathlib import Path

import pytest

from governance.errors import Invalid
from policies.explanations import formats
from policies.explanations.formats import Format
from tests.policies.explanations import models

RAN: list[str] = []


class Trap:
    """Unpickling it leaves a mark."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return RAN.append, ("unpickled",)


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("data.pkl", pickle.dumps(Trap()))
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "write", "expected"),
    [
        ("model.json", models.write_xgboost, Format.XGBOOST),
        ("model.ubj", models.write_xgboost, Format.XGBOOST),
        ("model.txt", models.write_lightgbm, Format.LIGHTGBM),
        ("model.onnx", models.write_onnx, Format.ONNX),
    ],
)
def test_formats_that_run_no_code_are_recognised(name: str, write: object, expected: Format, tmp_path: Path) -> None:
    path = write(tmp_path / name)  # type: ignore[operator]

    assert formats.recognise(path, name="the-model") is expected
    assert formats.recognise(path, name=name, said=expected) is expected


@pytest.mark.parametrize(
    ("content", "says"),
    [
        *((pickle.dumps(Trap(), protocol), "is a pickle") for protocol in (0, 1, 2, 3, 4, 5)),
        (zipped(), "ZIP archive"),
        (gzip.compress(pickle.dumps(Trap()), mtime=0), "gzip"),
        (bz2.compress(pickle.dumps(Trap())), "bzip2"),
        (lzma.compress(pickle.dumps(Trap())), "xz"),
        (zlib.compress(pickle.dumps(Trap())), "zlib"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"#!/bin/sh\n", "script"),
        (b"\x7fELF\x02", "program"),
        (b"binf\x00", "old binary format"),
        (b"", "empty"),
        (b"tree\nversion=", "none of the kinds"),
        (b'{"a": 1}', "none of the kinds"),
        (b"\x08\x08\x3a\x7f", "none of the kinds"),
        (b"\x00" * 100, "none of the kinds"),
        (b"\xff" * 5_000, "none of the kinds"),
    ],
)
def test_everything_else_is_refused_unopened(content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(content)

    with pytest.raises(Invalid, match=says):
        formats.recognise(path, name="model")

    assert RAN == []


def test_a_model_that_is_not_what_it_is_called_is_refused(tmp_path: Path) -> None:
    path = models.write_xgboost(tmp_path / "model.json")

    with pytest.raises(Invalid, match=r"called 'model\.onnx' and is xgboost"):
        formats.recognise(path, name="model.onnx")
    with pytest.raises(Invalid, match="said to be lightgbm and is xgboost"):
        formats.recognise(path, name="model", said=Format.LIGHTGBM)


def test_a_cut_off_model_is_no_model(tmp_path: Path) -> None:
    path = models.write_onnx(tmp_path / "model.onnx")
    path.write_bytes(path.read_bytes()[:-3])

    with pytest.raises(Invalid, match="none of the kinds"):
        formats.recognise(path, name="model.onnx")
