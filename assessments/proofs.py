"""What each gating criterion of each team rests on: the results behind the bar of proofs. From snapshots."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from assessments import aggregates, portfolio
from assessments.judging import Proof, Status
from assessments.models import Snapshot


class Kind(StrEnum):
    """As `scoring.ProofBar` names its parts."""

    MACHINE = "machine"
    REVIEWED = "reviewed"
    UNKNOWN = "unknown"
    EXEMPTED = "exempted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """The result of one team in one gating criterion."""

    team: int | None
    framework: str
    criterion: str
    kind: Kind
    result: Mapping[str, Any]


def kind(result: Mapping[str, Any]) -> Kind | None:
    """Of a stored result; None for one that does not apply."""
    if result["is_exempted"]:
        return Kind.EXEMPTED
    if result["status"] == Status.NOT_APPLICABLE:
        return None
    match Proof(result["proof"]):
        case Proof.ANSWER:
            return Kind.REVIEWED
        case Proof.NONE:
            return Kind.UNKNOWN
        case _:
            return Kind.MACHINE


def proven(snapshots: Collection[Snapshot | None], teams: Collection[int | None]) -> Iterator[Proven]:
    """By framework, team and level. Nothing of a framework whose catalogue has changed since its snapshot."""
    for snapshot in snapshots:
        plan = portfolio.plan_of(snapshot) if snapshot else None
        if snapshot is None or plan is None:
            continue
        gating = {criterion.id for criterion in plan.gating}
        for team, results in aggregates.thin(snapshot).items():
            for result in results if team in teams else ():
                found = kind(result) if result["criterion"] in gating else None
                if found is not None:
                    yield Proven(
                        team=team,
                        framework=snapshot.framework,
                        criterion=result["criterion"],
                        kind=found,
                        result=result,
                    )
