"""Reports as PDF: archivable, tagged, with their data attached, and without reaching out."""

import pytest

from governance.confinement import Limits
from governance.errors import TooLarge
from portal.reports import pdf
from tests.portal import printed


@printed.needs_pango
def test_a_report_is_pdf_a_with_its_data_attached() -> None:
    found = pdf.render(
        "reports/frame.html", {"identity": "x"}, title="Größe <of> things", attachments={"data.json": {"a": 1}}
    )

    said = printed.unpacked(found)
    marks = (
        b"/MarkInfo",
        b"/EmbeddedFiles",
        b"/AFRelationship/Data",
        b"data.json",
        b"/OutputIntent",
        b"/StructTreeRoot",
    )
    assert found.startswith(b"%PDF-1.7")
    assert [mark for mark in marks if mark not in said.replace(b" ", b"")] == []
    assert b'pdfaid:part="3"' in said or b"<pdfaid:part>3<" in said
    assert b"Inter-Latin" in said


def test_a_report_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    short = Limits(memory_mib=2_048, cpu_s=60, wall_s=0.001)
    monkeypatch.setattr(pdf, "LIMITS", short)

    with pytest.raises(TooLarge, match="too long to print"):
        pdf.render("reports/frame.html", {"identity": "x"}, title="Short of time")
