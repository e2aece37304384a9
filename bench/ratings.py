"""Rates every team inside the service's own environment. Run by `bench.maturity`.

Prints JSON: seconds to rate all teams by all frameworks and keep the snapshots, and the most memory held.
"""

import json
import os
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
django.setup()

from assessments import snapshots  # noqa: E402 - needs the settings
from assessments.snapshots import Kind  # noqa: E402
from bench import peak  # noqa: E402


def main() -> None:
    begun = time.perf_counter()
    taken = snapshots.take(kind=Kind.COMPUTED)
    seconds = time.perf_counter() - begun
    cards = {snapshot.framework: snapshot.scorecards.count() for snapshot in taken}
    print(json.dumps({"seconds": seconds, "memory_mib": peak.mebibytes(), "cards": cards}))


if __name__ == "__main__":
    main()
