"""Policy documents: YAML with typed content. Every error says line, column and path. Pure."""

import difflib
import hashlib
import math
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Annotated, Any

import msgspec
import yaml

from policies.checks.base import Check, Mode, Parameters
from policies.checks.catalogue import CHECKS

MAX_BYTES = 256_000
MAX_DEPTH = 20
MAX_RULES = 500
PLAIN_TAGS = frozenset({"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})
SLUG = r"^[a-z0-9]+(?:-[a-z0-9]+)*$"
# Named in the design, and not built yet: saying so is kinder than "unknown field".
NOT_YET = {("applies", "model", "tier"), ("applies", "model", "tags")}

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """What is wrong at one place. Lines and columns count from 1."""

    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {self.path + ': ' if self.path else ''}{self.message}"


class BadDocument(Exception):
    """A document that is no policy, with everything found wrong."""

    def __init__(self, errors: list[Error]) -> None:
        super().__init__("\n".join(map(str, errors)))
        self.errors = errors


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of a policy's parts."""


Glob = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class ModelSelector(Section, frozen=True, kw_only=True):
    """Models by shell patterns on name and namespace."""

    name: Glob = "*"
    namespace: Glob = "*"


class Applies(Section, frozen=True, kw_only=True):
    """The promotions a policy judges."""

    stage: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    model: ModelSelector = ModelSelector()
    team: Annotated[str, msgspec.Meta(pattern=SLUG)] | None = None


class Approvals(Section, frozen=True, kw_only=True):
    """How many people, other than the one who asked, must say yes."""

    count: Annotated[int, msgspec.Meta(ge=0, le=20)] = 0


class Head(Section, frozen=True, kw_only=True):
    """A policy without its rules, which are read one by one."""

    policy: Annotated[str, msgspec.Meta(pattern=SLUG, max_length=50)]
    applies: Applies
    description: Annotated[str, msgspec.Meta(max_length=5_000)] = ""
    approvals: Approvals = Approvals()


class RuleHead(msgspec.Struct, frozen=True, kw_only=True):
    """What every rule says, whatever it asks."""

    check: str
    mode: Mode = Mode.ENFORCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One check with its parameters."""

    check: Check
    mode: Mode
    parameters: Parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy as its document says."""

    slug: str
    description: str
    applies: Applies
    approvals: int
    rules: tuple[Rule, ...]

    def matches(self, *, stage: str, namespace: str, model: str, teams: frozenset[str]) -> bool:
        """Whether it judges a promotion of this model to this stage. Patterns respect case."""
        selector = self.applies.model
        return (
            stage == self.applies.stage
            and fnmatchcase(model, selector.name)
            and fnmatchcase(namespace, selector.namespace)
            and (self.applies.team is None or self.applies.team in teams)
        )


def digest(text: str) -> str:
    """The identity of a document's text."""
    return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=256)
def parse(text: str) -> Policy:
    """The policy in a YAML document. Raises BadDocument."""
    content, marks = _read(text)
    if not isinstance(content, dict):
        raise BadDocument(
            [Error(line=1, column=1, path="", message="A policy is a mapping that begins with 'policy:'.")]
        )
    errors: list[Error] = []
    for path in sorted(NOT_YET & marks.keys(), key=str):
        errors.append(_error(marks, path, "is not supported yet"))
        _remove(content, path)
    rules = _rules(content.pop("rules", None), marks, errors)
    head = None
    try:
        head = msgspec.convert(content, Head)
    except msgspec.ValidationError as error:
        errors.append(_located(error, (), marks))
    if errors or head is None:
        raise BadDocument(sorted(errors, key=lambda error: (error.line, error.column)))
    return Policy(
        slug=head.policy,
        description=head.description,
        applies=head.applies,
        approvals=head.approvals.count,
        rules=tuple(rules),
    )


def _rules(listed: Any, marks: dict[Path, tuple[int, int]], errors: list[Error]) -> list[Rule]:
    if not isinstance(listed, list) or not 0 < len(listed) <= MAX_RULES:
        errors.append(_error(marks, ("rules",), f"a policy has 1 to {MAX_RULES} rules, each beginning with '- check:'"))
        return []
    rules = []
    for number, said in enumerate(listed):
        path: Path = ("rules", number)
        try:
            rules.append(_rule(said, path, marks))
        except msgspec.ValidationError as error:
            errors.append(_located(error, path, marks))
        except BadDocument as bad:
            errors += bad.errors
    return rules


def _rule(said: Any, path: Path, marks: dict[Path, tuple[int, int]]) -> Rule:
    head = msgspec.convert(said, RuleHead)
    check = CHECKS.get(head.check)
    if check is None:
        near = difflib.get_close_matches(head.check, CHECKS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(sorted(CHECKS))}"
        raise BadDocument([_error(marks, (*path, "check"), f"there is no check {head.check!r}{hint}")])
    told = {key: value for key, value in said.items() if key not in RuleHead.__struct_fields__}
    parameters = msgspec.convert(told, check.parameters)
    if problem := check.problem(parameters):
        raise BadDocument([_error(marks, path, problem)])
    return Rule(check=check, mode=head.mode, parameters=parameters)


def _remove(content: Any, path: Path) -> None:
    for key in path[:-1]:
        content = content[key]
    del content[path[-1]]


def _located(error: msgspec.ValidationError, prefix: Path, marks: dict[Path, tuple[int, int]]) -> Error:
    """msgspec's message at the place in the text that its path names."""
    problem, _, where = str(error).partition(" - at `")
    path = (*prefix, *_path(where.rstrip("`").removeprefix("$")))
    if unknown := re.match(r"Object contains unknown field `(.*)`$", problem):
        return _error(marks, (*path, unknown[1]), "unknown field")
    if missing := re.match(r"Object missing required field `(.*)`$", problem):
        return _error(marks, (*path, missing[1]), "is missing")
    return _error(marks, path, problem[:1].lower() + problem[1:])


def _path(where: str) -> Path:
    return tuple(int(index) if index else name for name, index in re.findall(r"\.([^.\[]+)|\[(\d+)\]", where))


def _error(marks: dict[Path, tuple[int, int]], path: Path, message: str) -> Error:
    place = path
    while place and place not in marks:
        place = place[:-1]
    line, column = marks.get(place, (1, 1))
    shown = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")
    return Error(line=line, column=column, path=shown, message=message)


def _read(text: str) -> tuple[Any, dict[Path, tuple[int, int]]]:
    """The content of a YAML text as plain values, and where each of them stands."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise BadDocument([Error(line=1, column=1, path="", message=f"The document is larger than {MAX_BYTES} bytes.")])
    loader = None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            raise BadDocument([Error(line=1, column=1, path="", message="The document is empty.")])
        marks: dict[Path, tuple[int, int]] = {}
        return _plain(loader, node, (), marks, set()), marks
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise BadDocument([Error(line=line, column=column, path="", message=f"Not YAML: {error.problem}.")]) from None
    except yaml.YAMLError as error:
        raise BadDocument([Error(line=1, column=1, path="", message=f"Not YAML: {error}.")]) from None
    except RecursionError:
        raise BadDocument([Error(line=1, column=1, path="", message="The document is nested too deeply.")]) from None
    finally:
        if loader is not None:
            loader.dispose()


def _plain(
    loader: yaml.SafeLoader, node: yaml.Node, path: Path, marks: dict[Path, tuple[int, int]], seen: set[int]
) -> Any:
    here = (node.start_mark.line + 1, node.start_mark.column + 1)
    marks.setdefault(path, here)

    def refuse(message: str) -> BadDocument:
        return BadDocument([_error({path: here}, path, message)])

    if id(node) in seen:
        raise refuse("aliases are not taken: write it out")
    seen.add(id(node))
    if len(path) > MAX_DEPTH:
        raise refuse("is nested too deeply")
    if isinstance(node, yaml.CollectionNode) and node.tag not in PLAIN_TAGS:
        raise refuse(f"the tag {node.tag!r} is not taken")
    if isinstance(node, yaml.MappingNode):
        content: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not (isinstance(key_node, yaml.ScalarNode) and key_node.tag == "tag:yaml.org,2002:str"):
                raise refuse("keys are plain words")
            marks[(*path, key)] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if key in content:
                raise BadDocument([_error(marks, (*path, key), "stands twice")])
            content[key] = _plain(loader, value_node, (*path, key), marks, seen)
        return content
    if isinstance(node, yaml.SequenceNode):
        return [_plain(loader, item, (*path, number), marks, seen) for number, item in enumerate(node.value)]
    return _scalar(loader, node, refuse)


def _scalar(loader: yaml.SafeLoader, node: yaml.Node, refuse: Any) -> Any:
    match node.tag.removeprefix("tag:yaml.org,2002:"):
        case "str" | "timestamp":
            if "\0" in node.value:
                raise refuse("holds the character U+0000")
            return node.value
        case "int" | "float" | "bool" | "null":
            try:
                value = loader.construct_object(node)
            except ValueError:
                raise refuse("is not a number") from None
            if isinstance(value, float) and not math.isfinite(value):
                raise refuse("is not a finite number")
            return value
        case tag:
            raise refuse(f"the tag {tag!r} is not taken")
