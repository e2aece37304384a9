"""Known facets get a form; whatever is not shaped as OpenLineage has it is shown as it is."""

from datetime import UTC, datetime
from typing import Any

import pytest

from lineage.selectors import Facet
from portal import facets

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def said(key: str, value: Any) -> Facet:
    return Facet(key=key, value=value, seen_at=NOW)


def test_nested_columns_keep_their_depth() -> None:
    inner = [{"name": "street", "type": "string"}]

    found = facets.sort([said("schema", {"fields": [{"name": "address", "type": "struct", "fields": inner}]})])

    assert [(column.name, column.type, column.depth) for column in found.columns] == [
        ("address", "struct", 0),
        ("street", "string", 1),
    ]


def test_a_type_that_is_a_document_is_shown_as_json() -> None:
    found = facets.sort([said("schema", {"fields": [{"name": "a", "type": {"kind": "list"}}]})])

    assert found.columns[0].type == '{"kind": "list"}'


def test_tags_name_their_column() -> None:
    found = facets.sort([said("tags", {"tags": [{"key": "pii", "value": "yes", "field": "address"}, {"key": "gold"}]})])

    assert [(tag.key, tag.value, tag.column) for tag in found.tags] == [("pii", "yes", "address"), ("gold", "", "")]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("schema", {"fields": "none"}),
        ("schema", {"fields": [{"type": "string"}]}),
        ("schema", {"fields": []}),
        ("schema", "text"),
        ("documentation", {"description": 7}),
        ("tags", {"tags": ["pii"]}),
        ("somethingElse", None),
        ("somethingElse", [1, {"a": "ü"}]),
    ],
)
def test_a_facet_of_another_shape_is_kept_as_json(key: str, value: Any) -> None:
    found = facets.sort([said(key, value)])

    assert [raw.key for raw in found.others] == [key]
    assert not found.columns
    assert not found.tags
    assert not found.documentation


def test_json_is_shown_without_who_produced_it() -> None:
    found = facets.sort([said("x", {"_producer": "p", "_schemaURL": "s", "value": "名前"})])

    assert found.others[0].json == '{\n  "value": "名前"\n}'
