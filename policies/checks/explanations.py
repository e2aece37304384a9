"""The features that may move a model's answers do, and others do not."""

import math
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any

import msgspec

from policies.checks.base import Check, Facts, Finding, Outcome, Parameters
from policies.checks.facts import AttributionsFact
from policies.explanations import judging
from policies.explanations.attributions import (
    PARTS,
    Asked,
    Attributions,
    Computed,
    EvidenceName,
    Feature,
    FeatureName,
    Sent,
)
from policies.explanations.formats import Format

# A sentence names so many features.
NAMED = 5
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Correlation = Annotated[float, msgspec.Meta(ge=-1, le=1)]
Patterns = Annotated[list[FeatureName], msgspec.Meta(max_length=1_000)]
Part = tuple[Outcome, str]


class ExplanationsParameters(Parameters, frozen=True, kw_only=True):
    """Whose attributions (SHAP values), and what must hold of them.

    Either `attributions` names a table that the pipeline sent: a column for each feature, named after it behind
    `prefix`; the feature's own value behind `value_prefix`, if at all; the columns `base_value` and `output`; and one
    of the seeds (`seed_column`) if attributions were computed more than once. Or `model` and `data` name a model's file
    (ONNX, XGBoost's JSON or UBJ, LightGBM's text) and a table with its features, and a worker computes them on `sample`
    rows, `seeds` times with other rows; `features` are the columns in the model's order where its file does not name
    them, `output_index` says which of several outputs, `background` how many rows an ONNX model is compared with.

    `additivity_tolerance` is how far base value and attributions together may miss the output, in units of the root
    mean square of what they explain; null does not ask. `protected`, `proxies` and `forbidden` name features, `*` in
    them stands for anything. A share is that of the mean size of attributions. `minimum_agreement` is the rank
    correlation with the version in production, `minimum_stability` the smallest one between two seeds. The features in
    `top_includes` have to be among the `top` ones.
    """

    attributions: EvidenceName | None = None
    model: EvidenceName | None = None
    data: EvidenceName | None = None
    format: Format | None = None
    features: Annotated[list[FeatureName], msgspec.Meta(min_length=1, max_length=1_000)] | None = None
    prefix: Annotated[str, msgspec.Meta(max_length=100)] = "shap_"
    value_prefix: Annotated[str, msgspec.Meta(max_length=100)] = ""
    base_value: FeatureName = "base_value"
    output: FeatureName = "output"
    seed_column: FeatureName | None = None
    output_index: Annotated[int, msgspec.Meta(ge=0, le=10_000)] | None = None
    sample: Annotated[int, msgspec.Meta(ge=10, le=10_000)] = 1_000
    background: Annotated[int, msgspec.Meta(ge=1, le=500)] = 32
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**31)] = 0
    seeds: Annotated[int, msgspec.Meta(ge=1, le=5)] = 1
    additivity_tolerance: Share | None = 0.01
    protected: Patterns = []
    maximum_protected_share: Share | None = None
    proxies: Patterns = []
    maximum_proxy_share: Share | None = None
    forbidden: Patterns = []
    minimum_agreement: Correlation | None = None
    minimum_stability: Correlation | None = None
    top: Annotated[int, msgspec.Meta(ge=1, le=100)] = 10
    top_includes: Patterns = []

    @property
    def asked(self) -> Asked:
        """What to measure. What it is judged by is no part of it."""
        if self.attributions is not None:
            return Sent(
                attributions=self.attributions,
                features=self.features,
                prefix=self.prefix,
                value_prefix=self.value_prefix,
                base_value=self.base_value,
                output=self.output,
                seed=self.seed_column,
            )
        if self.model is None or self.data is None:
            raise ValueError("A rule on explanations that names no files is refused when it is published.")
        return Computed(
            model=self.model,
            data=self.data,
            format=self.format,
            features=self.features,
            output_index=self.output_index,
            sample=self.sample,
            background=self.background,
            seed=self.seed,
            seeds=self.seeds,
        )


