"""What a page loads is served by us, is what the manifest says, and runs under a strict content security policy."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STYLES = sorted((ROOT / "static" / "css").glob("*.css"))
TOKENS = (ROOT / "static/css/tokens.css", ROOT / "static/css/paper-tokens.css")
SPRITE = ROOT / "static" / "vendor" / "tabler-icons" / "sprite.svg"


def test_the_vendored_files_are_those_of_the_manifest() -> None:
    checked = subprocess.run([sys.executable, ROOT / "script" / "vendor", "--check"], capture_output=True, text=True)

    assert checked.returncode == 0, checked.stderr


def test_a_changed_vendored_file_is_noticed(tmp_path: Path) -> None:
    for part in ("script/vendor", "static/vendor/manifest.json", "static/vendor/htmx/htmx.min.js"):
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / part).write_bytes((ROOT / part).read_bytes())
    (tmp_path / "static/vendor/htmx/htmx.min.js").write_text("alert(1)")

    checked = subprocess.run([sys.executable, tmp_path / "script/vendor", "--check"], capture_output=True, text=True)

    assert checked.returncode == 1
    assert "changed: htmx/htmx.min.js" in checked.stderr
    assert "missing: cytoscape/cytoscape.min.js" in checked.stderr


def test_the_sprite_holds_the_icons_in_use_and_no_other() -> None:
    held = set(re.findall(r'<symbol id="([^"]+)"', SPRITE.read_text(encoding="utf-8")))
    sources = [path.read_text(encoding="utf-8") for path in TEMPLATES]
    used = {name for text in sources for name in re.findall(r'_icon\.html" with name="([^"]+)"', text)}
    marks = (ROOT / "portal/marks.py").read_text(encoding="utf-8")
    used |= {
        first or second for first, second in re.findall(r'icon="([^"]+)"|^[A-Z]+ = "([a-z-]+)"', marks, re.MULTILINE)
    }

    assert held == used


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_inline_style_script_or_handler_and_no_foreign_address(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))
    assert not re.search(r'(?:src|href)="(?:https?:)?//', text)
    assert "hx-on" not in text
    assert "|safe" not in text
    assert "autoescape off" not in text


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_a_style_sheet_takes_its_colours_from_the_tokens(path: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)

    assert "!important" not in text
    assert "http" not in text
    if path not in TOKENS:
        assert not re.search(r"#[0-9a-fA-F]{3,8}\b|\b(?:rgb|hsl|oklab|oklch|lab|lch)a?\(", text)


def test_paper_has_the_light_colours_of_the_screen() -> None:
    screen, paper = (dict(re.findall(r"(--[a-z-]+): ([^;]+);", path.read_text(encoding="utf-8"))) for path in TOKENS)

    light = {name: value.removeprefix("light-dark(").partition(",")[0] for name, value in screen.items()}

    assert {name: light.get(name, value) for name, value in paper.items()} == paper
    assert len(light.keys() & paper.keys()) > 10
