"""Feast: feature views, feature services and their sources, from a dump of the registry.

Names are those that Feast itself gives OpenLineage from 0.60 on, so that both tell of the same assets.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from integrations import openlineage
from integrations.openlineage import Dataset, Event
from integrations.systems import locations
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Options, Refused, System, Tested
from integrations.systems.reading import Reader

REGISTRY = "registry"
MAX_FILE_BYTES = 200_000_000
VIEWS = ("featureViews", "streamFeatureViews", "labelViews", "onDemandFeatureViews", "sortedFeatureViews")
# Where the documents of data sources name what they read.
TABLES = {
    "bigqueryOptions": ("table",),
    "snowflakeOptions": ("database", "schema", "table"),
    "redshiftOptions": ("database", "schema", "table"),
    "athenaOptions": ("database", "table"),
    "sparkOptions": ("table",),
}
DUMMY = "__dummy"


class FeastOptions(Options, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`warehouse`: what OpenLineage calls the database of sources that are tables."""

    warehouse: str = ""


def translate(message: Message, context: Context) -> Iterator[Event]:
    said = Reader(message.document)
    project = said.need("project")
    names = _Names(context, project)
    changed = [
        time
        for kind in (*VIEWS, "featureServices", "dataSources")
        for one in said.items(kind)
        if (time := one.time("meta", "lastUpdatedTimestamp"))
    ]
    latest = max(changed, default=message.received_at)
    for one in said.items("dataSources"):
        at = one.time("meta", "lastUpdatedTimestamp") or latest
        if one.text("name"):
            yield openlineage.of_dataset(names.source(one), at=at)
    for kind in VIEWS:
        for one in said.items(kind):
            yield names.view(one, latest)
    for one in said.items("featureServices"):
        yield names.service(one, latest)


class _Names:
    def __init__(self, context: Context, project: str) -> None:
        self.context, self.project = context, project
        self.namespace = f"{context.namespace}/{project}"

    def dataset(self, name: str) -> Dataset:
        return Dataset(self.namespace, name)

    def source(self, one: Reader) -> Dataset:
        """A data source, with the file or table that it reads as another name of it."""
        found = self.dataset(one.need("name"))
        place = locations.dataset(one.text("fileOptions", "uri") or one.text("sparkOptions", "path"))
        if place is None:
            for options, parts in TABLES.items():
                table = ".".join(word for part in parts if (word := one.text(options, part)))
                if table and (warehouse := self.context.options.warehouse):
                    place = Dataset(warehouse, table)
        return found.also_called(place) if place is not None else found

    def view(self, said: Reader, latest: datetime) -> Event:
        one = said.at("spec")
        name = one.need("name")
        fields = [
            {"name": field.text("name"), "type": field.text("valueType")}
            for field in [*one.items("entityColumns"), *one.items("features")]
            if field.text("name") and not field.text("name").startswith(DUMMY)
        ]
        view = self.dataset(name).saying(datasetType={"datasetType": "FEATURE_VIEW"}, schema={"fields": fields})
        tags = [{"key": key, "value": tag.text(), "source": "FEAST"} for key, tag in one.entries("tags")]
        if tags:
            view = view.saying(tags={"tags": tags})
        read = [key for which in ("batchSource", "streamSource") if (key := one.text(which, "name"))]
        for _, source in one.entries("sources"):
            read += [
                key
                for path in (("featureViewProjection", "featureViewName"), ("requestDataSource", "name"))
                if (key := source.text(*path))
            ]
        inputs = [self.dataset(key) for key in dict.fromkeys(read)]
        at = said.time("meta", "lastUpdatedTimestamp") or latest
        return self._declared(f"feature_view_{name}", inputs, view, at)

    def service(self, said: Reader, latest: datetime) -> Event:
        one = said.at("spec")
        name = one.need("name")
        fields = [
            {"name": field.text("name"), "type": field.text("valueType")}
            for view in one.items("features")
            for field in view.items("featureColumns")
            if field.text("name")
        ]
        service = self.dataset(name).saying(schema={"fields": fields})
        views = dict.fromkeys(view.text("featureViewName") for view in one.items("features"))
        inputs = [self.dataset(view) for view in views if view]
        at = said.time("meta", "lastUpdatedTimestamp") or latest
        return self._declared(f"feature_service_{name}", inputs, service, at)

    def _declared(self, job: str, inputs: list[Dataset], output: Dataset, at: datetime) -> Event:
        return openlineage.of_job(openlineage.Job(self.namespace, job), at=at, inputs=inputs, outputs=[output])


def read_files(path: Path, received_at: datetime) -> Iterator[Message]:
    """What `feast registry-dump` prints. Raises Refused."""
    if path.stat().st_size > MAX_FILE_BYTES:
        raise Refused("", f"{path.name} is larger than 200 MB.")
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise Refused("", f"{path.name} is not JSON: {error}.") from None
    yield Message(received_at=received_at, document=document, type=REGISTRY)


SYSTEM = System(
    slug="feast",
    title="Feast",
    group=Group.DATA,
    mechanisms=(Mechanism.OPENLINEAGE, Mechanism.IMPORT),
    tested=Tested.REAL,
    handled={REGISTRY: "feature views and services with their columns, and what they are made from"},
    brings=frozenset({Fact.JOB, Fact.DATASET, Fact.FEATURE}),
    setup=(
        "From 0.60 on Feast sends OpenLineage itself. In `feature_store.yaml`:\n\n"
        "```yaml\nopenlineage:\n  enabled: true\n  transport_type: http\n  transport_url: https://assay.example\n"
        "  transport_endpoint: api/v1/lineage\n  namespace: feast://features\n  api_key: assay_…\n```\n\n"
        "It needs `openlineage-python`, and for `feast apply` also `grpcio`, without which it ends in an error after "
        "it has stored everything. For older ones, or to catch up, import a dump: "
        "`feast registry-dump > dump.json` and `manage.py import_from feast dump.json`. Name the connection's "
        "instance as Feast's `openlineage.namespace`, so that both mean the same assets."
    ),
    options=FeastOptions,
    translate=translate,
    read_files=read_files,
)
