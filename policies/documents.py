"""Policy documents: YAML with typed content. Pure."""

import difflib
import hashlib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Annotated, Any

import msgspec

from governance import yamldocuments
from governance.yamldocuments import BadDocument, Document, Error, Path
from policies.checks.base import Check, Mode, Parameters
from policies.checks.catalogue import CHECKS

MAX_RULES = 500
SLUG = r"^[a-z0-9]+(?:-[a-z0-9]+)*$"
# Named in the design, and not built yet: saying so is kinder than "unknown field".
NOT_YET = {("applies", "model", "tier"), ("applies", "model", "tags")}


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
    document = yamldocuments.read(text)
    content = document.content
    if not isinstance(content, dict):
        raise BadDocument([document.error((), "A policy is a mapping that begins with 'policy:'.")])
    errors: list[Error] = []
    for path in sorted(NOT_YET & document.marks.keys(), key=str):
        errors.append(document.error(path, "is not supported yet"))
        _remove(content, path)
    rules = _rules(content.pop("rules", None), document, errors)
    head = None
    try:
        head = document.typed(Head, content)
    except BadDocument as bad:
        errors += bad.errors
    if errors or head is None:
        raise BadDocument(errors)
    return Policy(
        slug=head.policy,
        description=head.description,
        applies=head.applies,
        approvals=head.approvals.count,
        rules=tuple(rules),
    )


def _rules(listed: Any, document: Document, errors: list[Error]) -> list[Rule]:
    if not isinstance(listed, list) or not 0 < len(listed) <= MAX_RULES:
        errors.append(
            document.error(("rules",), f"a policy has 1 to {MAX_RULES} rules, each beginning with '- check:'")
        )
        return []
    rules = []
    for number, said in enumerate(listed):
        try:
            rules.append(_rule(said, ("rules", number), document))
        except BadDocument as bad:
            errors += bad.errors
    return rules


def _rule(said: Any, path: Path, document: Document) -> Rule:
    head = document.typed(RuleHead, said, path)
    check = CHECKS.get(head.check)
    if check is None:
        near = difflib.get_close_matches(head.check, CHECKS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(sorted(CHECKS))}"
        raise BadDocument([document.error((*path, "check"), f"there is no check {head.check!r}{hint}")])
    told = {key: value for key, value in said.items() if key not in RuleHead.__struct_fields__}
    parameters = document.typed(check.parameters, told, path)
    if problem := check.problem(parameters):
        raise BadDocument([document.error(path, problem)])
    return Rule(check=check, mode=head.mode, parameters=parameters)


def _remove(content: Any, path: Path) -> None:
    for key in path[:-1]:
        content = content[key]
    del content[path[-1]]
