"""Environment variables are read strictly."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from governance import environment


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("maybe", lambda: environment.flag("ASSAY_X", default=False)),
        ("many", lambda: environment.number("ASSAY_X", 1, minimum=0, maximum=9)),
        ("10", lambda: environment.number("ASSAY_X", 1, minimum=0, maximum=9)),
        ("mysql://u@h/d", lambda: environment.database("ASSAY_X", "mysql://u@h/d")),
        ("postgresql://u@h", lambda: environment.database("ASSAY_X", "postgresql://u@h")),
        ("postgresql://h/d", lambda: environment.database("ASSAY_X", "postgresql://h/d")),
        ("postgresql://u@h:port/d", lambda: environment.database("ASSAY_X", "postgresql://u@h:port/d")),
    ],
)
def test_the_variable_is_named(monkeypatch: pytest.MonkeyPatch, value: str, read: Callable[[], Any]) -> None:
    monkeypatch.setenv("ASSAY_X", value)

    with pytest.raises(SystemExit, match="ASSAY_X"):
        read()


def test_a_url_is_read_whole() -> None:
    read = environment.database("X", "postgresql://me:p%40ss@db.example:5433/my%20db?sslmode=require")

    assert (read["USER"], read["PASSWORD"], read["HOST"], read["PORT"]) == ("me", "p@ss", "db.example", "5433")
    assert read["NAME"] == "my db"
    assert read["OPTIONS"] == {"sslmode": "require"}


def test_a_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "key"

    first = environment.secret("ASSAY_NO_SUCH_SECRET", path)

    assert environment.secret("ASSAY_NO_SUCH_SECRET", path) == first
    assert len(first) >= 32
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_a_short_secret_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("short")
    monkeypatch.setenv("ASSAY_X_FILE", str(tmp_path / "key"))

    with pytest.raises(SystemExit, match="ASSAY_X_FILE"):
        environment.secret("ASSAY_X", tmp_path / "other")
