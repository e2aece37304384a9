"""Objects of the registry as REST gives them, alone or in a list. Pure."""

import json
from collections.abc import Iterator
from typing import Any

from integrations import openlineage
from integrations.notices import Claim
from integrations.openlineage import Dataset, Event
from integrations.systems import locations
from integrations.systems.base import Context, Message
from integrations.systems.mlflow import names, runs
from integrations.systems.reading import Reader

# MLflow cuts no list of its own; more versions than this no logged model was registered as.
MOST_VERSIONS = 100


def translate(message: Message, context: Context) -> Iterator[Event]:
    said = Reader(message.document)
    for one in _each(said, "registered_model", "registered_models"):
        yield _model(one, context, message)
    for one in _each(said, "model_version", "model_versions"):
        yield _version(one, context, message)
    for one in _each(said, "model", "models"):
        yield from _logged(one, context)


def claims_of_aliases(message: Message, context: Context) -> Iterator[Claim]:
    """Aliases do not say since when they stand; the poll found them now."""
    for one in _each(Reader(message.document), "registered_model", "registered_models"):
        model = names.model(context, one.need("name"))
        for alias in one.items("aliases"):
            stage, version = context.options.aliases.get(alias.text("alias"), ""), alias.text("version")
            if stage and version:
                yield Claim(
                    namespace=model.namespace,
                    model=model.name,
                    version=version,
                    stage=stage,
                    at=message.received_at,
                    how=f"has the alias {alias.text('alias')}",
                )


def claims_of_stages(message: Message, context: Context) -> Iterator[Claim]:
    for one in _each(Reader(message.document), "model_version", "model_versions"):
        if one.text("current_stage").lower() == names.PRODUCTION:
            model = names.model(context, one.need("name"))
            yield Claim(
                namespace=model.namespace,
                model=model.name,
                version=one.need("version"),
                stage=names.PRODUCTION,
                at=one.time("last_updated_timestamp") or message.received_at,
                how="is in the stage Production",
            )


def _each(said: Reader, one: str, several: str) -> Iterator[Reader]:
    if said.at(one):
        yield said.at(one)
    yield from said.items(several)


def _model(one: Reader, context: Context, message: Message) -> Event:
    model = names.model(context, one.need("name"))
    if tags := names.tags(names.pairs(one, "tags")):
        model = model.saying(tags=tags)
    if description := one.text("description"):
        model = model.saying(documentation={"description": description})
    at = one.time("last_updated_timestamp") or one.time("creation_timestamp") or message.received_at
    return openlineage.of_dataset(model, at=at)


def _version(one: Reader, context: Context, message: Message) -> Event:
    version = one.need("version")
    said: dict[str, Any] = {"version": version, "status": one.text("status"), "stage": one.text("current_stage")}
    own = {key: value for key, value in names.pairs(one, "tags").items() if not key.startswith("mlflow.")}
    # Kept as it is for people to read. The facet `tags` is of the whole model.
    told = {key: value for key, value in {**said, "tags": own}.items() if value}
    model = names.model(context, one.need("name"), version).saying(mlflow_modelVersion=told)
    source = one.text("source")
    if source and not source.startswith("models:/"):
        model = model.saying(assay_modelFiles=locations.files(source))
    at = one.time("last_updated_timestamp") or one.time("creation_timestamp") or message.received_at
    return openlineage.of_dataset(model, at=at)


def _logged(one: Reader, context: Context) -> Iterator[Event]:
    """What a logged model says of the versions that it was registered as."""
    info = one.at("info")
    identity = info.need("model_id")
    at = info.time("last_updated_timestamp_ms") or info.need_time("creation_timestamp_ms")
    files = locations.files(f"models:/{identity}", info.text("artifact_uri"))
    metrics = runs.metrics(runs.measured(one.items("data", "metrics"), {}), of=identity)
    for name, version in _registered(names.pairs(info, "tags").get("mlflow.modelVersions", "")):
        model: Dataset = names.model(context, name, version).saying(assay_modelFiles=files)
        yield openlineage.of_dataset(model.saying(assay_modelMetrics=metrics) if metrics else model, at=at)


def _registered(text: str) -> Iterator[tuple[str, str]]:
    try:
        listed = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return
    for one in list(Reader(listed).items())[:MOST_VERSIONS]:
        if one.text("name") and one.text("version"):
            yield one.text("name"), one.text("version")
