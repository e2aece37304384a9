"""Answers as CSV, made as they are sent."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence

from django.http import StreamingHttpResponse

# A table opened in a spreadsheet must not run what a name says.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
BATCH_ROWS = 200


def response(columns: Sequence[str], rows: Iterable[Mapping[str, object]], *, name: str) -> StreamingHttpResponse:
    """A file of that name with a head and one line for each row; what a row does not have is left empty."""
    return StreamingHttpResponse(
        _lines(columns, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _lines(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> Iterator[str]:
    page = io.StringIO()
    writer = csv.DictWriter(page, columns, restval="")
    writer.writeheader()
    for number, row in enumerate(rows, start=1):
        writer.writerow({name: _cell(value) for name, value in row.items()})
        if number % BATCH_ROWS == 0:
            yield page.getvalue()
            page.seek(0)
            page.truncate()
    yield page.getvalue()


def _cell(value: object) -> object:
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
