"""Policy documents: YAML with typed content. Pure."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec

from governance import yamldocuments
from governance.criticality import DataClass
from governance.yamldocuments import BadDocument, Document, Error, Path
from policies import contradictions, mistakes
from policies.checks.base import Check, Mode, Parameters
from policies.checks.catalogue import CHECKS
from policies.selection import Candidate, Rule, fits

MAX_RULES = 500
SLUG = r"^[a-z0-9]+(?:-[a-z0-9]+)*$"
# Words that stand in addresses where the name of a policy may stand.
RESERVED = frozenset({"check", "diff", "new", "schema", "simulate", "test", "try", "validate"})
NOTHING_SELECTED = "selects nothing: leave it out to mean all of them"


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of a policy's parts."""


Glob = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Globs = Glob | Annotated[list[Glob], msgspec.Meta(min_length=1, max_length=100)]
Slug = Annotated[str, msgspec.Meta(pattern=SLUG, max_length=50)]
Slugs = Slug | Annotated[list[Slug], msgspec.Meta(min_length=1, max_length=100)]
TierWord = Literal["life-threatening", "high", "medium", "low", "unclassified"]
Words = Annotated[list[Glob], msgspec.Meta(min_length=1, max_length=100)]
Day = Annotated[
    str, msgspec.Meta(description="A day, which begins at midnight UTC, or an instant with its offset", max_length=40)
]


class ModelSelector(Section, frozen=True, kw_only=True):
    """Models by shell patterns on name and namespace, by tier, tags and data classes; of a list, one is enough."""

    name: Globs = "*"
    namespace: Globs = "*"
    tier: Annotated[list[TierWord], msgspec.Meta(min_length=1)] | None = None
    tags: Words | None = None
    data_classes: Annotated[list[DataClass], msgspec.Meta(min_length=1)] | None = None


class Applies(Section, frozen=True, kw_only=True):
    """The promotions a policy judges: everything that is said here must hold."""

    stage: Globs
    model: ModelSelector = ModelSelector()
    team: Slugs | None = None


class Approvals(Section, frozen=True, kw_only=True):
    """How many people, other than the one who asked, must say yes."""

    count: Annotated[int, msgspec.Meta(ge=0, le=20)] = 0


class Head(Section, frozen=True, kw_only=True):
    """A policy without its rules, which are read one by one."""

    policy: Slug
    applies: Applies
    description: Annotated[str, msgspec.Meta(max_length=5_000)] = ""
    approvals: Approvals = Approvals()
    effective_from: Day | None = None


class RuleHead(msgspec.Struct, frozen=True, kw_only=True):
    """What every rule says, whatever it asks."""

    check: str
    mode: Mode = Mode.ENFORCE
    effective_from: Day | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy as its document says."""

    slug: str
    description: str
    applies: Applies
    approvals: int
    rules: tuple[Rule, ...]
    effective_from: datetime | None = None

    def matches(self, candidate: Candidate) -> bool:
        """Whether it judges such a promotion. Patterns respect case."""
        model = self.applies.model
        return (
            fits(candidate.stage, self.applies.stage)
            and fits(candidate.model, model.name)
            and fits(candidate.namespace, model.namespace)
            and _is_one_of(candidate.teams, self.applies.team)
            and _is_one_of({candidate.tier or "unclassified"}, model.tier)
            and _is_one_of(candidate.tags, model.tags)
            and _is_one_of(candidate.data_classes, model.data_classes)
        )


def _is_one_of(had: set[str] | frozenset[str], asked: str | list[Any] | None) -> bool:
    if asked is None:
        return True
    return not had.isdisjoint({asked} if isinstance(asked, str) else asked)


def digest(text: str) -> str:
    """The identity of a document's text."""
    return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=256)
def parse(text: str) -> Policy:
    """The policy in a YAML document. Raises BadDocument with everything that is wrong with it."""
    return _parse(text, is_new=True)


@lru_cache(maxsize=256)
def published(text: str) -> Policy:
    """The policy in a document that was published. What is refused today and was not then is taken as it stands.

    A rule against contradictions that comes with an update must not stop the gates of policies that have one.
    """
    return _parse(text, is_new=False)


