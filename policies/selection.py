"""Which policies judge a promotion, and what they ask of it together. Pure.

Several policies apply side by side and none weakens another: every rule of each counts, and of approvals the largest
number. So the strictest wins, and it stays known which policy asked for what.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Generic, Protocol, TypeVar

from policies.checks.base import Check, Mode, Parameters

Source = TypeVar("Source")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What selectors look at in a promotion. The tier is empty while nobody has classified the model."""

    stage: str
    namespace: str
    model: str
    teams: frozenset[str] = frozenset()
    tier: str = ""
    tags: frozenset[str] = frozenset()
    data_classes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One check with its parameters, how strictly it is meant, and since when."""

    check: Check
    mode: Mode
    parameters: Parameters
    effective_from: datetime | None = None


class Policy(Protocol):
    """What selection needs to know of a policy."""

    @property
    def slug(self) -> str: ...

    @property
    def approvals(self) -> int: ...

    @property
    def rules(self) -> Sequence[Rule]: ...

    @property
    def effective_from(self) -> datetime | None: ...

    def matches(self, candidate: Candidate) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied(Generic[Source]):
    """A policy that applies. Before it takes effect its rules are recorded as in shadow, and it asks no approvals."""

    source: Source
    slug: str
    approvals: int
    is_in_effect: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Generic[Source]):
    """A rule of a policy that applies, in the mode that it has at the time."""

    source: Source
    slug: str
    rule: Rule
    mode: Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection(Generic[Source]):
    """Everything that is asked of a promotion, by policy."""

    policies: tuple[Applied[Source], ...]
    asked: tuple[Asked[Source], ...]

    @property
    def approvals_required(self) -> int:
        return max((policy.approvals for policy in self.policies if policy.is_in_effect), default=0)

    @property
    def is_in_effect(self) -> bool:
        """Whether any policy that applies has taken effect; otherwise nobody judges yet."""
        return any(policy.is_in_effect for policy in self.policies)


def select(policies: Sequence[tuple[Source, Policy]], candidate: Candidate, now: datetime) -> Selection[Source]:
    """What those of the policies that apply ask of the candidate at that instant. Rules that are off ask nothing."""
    applying = [(source, policy) for source, policy in policies if policy.matches(candidate)]
    return Selection(
        policies=tuple(
            Applied(
                source=source,
                slug=policy.slug,
                approvals=policy.approvals,
                is_in_effect=_has_begun(policy.effective_from, now),
            )
            for source, policy in applying
        ),
        asked=tuple(
            Asked(source=source, slug=policy.slug, rule=rule, mode=mode_at(rule, policy, now))
            for source, policy in applying
            for rule in policy.rules
            if rule.mode is not Mode.OFF
        ),
    )


def mode_at(rule: Rule, policy: Policy, now: datetime) -> Mode:
    """Until rule and policy have taken effect the rule is in shadow: recorded, so that people see what is coming."""
    if rule.mode is Mode.OFF or (_has_begun(policy.effective_from, now) and _has_begun(rule.effective_from, now)):
        return rule.mode
    return Mode.SHADOW


def fits(text: str, patterns: str | Sequence[str]) -> bool:
    """Whether one of the shell patterns fits. They respect case."""
    return any(fnmatchcase(text, pattern) for pattern in ([patterns] if isinstance(patterns, str) else patterns))


def _has_begun(since: datetime | None, now: datetime) -> bool:
    return since is None or since <= now
