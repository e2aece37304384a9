"""Assets of Airflow's tasks, by the names that OpenLineage gives datasets. Pure.

Airflow's provider of OpenLineage leaves an `Asset` out of the inputs and outputs of a task unless the provider of its
scheme is installed as well. Its URI stands in the facet `airflow` of the run all the same, in a list that is written
as Python prints it.
"""

import ast
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from lineage import events

# A task has a few assets; what is longer is not read.
MAX_CHARS = 100_000
# In these a part of the host's name stands before an @: it is no user, who is no part of what a dataset is.
AZURE = frozenset({"abfs", "abfss", "wasb", "wasbs"})
# Databases whose tables Airflow names by a path, and OpenLineage with as many dots.
PARTS_OF_TABLES = {"postgres": 3, "postgresql": 3, "mysql": 2, "trino": 3}


def with_assets(listed: list[dict[str, Any]] | None, run_facets: dict[str, Any], word: str) -> list[dict[str, Any]]:
    """The datasets of an event, and behind them the assets that the task's `inlets` or `outlets` (`word`) name too."""
    datasets = listed or []
    if "airflow" not in run_facets:
        return datasets
    known = {(one["namespace"], one["name"]) for one in datasets}
    named = dict.fromkeys(_assets(run_facets["airflow"], word))
    return [*datasets, *({"namespace": one[0], "name": one[1]} for one in named if one not in known)]


def dataset(uri: str) -> tuple[str, str] | None:
    """Namespace and name of the dataset at a URI; None for what is none, such as the bare name of an asset."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    scheme, host = parts.scheme, parts.netloc
    if scheme not in AZURE:
        host = host.rpartition("@")[2]
    if scheme == "file":
        found = (f"file://{host}" if host else "file", parts.path)
    elif scheme == "bigquery":
        found = ("bigquery", ".".join([host, *parts.path.strip("/").split("/")]))
    else:
        path = parts.path.lstrip("/")
        names = path.strip("/").split("/")
        is_table = len(names) == PARTS_OF_TABLES.get(scheme)
        found = (f"{scheme}://{host}", ".".join(names) if is_table else path or "/")
    is_whole = bool(scheme and (host or scheme == "file") and found[1])
    # Python's spelling of a text may stand for characters that no event can hold.
    is_name = uri.isprintable() and max(map(len, found)) <= events.MAX_NAME_CHARS
    return found if is_whole and is_name else None


def _assets(facet: Any, word: str) -> Iterator[tuple[str, str]]:
    task = facet.get("task") if isinstance(facet, dict) else None
    said = task.get(word) if isinstance(task, dict) else None
    for one in _literal(said) if isinstance(said, str) else said if isinstance(said, list) else ():
        uri = one.get("uri") if isinstance(one, dict) else None
        if isinstance(uri, str) and (found := dataset(uri)) is not None:
            yield found


def _literal(text: str) -> list[Any]:
    """What Python printed; nothing when it is no list of plain values."""
    if "uri" not in text or len(text) > MAX_CHARS:
        return []
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return []
    return value if isinstance(value, list) else []
