"""Facts from what facets said: model cards, tests, load tests, canaries, assertions on data, licences."""

from collections.abc import Iterator
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from lineage import evidence, facetschemas, identity, remarks, selectors
from lineage.facetschemas import (
    Assertions,
    Canary,
    Form,
    License,
    LoadTest,
    ModelCard,
    Rollback,
    Tests,
)
from lineage.facetschemas import TestResults as Results
from lineage.remarks import Remark, Scope
from policies import modelcards
from policies.checks.facts import (
    AssertionFact,
    CanaryFact,
    CardFact,
    FallbackFact,
    InputFact,
    LicenceFact,
    LoadFact,
    QualityFact,
    TestFact,
)
from policies.models import Promotion

Read = TypeVar("Read", bound=Form)
MOST = 20
# The category of a result that cannot be read: it may be of any.
ANY = "*"
FORMS = {**facetschemas.OF_DATASETS, **facetschemas.OF_RUNS}
OUTCOMES = {"pass": "passed", "fail": "failed", "skip": "skipped"}


def card(promotion: Promotion) -> CardFact | None:
    """What was said of the version, else of the model as a whole, else the model's documentation."""
    said = remarks.of_version(promotion.model_version, [facetschemas.MODEL_CARD])
    for remark in sorted(said, key=lambda one: one.scope is not Scope.VERSION):
        if remark.is_contradicted:
            return None
        if (facet := facetschemas.read(ModelCard, remark.body)) is not None:
            return CardFact(source=remark.key, sections=modelcards.sections(facet))
    facets = {facet.key: facet.value for facet in selectors.facets(selectors.asset(promotion.model))}
    if (facet := facetschemas.read(ModelCard, facets.get(facetschemas.MODEL_CARD))) is not None:
        return CardFact(source=facetschemas.MODEL_CARD, sections=modelcards.sections(facet))
    documentation = facets.get("documentation")
    text = documentation.get("description") if isinstance(documentation, dict) else None
    return CardFact(source="documentation", sections=modelcards.read(text)) if isinstance(text, str) else None


def tests(promotion: Promotion) -> list[TestFact]:
    """The newest result of each test; unnamed ones of a category count with the newest facet that has some.

    Of a test that two names of the version tell of at one instant each result counts.
    """
    found: dict[tuple[str, str], tuple[Remark, list[TestFact]]] = {}
    said = _of_version(promotion, facetschemas.TEST_RESULTS, facetschemas.TEST)
    if (bad := _unreadable(said)) is not None:
        at = bad.said_at.isoformat()
        return [TestFact(category=ANY, name=bad.key, outcome="unreadable", is_blocking=True, performed_at=at)]
    for remark in said:
        for fact in _tests(remark):
            told, facts = found.setdefault((fact.category, fact.name), (remark, []))
            if told is remark or (remark.is_contradicted and told.said_at == remark.said_at):
                facts.append(fact)
    return [fact for _, facts in found.values() for fact in facts]


def load_tests(promotion: Promotion) -> list[LoadFact]:
    """The newest first."""
    return [
        LoadFact(
            requests=facet.requests,
            errors=facet.errors,
            latency_ms=facet.latency_ms,
            requests_per_second=facet.requests_per_second,
            environment=facet.environment,
            performed_at=(facet.performed_at or remark.said_at).isoformat(),
        )
        for remark, facet in _read(LoadTest, _of_version(promotion, facetschemas.LOAD_TEST))
    ]


def canaries(promotion: Promotion) -> list[CanaryFact]:
    """The newest first."""
    return [
        CanaryFact(
            outcome=facet.outcome,
            deployment=facet.deployment,
            traffic=facet.traffic,
            requests=facet.requests,
            errors=facet.errors,
            hours=_hours(facet.started_at, facet.ended_at),
            metrics={metric.name: (metric.canary, metric.baseline) for metric in facet.metrics},
            ended_at=(facet.ended_at or remark.said_at).isoformat(),
        )
        for remark, facet in _read(Canary, _of_version(promotion, facetschemas.CANARY))
    ]


def fallback(promotion: Promotion) -> FallbackFact | None:
    said = remarks.of_version(promotion.model_version, [facetschemas.ROLLBACK])
    for _, facet in _read(Rollback, said):
        tested = facet.tested_at.isoformat() if facet.tested_at else None
        return FallbackFact(description=facet.fallback, tested_at=tested)
    return None


def quality(promotion: Promotion) -> list[QualityFact]:
    """What was asserted of each input of the newest run that wrote the version."""
    return [_quality(one) for one in inputs(promotion)]


def licences(promotion: Promotion) -> list[LicenceFact]:
    """Of the inputs and the job of the newest run that wrote the version, and of the version itself."""
    found = [
        LicenceFact(what="data", name=one.name, expression=_licence(one.asset, _version(one)))
        for one in inputs(promotion)
    ]
    for run in evidence.producing_runs(promotion.model_version)[:1]:
        found.append(LicenceFact(what="code", name=run.job_name, expression=_licence(run.job, None)))
    model = _licence(promotion.model, promotion.model_version)
    return [*found, LicenceFact(what="model", name=promotion.model_name, expression=model)]