def _parse(text: str, *, is_new: bool) -> Policy:
    document = yamldocuments.read(text)
    content = document.content
    if not isinstance(content, dict):
        raise BadDocument([document.error((), "A policy is a mapping that begins with 'policy:'.")])
    errors = list(_empty_selectors(content.get("applies"), document)) if is_new else []
    rules = _rules(content.pop("rules", None), document, errors)
    if is_new:
        errors += contradictions.find(rules, document)
    head, wrong = mistakes.read(Head, content, (), document)
    # Nothing selected is said in our own words, not in those of the type.
    told = {(error.line, error.column) for error in errors}
    errors += [error for error in wrong if (error.line, error.column) not in told]
    since = None
    if head is not None:
        since = _instant(head.effective_from, ("effective_from",), document, errors)
        if is_new and head.policy in RESERVED:
            errors.append(document.error(("policy",), f"{head.policy!r} is kept for other uses: choose another name"))
    if errors or head is None:
        raise BadDocument(errors)
    return Policy(
        slug=head.policy,
        description=head.description,
        applies=head.applies,
        approvals=head.approvals.count,
        rules=tuple(rules.values()),
        effective_from=since,
    )


def _empty_selectors(said: Any, document: Document) -> Iterator[Error]:
    """Selectors that are there and name nothing."""
    if not isinstance(said, dict):
        return
    inner = said.get("model")
    for path, values in ((("applies",), said), (("applies", "model"), inner if isinstance(inner, dict) else {})):
        for name, value in values.items():
            if value in ("", [], {}) or value is None:
                yield document.error((*path, name), NOTHING_SELECTED)


def _rules(listed: Any, document: Document, errors: list[Error]) -> Mapping[int, Rule]:
    """The rules that could be read, by their place."""
    if not isinstance(listed, list) or not 0 < len(listed) <= MAX_RULES:
        errors.append(
            document.error(("rules",), f"a policy has 1 to {MAX_RULES} rules, each beginning with '- check:'")
        )
        return {}
    rules = {}
    for number, said in enumerate(listed):
        try:
            rules[number] = _rule(said, ("rules", number), document)
        except BadDocument as bad:
            errors += bad.errors
    return rules


def _rule(said: Any, path: Path, document: Document) -> Rule:
    if not isinstance(said, dict):
        raise BadDocument([document.error(path, "a rule is a mapping that begins with 'check:'")])
    own = {key: said[key] for key in RuleHead.__struct_fields__ if key in said}
    head, errors = mistakes.read(RuleHead, own, path, document)
    named = own.get("check")
    check = CHECKS.get(named) if isinstance(named, str) else None
    if check is None:
        if isinstance(named, str):
            near = mistakes.suggestion(named, CHECKS) or f"; there are {', '.join(sorted(CHECKS))}"
            errors.append(document.error((*path, "check"), f"there is no check {named!r}{near}"))
        raise BadDocument(errors)
    told = {key: value for key, value in said.items() if key not in RuleHead.__struct_fields__}
    parameters, wrong = mistakes.read(check.parameters, told, path, document)
    errors += wrong
    if parameters is not None and (problem := check.problem(parameters)):
        errors.append(document.error(_place(problem, said, path), problem))
    since = None if head is None else _instant(head.effective_from, (*path, "effective_from"), document, errors)
    if errors or head is None or parameters is None:
        raise BadDocument(errors)
    return _made(check, head.mode, parameters, since)


def _made(check: Check, mode: Mode, parameters: Parameters, since: datetime | None) -> Rule:
    return Rule(check=check, mode=mode, parameters=parameters, effective_from=since)


def _place(problem: str, said: Mapping[str, Any], path: Path) -> Path:
    """A problem stands at the parameter whose name it begins with."""
    first = problem.partition(" ")[0].rstrip(":")
    return (*path, first) if first in said else path


def _instant(text: str | None, path: Path, document: Document, errors: list[Error]) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        pass
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        says = "is neither a day like 2027-01-31 nor an instant with its offset like 2027-01-31T08:00:00Z"
        errors.append(document.error(path, says))
        return None
    return instant
