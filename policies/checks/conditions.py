"""Conditions in the Common Expression Language: compiled with types, and evaluated within bounds. Pure.

The one place that knows the library. A condition cannot run long: the evaluator counts its steps, texts cannot be put
together, and there are no regular expressions, so that each step is short as well.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any

from cel_expr_python import cel  # type: ignore[import-untyped]

MAX_CHARS = 1_000
# Texts and lists that come from outside are cut here, so that the evaluator's budget of steps bounds time and memory.
MAX_TEXT = 1_000
MAX_ITEMS = 500
CONFIGURATION = """\
name: conditions
stdlib:
  exclude_functions:
    - name: "_+_"
      overloads:
        - id: add_string
        - id: add_bytes
    - name: matches
"""
NUMBERS = cel.Type.Map(cel.Type.STRING, cel.Type.DOUBLE)
WORDS = cel.Type.List(cel.Type.STRING)
# Every name that a condition may use, with its type and what it stands for.
VARIABLES: Mapping[str, tuple[Any, str]] = {
    "model": (cel.Type.STRING, "the model's name"),
    "namespace": (cel.Type.STRING, "its registry"),
    "version": (cel.Type.STRING, "the version that is promoted"),
    "stage": (cel.Type.STRING, "the stage it is to reach"),
    "commit": (cel.Type.STRING, "the commit that was named with the request; empty without one"),
    "tier": (cel.Type.STRING, "the model's tier, or unclassified"),
    "tags": (WORDS, "the model's tags, as key and as key=value"),
    "data_classes": (WORDS, "the model's data classes"),
    "teams": (WORDS, "the teams that own it"),
    "owners": (cel.Type.Map(cel.Type.STRING, cel.Type.STRING), "who owns it, by role"),
    "evidence": (WORDS, "the names of the files given with the request"),
    "kpi": (NUMBERS, "the newest value of each metric"),
    "kpi_of": (cel.Type.Map(cel.Type.STRING, NUMBERS), "the same by segment and metric"),
    "sample_size": (cel.Type.Map(cel.Type.STRING, cel.Type.INT), "the rows that each metric was measured on"),
    "measured_at": (cel.Type.Map(cel.Type.STRING, cel.Type.TIMESTAMP), "when each metric was measured"),
    "production": (NUMBERS, "the newest value of each metric of the version in production"),
    "has_production": (cel.Type.BOOL, "whether another version is in production"),
    "runs": (cel.Type.INT, "how many runs wrote the version"),
    "inputs": (cel.Type.INT, "how many inputs they read"),
    "pinned_inputs": (cel.Type.INT, "how many of them at a version that the sender named"),
    "now": (cel.Type.TIMESTAMP, "when the condition is judged"),
}
OF_CONTAINER = " (in container '')"
PLACE = re.compile(r"<input>:(\d+):(\d+): (.*)")


class Trouble(StrEnum):
    """Why a condition has no answer."""

    MISSING = "missing"
    TOO_LONG = "too_long"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """True, false, or what was in the way."""

    holds: bool | None
    trouble: Trouble | None = None
    detail: str = ""


class NotACondition(Exception):
    """The text does not compile, or does not say yes or no."""


@lru_cache(maxsize=1_024)
def compiled(text: str) -> Any:
    """The condition, ready to be evaluated. Raises NotACondition with the place in the text."""
    try:
        expression = _environment().compile(text)
    except RuntimeError as error:
        raise NotACondition(_words(str(error))) from None
    kind = expression.return_type()
    if kind != cel.Type.BOOL:
        raise NotACondition(f"gives {kind.name().lower()} and not yes or no")
    return expression


def evaluate(text: str, values: Mapping[str, Any]) -> Answer:
    """What the condition says of these values, by the names of VARIABLES. Raises NotACondition."""
    try:
        said = compiled(text).eval(data={name: _cut(value) for name, value in values.items()})
    except RuntimeError as error:
        if "budget exceeded" in str(error):
            return Answer(holds=None, trouble=Trouble.TOO_LONG)
        return Answer(holds=None, trouble=Trouble.FAILED, detail=_words(str(error)))
    if said.type() == cel.Type.BOOL:
        return Answer(holds=bool(said.value()))
    detail = str(said.value())
    if missing := re.search(r'Key not found in map : "?([^"\[]*)', detail):
        return Answer(holds=None, trouble=Trouble.MISSING, detail=missing[1].strip())
    return Answer(holds=None, trouble=Trouble.FAILED, detail=_words(detail))


def named(text: str) -> set[str]:
    """The variables whose names stand in the condition."""
    return set(re.findall(r"[A-Za-z_]\w*", text)) & VARIABLES.keys()


@cache
def _environment() -> Any:
    types = {name: kind for name, (kind, _) in VARIABLES.items()}
    return cel.NewEnv(config=cel.NewEnvConfigFromYaml(CONFIGURATION), variables=types)


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value[:MAX_TEXT]
    if isinstance(value, list):
        return [_cut(one) for one in value[:MAX_ITEMS]]
    if isinstance(value, dict):
        return {_cut(key): _cut(one) for key, one in list(value.items())[:MAX_ITEMS]}
    return value


def _words(error: str) -> str:
    """The library's message without its frame, and with what people stumble over first."""
    if "recursion" in error:
        return "is nested too deeply"
    found = PLACE.search(error)
    if found is None:
        return error.partition("[")[0].strip().rstrip(".")
    line, column, said = found.groups()
    hint = ""
    if "(double, int)" in said or "(int, double)" in said:
        hint = "; metrics are compared with numbers that have a point, such as 1.0"
    elif "'_+_' applied to '(string" in said or "'matches'" in said:
        hint = "; texts cannot be put together or matched, only compared, with contains, startsWith and endsWith"
    elif unknown := re.search(r"undeclared reference to '([\w.]+)'", said):
        said = f"there is no {unknown[1].partition('.')[0]!r}"
        hint = f"; there are {', '.join(sorted(VARIABLES))}"
    where = f"column {column}" if line == "1" else f"line {line}, column {column}"
    return f"{said.removesuffix(OF_CONTAINER)} ({where}){hint}"