def inputs(promotion: Promotion) -> list[evidence.InputEvidence]:
    """Of the newest run that wrote the version; none when no run is known."""
    runs = evidence.producing_runs(promotion.model_version)
    return list(runs[0].inputs) if runs else []


def _of_version(promotion: Promotion, *keys: str) -> list[Remark]:
    """Of this version alone: what was said of the model as a whole is no result of it."""
    said = remarks.of_version(promotion.model_version, keys)
    return [remark for remark in said if remark.scope is Scope.VERSION]


def _read(form: type[Read], said: list[Remark]) -> Iterator[tuple[Remark, Read]]:
    """Those that are of the form, at most MOST; none when the newest is not, since nobody knows what it says.

    None from where names of the version contradict each other on, for then nobody knows which counts.
    """
    for remark in said[:MOST]:
        if remark.is_contradicted:
            return
        facet = facetschemas.read(form, remark.body)
        if facet is not None:
            yield remark, facet
        elif remark is said[0]:
            return


def _unreadable(said: list[Remark]) -> Remark | None:
    """The newest if it is not of its form; of what names of the version tell differently at once, any that is not."""
    newest = [one for one in said if one.is_contradicted and one.said_at == said[0].said_at] or said[:1]
    return next((one for one in newest if facetschemas.read(FORMS[one.key], one.body) is None), None)


def _tests(remark: Remark) -> Iterator[TestFact]:
    if remark.key == facetschemas.TEST:
        standard = facetschemas.read(Tests, remark.body)
        for test in standard.tests if standard else ():
            yield TestFact(
                category=test.type or "",
                name=test.name,
                outcome=OUTCOMES.get(test.status, "skipped"),
                is_blocking=test.severity != "warn",
                performed_at=remark.said_at.isoformat(),
            )
        return
    facet = facetschemas.read(Results, remark.body)
    for result in facet.results if facet else ():
        yield TestFact(
            category=result.category,
            name=result.name,
            outcome=result.outcome,
            is_blocking=result.blocking,
            performed_at=((facet.performed_at if facet else None) or remark.said_at).isoformat(),
        )


def _hours(start: datetime | None, end: datetime | None) -> float | None:
    return None if start is None or end is None else (end - start).total_seconds() / 3600


def _input(one: evidence.InputEvidence) -> InputFact:
    return InputFact(name=one.name, version=one.version, is_pinned=one.is_pinned)


def _version(one: evidence.InputEvidence) -> UUID | None:
    return identity.version(one.asset, one.version) if one.version is not None else None


def _quality(one: evidence.InputEvidence) -> QualityFact:
    """The newest of each assertion and column, of what was told of the version and of what is inferred apart.

    Of what two names of the version tell at one instant the worse counts.
    """
    version = _version(one)
    if version is None or not one.is_pinned:
        return QualityFact(input=_input(one), assertions=[])
    keys = [facetschemas.ASSERTIONS, facetschemas.TEST]
    said = remarks.of_version(version, keys, of_testers=True, with_inferred=True)
    said = [remark for remark in said if remark.scope is not Scope.ASSET]
    if (bad := _unreadable(said)) is not None:
        return QualityFact(input=_input(one), assertions=[], problem=f"the facet {bad.key} is not of its form")
    found: dict[tuple[str, str | None, bool], tuple[Remark, AssertionFact]] = {}
    for remark in said:
        for fact in _asserted(remark):
            place = (fact.name, fact.column, fact.is_inferred)
            told, known = found.setdefault(place, (remark, fact))
            if remark.is_contradicted and told.said_at == remark.said_at:
                found[place] = (told, min(known, fact, key=lambda each: (each.success, each.is_warning)))
    return QualityFact(input=_input(one), assertions=[fact for _, fact in found.values()])


def _asserted(remark: Remark) -> Iterator[AssertionFact]:
    is_inferred = remark.scope is Scope.INFERRED
    if (facet := facetschemas.read(Assertions, remark.body)) is not None:
        for one in facet.assertions:
            yield AssertionFact(
                name=one.assertion,
                column=one.column,
                success=one.success,
                is_warning=one.severity == "warn",
                is_inferred=is_inferred,
            )
    elif (standard := facetschemas.read(Tests, remark.body)) is not None:
        for test in standard.tests:
            if test.status in {"pass", "fail"}:
                yield AssertionFact(
                    name=test.name,
                    column=None,
                    success=test.status == "pass",
                    is_warning=test.severity == "warn",
                    is_inferred=is_inferred,
                )


def _licence(asset: UUID, version: UUID | None) -> str | None:
    """Of the version if one is stated, else of the asset as a whole."""
    if version is not None:
        told = remarks.of_version(version, [facetschemas.LICENSE])
        said = [remark for remark in told if remark.scope is Scope.VERSION]
        if said and said[0].is_contradicted:
            return None
        for _, facet in _read(License, said):
            return facet.expression
    facets = {facet.key: facet.value for facet in selectors.facets(selectors.asset(asset))}
    known = facetschemas.read(License, facets.get(facetschemas.LICENSE))
    return known.expression if known else None
