"""Which outside systems may tell a fact that results lack. Pure.

Criteria name facts finely, systems say coarsely what they bring, and neither app knows the other: here the two meet. A
system that brings the coarse fact may still leave a detail out; what it says exactly stands on its own page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from integrations import systems
from integrations.systems.base import Fact, Group

# For each fact of the catalogue what a system must bring. Facts of our own records, such as owners, approvals and
# promotions through the gate, come from no system.
BROUGHT: Mapping[str, frozenset[Fact]] = {
    "model": frozenset({Fact.MODEL}),
    "model_version": frozenset({Fact.MODEL_VERSION}),
    "dataset_version": frozenset({Fact.DATASET}),
    "job": frozenset({Fact.JOB}),
    "run": frozenset({Fact.RUN}),
    "run_facets": frozenset({Fact.RUN}),
    "orchestrator": frozenset({Fact.JOB, Fact.RUN}),
    "trigger": frozenset({Fact.RUN}),
    "actor": frozenset({Fact.RUN}),
    "environment": frozenset({Fact.DEPLOYMENT}),
    "consumed": frozenset({Fact.RUN, Fact.DATASET}),
    "produced": frozenset({Fact.RUN, Fact.MODEL_VERSION}),
    "trained_from": frozenset({Fact.RUN, Fact.DATASET}),
    "commit": frozenset({Fact.COMMIT}),
    "built_from_commit": frozenset({Fact.COMMIT}),
    "commit_detail": frozenset({Fact.COMMIT}),
    "feature_view": frozenset({Fact.FEATURE}),
    "deployment": frozenset({Fact.DEPLOYMENT}),
    "deployed_as": frozenset({Fact.DEPLOYMENT}),
    "rollout": frozenset({Fact.DEPLOYMENT}),
    "decision_sample": frozenset({Fact.DECISION}),
    "kpi_series": frozenset({Fact.KPI}),
    "monitored_by": frozenset({Fact.KPI}),
    "evaluated_on": frozenset({Fact.KPI, Fact.DATASET}),
    "segments": frozenset({Fact.KPI}),
    "drift_alert": frozenset({Fact.ALERT}),
    "alert_detail": frozenset({Fact.ALERT}),
    "test_result": frozenset({Fact.CHECK}),
    "test_detail": frozenset({Fact.CHECK}),
    "registry_state": frozenset({Fact.MODEL, Fact.MODEL_VERSION}),
}
# Where only one kind of system knows.
ONLY: Mapping[str, Group] = {
    "commit_detail": Group.CI,
    "rollout": Group.SERVING,
    "decision_sample": Group.SERVING,
    "orchestrator": Group.PIPELINES,
    "registry_state": Group.TRACKING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A system that may be connected, and where that is done."""

    title: str
    href: str


def sources(fact: str) -> Sequence[Source]:
    """The systems that may tell the fact, by title; none for facts of our own records."""
    needed = BROUGHT.get(fact)
    if not needed:
        return ()
    found = [
        Source(title=system.title, href=f"/connections/new/{system.slug}")
        for system in systems.ALL
        if needed <= system.brings and ONLY.get(fact, system.group) is system.group
    ]
    return sorted(found, key=lambda one: one.title.lower())
