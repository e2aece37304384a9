from pathlib import Path

from policies.management.commands import checks

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "checks.md"


def test_the_document_is_made_from_the_classes() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == checks.catalogue(), "Run: manage.py checks > docs/checks.md"
