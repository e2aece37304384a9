"""Facts of training and serving data side by side: their columns, and how the values are distributed."""

import hashlib
from collections.abc import Sequence
from importlib import metadata
from itertools import pairwise
from typing import Any

import msgspec

from governance.errors import DomainError, NotFound
from lineage import evidence, facetschemas, identity, remarks, selectors, serving
from lineage.facetschemas import ColumnProfile, DataProfile
from lineage.models import Asset
from lineage.remarks import Remark
from policies import evidence_files
from policies.checks.drift import DriftParameters
from policies.checks.facts import DistributionFact, DistributionsFact, SchemaFact
from policies.checks.schema_match import Dataset, SchemaMatchParameters
from policies.models import GroupCounts, Promotion

MAX_FIELDS = 20_000


def schemas(promotion: Promotion, parameters: SchemaMatchParameters) -> dict[str, Any]:
    """Of the training data as it stood when the run ended, and of the serving data as it stands."""
    found: dict[str, Any] = {}
    runs = evidence.producing_runs(promotion.model_version)
    read = _training(promotion, parameters.training)
    if runs and read is not None:
        found["training_schema"] = _schema(selectors.asset(read.asset), as_of=runs[0].ended_at)
    served = _serving(promotion, parameters.serving)
    if served is not None:
        found["serving_schema"] = _schema(served, as_of=None)
    return found


def distributions(promotion: Promotion, parameters: DriftParameters) -> dict[str, Any]:
    """From two files of evidence, or else from the profiles that were sent."""
    if parameters.training_evidence is not None and parameters.serving_evidence is not None:
        return {"distributions": _from_files(promotion, parameters)}
    return {"distributions": _from_profiles(promotion, parameters)}


def _training(promotion: Promotion, name: str | None) -> evidence.InputEvidence | None:
    """The input of the newest run that is named, or the only one."""
    runs = evidence.producing_runs(promotion.model_version)
    inputs = [one for one in runs[0].inputs if name in (None, one.name)] if runs else []
    return inputs[0] if len({one.asset for one in inputs}) == 1 else None


def _serving(promotion: Promotion, named: Dataset | None) -> Asset | None:
    """The dataset that is named, or the only one that deployments of the model read."""
    if named is not None:
        candidates = [identity.asset("dataset", named.namespace, named.name)]
    else:
        candidates = serving.datasets(promotion.model)
    if len(candidates) != 1:
        return None
    try:
        return selectors.asset(candidates[0])
    except NotFound:
        return None


def _schema(asset: Asset, *, as_of: Any) -> SchemaFact | None:
    facet = next((facet.value for facet in selectors.facets(asset, as_of=as_of) if facet.key == "schema"), None)
    listed = facet.get("fields") if isinstance(facet, dict) else None
    fields = _fields(listed) if isinstance(listed, list) else {}
    return SchemaFact(dataset=asset.name, fields=fields) if fields else None


def _fields(listed: list[Any], before: str = "") -> dict[str, str]:
    """Names with their types; fields within fields with a dot."""
    found: dict[str, str] = {}
    for one in listed:
        name = one.get("name") if isinstance(one, dict) else None
        if not isinstance(name, str) or not name or len(found) >= MAX_FIELDS:
            continue
        word = one.get("type")
        found[before + name] = word if isinstance(word, str) else ""
        if isinstance(below := one.get("fields"), list):
            found |= _fields(below, f"{before}{name}.")
    return found


def _from_files(promotion: Promotion, parameters: DriftParameters) -> DistributionsFact:
    names = (parameters.training_evidence or "", parameters.serving_evidence or "")
    fact = DistributionsFact(training=f"evidence {names[0]}", serving=f"evidence {names[1]}")
    digests = [promotion.evidence.get(name) for name in names]
    for name, digest in zip(names, digests, strict=True):
        if digest is None:
            return msgspec.structs.replace(fact, problem=f"The evidence {name!r} is not available.")
        if not evidence_files.DIGEST.fullmatch(digest):
            return msgspec.structs.replace(fact, problem=f"The evidence {name!r} is no file: only files are counted.")
        try:
            evidence_files.find(digest)
        except NotFound:
            return msgspec.structs.replace(fact, problem=f"The evidence {name!r} was stated and not sent.")
    try:
        columns = _counted(str(digests[0]), str(digests[1]), parameters.columns)
    except DomainError as error:
        return msgspec.structs.replace(fact, problem=error.message)
    evidence_file = evidence_files.find(str(digests[1]))
    return msgspec.structs.replace(fact, columns=columns, measured_at=evidence_file.stored_at.isoformat())


