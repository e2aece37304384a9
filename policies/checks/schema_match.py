"""The model is served with the columns that it was trained on."""

from typing import Annotated

import msgspec

from policies.checks.base import Check, Facts, Finding, Outcome, Parameters
from policies.checks.reasons import Reasons, listed

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]
# Words that mean the same in different systems. Widths are kept apart: what overflows in one does not in the other.
SAME_TYPES = (
    {"int", "integer", "int32", "int4"},
    {"bigint", "long", "int64"},
    {"smallint", "short", "int16", "int2"},
    {"float", "real", "float32", "float4"},
    {"double", "double precision", "float64", "float8"},
    {"string", "str", "text", "varchar", "character varying", "object"},
    {"bool", "boolean"},
    {"timestamp", "datetime", "timestamp without time zone", "datetime64[ns]"},
    {"timestamptz", "timestamp with time zone"},
)
CANONICAL = {word: min(words) for words in SAME_TYPES for word in words}


class Dataset(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A dataset by its names."""

    namespace: Name
    name: Name


class SchemaMatchParameters(Parameters, frozen=True, kw_only=True):
    """What is compared: the input `training` of the training run (needed if it has several), and `serving`.

    Without `serving` it is the one dataset that deployments of the model read. `not_served` are columns that only
    training has, such as the label. `types`: whether types must be the same too. `extra_columns`: whether serving may
    have columns that training does not know.
    """

    training: Name | None = None
    serving: Dataset | None = None
    not_served: list[Name] = []
    types: bool = True
    extra_columns: bool = True


class SchemaMatch(Check):
    """Serving has every column that training had, of the same type.

    Read is the standard facet `schema`: of the training data as it stood when the training ended, of the serving data
    as it stands now. Types are compared by their words; those that name the same in different systems are equal.
    """

    id = "schema-match"
    title = "Serving has the columns of training"
    remedy = (
        "Serve the columns that are named, or train without them. If a schema is not known, send the schema facet of "
        "the dataset, and name the serving data in the policy. Then ask again."
    )
    needs = ("schemas",)
    parameters = SchemaMatchParameters

    def judge(self, parameters: SchemaMatchParameters, facts: Facts) -> Finding:
        training, serving = facts.training_schema, facts.serving_schema
        if training is None or serving is None:
            which = "training" if training is None else "serving"
            return Finding(outcome=Outcome.UNKNOWN, summary=f"The schema of the {which} data is not known.")
        expected = {name: word for name, word in training.fields.items() if name not in parameters.not_served}
        missing = sorted(expected.keys() - serving.fields.keys())
        extra = sorted(serving.fields.keys() - training.fields.keys())
        shared = sorted(expected.keys() & serving.fields.keys())
        unlike = [name for name in shared if parameters.types and not alike(expected[name], serving.fields[name])]
        untyped = [name for name in shared if parameters.types and not (expected[name] and serving.fields[name])]
        reasons = Reasons()
        if missing:
            reasons.judge(False, f"not served: {listed(missing)}")
        if unlike:
            pairs = (f"{name} ({expected[name]} and {serving.fields[name]})" for name in unlike)
            reasons.judge(False, f"of another type: {listed(pairs)}")
        if extra and not parameters.extra_columns:
            reasons.judge(False, f"not known to training: {listed(extra)}")
        if untyped:
            reasons.judge(None, f"of no type that is known: {listed(untyped)}")
        if not expected:
            reasons.judge(None, "the training data has no columns to compare")
        reasons.judge(True, f"{serving.dataset} has all {len(expected)} columns of {training.dataset}")
        return Finding(
            outcome=reasons.outcome,
            summary=reasons.sentence,
            measured={"missing": missing, "other_type": unlike, "extra": extra},
            required={"columns": len(expected), "types": parameters.types, "extra_columns": parameters.extra_columns},
            evidence={"training": training.dataset, "serving": serving.dataset},
        )


def alike(one: str, other: str) -> bool:
    """Whether two words name the same type; what is not known is judged elsewhere."""
    if not one or not other:
        return True
    left, right = one.strip().lower(), other.strip().lower()
    return CANONICAL.get(left, left) == CANONICAL.get(right, right)
