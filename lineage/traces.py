"""Which assets events had told of by a day: as read, written, run, versioned, related to others, or declared to be.

Of what is only named (as the job of a parent run) or described (an event with nothing but facets) nobody keeps when
that was received, so such an asset counts as known from the first event that tells more of it.
"""

import re
from datetime import UTC, datetime, timedelta

from django.db.models import BooleanField, Q
from django.db.models.expressions import RawSQL

from lineage.asof import Moment

# How far clocks of senders run ahead; who leaves out the offset of its zone is taken to be in UTC.
MOST_AHEAD = timedelta(days=1)
NEVER = datetime.max.replace(tzinfo=UTC)
# That two names are one thing says nothing of either.
_NAMES = "('alias', 'alias_of', 'renamed')"


def known(moment: Moment, known_at: datetime) -> Q:
    """A condition on assets, for a moment with this `known_at`."""
    latest = until(known_at)
    edge = f"""NOT e.is_declared AND e.valid_to IS NULL AND e.relation NOT IN {_NAMES}
            AND {_stands("e", "valid_from", moment)}"""
    declared = """d.known_at <= %(known_at)s AND d.event_time <= COALESCE(%(as_of)s::timestamptz, 'infinity')
            AND d.direction IN ('input', 'output')"""
    conditions = [
        f"""SELECT FROM lineage_runio io
            WHERE io.asset_id = lineage_asset.id AND {_stands("io", "first_seen_at", moment)}""",
        f"SELECT FROM lineage_assetversion v WHERE v.asset_id = lineage_asset.id AND {_stands('v', 'seen_at', moment)}",
        f"SELECT FROM lineage_edge e WHERE e.source_id = lineage_asset.id AND {edge}",
        f"SELECT FROM lineage_edge e WHERE e.target_id = lineage_asset.id AND {edge}",
        f"SELECT FROM lineage_declaration d WHERE d.job_id = lineage_asset.id AND {declared}",
        f"""SELECT FROM lineage_edge e JOIN lineage_declaration d ON d.job_id = e.target_id AND d.direction = 'input'
            WHERE e.is_declared AND e.source_id = lineage_asset.id AND e.relation = 'consumed'
              AND d.assets @> to_jsonb(lineage_asset.id) AND {declared}""",
        # Two branches of the same, since each of the partial indexes serves one.
        *(
            f"""SELECT FROM lineage_edge e JOIN lineage_declaration d ON d.job_id = e.source_id
                 AND d.direction = 'output'
                WHERE e.is_declared AND e.target_id = lineage_asset.id AND e.relation = 'produced'
                  AND e.valid_to IS {which} AND d.assets @> to_jsonb(lineage_asset.id) AND {declared}"""
            for which in ("NULL", "NOT NULL")
        ),
        """SELECT FROM lineage_run r JOIN lineage_event told ON told.run = r.uuid
            WHERE r.job_id = lineage_asset.id AND r.first_event_at <= %(latest)s AND told.received_at <= %(known_at)s
              AND told.event_time <= COALESCE(%(as_of)s::timestamptz, 'infinity')""",
    ]
    # Looked up asset by asset (OFFSET 0): the planner would read whole tables to look into their hashes.
    named = " OR ".join(f"EXISTS ({condition} OFFSET 0)" for condition in conditions)
    # Django's own statements know parameters by their places alone.
    parameters = moment.parameters | {"latest": latest}
    given = [parameters[name] for name in re.findall(r"%\((\w+)\)s", named)]
    statement = re.sub(r"%\(\w+\)s", "%s", named)
    told = RawSQL(f"({statement})", given, output_field=BooleanField())  # noqa: S611 - the text is ours
    return Q(told, first_seen_at__lte=latest)


def until(known_at: datetime) -> datetime:
    """No event that was received by then tells of a later time."""
    return min(known_at, NEVER - MOST_AHEAD) + MOST_AHEAD


def _stands(row: str, column: str, moment: Moment) -> str:
    """As `moment.stands`, which asks a function; most rows have one telling, and need no function."""
    return f"""({row}.known_at <= %(known_at)s AND {row}.{column} <= COALESCE(%(as_of)s::timestamptz, 'infinity')
            OR {row}.also_told IS NOT NULL AND {moment.stands(row, column)})"""
