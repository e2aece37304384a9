"""Counting evidence for checks: once for each file and question, whatever promotions ask it again."""

import hashlib
from importlib import metadata

import msgspec

from governance.errors import DomainError, NotFound
from policies import evidence_files
from policies.checks.facts import EvaluationFact
from policies.checks.fairness import FairnessParameters
from policies.fairness.groups import Counts
from policies.models import GroupCounts, Promotion


def evaluation(promotion: Promotion, asked: FairnessParameters) -> EvaluationFact | None:
    """The counts that a rule asks for, or why there are none; None when the promotion names no such evidence."""
    digest = promotion.evidence.get(asked.evidence)
    if digest is None:
        return None
    fact = EvaluationFact(evidence=asked.evidence, columns=asked.columns, digest=digest)
    try:
        evidence_files.find(digest)
    except NotFound:
        return msgspec.structs.replace(fact, problem="its file was stated and not sent.")
    try:
        return msgspec.structs.replace(fact, counts=_counts(digest, asked))
    except DomainError as error:
        return msgspec.structs.replace(fact, problem=error.message)


def _counts(digest: str, asked: FairnessParameters) -> Counts:
    question = _question(asked)
    known = GroupCounts.objects.filter(digest=digest, question=question).first()
    if known is not None:
        return msgspec.convert(known.counts, Counts)
    # DuckDB is loaded by the workers that count and not by every process that knows of promotions.
    from policies.fairness import counts  # noqa: PLC0415

    counted = counts.count(evidence_files.path(digest), asked.columns, {asked.part})
    GroupCounts.objects.bulk_create(
        [GroupCounts(digest=digest, question=question, counts=msgspec.to_builtins(counted))],
        ignore_conflicts=True,  # Another worker counted the same meanwhile, to the same result.
    )
    return counted


def _question(asked: FairnessParameters) -> str:
    """What is counted and by which version, as a digest. Bounds are not part of it: they judge what was counted."""
    said = {"columns": asked.columns, "part": asked.part, "duckdb": metadata.version("duckdb")}
    return hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()
