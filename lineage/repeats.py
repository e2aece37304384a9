"""Other runs of the same job at the same commit, and what they measured: does a training come out the same again?"""

from dataclasses import dataclass
from uuid import UUID

from lineage import evidence
from lineage.evidence import Measurement, RunEvidence
from lineage.models import AssetVersion, Run, RunIO

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
        asset__uuid__in=evidence.names_of(model),
        version__isnull=False,
    )
    same = set(AssetVersion.objects.filter(pk__in=evidence.by_any_name(version)).values_list("pk", flat=True))
    found = []
    for io in written.select_related("version").order_by("-run__last_event_at", "run_id"):
        if io.version is None:
            continue
        described = next((one for one in evidence.producing_runs(io.version.uuid) if one.uuid == io.run_id), None)
        if described is None:
            continue
        is_same = io.version.pk in same
        theirs = evidence.measurements(io.version.uuid, run=io.run_id if is_same else None)
        ours = evidence.measurements(version, run=run.uuid if is_same else None)
        found.append(Repeat(run=described, version=io.version.key, measurements=theirs, own=ours))
    return found
