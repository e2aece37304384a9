"""ML Metadata with the same facts as a landscape, asked the same question: what lies upstream?

Its library makes the tables; the rows are copied into them, since storing a million of them by its calls would take
hours. What has no place there is left out: edges from data set to data set, a fifth of them at most.
"""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from bench import peers
from bench.peers import ML_METADATA, PEER_PATIENCE_S, PROGRAMS
from bench.scene import BenchError, Scene, Service

PROGRAM = "ml_metadata_lineage.py"
REPEATS = 3
# The store's numbers for what is live and complete, read and written.
LIVE, COMPLETE = 2, 3
INPUT, OUTPUT = 3, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How long the peer took for one root, in milliseconds, and how many artifacts and executions it found."""

    root: int
    size: int
    ms: Sequence[float]


def answers(stage: Scene, service: Service, roots: Sequence[int], *, hub: int) -> tuple[list[Answer], list[Answer]]:
    """With all facts, and without those of the hub. Raises BenchError when the peer cannot be installed or asked.

    The store reads all events of each artifact that it meets, also those that lead down again: beside a hub all else is
    small. Without the hub its answers lack that one artifact.
    """
    python = peers.interpreter(stage)
    url = stage.database("mlmd")
    types = _ask(python, url, [])["types"]
    _copy(service.database_url, url, artifact_type=types["artifact"], execution_type=types["execution"])
    whole = _answers(python, url, roots)
    with psycopg.connect(url, autocommit=True) as database:
        database.execute("DELETE FROM event WHERE artifact_id = %s", [hub])
        database.execute("VACUUM ANALYZE event")
    return whole, _answers(python, url, roots)


def _answers(python: Path, url: str, roots: Sequence[int]) -> list[Answer]:
    found = _ask(python, url, roots)["found"]
    return [Answer(root=one["root"], size=one["size"], ms=one["ms"]) for one in found]


def _ask(python: Path, url: str, roots: Sequence[int]) -> Any:
    command = [str(python), str(PROGRAMS / PROGRAM), "--repeats", str(REPEATS)]
    for name, value in psycopg.conninfo.conninfo_to_dict(url).items():
        command += [f"--{name}", str(value)]
    command += ["--roots", *(str(root) for root in roots)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PEER_PATIENCE_S)
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{ML_METADATA} was not done in {PEER_PATIENCE_S:.0f} s") from error
    if done.returncode:
        raise BenchError(f"{PROGRAM} failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
    return json.loads(done.stdout)


def _copy(ours: str, theirs: str, *, artifact_type: int, execution_type: int) -> None:
    """Data sets and models become artifacts, jobs executions, what a job reads and writes events. Ids stay."""
    with psycopg.connect(ours) as source, psycopg.connect(theirs) as target:
        # What is made once for all rows takes a part of the time that it takes row by row.
        target.execute("ALTER TABLE event DROP CONSTRAINT uniqueevent")
        target.execute("DROP INDEX idx_event_execution_id")
        for table, columns, rows in (
            (
                "artifact",
                "id, type_id, uri, state, name",
                f"SELECT id, {artifact_type}, namespace, {LIVE}, id || ' ' || left(name, 200) FROM lineage_asset "
                "WHERE family = 'dataset'",
            ),
            (
                "execution",
                "id, type_id, last_known_state, name",
                f"SELECT id, {execution_type}, {COMPLETE}, id || ' ' || left(name, 200) FROM lineage_asset "
                "WHERE family = 'job'",
            ),
            (
                "event",
                "artifact_id, execution_id, type",
                f"SELECT source_id, target_id, {INPUT} FROM lineage_edge "
                "WHERE valid_to IS NULL AND relation = 'consumed' "
                f"UNION ALL SELECT target_id, source_id, {OUTPUT} FROM lineage_edge "
                "WHERE valid_to IS NULL AND relation = 'produced'",
            ),
        ):
            with (
                source.cursor().copy(f"COPY ({rows}) TO STDOUT") as read,
                target.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as write,
            ):
                for block in read:
                    write.write(block)
        target.execute("ALTER TABLE event ADD CONSTRAINT uniqueevent UNIQUE (artifact_id, execution_id, type)")
        target.execute("CREATE INDEX idx_event_execution_id ON event (execution_id)")
    with psycopg.connect(theirs, autocommit=True) as target:
        target.execute("VACUUM ANALYZE artifact, execution, event")
