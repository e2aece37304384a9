"""Other runs of the same job at the same commit, and what they measured: does a training come out the same again?"""

from dataclasses import dataclass
from uuid import UUID

from lineage import evidence
from lineage.evidence import Measurement, RunEvidence
from lineage.models import Observation, Run, RunIO

MOST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """A completed run like another, the version of the model it wrote, what it measured, and what the other did."""

    run: RunEvidence
    version: str
    measurements: list[Measurement]
    own: list[Measurement]


def of(run: RunEvidence, *, model: UUID, version: UUID) -> list[Repeat]:
    """The newest first, at most MOST. Runs that wrote no version of the model are left out.

    A run that wrote this very version is compared by what each of the two measured itself.
    """
    if run.commit is None:
        return []
    alike = Run.objects.filter(job__uuid=run.job, commit__key=run.commit, state="completed").exclude(uuid=run.uuid)
    written = RunIO.objects.filter(
        run__in=alike.order_by("-last_event_at", "uuid")[:MOST],
        direction="output",
        asset__uuid=model,
        version__isnull=False,
    )
    found = []
    for io in written.select_related("version").order_by("-run__last_event_at", "run_id"):
        if io.version is None:
            continue
        described = next((one for one in evidence.producing_runs(io.version.uuid) if one.uuid == io.run_id), None)
        if described is None:
            continue
        is_same = io.version.uuid == version
        theirs = _by_run(version, io.run_id) if is_same else evidence.measurements(io.version.uuid)
        ours = _by_run(version, run.uuid) if is_same else evidence.measurements(version)
        found.append(Repeat(run=described, version=io.version.key, measurements=theirs, own=ours))
    return found


def _by_run(version: UUID, run: UUID) -> list[Measurement]:
    """The newest measurement of each metric and segment that this run reported."""
    observations = (
        Observation.objects.filter(version__uuid=version, run=run)
        .order_by("metric", "segment", "-measured_at")
        .distinct("metric", "segment")
    )
    return [
        Measurement(
            metric=one.metric,
            segment=one.segment,
            value=one.value,
            measured_at=one.measured_at,
            sample_size=one.sample_size,
            dataset=None,
            run=run,
        )
        for one in observations
    ]
