"""Filters for the pages of maturity."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from portal import marks
from portal.maturity import words
from portal.maturity.grid import Cell

register = template.Library()


@register.filter
def result_mark(result: Mapping[str, Any]) -> marks.Mark:
    """The mark of a stored result."""
    return words.mark_of(result)


@register.filter
def status_mark(status: str) -> marks.Mark:
    """The mark of a status, or of the points of a test."""
    return marks.mark(words.STATUSES, status)


@register.filter
def status_word(status: str) -> str:
    """A status in a sentence, or the points of a test as they are."""
    return words.STATUSES[status].word.lower() if status in words.STATUSES else status


@register.filter
def item_mark(state: str) -> marks.Mark:
    return marks.mark(words.ITEM_STATES, state)


@register.filter
def standing_mark(word: str) -> marks.Mark:
    return marks.mark(words.STANDINGS, word)


@register.filter
def outcome_of(word: str) -> marks.Mark:
    return marks.mark(words.OUTCOMES, word)


@register.filter
def release_mark(is_failed: bool | None) -> marks.Mark:
    """Whether a release failed; None while nobody tells."""
    return words.RELEASES[is_failed]


@register.filter
def band_mark(band: str) -> marks.Mark:
    return marks.mark(words.BANDS, band)


@register.filter
def band_word(band: str) -> str:
    return words.BANDS[band].word


@register.filter
def criterion_title(criterion: str) -> str:
    return words.title(criterion)


@register.filter
def extent_words(extent: str) -> str:
    return words.EXTENTS.get(extent, extent)


@register.filter
def proof_words(proof: str) -> str:
    return words.PROOFS.get(proof, proof)


@register.filter
def last_word(title: str) -> str:
    return words.last(title)


@register.filter
def gain(value: float) -> str:
    return words.signed(value)


@register.filter
def share(value: float | None) -> str:
    """A number of items, a share or a median as it is stored, short."""
    return "unbounded" if value is None else f"{value:.4g}"


@register.filter
def within(address: str, query: str | None) -> str:
    """The address with more of a query, before its fragment."""
    if not query:
        return address
    path, mark, fragment = address.partition("#")
    return f"{path}{'&' if '?' in path else '?'}{query}{mark}{fragment}"


@register.filter
def drawn(cell: Cell, along: str | None) -> SafeString:
    """A cell of the portfolio. Written here because there are thousands on a page, and a template takes its time."""
    kind = "grid-cell"
    kind += f" grid-cell--{cell.tone}" if cell.tone != "plain" else ""
    kind += f" grid-cell--heat-{cell.heat}" if cell.heat else ""
    kind += " grid-cell--may" if cell.is_unknown else ""
    kind += " grid-cell--provisional" if cell.is_provisional else ""
    kind += f" portfolio__{cell.place}" if cell.place else ""
    text, said = str(escape(cell.text)), ""
    if cell.words:
        told = escape(cell.words)
        said = f' title="{told}"' + (f' aria-label="{told}"' if cell.is_drawn else "")
    if cell.target:
        text += f'<span class="grid-cell__target">/{escape(cell.target)}</span>'
    if cell.shape:
        text += _icon(cell.shape)
    href = escape(within(cell.href, along))
    return mark_safe(f'<td class="{kind}"><a href="{href}"{said}>{text}</a></td>')  # noqa: S308 - all parts are escaped


@lru_cache(maxsize=32)
def _icon(name: str) -> str:
    return render_to_string("components/_icon.html", {"name": name}).strip()


@register.filter
def tile_facts(tile: Any) -> str:
    return words.tile_facts(tile)
