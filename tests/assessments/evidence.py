"""Evidence for tests: every criterion in order, and changes to it in few words."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from assessments import catalogue
from assessments.framework import Criterion, Extent, Ladder, Statistic
from assessments.items import State, Tally
from assessments.judging import Age, Evidence, Exemption, GivenAnswer, RuleInForce
from assessments.scoring import Standing

AT = datetime(2026, 3, 3, 12, tzinfo=UTC)
RATED = Standing(production_versions=2, heard_at=AT - timedelta(days=1))


def ladder(slug: str) -> Ladder:
    found = catalogue.load().frameworks[slug]
    assert isinstance(found, Ladder)
    return found


def answered(answer: str = "most_or_all", *, reviewed: bool = True, expires_in_days: float = 90) -> GivenAnswer:
    return GivenAnswer(extent=Extent(answer), is_reviewed=reviewed, expires_at=AT + timedelta(days=expires_in_days))


def in_order(criterion: Criterion, ages: tuple[Age, ...] = ()) -> Evidence:
    measure, threshold = criterion.measure, criterion.threshold
    if measure is None or threshold is None:
        return Evidence(answer=answered())
    if measure.statistic is Statistic.MEDIAN:
        value = 1.0 if threshold.op == "<=" else threshold.value
        return Evidence(tally=Tally(true=5, values=(value,) * 5), ages=ages)
    if threshold.op == "<=":
        return Evidence(tally=Tally(false=5), ages=ages)
    enough = max(5, round(threshold.value)) if measure.statistic is Statistic.COUNT else 5
    return Evidence(tally=Tally(true=enough), ages=ages)


def described(said: Mapping[str, Any], ages: tuple[Age, ...] = ()) -> Evidence:
    """Evidence from the words of an example."""
    values = tuple(float(value) for value in said.get("values", ()))
    tally = Tally(
        true=len(values) or int(said.get("so", 0)),
        false=int(said.get("not_so", 0)),
        unknown=int(said.get("unknown", 0)),
        unproven=int(said.get("unproven", 0)),
        values=values,
        missing=tuple(said.get("missing", ())),
    )
    answer = None
    if "answer" in said:
        answer = answered(
            said["answer"], reviewed=said.get("reviewed", True), expires_in_days=said.get("expires_in_days", 90)
        )
    return Evidence(
        tally=tally,
        ages=ages,
        applies=State(said.get("applies", "true")),
        answer=answer,
        rule=RuleInForce(drilled_at=AT - timedelta(days=said["drilled_days_ago"]))
        if "drilled_days_ago" in said
        else None,
        exemption=Exemption(ends_at=AT + timedelta(days=said["exempted_for_days"]))
        if "exempted_for_days" in said
        else None,
    )
