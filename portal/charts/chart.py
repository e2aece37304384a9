"""What a page or a report shows of a chart."""

from dataclasses import dataclass

from django.utils.safestring import SafeString

from portal.charts import svg


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A drawing, what it says in words, and the same as a table, whose first column names the row."""

    title: str
    caption: str
    drawing: SafeString
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def printed(self) -> SafeString:
        return svg.for_print(self.drawing)
