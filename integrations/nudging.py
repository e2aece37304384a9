"""Telling the translator that deliveries wait. Losing a nudge loses at most a second: the schedule sweeps as well."""

from lineage import nudge

_nudger = nudge.Nudger("integrations.tasks.translate")


def translator() -> None:
    """Have the translator look at the deliveries soon. Returns at once."""
    _nudger.nudge()
