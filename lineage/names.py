"""Names that may be of one thing though they are spelt differently. Pure.

Two names fold to the same when they differ only in case, in slashes, in separators at their ends, in a port, or in how
the scheme of their store is spelt; jobs of dbt also when one is called by its table and command and the other by its
node. That is no proof: people decide, see `lineage.naming`.
"""

import hashlib
import re
from functools import lru_cache
from uuid import UUID

# Spellings of one scheme, by the drivers that read the same store.
SCHEMES = {
    "s3a": "s3",
    "s3n": "s3",
    "abfss": "abfs",
    "wasbs": "wasb",
    "postgresql": "postgres",
    "jdbc:postgresql": "postgres",
    "jdbc:mysql": "mysql",
    "redshift+psycopg2": "redshift",
    "https": "http",
}
_SCHEME = re.compile(r"((?:jdbc:)?[a-z][a-z0-9+.-]*)://?", re.ASCII)
_PORT = re.compile(r"^([^/]*?):\d{1,5}(?=/|$)", re.ASCII)
_SLASHES = re.compile(r"[/\\]+")
_ENDS = "/\\.:_- \t"
# `dbt-ol build` calls what makes a model warehouse.main.loans.stg.build.run; dbt's artifacts, and dbt-ol when it reads
# structured logs, call the same model.loans.stg.
_DBT = re.compile(r"[^./]+\.[^./]+\.([^/]+)\.build\.(run|snapshot)", re.ASCII)


@lru_cache(maxsize=65_536)
def fold(family: str, namespace: str, name: str) -> UUID:
    """The same for names that may be of one thing, of the same family."""
    plain = folded(namespace, _node(family, name))
    return UUID(bytes=hashlib.md5(f"{family}\0{plain}".encode(), usedforsecurity=False).digest())


def _node(family: str, name: str) -> str:
    """The name of a job by dbt's node, where it is called by table and command; any other as it is."""
    match = _DBT.fullmatch(name) if family == "job" else None
    return f"{'model' if match[2] == 'run' else 'snapshot'}.{match[1]}" if match else name


def folded(namespace: str, name: str) -> str:
    """Namespace and name as one path without what senders spell in several ways."""
    text = f"{namespace}/{name}".lower()
    scheme, rest = _split(text)
    rest = _PORT.sub(r"\1", rest.lstrip("/\\"))
    return f"{SCHEMES.get(scheme, scheme)}:{_SLASHES.sub('/', rest).strip(_ENDS)}"


def differences(left: tuple[str, str], right: tuple[str, str], *, family: str = "dataset") -> list[str]:
    """In which ways two names (namespace and name) that fold to the same differ.

    Naming (table and command, or node), scheme, port, case, separators.
    """
    told = left, right
    left, right = ((namespace, _node(family, name)) for namespace, name in told)
    found = ["naming"] if (left, right) != told else []
    one, other = (_split(f"{namespace}/{name}") for namespace, name in (left, right))
    if one[0].lower() != other[0].lower():
        found.append("scheme")
    one_rest, other_rest = one[1].lstrip("/\\"), other[1].lstrip("/\\")
    if _ports(one_rest) != _ports(other_rest):
        found.append("port")
    one_rest, other_rest = _PORT.sub(r"\1", one_rest), _PORT.sub(r"\1", other_rest)
    if _plain(one_rest) != _plain(other_rest):
        found.append("case")
    if _bare(one[1]) != _bare(other[1]) or (not found and left != right):
        found.append("separators")
    return found


def _split(text: str) -> tuple[str, str]:
    """The scheme, without its colon, and the rest."""
    match = _SCHEME.match(text.lower())
    return (match[1], text[match.end() :]) if match else ("", text)


def _ports(rest: str) -> str:
    match = re.match(r"^[^/]*?:(\d{1,5})(?=/|$)", rest, re.ASCII)
    return match[1] if match else ""


def _plain(rest: str) -> str:
    return _SLASHES.sub("/", rest).strip(_ENDS)


def _bare(rest: str) -> str:
    """What is left of the slashes and ends when case and port are taken away."""
    return _PORT.sub(r"\1", rest.lower())
