"""The events behind a part of the graph, as they were kept, for another system to read.

An event speaks of an asset when it tells of a run of that job, or of a run that read or wrote it, or when it described
the asset without any run. What describes an asset in the same words again and again is given once.
"""

from array import array
from collections.abc import Collection, Iterator
from typing import Any
from uuid import UUID

from django.db import connection

from governance.errors import TooLarge
from lineage.asof import NOW, Moment

MOST_EVENTS = 200_000
CHUNK = 200

_IDS = """
SELECT id FROM lineage_event WHERE run IN (
    SELECT unnest(%(runs)s::uuid[])
    UNION SELECT r.uuid FROM lineage_run r JOIN lineage_asset a ON a.id = r.job_id WHERE a.uuid = ANY(%(assets)s)
    UNION SELECT io.run_id FROM lineage_runio io JOIN lineage_asset a ON a.id = io.asset_id
    WHERE a.uuid = ANY(%(read_or_written)s)
) AND {stands}
UNION
SELECT id FROM lineage_event WHERE digest IN (
    SELECT s.last_digest FROM lineage_facetsighting s JOIN lineage_asset a ON a.id = s.asset_id
    WHERE a.uuid = ANY(%(assets)s)
    UNION SELECT d.digest FROM lineage_declaration d JOIN lineage_asset a ON a.id = d.job_id
    WHERE a.uuid = ANY(%(assets)s)
) AND run IS NULL AND {stands}
LIMIT %(most)s
"""
_STANDS = """(%(as_of)s::timestamptz IS NULL OR event_time <= %(as_of)s)
    AND (%(known_at)s::timestamptz IS NULL OR received_at <= %(known_at)s)"""


def events(*, assets: Collection[UUID], runs: Collection[UUID] = (), moment: Moment = NOW) -> Iterator[bytes]:
    """The bodies of the events in the order in which they came. Raises TooLarge before the first one.

    With `runs`, those runs alone speak of what they read and wrote; without any, all runs do.
    """
    ids = array("q", (row[0] for row in _rows(_IDS.format(stands=_STANDS), _asked(assets, runs, moment))))
    if len(ids) > MOST_EVENTS:
        raise TooLarge(f"More than {MOST_EVENTS:,} events speak of what is shown. Show less, or choose an earlier day.")
    return _bodies(array("q", sorted(ids)))


def _asked(assets: Collection[UUID], runs: Collection[UUID], moment: Moment) -> dict[str, Any]:
    known = list(assets)
    return moment.parameters | {
        "assets": known,
        "runs": list(runs),
        "read_or_written": [] if runs else known,
        "most": MOST_EVENTS + 1,
    }


def _bodies(ids: "array[int]") -> Iterator[bytes]:
    for at in range(0, len(ids), CHUNK):
        for (body,) in _rows(
            "SELECT body FROM lineage_event WHERE id = ANY(%(ids)s) ORDER BY id", {"ids": list(ids[at : at + CHUNK])}
        ):
            yield bytes(body)


def _rows(statement: str, parameters: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
