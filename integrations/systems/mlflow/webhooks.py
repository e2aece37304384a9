"""What MLflow and Databricks push from their registries. Pure."""

from collections.abc import Iterator
from datetime import datetime

from integrations import openlineage
from integrations.notices import Claim
from integrations.openlineage import Dataset, Event
from integrations.systems import locations
from integrations.systems.base import Context, Message
from integrations.systems.mlflow import names
from integrations.systems.reading import Reader

PING = "test"
PROMPTS = tuple(
    f"prompt{thing}.{action}"
    for thing, actions in {
        "": ("created",),
        "_version": ("created",),
        "_tag": ("set", "deleted"),
        "_version_tag": ("set", "deleted"),
        "_alias": ("created", "deleted"),
    }.items()
    for action in actions
)
STAGE_CHANGED = "model_version.transitioned_stage"
# What Databricks calls the same. Its other events ask for comments and transitions; nothing has happened then.
DATABRICKS = {
    "REGISTERED_MODEL_CREATED": "registered_model.created",
    "MODEL_VERSION_CREATED": "model_version.created",
    "MODEL_VERSION_TAG_SET": "model_version_tag.set",
    "MODEL_VERSION_TRANSITIONED_STAGE": STAGE_CHANGED,
}
# The example that MLflow sends to test an address is of this model, with one of these beside it.
EXAMPLE = "example_model"
EXAMPLE_MARKS = (("tags", "example_key"), ("key",), ("alias",), ("source",))


def type_of(message: Message) -> str:
    said = Reader(message.document)
    if event := said.text("event"):
        is_test = event == "TEST_TRIGGER" or "test event" in said.text("text").lower()
        return PING if is_test else DATABRICKS.get(event, event[:100])
    data = said.at("data")
    if data.text("name") == EXAMPLE and any(
        data.text(*mark).startswith(("example_", "models:/123")) for mark in EXAMPLE_MARKS
    ):
        return PING
    return f"{said.need('entity')}.{said.need('action')}"[:100]


def key_of(message: Message) -> str:
    return message.headers.get("x-mlflow-delivery-id", "")


def translate(message: Message, context: Context) -> Iterator[Event]:
    data, at = _parts(message)
    model = _model(message, context)
    if message.type == "registered_model.created":
        if tags := names.tags(names.pairs(data, "tags")):
            model = model.saying(tags=tags)
        if description := data.text("description"):
            model = model.saying(documentation={"description": description})
    if message.type == "model_version.created":
        source = data.text("source")
        # Where a logged model lies, only its own document says; a poll reads it.
        if not source.startswith("models:/") and source:
            model = model.saying(assay_modelFiles=locations.files(source))
    yield openlineage.of_dataset(model, at=at)


def claims(message: Message, context: Context) -> Iterator[Claim]:
    """An alias that stands for a stage, or Databricks' stage Production."""
    if message.type not in {"model_version_alias.created", STAGE_CHANGED}:
        return
    data, at = _parts(message)
    model = _model(message, context)
    if message.type == STAGE_CHANGED:
        stage = names.PRODUCTION if data.text("to_stage").lower() == names.PRODUCTION else ""
        how = "moved to the stage Production"
    else:
        alias = data.need("alias")
        stage, how = context.options.aliases.get(alias, ""), f"given the alias {alias}"
    if stage:
        yield Claim(
            namespace=model.namespace, model=model.name, version=data.need("version"), stage=stage, at=at, how=how
        )


def _parts(message: Message) -> tuple[Reader, datetime]:
    """What holds the names, and the time. Databricks puts both at the top."""
    said = Reader(message.document)
    if said.text("event"):
        return said, said.time("event_timestamp") or message.received_at
    return said.at("data"), said.need_time("timestamp")


def _model(message: Message, context: Context) -> Dataset:
    data, _ = _parts(message)
    name = data.text("name") or data.need("model_name")
    if message.type == "registered_model.created":
        return names.model(context, name)
    return names.model(context, name, data.need("version"))
