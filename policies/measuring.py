"""Measuring evidence for checks: once for each file and question, whatever promotions ask it again."""

import hashlib
from collections.abc import Mapping
from importlib import metadata

import msgspec

from governance.errors import DomainError, NotFound
from policies import evidence_files, warehouses
from policies.checks.facts import AttributionsFact, EvaluationFact
from policies.checks.fairness import FairnessParameters
from policies.explanations import computing, orders
from policies.explanations.attributions import Asked, Attributions, Computed, Sent
from policies.fairness.groups import Counts
from policies.models import GroupCounts, ModelAttributions, Promotion

# To be raised when what is computed from the same files changes, so that nothing older is taken for it.
METHOD = 1


def evaluation(promotion: Promotion, asked: FairnessParameters) -> EvaluationFact | None:
    """The counts that a rule asks for, or why there are none; None when the promotion names no such evidence."""
    digest = promotion.evidence.get(asked.evidence)
    if digest is None:
        return None
    fact = EvaluationFact(evidence=asked.evidence, columns=asked.columns, digest=digest)
    if digest.startswith(warehouses.PREFIX):
        return _counted_elsewhere(fact, digest, asked)
    try:
        evidence_files.find(digest)
    except NotFound:
        return msgspec.structs.replace(fact, problem="its file was stated and not sent.")
    try:
        return msgspec.structs.replace(fact, counts=_counts(digest, asked))
    except DomainError as error:
        return msgspec.structs.replace(fact, problem=error.message)


def _counted_elsewhere(fact: EvaluationFact, reference: str, asked: FairnessParameters) -> EvaluationFact:
    """A table may have changed since it was counted last: where its engine does not tell, it is counted each time."""
    try:
        digest = digest_of_table(reference)
        question = question_of(asked)
        counted = None if digest is None else _counted_before(digest, question)
        if counted is None:
            counted = warehouses.count(reference, asked.columns, asked.part)
            # Counted of one state only if that is still the state.
            if digest is not None and digest_of_table(reference) == digest:
                _keep(digest, question, counted)
        return msgspec.structs.replace(fact, counts=counted)
    except DomainError as error:
        return msgspec.structs.replace(fact, problem=error.message)


def digest_of_table(reference: str) -> str | None:
    """What stands for a table in its present state; None where nobody knows whether it changes."""
    state = warehouses.state(reference)
    return None if state is None else hashlib.sha256(f"{reference} {state}".encode()).hexdigest()


def _counts(digest: str, asked: FairnessParameters) -> Counts:
    question = question_of(asked)
    known = _counted_before(digest, question)
    if known is not None:
        return known
    # DuckDB is loaded by the workers that count and not by every process that knows of promotions.
    from policies.fairness import counts  # noqa: PLC0415

    counted = counts.count(evidence_files.path(digest), asked.columns, {asked.part})
    _keep(digest, question, counted)
    return counted


def _counted_before(digest: str, question: str) -> Counts | None:
    known = GroupCounts.objects.filter(digest=digest, question=question).first()
    return None if known is None else msgspec.convert(known.counts, Counts)


def _keep(digest: str, question: str, counted: Counts) -> None:
    GroupCounts.objects.bulk_create(
        [GroupCounts(digest=digest, question=question, counts=msgspec.to_builtins(counted))],
        ignore_conflicts=True,  # Another worker counted the same meanwhile, to the same result.
    )


def question_of(asked: FairnessParameters) -> str:
    """What is counted and by which version, as a digest. Bounds are not part of it: they judge what was counted."""
    said = {"columns": asked.columns, "part": asked.part, "duckdb": metadata.version("duckdb")}
    return hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()


def attributions(promotion: Promotion, asked: Asked) -> AttributionsFact | None:
    """The attributions that a rule asks for, or why there are none; None when the promotion names no such evidence."""
    names = [asked.attributions] if isinstance(asked, Sent) else [asked.model, asked.data]
    digests = {name: promotion.evidence[name] for name in names if name in promotion.evidence}
    if not digests:
        return None
    fact = AttributionsFact(asked=asked, digests=digests)
    if absent := [name for name in names if name not in digests]:
        return msgspec.structs.replace(fact, problem=f"the promotion names no evidence {absent[0]!r}.")
    for name, digest in digests.items():
        try:
            evidence_files.find(digest)
        except NotFound:
            return msgspec.structs.replace(fact, problem=f"the file {name!r} was stated and not sent.")
    try:
        found = _sent(digests, asked) if isinstance(asked, Sent) else _computed(digests, asked)
    except DomainError as error:
        return msgspec.structs.replace(fact, problem=error.message)
    return msgspec.structs.replace(fact, found=found)


def _sent(digests: Mapping[str, str], asked: Sent) -> Attributions:
    question = _of(asked, digests, {"duckdb": metadata.version("duckdb")})
    if (known := _known(question)) is not None:
        return known
    # As above.
    from policies.explanations import summaries  # noqa: PLC0415

    return _kept(question, summaries.sum_up(evidence_files.path(digests[asked.attributions]), asked))


def _computed(digests: Mapping[str, str], asked: Computed) -> Attributions:
    """A model that is refused, or takes too much, is not remembered: the next worker may have more."""
    model, data = (evidence_files.path(digests[name]) for name in (asked.model, asked.data))
    format_ = computing.recognise(model, asked)
    question = _of(asked, digests, orders.versions(format_))
    if (known := _known(question)) is not None:
        return known
    return _kept(question, computing.compute(model, data, asked, format_))


def _of(asked: Asked, digests: Mapping[str, str], versions: Mapping[str, str]) -> str:
    """What is measured, of which files and by which versions, as a digest. Bounds of the rule are no part of it."""
    said = {"asked": asked, "digests": digests, "versions": versions, "method": METHOD}
    return hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()


def _known(question: str) -> Attributions | None:
    known = ModelAttributions.objects.filter(question=question).first()
    return None if known is None else msgspec.convert(known.attributions, Attributions)


def _kept(question: str, found: Attributions) -> Attributions:
    ModelAttributions.objects.bulk_create(
        [ModelAttributions(question=question, attributions=msgspec.to_builtins(found))],
        ignore_conflicts=True,  # Another worker measured the same meanwhile.
    )
    return found
