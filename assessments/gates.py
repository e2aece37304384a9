"""What the gate is told of teams' maturity: the level that the newest snapshot left standing."""

from collections.abc import Sequence

from assessments.models import Scorecard, Snapshot
from policies.ports import TeamLevel


def levels(*, teams: Sequence[str], framework: str) -> list[TeamLevel] | None:
    """The published level of each team in the newest snapshot of the framework, restatements first; None without one.

    A team that is not rated has no level, and so has one that the snapshot does not know.
    """
    newest = Snapshot.objects.filter(framework=framework).order_by("-as_of", "-number").first()
    if newest is None:
        return None
    known = dict(
        Scorecard.objects.filter(snapshot=newest, model=None, team__slug__in=teams).values_list(
            "team__slug", "published_level"
        )
    )
    return [TeamLevel(team=team, level=known.get(team)) for team in teams]