def _counted(training: str, served: str, columns: Sequence[str] | None) -> list[DistributionFact]:
    """The counts of both files, once for these files and columns."""
    said = {"training": training, "columns": columns, "duckdb": metadata.version("duckdb"), "counted": "distributions"}
    question = hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()
    known = GroupCounts.objects.filter(digest=served, question=question).first()
    if known is not None:
        return msgspec.convert(known.counts, list[DistributionFact])
    # DuckDB is loaded by the workers that count and not by every process that knows of promotions.
    from policies.distributions import counts  # noqa: PLC0415

    counted = counts.count(evidence_files.path(training), evidence_files.path(served), columns)
    GroupCounts.objects.bulk_create(
        [GroupCounts(digest=served, question=question, counts=msgspec.to_builtins(counted))],
        ignore_conflicts=True,  # Another worker counted the same meanwhile, to the same result.
    )
    return counted


def _from_profiles(promotion: Promotion, parameters: DriftParameters) -> DistributionsFact:
    """The profile of the version that was trained on, and the newest one of the serving data."""
    read, served = _training(promotion, parameters.training), _serving(promotion, parameters.serving)
    fact = DistributionsFact(
        training=f"{read.name} {read.version or ''}".strip() if read else "", serving=served.name if served else ""
    )
    if read is None or served is None:
        which = "training" if read is None else "serving"
        return msgspec.structs.replace(fact, problem=f"It is not known which dataset is the {which} data: name it.")
    trained = _profile(_of_version(read))
    newest = remarks.of_dataset(served.uuid, [facetschemas.DATA_PROFILE])
    recent = _profile(newest)
    if trained is None or recent is None:
        of = fact.training if trained is None else fact.serving
        return msgspec.structs.replace(fact, problem=f"There is no profile of {of} that can be read.")
    theirs = {column.name: column for column in recent.columns}
    wanted = parameters.columns
    columns = [
        _distribution(column, theirs[column.name])
        for column in trained.columns
        if column.name in theirs and (wanted is None or column.name in wanted)
    ]
    at = recent.period_end or newest[0].said_at
    return msgspec.structs.replace(fact, columns=columns, measured_at=at.isoformat())


def _of_version(read: evidence.InputEvidence) -> list[Remark]:
    if read.version is None:
        return []
    return remarks.of_version(identity.version(read.asset, read.version), [facetschemas.DATA_PROFILE])


def _profile(said: Sequence[Remark]) -> DataProfile | None:
    """The newest; none when names of what it is of contradict each other."""
    return facetschemas.read(DataProfile, said[0].body) if said and not said[0].is_contradicted else None


def _distribution(training: ColumnProfile, served: ColumnProfile) -> DistributionFact:
    """Both sides of a column. Histograms can be compared when their edges are the same."""
    name, missing = training.name, (training.missing, served.missing)
    is_ordered = training.edges is not None
    problem = training.problem or served.problem
    if not problem and (training.edges is None) != (served.edges is None):
        problem = "is a number on one side and a category on the other"
    if not problem and training.edges != served.edges:
        problem = "has other edges in training than in serving"
    if problem:
        return DistributionFact(column=name, is_ordered=is_ordered, missing=missing, problem=problem)
    if training.edges is not None:
        return DistributionFact(
            column=name,
            is_ordered=True,
            labels=[f"{low:g} to {high:g}" for low, high in pairwise(training.edges)],
            training=training.counts or [],
            serving=served.counts or [],
            missing=missing,
        )
    ours, theirs = training.categories or {}, served.categories or {}
    labels = sorted(ours.keys() | theirs.keys())
    return DistributionFact(
        column=name,
        is_ordered=False,
        labels=labels,
        training=[ours.get(label, 0) for label in labels],
        serving=[theirs.get(label, 0) for label in labels],
        missing=missing,
    )
