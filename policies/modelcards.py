"""Model cards, from our own facet or from the headings of a text in Markdown. Pure."""

import re

from lineage.facetschemas import ModelCard

# Section to the words that headings use for it; the first that fits counts.
HEADINGS: dict[str, re.Pattern[str]] = {
    "out_of_scope_use": re.compile(r"out[- ]of[- ]scope|not (?:intended|suitable)|misuse", re.I),
    "intended_use": re.compile(r"intended|purpose|direct use|^uses?$|use[- ]cases?", re.I),
    "users": re.compile(r"\busers\b|audience", re.I),
    "factors": re.compile(r"factors|groups", re.I),
    "training_data": re.compile(r"training[- ]data", re.I),
    "evaluation_data": re.compile(r"(?:evaluation|test(?:ing)?)[- ]data", re.I),
    "ethical_considerations": re.compile(r"ethic|bias|fairness", re.I),
    "limitations": re.compile(r"limit", re.I),
    "caveats": re.compile(r"caveat|recommendation", re.I),
    "contact": re.compile(r"contact", re.I),
}
_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.+?)[ \t#]*$", re.M)
_COMMENT = re.compile(r"<!--.*?-->", re.S)
MAX_CHARS = 100_000


def sections(card: ModelCard) -> dict[str, str]:
    """The texts of a facet, by section; what is empty is left out."""
    found = {}
    for name in HEADINGS:
        said = getattr(card, name)
        text = said if isinstance(said, str) else "\n".join(said)
        if text.strip():
            found[name] = text.strip()
    return found


def read(markdown: str) -> dict[str, str]:
    """The texts below the headings that name a section. The first of two that name the same counts."""
    text = _COMMENT.sub("", markdown[:MAX_CHARS])
    headings = list(_HEADING.finditer(text))
    found: dict[str, str] = {}
    for place, heading in enumerate(headings):
        section = next((name for name, words in HEADINGS.items() if words.search(heading[2])), None)
        if section is None or section in found:
            continue
        level = len(heading[1])
        # Headings below this one belong to its text.
        after = (later.start() for later in headings[place + 1 :] if len(later[1]) <= level)
        body = _HEADING.sub(r"\2", text[heading.end() : next(after, len(text))]).strip()
        if body:
            found[section] = body
    return found
