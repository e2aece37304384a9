"""Great Expectations: results of validations, whole checkpoints, and their short descriptions, of 1.x and 0.18."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from integrations.openlineage import Dataset, Event
from integrations.systems import locations, uploads
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Refused, Scheme, System, Tested
from integrations.systems.reading import Reader
from integrations.systems.uploads import Upload, UploadOptions

RESULT, CHECKPOINT, DESCRIPTION = "validation_result", "checkpoint", "checkpoint_description"
# OpenLineage's words for how bad a failure is.
SEVERITIES = {"critical": "error", "warning": "warn", "info": "info"}
MOST_ASSERTIONS = 1_000


class GreatExpectationsOptions(UploadOptions, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`assets`: `datasource.asset` -> URI of the data that it stands for."""

    assets: dict[str, str] = {}


def type_of(message: Message) -> str:
    said = uploads.body(message)
    for key, type in (("run_results", CHECKPOINT), ("validation_results", DESCRIPTION), ("results", RESULT)):
        if said.at(key):
            return type
    raise Refused("results", "is missing: this is no result of Great Expectations.")


def translate(message: Message, context: Context) -> Iterator[Event]:
    upload = uploads.read(message, context)
    if message.type == RESULT:
        yield _validation(upload.report, upload, context, message)
    elif message.type == CHECKPOINT:
        for _, one in upload.report.entries("run_results"):
            # Before 1.0 the result stood one level deeper.
            result = one.at("validation_result") if one.at("validation_result") else one
            yield _validation(result, _of(upload, result), context, message)
    else:
        for one in upload.report.items("validation_results"):
            yield _validation(one, _of(upload, one), context, message)


def _of(upload: Upload, result: Reader) -> Upload:
    text = upload.key + json.dumps(result.value, sort_keys=True)
    return replace(upload, key=hashlib.sha256(text.encode()).hexdigest())


def _validation(result: Reader, upload: Upload, context: Context, message: Message) -> Event:
    meta = result.at("meta")
    expectations = [*result.items("results"), *result.items("expectations")]
    source, asset = _names(meta, expectations)
    suite = result.text("suite_name") or meta.text("expectation_suite_name") or "suite"
    run = meta.text("run_id", "run_name") or meta.text("run_id")
    at = upload.at or meta.time("validation_time") or meta.time("run_id", "run_time") or message.received_at
    told = _dataset(source, asset, meta, upload, context)
    assertions = [found for one in expectations[:MOST_ASSERTIONS] if (found := _assertion(one))]
    if not assertions and not result.at("statistics"):
        raise Refused("results", "holds no expectation.")
    told = told.saying(dataQualityAssertions={"assertions": assertions})
    job = context.job(".".join(word for word in (source, asset, suite) if word))
    facets = {**uploads.parent(run), **upload.facets}
    return uploads.of(replace(upload, dataset=None), job, at=at, dataset=told, facets=facets)


def _names(meta: Reader, expectations: list[Reader]) -> tuple[str, str]:
    """Datasource and asset. A description gives both in one word, that of the batch."""
    batch = meta.at("active_batch_definition") or meta.at("batch_kwargs")
    source = batch.text("datasource_name") or batch.text("datasource")
    asset = batch.text("data_asset_name")
    if source or asset:
        return source, asset
    for one in expectations:
        if word := one.text("kwargs", "batch_id") or one.text("expectation_config", "kwargs", "batch_id"):
            return "", word
    return "", "batch"


def _dataset(source: str, asset: str, meta: Reader, upload: Upload, context: Context) -> Dataset:
    if upload.dataset is not None:
        return upload.dataset
    if uri := context.options.assets.get(f"{source}.{asset}" if source else asset):
        return locations.place(uri)
    # Nobody else knows this name, so the fingerprint of what was looked at may be its version.
    found = Dataset(context.namespace, f"{source}/{asset}" if source else asset)
    return found.at(meta.text("batch_markers", "pandas_data_fingerprint"))


def _assertion(one: Reader) -> Mapping[str, Any] | None:
    config = one.at("expectation_config") if one.at("expectation_config") else one
    name, success = config.text("type") or config.text("expectation_type"), one.flag("success")
    if not name or success is None:
        return None
    told: dict[str, Any] = {"assertion": name[:200], "success": success}
    if column := config.text("kwargs", "column"):
        told["column"] = column
    if severity := SEVERITIES.get(config.text("severity").lower()):
        told["severity"] = severity
    return told


SYSTEM = System(
    slug="great_expectations",
    title="Great Expectations",
    group=Group.DATA,
    mechanisms=(Mechanism.WEBHOOK, Mechanism.IMPORT),
    tested=Tested.REAL,
    schemes=(Scheme.BEARER, Scheme.STANDARD_WEBHOOKS),
    handled={
        RESULT: "whether each expectation of the data held",
        CHECKPOINT: "the same for each validation of a checkpoint",
        DESCRIPTION: "the same, from `CheckpointResult.describe()`",
    },
    brings=frozenset({Fact.JOB, Fact.RUN, Fact.DATASET, Fact.CHECK}),
    setup=(
        "Great Expectations 1.x sends nothing that works, so send each result yourself after a checkpoint:\n\n"
        "```python\n"
        "for result in checkpoint_result.run_results.values():\n"
        '    requests.post("{url}", json=result.to_json_dict(), headers={"Authorization": f"Bearer {key}"})\n'
        "```\n\n"
        "or import the validation store: `manage.py import_from great_expectations gx/uncommitted/validations`. The "
        "option `assets` says which data an asset stands for (`warehouse.loans: s3://bank/loans`). Give the "
        "checkpoint's run the name `namespace/job/runId` of the run that it belongs to."
    ),
    options=GreatExpectationsOptions,
    type_of=type_of,
    translate=translate,
    read_files=uploads.read_files(type_of),
)
