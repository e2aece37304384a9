"""The model is done: it reaches what its owners said it has to."""

from typing import Annotated, Any

import msgspec

from governance.criticality import Goal
from policies.checks.base import Check, Facts, Finding, Parameters
from policies.checks.facts import MeasurementFact
from policies.checks.reasons import Reasons, at_most, fresh


class GoalsParameters(Parameters, frozen=True, kw_only=True):
    """How well the goals must be measured. A measurement that is older, or of fewer rows, is unknown.

    `minimum_goals` is how many there must be at least; `done_when` asks for a text that says when the model is done.
    """

    minimum_goals: Annotated[int, msgspec.Meta(ge=1, le=50)] = 1
    done_when: bool = True
    measured_within_days: Annotated[float, msgspec.Meta(gt=0)] | None = None
    minimum_sample_size: Annotated[int, msgspec.Meta(ge=1)] | None = None


class Goals(Check):
    """The KPIs that the model's owners named as those that matter are measured and reach what they have to.

    Goals stand in the model's classification, with the words that say when the model is done. While nobody has
    written them, it is unknown whether the model is done.
    """

    id = "goals"
    title = "The model reaches its goals"
    remedy = "Write the goals on the model's page, measure each of them, and improve what misses its bound."
    needs = ("now", "subject", "measurements")
    parameters = GoalsParameters

    def judge(self, parameters: GoalsParameters, facts: Facts) -> Finding:
        goals = facts.subject.goals if facts.subject else []
        reasons = Reasons()
        if len(goals) < parameters.minimum_goals:
            some = f"{len(goals)} of at least {parameters.minimum_goals} goals are written"
            reasons.judge(None, some if goals else "the model's owners have written no goals")
        if parameters.done_when and not (facts.subject and facts.subject.done_when.strip()):
            reasons.judge(None, "nobody has written when the model is done")
        measured: dict[str, Any] = {}
        for goal in goals:
            found = next(
                (one for one in facts.measurements if (one.metric, one.segment) == (goal.metric, goal.segment)), None
            )
            measured[goal.name] = found.value if found else None
            reasons.judge(*_reached(goal, found, parameters, facts.now))
        return Finding(
            outcome=reasons.outcome,
            summary=reasons.sentence[:1].upper() + reasons.sentence[1:],
            measured=measured,
            required=[goal.words for goal in goals],
        )


def _reached(
    goal: Goal, found: MeasurementFact | None, parameters: GoalsParameters, now: str
) -> tuple[bool | None, str]:
    name = goal.name
    if found is None or found.value is None:
        return None, f"{name} {'is not a number' if found else 'was not reported'}"
    is_fresh, words = fresh(now, found.measured_at, parameters.measured_within_days, f"{name} was measured")
    if not is_fresh:
        return None, words
    least = parameters.minimum_sample_size
    if least is not None and (found.sample_size is None or found.sample_size < least):
        rows = "an unknown number of" if found.sample_size is None else str(found.sample_size)
        return None, f"{name} was measured on {rows} rows, and {least} are asked"
    value = found.value
    holds = (goal.minimum is None or at_most(goal.minimum, value)) and (
        goal.maximum is None or at_most(value, goal.maximum)
    )
    return holds, f"{name} is {value:.6g}, {'and is' if holds else 'and has'} to be {goal.bounds}"