class Explanations(Check):
    """Attributions of the model's answers to its features are there, add up, and lie where they may.

    They are the pipeline's own or computed by a worker from the model's file, in a process with bounds; a file that
    could run code when it is loaded is refused unopened. A share is judged by the mean size of attributions over the
    rows. What was not sent, cannot be read or takes too much is unknown, as is an agreement with a version in
    production whose attributions are not known; without any version in production that part does not apply.
    """

    id = "explanations"
    title = "The model decides for reasons it may have"
    remedy = (
        "Take the features that are named out of the training data or lessen what they decide, or send attributions "
        "that belong to this version, then ask again."
    )
    needs = ("attributions",)
    parameters = ExplanationsParameters
    is_slow = True

    def judge(self, parameters: ExplanationsParameters, facts: Facts) -> Finding:
        required = _required(parameters)
        fact = next((fact for fact in facts.attributions if fact.asked == parameters.asked), None)
        if fact is None or fact.found is None:
            return Finding(outcome=Outcome.UNKNOWN, summary=_absence(parameters, fact), required=required)
        found = fact.found
        agreement, stability = _agreement(facts, found), judging.stability(found)
        parts = [
            *_additivity(parameters, found),
            *_shares(parameters, found),
            *_forbidden(parameters, found),
            *_top(parameters, found),
            *_agrees(parameters, facts, agreement),
            *_is_stable(parameters, found, stability),
        ]
        return Finding(
            outcome=_outcome(parts),
            summary=_said(parts, found),
            measured=_document(parameters, found, agreement, stability),
            required=required,
            evidence={
                "digests": fact.digests,
                "rows": found.rows,
                "method": found.method or "sent by the pipeline",
                "libraries": found.libraries,
                "enforced": found.enforced,
                "production_version": facts.production_version,
            },
        )

    def problem(self, parameters: ExplanationsParameters) -> str:
        if (parameters.attributions is None) == (parameters.model is None):
            return "say attributions, or model and data"
        if (parameters.model is None) != (parameters.data is None):
            return "model and data go together"
        for patterns, share in (("protected", "maximum_protected_share"), ("proxies", "maximum_proxy_share")):
            if bool(getattr(parameters, patterns)) != (getattr(parameters, share) is not None):
                return f"{patterns} and {share} go together"
        if parameters.minimum_stability is not None:
            if parameters.model is not None and parameters.seeds < 2:
                return "minimum_stability needs seeds of 2 or more"
            if parameters.attributions is not None and parameters.seed_column is None:
                return "minimum_stability needs seed_column"
        return ""


def _required(parameters: ExplanationsParameters) -> dict[str, Any]:
    names = (
        "additivity_tolerance",
        "maximum_protected_share",
        "maximum_proxy_share",
        "forbidden",
        "top_includes",
        "minimum_agreement",
        "minimum_stability",
    )
    return {name: value for name in names if (value := getattr(parameters, name)) not in (None, [])}


def _absence(parameters: ExplanationsParameters, fact: AttributionsFact | None) -> str:
    what = (
        f"The attributions {parameters.attributions!r}"
        if parameters.attributions is not None
        else f"Attributions of the model {parameters.model!r}"
    )
    return f"{what} {'cannot be had: ' + fact.problem if fact else 'are not available.'}"


def _agreement(facts: Facts, found: Attributions) -> float:
    other = facts.production_attributions
    return math.nan if other is None or other.found is None else judging.agreement(found, other.found)


def _additivity(parameters: ExplanationsParameters, found: Attributions) -> Iterator[Part]:
    tolerance = parameters.additivity_tolerance
    if tolerance is None:
        return
    if found.additivity is None:
        columns = f"{parameters.base_value!r} and {parameters.output!r}"
        yield Outcome.UNKNOWN, f"the table lacks {columns}, so whether attributions add up cannot be told"
    elif found.additivity.ratio > tolerance:
        yield Outcome.FAIL, f"attributions miss the output by {found.additivity.ratio:.3g}, more than {tolerance:g}"
    else:
        yield Outcome.PASS, f"attributions add up to the output (error {found.additivity.ratio:.1e})"


def _shares(parameters: ExplanationsParameters, found: Attributions) -> Iterator[Part]:
    for words, patterns, maximum in (
        ("protected features", parameters.protected, parameters.maximum_protected_share),
        ("proxies", parameters.proxies, parameters.maximum_proxy_share),
    ):
        if maximum is None:
            continue
        concerned = _matching(found.features, patterns)
        share = sum(map(found.share, concerned))
        # A hair more is the rounding of sums, not a share.
        if share > maximum and not math.isclose(share, maximum, rel_tol=1e-9):
            yield (
                Outcome.FAIL,
                f"{words} ({_names(concerned)}) have {share:.1%} of the attribution, above {maximum:.4g}",
            )
        else:
            yield Outcome.PASS, f"{words} have {share:.1%} of it"


