"""Cases beside a policy: facts in, and the verdict that is expected of them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Literal

import msgspec

from governance import yamldocuments
from governance.yamldocuments import BadDocument
from policies import documents, mistakes, selection
from policies.checks.base import Facts, Outcome
from policies.checks.subject import SubjectFact
from policies.documents import Section
from policies.evaluation import Decision, Judged, state
from policies.selection import Candidate

MAX_CASES = 500
# A time at which everything has taken effect, for cases that name none.
LATE = datetime(9999, 1, 1, tzinfo=UTC)
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Expected = Literal["pass", "fail", "unknown", "not_applicable", "error"]


class Asked(Section, frozen=True, kw_only=True):
    """The promotion of a case, as selectors see it."""

    stage: Word
    model: Word
    namespace: str = ""
    teams: list[Word] = []
    tier: Literal["", "life-threatening", "high", "medium", "low"] = ""
    tags: list[Word] = []
    data_classes: list[Word] = []


class Case(Section, frozen=True, kw_only=True):
    """What is known of a promotion, and what must come of it."""

    name: Word
    promotion: Asked
    expect: Literal["passed", "waiting", "blocked", "not judged"]
    facts: dict[str, Any] = {}
    approvals: Annotated[int, msgspec.Meta(ge=0, le=20)] = 0
    at: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    findings: dict[str, Expected | list[Expected]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a rule found in a case."""

    check: str
    mode: str
    outcome: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a case. `problem` is empty when it came as expected."""

    name: str
    line: int
    problem: str
    state: str
    findings: tuple[Finding, ...]


def run(policy: documents.Policy, text: str) -> list[Result]:
    """Every case of the text, judged by the policy alone. Raises BadDocument for what is no file of cases."""
    document = yamldocuments.read(text)
    content = document.content
    listed = content.get("cases") if isinstance(content, dict) else None
    if not isinstance(listed, list) or not 0 < len(listed) <= MAX_CASES or set(content) - {"cases", "policy"}:
        says = f"A file of cases says 'cases:' with 1 to {MAX_CASES} of them, and may say 'policy:'."
        raise BadDocument([document.error((), says)])
    errors = []
    if (named := content.get("policy", policy.slug)) != policy.slug:
        errors.append(document.error(("policy",), f"these cases are of {named!r}, and the policy is {policy.slug!r}"))
    results = []
    for number, said in enumerate(listed):
        path = ("cases", number)
        if not isinstance(said, dict):
            errors.append(document.error(path, "a case is a mapping that begins with 'name:'"))
            continue
        case, wrong = mistakes.read(Case, said, path, document)
        errors += wrong
        if case is None:
            continue
        facts, wrong = mistakes.read(Facts, case.facts, (*path, "facts"), document)
        errors += wrong
        errors += [
            document.error((*path, "facts", name), f"unknown fact{mistakes.suggestion(name, Facts.__struct_fields__)}")
            for name in case.facts
            if name not in Facts.__struct_fields__
        ]
        at = _instant(case.at)
        if at is None:
            errors.append(document.error((*path, "at"), "is neither a day nor an instant with its offset"))
        elif facts is not None:
            results.append(_result(policy, case, facts, at, document.error(path, "").line))
    if errors:
        raise BadDocument(errors)
    return results


def _result(policy: documents.Policy, case: Case, facts: Facts, at: datetime, line: int) -> Result:
    asked = case.promotion
    candidate = Candidate(
        stage=asked.stage,
        namespace=asked.namespace,
        model=asked.model,
        teams=frozenset(asked.teams),
        tier=asked.tier,
        tags=frozenset(asked.tags) | {tag.partition("=")[0] for tag in asked.tags},
        data_classes=frozenset(asked.data_classes),
    )
    known = msgspec.structs.replace(
        facts,
        now=facts.now or (at if case.at else datetime(2026, 1, 1, tzinfo=UTC)).isoformat(),
        subject=_subject(facts, asked),
    )
    chosen = selection.select([(None, policy)], candidate, at)
    found = [(one, one.rule.check.judge(one.rule.parameters, known)) for one in chosen.asked]
    reached = (
        state(
            findings=[
                Judged(outcome=finding.outcome, mode=one.mode, awaits_people=one.rule.check.awaits_people)
                for one, finding in found
            ],
            approvals_required=chosen.approvals_required,
            decisions=[Decision.APPROVE] * case.approvals,
        ).value
        if chosen.is_in_effect
        else "not judged"
    )
    findings = tuple(
        Finding(check=one.rule.check.id, mode=one.mode, outcome=finding.outcome, summary=finding.summary)
        for one, finding in found
    )
    return Result(
        name=case.name, line=line, problem=_problem(case, reached, findings), state=reached, findings=findings
    )


def _subject(facts: Facts, asked: Asked) -> SubjectFact:
    """The promotion as checks see it; what the facts of the case say of it counts more."""
    own = SubjectFact(
        model=asked.model,
        namespace=asked.namespace,
        stage=asked.stage,
        teams=asked.teams,
        tier=asked.tier,
        tags=asked.tags,
        data_classes=asked.data_classes,
    )
    if facts.subject is None:
        return own
    return msgspec.convert(msgspec.to_builtins(own) | msgspec.to_builtins(facts.subject), SubjectFact)


def _problem(case: Case, reached: str, findings: tuple[Finding, ...]) -> str:
    if reached != case.expect:
        why = "; ".join(
            f"{one.check}: {one.summary}"
            for one in findings
            if one.mode == "enforce" and not Outcome(one.outcome).opens
        )
        return f"expected {case.expect}, came to {reached}{f' ({why})' if why else ''}"
    by_check: dict[str, list[str]] = {}
    for one in findings:
        by_check.setdefault(one.check, []).append(one.outcome)
    return _unexpected(case.findings, by_check)


def _unexpected(expected: Mapping[str, Any], came: Mapping[str, list[str]]) -> str:
    for check, said in expected.items():
        wanted = [said] if isinstance(said, str) else list(said)
        if came.get(check, []) != wanted:
            return f"{check}: expected {', '.join(wanted)}, came to {', '.join(came.get(check, [])) or 'no such rule'}"
    return ""


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return LATE
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        pass
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo is not None else None
