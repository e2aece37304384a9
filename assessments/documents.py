"""Cards as documents: what a snapshot stores, and what pages, exports and reports read.

A document explains its numbers after the raw facts are gone. Its digest is over the one spelling of its JSON.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from assessments.assessing import Card, LadderCard, ModelCard, TeamCard
from assessments.hysteresis import Held
from assessments.judging import Confidence, Proof, Result, Status
from assessments.testscore import TestPoints

Document = dict[str, Any]


def digest(document: Any) -> str:
    """SHA-256 of the JSON with sorted keys and no white space."""
    return hashlib.sha256(msgspec.json.encode(document, order="sorted")).hexdigest()


def rating(card: Card, held: Held | None) -> Document:
    """The headline of a card. `held` is what is published of a framework of levels."""
    match card:
        case LadderCard(rating=rated):
            return {
                "says": str(rated),
                "obstacles": list(rated.obstacles),
                "level": rated.level,
                "possible": rated.possible,
                "waiting_on": list(rated.waiting_on),
                "ladder_score": rated.ladder_score,
                "index": rated.index,
                "rows": [
                    {
                        "row": row.row,
                        "level": row.level,
                        "possible": row.possible,
                        "ladder_score": row.ladder_score,
                    }
                    for row in rated.rows
                ],
                "confidence": rated.confidence,
                "band": rated.band.value,
                "is_provisional": rated.is_provisional,
                "capped_at": rated.capped_at,
                "proofs": {
                    "machine": rated.proofs.machine,
                    "reviewed": rated.proofs.reviewed,
                    "unknown": rated.proofs.unknown,
                    "exempted": rated.proofs.exempted,
                },
                "published_level": held.level if held is not None and held.is_shown else None,
                "held_level": held.level if held is not None else None,
                "compared_level": held.computed if held is not None else None,
                "broken": list(held.broken) if held is not None else [],
            }
        case ModelCard(score=scored):
            return {
                "score": scored.score,
                "possible": scored.possible,
                "band": scored.band,
                "deciding": list(scored.deciding),
                "unknown_tests": scored.unknown_tests,
                "sections": [
                    {
                        "section": one.section,
                        "score": one.score,
                        "possible": one.possible,
                        "applicable": one.applicable,
                    }
                    for one in scored.sections
                ],
            }
        case TeamCard(score=team, obstacles=obstacles):
            return {
                "obstacles": list(obstacles),
                "median": team.median,
                "lowest": team.lowest,
                "lowest_models": list(team.lowest_models),
                "decided_by": dict(sorted(team.decided_by.items())),
                "models": team.models,
                "without_score": team.without_score,
            }


def results(card: Card, *, is_whole: bool) -> list[Document]:
    """One document for each criterion or test. Not whole: status and credit alone, as kept of thousands of models."""
    match card:
        case LadderCard(results=judged):
            return [_result(result, is_whole=is_whole) for result in judged.values()]
        case ModelCard(points=points):
            return [_points(one) for one in points.values()]
        case TeamCard():
            return []


def held(document: Mapping[str, Any]) -> Held | None:
    """What an earlier rating's document says was published; None for a rubric's."""
    if "held_level" not in document:
        return None
    return Held(
        level=document["held_level"],
        computed=document["compared_level"],
        is_shown=document["published_level"] is not None,
        broken=tuple(document["broken"]),
    )


def _result(result: Result, *, is_whole: bool) -> Document:
    said: Document = {
        "criterion": result.criterion,
        "status": result.status.value,
        "credit": result.credit,
    }
    if not is_whole:
        return said
    tally = result.tally
    return said | {
        "low": result.low,
        "high": result.high,
        "items": {
            "true": tally.true,
            "false": tally.false,
            "unknown": tally.unknown,
            "not_applicable": tally.not_applicable,
        },
        "needed": result.needed,
        "missing": list(result.missing),
        "reason": result.reason,
        "proof": result.proof.value,
        "needs_a_source": result.needs_a_source,
        "is_exempted": result.is_exempted,
        "unproven": tally.unproven,
        "oldest_at": tally.oldest_at.isoformat() if tally.oldest_at else None,
        "reached_back": tally.reached_back,
        "confidence": {
            "coverage": result.confidence.coverage,
            "freshness": result.confidence.freshness,
            "volume": result.confidence.volume,
            "strength": result.confidence.strength,
        },
        "misses": [
            {"asset": miss.asset, "label": miss.label, "state": miss.state.value, "missing": list(miss.missing)}
            for miss in tally.misses
        ]
        if result.status is not Status.NOT_APPLICABLE
        else [],
        "answer": result.answer,
        "exemption": result.exemption,
    }


def _points(points: TestPoints) -> Document:
    return {
        "criterion": points.test,
        "section": points.section,
        "points": points.points,
        "possible": points.possible,
        "is_applicable": points.is_applicable,
        "missing": list(points.missing),
        "answer": points.report,
        "exemption": points.exemption,
    }


def read_results(said: Iterable[Mapping[str, Any]]) -> dict[str, Result]:
    """Stored results of a framework of levels, as far as next steps and what-if need them."""
    return {
        one["criterion"]: Result(
            criterion=one["criterion"],
            status=Status(one["status"]),
            credit=one["credit"],
            proof=Proof(one.get("proof", Proof.NONE)),
            missing=tuple(one.get("missing", ())),
            needs_a_source=one.get("needs_a_source", False),
            is_exempted=one.get("is_exempted", False),
            confidence=Confidence(**one["confidence"]) if "confidence" in one else Confidence(),
        )
        for one in said
    }
