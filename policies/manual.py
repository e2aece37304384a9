"""What the catalogue tells of each check, made from its class, its parameters and its case file. Pure.

The page, the API and docs/checks.md all show this, so that none of them can tell something else than the code does.
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from policies import checks
from policies.checks.base import Check, Facts, Outcome
from policies.checks.catalogue import CHECKS

CASES = Path(checks.__file__).parent / "cases"
# What a check reads, by the name in `needs`, and where it comes from.
FACTS: Mapping[str, str] = {
    "now": "the time of the check",
    "subject": "the names, stage, owners' teams, tier, tags and data classes of the model",
    "owners": "the model's owners now",
    "measurements": "the newest measurement of the metric for this version (facet `assay_modelMetrics`)",
    "production": "the version that passed into the stage last, and its measurements",
    "production_version": "the version that passed into the stage last",
    "baseline": "the measurements of the model that is named as baseline",
    "runs": "the runs that wrote this version, with their commits and inputs",
    "promotion_commit": "the commit that the promotion names",
    "evaluations": "the evidence, counted by groups",
    "attributions": "the attributions that were sent or computed from the model file",
    "card": "the model card (facet `assay_modelCard`, else `documentation`)",
    "recipe": (
        "commit, environment, parameters, seed and pinned inputs of the newest run (facets `sourceCodeLocation`, "
        "`assay_environment`, `assay_trainingParameters`, `version`), and other runs from the same"
    ),
    "quality": "assertions on the versions that the training read (facets `dataQualityAssertions` and `test`)",
    "schemas": "the columns of training and serving data (facet `schema`)",
    "distributions": "both files of evidence, counted by column, or the facet `assay_dataProfile` of both sides",
    "tests": "test results of this version (facets `assay_testResults` and `test`)",
    "load_tests": "load tests of this version (facet `assay_loadTest`)",
    "canaries": "canaries of this version (facet `assay_canary`)",
    "fallback": "what takes over when the model has to go (facet `assay_rollback`)",
    "licences": "licences of inputs, code and model (facet `assay_license`)",
    "personal_data": "tags of the fields upstream, and the way they took (facets `tags` and `columnLineage`)",
    "maturity": "the proven levels of the teams that own the model",
    "contracts": (
        "contracts of the datasets upstream (facet `assay_contract`), and what was observed of them last (facets "
        "`schema` and `dataQualityAssertions`, and when they were written)"
    ),
    "approvals": "what people said to the promotion, which roles they hold, and who made the version",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One thing to set. `type` and `default` as people read them."""

    name: str
    type: str
    default: str
    is_required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case of the file: what a rule says, and what comes of facts that its name describes."""

    name: str
    rule: str
    outcome: Outcome
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Everything that is told of one check. Texts are in Markdown's inline code at most."""

    id: str
    title: str
    question: str
    about: Sequence[str]
    about_parameters: Sequence[str]
    parameters: Sequence[Parameter]
    facts: Sequence[str]
    remedy: str
    example: str
    cases: Sequence[Case]

    def matches(self, text: str) -> bool:
        """Whether every word of the text is somewhere in the page, whatever its case."""
        told = [self.id, self.title, self.question, *self.about, self.remedy, *self.facts]
        told += [parameter.name for parameter in self.parameters]
        said = " ".join(told).lower()
        return all(word in said for word in text.lower().split())


@cache
def pages() -> tuple[Page, ...]:
    """Every check, by its id."""
    return tuple(_page(CHECKS[check_id]) for check_id in sorted(CHECKS))


def page(check_id: str) -> Page | None:
    return next((one for one in pages() if one.id == check_id), None)


def search(text: str) -> list[Page]:
    return [one for one in pages() if one.matches(text)]


def cases(check_id: str) -> list[dict[str, Any]]:
    """The case file as it is written."""
    loaded: list[dict[str, Any]] = yaml.safe_load((CASES / f"{check_id}.yaml").read_text(encoding="utf-8"))
    return loaded


