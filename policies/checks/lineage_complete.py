"""It is known what the model version was made from."""

from policies.checks.base import Check, Facts, Finding, Outcome, Parameters
from policies.checks.facts import RunFact


class LineageParameters(Parameters, frozen=True, kw_only=True):
    """Nothing to set."""


class LineageComplete(Check):
    """The run that wrote the model version is known and completed, with its commit and with inputs pinned to versions.

    A version that its sender did not name, even if it can be inferred, is not pinned. If the promotion names a commit,
    the run was built from it. Of several runs that wrote the version the newest counts.
    """

    id = "lineage-complete"
    title = "It is known what the model was made from"
    remedy = (
        "Report the training run with the version facet on each input and sourceCodeLocation with the commit on its "
        "job, then ask again."
    )
    needs = ("runs", "promotion_commit")
    parameters = LineageParameters

    def judge(self, parameters: LineageParameters, facts: Facts) -> Finding:
        required = {"run": "completed", "inputs": "pinned", "commit": facts.promotion_commit or "known"}
        if not facts.runs:
            return Finding(
                outcome=Outcome.UNKNOWN, summary="No run that wrote this version is known.", required=required
            )
        run = facts.runs[0]
        problems = self._problems(run, facts.promotion_commit)
        return Finding(
            outcome=Outcome.FAIL if problems else Outcome.PASS,
            summary=f"{'; '.join(problems)}."
            if problems
            else f"Run {run.id} of {run.job} at commit {str(run.commit)[:12]}.",
            measured={"run": run.state, "inputs": len(run.inputs), "commit": run.commit},
            required=required,
            evidence={"run": run.id, "inputs": {fact.name: fact.version for fact in run.inputs}},
        )

    def _problems(self, run: RunFact, commit: str | None) -> list[str]:
        problems = []
        if run.state != "completed":
            problems.append(f"the run is {run.state}")
        if not run.inputs:
            problems.append("the run names no input")
        loose = sorted(fact.name for fact in run.inputs if not fact.is_pinned)
        if loose:
            more = f" and {len(loose) - 5} more" if len(loose) > 5 else ""
            problems.append(f"not pinned to a version: {', '.join(loose[:5])}{more}")
        if not run.commit:
            problems.append("the commit is not known")
        elif commit and not _same_commit(run.commit, commit):
            problems.append(f"the run was built from {run.commit[:12]}, the promotion is asked for {commit[:12]}")
        return problems


def _same_commit(left: str, right: str) -> bool:
    """Equal, or one is the other's abbreviation of at least seven characters."""
    short, long = sorted((left.lower(), right.lower()), key=len)
    return short == long or (len(short) >= 7 and long.startswith(short))
