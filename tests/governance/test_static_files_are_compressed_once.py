"""What is compressed stays so from start to start, unless a start was ended in the middle of it."""

import gzip
from pathlib import Path

from governance.staticfiles import Storage

NAME = "app.0123456789ab.css"


def test_only_what_is_not_compressed_whole_is_compressed(tmp_path: Path) -> None:
    style = tmp_path / NAME
    style.write_text("body { color: black }\n" * 200)
    beside = tmp_path / f"{NAME}.gz"
    storage = Storage(location=tmp_path, base_url="/static/")
    storage.hashed_files = {"app.css": NAME}

    def compressed() -> list[str]:
        return [name for _, name in storage.compress_files([NAME, "app.css"])]

    assert compressed() == [f"{NAME}.gz"]
    assert compressed() == []
    beside.write_bytes(beside.read_bytes()[:20])
    assert compressed() == [f"{NAME}.gz"]
    assert gzip.decompress(beside.read_bytes()) == style.read_bytes()
