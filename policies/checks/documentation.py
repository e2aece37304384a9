"""It is written down what the model is for."""

import re
from typing import Annotated, Literal

import msgspec

from policies.checks.base import Check, Facts, Finding, Outcome, Parameters
from policies.checks.reasons import listed

Section = Literal[
    "intended_use",
    "out_of_scope_use",
    "users",
    "factors",
    "limitations",
    "training_data",
    "evaluation_data",
    "ethical_considerations",
    "caveats",
    "contact",
]
# What people write to get past a form.
PLACEHOLDER = re.compile(
    r"\W*(?:to ?do|tb[ad]|to be (?:done|defined|written)|fixme|n/?a|none|null|xxx+|lorem ipsum.*)\W*", re.I
)


class DocumentationParameters(Parameters, frozen=True, kw_only=True):
    """Which `sections` of the model card must be written, each of `minimum_length` characters at least."""

    sections: Annotated[list[Section], msgspec.Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: ["intended_use", "limitations"]
    )
    minimum_length: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 20


class Documentation(Check):
    """The model card has the sections that the policy names, and they say something.

    Read is the facet `assay_modelCard` of the version, or of the model as a whole; without one the headings of the
    standard facet `documentation`. Without either nobody knows. Placeholders such as "TODO" say nothing.
    """

    id = "documentation"
    title = "It is written down what the model is for"
    remedy = (
        "Send the facet assay_modelCard with the model version, or a documentation facet in Markdown with headings "
        "such as 'Intended use' and 'Limitations', then ask again."
    )
    needs = ("card",)
    parameters = DocumentationParameters

    def judge(self, parameters: DocumentationParameters, facts: Facts) -> Finding:
        required = parameters.sections
        if facts.card is None:
            return Finding(
                outcome=Outcome.UNKNOWN, summary="The model has no model card or documentation.", required=required
            )
        written = facts.card.sections
        missing = [section for section in required if not self._says_something(written.get(section, ""), parameters)]
        words = listed(section.replace("_", " ") for section in missing)
        return Finding(
            outcome=Outcome.FAIL if missing else Outcome.PASS,
            summary=f"Not written: {words}." if missing else "Every section is written.",
            measured={section: len(text) for section, text in written.items() if text},
            required=required,
            evidence={"facet": facts.card.source},
        )

    def problem(self, parameters: DocumentationParameters) -> str:
        return "sections names one twice" if len(set(parameters.sections)) < len(parameters.sections) else ""

    def _says_something(self, text: str, parameters: DocumentationParameters) -> bool:
        said = " ".join(text.split())
        return len(said) >= parameters.minimum_length and PLACEHOLDER.fullmatch(said) is None
