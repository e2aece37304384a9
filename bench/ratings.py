"""Rates every team and reads one scorecard, inside the service's own environment. Run by `bench.maturity`.

Prints JSON: seconds to rate all teams by all frameworks and keep the snapshots, the most memory held, and how long it
takes to read what a team's page shows from the last snapshot.
"""

import argparse
import json
import os
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
django.setup()

from assessments import delivery, selectors, snapshots  # noqa: E402 - needs the settings
from assessments.snapshots import Kind  # noqa: E402
from bench import peak  # noqa: E402
from governance.models import Team  # noqa: E402

LADDERS = ("google-mlops", "microsoft-mlops")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--reads", type=int, required=True)
    asked = parser.parse_args()
    begun = time.perf_counter()
    taken = snapshots.take(kind=Kind.COMPUTED)
    seconds = time.perf_counter() - begun
    memory = peak.mebibytes()
    teams = list(Team.objects.order_by("id"))
    reads = []
    for number in range(asked.reads):
        begun = time.perf_counter()
        _page(teams[number * len(teams) // asked.reads])
        reads.append((time.perf_counter() - begun) * 1000)
    cards = {snapshot.framework: snapshot.scorecards.count() for snapshot in taken}
    print(json.dumps({"seconds": seconds, "memory_mib": memory, "reads_ms": reads, "cards": cards}))


def _page(team: Team) -> None:
    """What a team's page asks of snapshots."""
    for framework in LADDERS:
        card = selectors.scorecard(selectors.snapshot(framework), team=team)
        selectors.next_actions(card)
        selectors.changed(card)
        list(selectors.trend(framework, team))
        selectors.target(framework, team)
    selectors.scorecard(selectors.snapshot("ml-test-score"), team=team)
    delivery.of_team(team)


if __name__ == "__main__":
    main()
