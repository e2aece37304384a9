"""Sentences of the code's own documentation, as pages show them."""

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

register = template.Library()
_MARKDOWN = MarkdownIt("commonmark", {"html": False})


@register.filter
def prose(text: str) -> SafeString:
    """A sentence in which what stands in backquotes is code. Everything is escaped."""
    parts = text.split("`")
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if place % 2 else part,) for place, part in enumerate(parts))
    )


@register.filter
def instructions(text: str) -> SafeString:
    """Markdown of our own code. Raw HTML in it stays text. What may be wider than its box is reached by keyboards."""
    rendered: str = _MARKDOWN.render(text).replace("<pre>", '<pre tabindex="0">')
    return mark_safe(rendered)  # noqa: S308 - the renderer escapes what is HTML
