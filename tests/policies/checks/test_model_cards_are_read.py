"""Model cards: the sections of our facet, and the headings of a text in Markdown."""

import pytest

from lineage.facetschemas import ModelCard
from policies import modelcards

CARD = """\
# Credit risk

A model of loans.

## Intended use

Ranks applications.

### Primary users

Clerks.

## Out-of-scope use

Businesses.

## Limitations and risks
<!-- ask the owner -->
Not tested below 21.

## Training data
"""


def test_headings_name_the_sections() -> None:
    assert modelcards.read(CARD) == {
        "intended_use": "Ranks applications.\n\nPrimary users\n\nClerks.",
        "users": "Clerks.",
        "out_of_scope_use": "Businesses.",
        "limitations": "Not tested below 21.",
    }


@pytest.mark.parametrize("text", ["", "No heading at all.", "# Credit\n\nText.", "## Intended use\n\n<!-- later -->\n"])
def test_what_says_nothing_has_no_section(text: str) -> None:
    assert modelcards.read(text) == {}


def test_texts_and_lists_of_the_facet() -> None:
    card = ModelCard(intended_use="Ranks.", limitations=["One.", "Two."], caveats="  ")

    assert modelcards.sections(card) == {"intended_use": "Ranks.", "limitations": "One.\nTwo."}
