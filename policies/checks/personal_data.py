"""Personal data upstream is allowed, or masked."""

from typing import Annotated, Literal

import msgspec

from policies.checks.base import Check, Facts, Finding, Parameters
from policies.checks.facts import PersonalFact
from policies.checks.reasons import Reasons, listed

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]


class AllowedField(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A field that may be personal, with the reason for the record. Names are exact; no field is the whole dataset."""

    dataset: Name
    field: Annotated[str, msgspec.Meta(max_length=2_000)] = ""
    reason: Name


class PersonalDataParameters(Parameters, frozen=True, kw_only=True):
    """`tags` that mark a field as personal: a key, or `key=value`. `allowed`: fields that may be, each with its reason.

    `masked` and `indirect` say whether a field that is masked on every way to the model, or that only decides which
    rows there are, is allowed without being named. `untagged`: what it means when an input carries no tag of any kind.
    """

    tags: Annotated[list[Word], msgspec.Meta(min_length=1)] = msgspec.field(default_factory=lambda: ["pii"])
    allowed: list[AllowedField] = []
    masked: Literal["allowed", "refused"] = "allowed"
    indirect: Literal["allowed", "refused"] = "refused"
    untagged: Literal["unknown", "allowed"] = "unknown"


class PersonalData(Check):
    """Every field upstream that is tagged as personal is allowed by name, or masked on its way to the model.

    Tags come with the facet `tags` or from people; they are followed along the facet `columnLineage`, or from all
    columns to all where a run said nothing of columns, through the runs that were recorded. An input that carries no
    tag, not even one that says that nothing in it is personal, has been looked at by nobody: that is unknown.
    """

    id = "personal-data"
    title = "Personal data upstream is allowed or masked"
    remedy = (
        "Mask the fields that are named before they reach the training, or allow them in the policy with the reason. "
        "Have owners tag the inputs that carry no tag, if only to say that nothing is personal. Then ask again."
    )
    needs = ("personal_data",)
    parameters = PersonalDataParameters

    def judge(self, parameters: PersonalDataParameters, facts: Facts) -> Finding:
        known, reasons = facts.personal_data, Reasons()
        found = known.fields if known else []
        if known is None:
            reasons.judge(None, "No run that wrote this version is known, so neither is what is upstream")
        elif known.untagged and parameters.untagged == "unknown":
            reasons.judge(None, f"Nobody has tagged {listed(known.untagged)}")
        allowed = {(one.dataset, one.field) for one in parameters.allowed}
        refused = [
            fact
            for fact in found
            if (fact.dataset, fact.field) not in allowed
            and not (fact.is_masked and parameters.masked == "allowed")
            and not (fact.is_indirect and parameters.indirect == "allowed")
        ]
        if refused:
            reasons.judge(False, f"Personal and neither masked nor allowed: {listed(map(_named, refused))}")
        elif known is not None:
            passed = "is masked or allowed" if len(found) == 1 else "are masked or allowed"
            fields = f"{len(found)} personal {'field' if len(found) == 1 else 'fields'} upstream {passed}"
            reasons.judge(True, fields if found else f"No field upstream is tagged {', '.join(parameters.tags)}")
        return Finding(
            outcome=reasons.outcome,
            summary=reasons.sentence,
            measured={
                "personal": len(found),
                "refused": len(refused),
                "untagged": len(known.untagged) if known else None,
            },
            required={
                "tags": parameters.tags,
                "allowed": [_name(one.dataset, one.field) for one in parameters.allowed],
            },
            evidence=[fact.way for fact in found],
        )


def _named(fact: PersonalFact) -> str:
    return _name(fact.dataset, fact.field)


def _name(dataset: str, field: str) -> str:
    return f"{dataset}.{field}" if field else dataset