def _forbidden(parameters: ExplanationsParameters, found: Attributions) -> Iterator[Part]:
    if not parameters.forbidden:
        return
    used = [feature for feature in _matching(found.features, parameters.forbidden) if feature.mean_absolute > 0]
    if used:
        yield Outcome.FAIL, f"forbidden features move the answers: {_names(used)}"
    else:
        yield Outcome.PASS, "no forbidden feature moves the answers"


def _top(parameters: ExplanationsParameters, found: Attributions) -> Iterator[Part]:
    if not parameters.top_includes:
        return
    top = {feature.name for feature in found.features[: parameters.top]}
    absent = [name for name in parameters.top_includes if not any(fnmatchcase(one, name) for one in top)]
    if absent:
        yield Outcome.FAIL, f"not among the top {parameters.top}: {_listed(absent)}"
    else:
        yield Outcome.PASS, f"the top {parameters.top} include what they should"


def _agrees(parameters: ExplanationsParameters, facts: Facts, agreement: float) -> Iterator[Part]:
    minimum = parameters.minimum_agreement
    if minimum is None or facts.production_version is None:
        return
    version = facts.production_version
    if math.isnan(agreement):
        other = facts.production_attributions
        why = f": {other.problem.rstrip('.')}" if other and other.problem else ""
        yield Outcome.UNKNOWN, f"agreement with the version in production ({version}) cannot be told{why}"
    elif agreement < minimum:
        yield Outcome.FAIL, f"rank correlation with production ({version}) is {agreement:.2f}, below {minimum:g}"
    else:
        yield Outcome.PASS, f"rank correlation with production ({version}) is {agreement:.2f}"


def _is_stable(parameters: ExplanationsParameters, found: Attributions, stability: float) -> Iterator[Part]:
    minimum = parameters.minimum_stability
    if minimum is None:
        return
    if math.isnan(stability):
        yield Outcome.UNKNOWN, f"stability cannot be told from {len(found.by_seed)} seed(s)"
    elif stability < minimum:
        yield Outcome.FAIL, f"rank correlation between seeds falls to {stability:.2f}, below {minimum:g}"
    else:
        yield Outcome.PASS, f"rank correlation between seeds is {stability:.2f} or more"


def _outcome(parts: Sequence[Part]) -> Outcome:
    """Without anything asked, that attributions are there is what passes."""
    outcomes = {outcome for outcome, _ in parts}
    return next((worst for worst in (Outcome.FAIL, Outcome.UNKNOWN) if worst in outcomes), Outcome.PASS)


def _said(parts: Sequence[Part], found: Attributions) -> str:
    """What does not hold is told alone, the rest otherwise."""
    outcome = _outcome(parts)
    words = [said for one, said in parts if one is not Outcome.PASS or outcome is Outcome.PASS]
    sentence = "; ".join(words) or f"there are attributions of {len(found.features)} features"
    return f"{sentence[0].upper()}{sentence[1:]} ({found.rows:,} rows)."


def _document(
    parameters: ExplanationsParameters, found: Attributions, agreement: float, stability: float
) -> dict[str, Any]:
    """What was measured, for charts and machines. What is not a number is None: JSON has no word for it."""
    return {
        "additivity_error": found.additivity.ratio if found.additivity else None,
        "protected_share": _share(found, parameters.protected),
        "proxy_share": _share(found, parameters.proxies),
        "agreement": None if math.isnan(agreement) else agreement,
        "stability": None if math.isnan(stability) else stability,
        "top": [feature.name for feature in found.features[: parameters.top]],
        "rows": found.rows,
        "features": [
            {
                "feature": feature.name,
                "mean_absolute": feature.mean_absolute,
                "mean": feature.mean,
                "share": found.share(feature),
                "roles": [role for role in ("protected", "proxies", "forbidden") if _has(parameters, role, feature)],
                "spread": feature.spread,
            }
            for feature in found.features
        ],
        "lowest": found.lowest,
        "highest": found.highest,
        "parts": PARTS,
    }


def _share(found: Attributions, patterns: Sequence[str]) -> float | None:
    return sum(map(found.share, _matching(found.features, patterns))) if patterns else None


def _has(parameters: ExplanationsParameters, role: str, feature: Feature) -> bool:
    return bool(_matching([feature], getattr(parameters, role)))


def _matching(features: Sequence[Feature], patterns: Sequence[str]) -> list[Feature]:
    """Shell patterns on the name; case matters. A name that holds a bracket matches itself as well."""
    return [
        feature
        for feature in features
        if any(feature.name == pattern or fnmatchcase(feature.name, pattern) for pattern in patterns)
    ]


def _names(features: Sequence[Feature]) -> str:
    return _listed([feature.name for feature in features])


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"
