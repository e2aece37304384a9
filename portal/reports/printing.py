"""Inside of a confined process: print the page `report.html` of the working folder as `report.pdf`.

Its arguments are the folder STATIC, then the names of attachments. This is the only module that knows the PDF library.
A page takes its style sheets and fonts from STATIC; anything else it refers to is refused.
"""

import gc
import logging
import sys
from pathlib import Path
from typing import Any

KINDS = {".css": "text/css", ".woff2": "font/woff2", ".svg": "image/svg+xml"}
MISSING = "the libraries of Pango are missing"


def main() -> None:
    static = Path(sys.argv[1]).resolve()
    logging.disable(logging.WARNING)
    # Rendering makes millions of small objects and hardly any garbage; the process ends right after.
    gc.disable()
    try:
        # Pango is a library of the system, which may not be there.
        from weasyprint import HTML, Attachment  # noqa: PLC0415
        from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse  # noqa: PLC0415
    except OSError as error:
        sys.exit(f"{MISSING}: {error}")

    class OurFilesOnly(URLFetcher):  # type: ignore[misc]  # the library has no types
        def fetch(self, url: str, headers: Any = None) -> Any:
            path = Path(url.removeprefix("file://").partition("?")[0]).resolve()
            if not url.startswith("file:///") or not path.is_relative_to(static):
                raise FatalURLFetchingError(f"A report may not refer to {url[:200]}.")
            kind = KINDS.get(path.suffix, "application/octet-stream")
            return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": kind})

    page = HTML(
        string=Path("report.html").read_text(encoding="utf-8"),
        base_url=f"{static.as_uri()}/",
        url_fetcher=OurFilesOnly(),
    )
    page.write_pdf(
        "report.pdf",
        pdf_variant="pdf/a-3a",
        attachments=[
            Attachment(string=Path(name).read_text(encoding="utf-8"), name=name, relationship="Data")
            for name in sys.argv[2:]
        ],
    )


if __name__ == "__main__":
    main()