def schema(check: Check) -> dict[str, Any]:
    """The JSON Schema of the check's parameters."""
    (found,), components = msgspec.json.schema_components([check.parameters], ref_template="#/$defs/{name}")
    definitions = {name: body for name, body in components.items() if name != check.parameters.__name__}
    own = dict(components.get(check.parameters.__name__, found))
    return own | ({"$defs": definitions} if definitions else {})


def _page(check: Check) -> Page:
    about = _paragraphs(type(check).__doc__)
    written = cases(check.id)
    return Page(
        id=check.id,
        title=check.title,
        question=about[0],
        about=about[1:],
        about_parameters=_paragraphs(check.parameters.__doc__),
        parameters=[_parameter(field) for field in msgspec.structs.fields(check.parameters)],
        facts=[FACTS[need] for need in check.needs],
        remedy=check.remedy,
        example=_rule(check, next(case["parameters"] for case in written if case["outcome"] == Outcome.PASS)),
        cases=[
            Case(
                name=case["name"],
                rule=_rule(check, case["parameters"]),
                outcome=Outcome(case["outcome"]),
                summary=_found(check, case),
            )
            for case in written
        ],
    )


def _found(check: Check, case: dict[str, Any]) -> str:
    """What the check says of the facts of a case."""
    parameters = msgspec.convert(case["parameters"], check.parameters)
    return check.judge(parameters, msgspec.convert(case["facts"], Facts)).summary


def _rule(check: Check, parameters: dict[str, Any]) -> str:
    """A rule as it stands in a policy."""
    return yaml.dump(
        [{"check": check.id, **parameters}], Dumper=_WithoutAliases, sort_keys=False, width=100, allow_unicode=True
    )


def _paragraphs(docstring: str | None) -> list[str]:
    """The paragraphs with their lines joined."""
    return [" ".join(part.split()) for part in inspect.cleandoc(docstring or "").split("\n\n") if part.strip()]


def _parameter(field: msgspec.structs.FieldInfo) -> Parameter:
    return Parameter(
        name=field.encode_name, type=_type(field.type), default=_default(field), is_required=field.required
    )


def _type(kind: Any) -> str:
    """A type as people read it, from its JSON Schema."""
    (found,), components = msgspec.json.schema_components([kind], ref_template="{name}")
    choices = [one for one in found.get("anyOf", [found]) if one.get("type") != "null"]
    return " or ".join(_words(one, components) for one in choices)


def _words(said: dict[str, Any], components: dict[str, Any]) -> str:
    if "$ref" in said:
        return _words(components[said["$ref"]], components)
    if parts := said.get("properties"):
        return "{" + ", ".join(f"{name}: {_words_of_any(part, components)}" for name, part in parts.items()) + "}"
    if "enum" in said:
        return ", ".join(f"`{word}`" for word in said["enum"])
    if said.get("type") == "array":
        return f"list of {_words_of_any(said['items'], components)}"
    if said.get("type") == "object" and isinstance(said.get("additionalProperties"), dict):
        return f"names with {_words_of_any(said['additionalProperties'], components)}"
    return f"{said.get('type', 'anything')}{_bounds(said)}"


def _words_of_any(said: dict[str, Any], components: dict[str, Any]) -> str:
    choices = [one for one in said.get("anyOf", [said]) if one.get("type") != "null"]
    return " or ".join(_words(one, components) for one in choices)


def _bounds(said: dict[str, Any]) -> str:
    words = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    found = [f"{word} {_number(said[name])}" for name, word in words.items() if name in said]
    return f" ({', '.join(found)})" if found else ""


def _number(bound: float) -> str:
    return f"{bound:,}" if isinstance(bound, int) else f"{bound:g}"


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return ""
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    return "" if value in (None, "", [], {}) else yaml.dump(value, default_flow_style=True, width=1_000).split("\n")[0]


class _WithoutAliases(yaml.SafeDumper):
    """Documents of policies take none."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
