"""Rows are written by the app they belong to, and the graph by the projector alone."""

import ast
import re
from collections.abc import Iterator

import pytest
from django.apps import apps

from lineage import projection
from tests.architecture import sources
from tests.architecture.sources import Module

WRITES = frozenset(
    {
        "create",
        "bulk_create",
        "get_or_create",
        "update_or_create",
        "bulk_update",
        "update",
        "delete",
        "acreate",
        "abulk_create",
        "aupdate",
    }
)
# The parts that decide and measure ask other apps through their selectors, so that visibility and meaning of a read are
# settled once. The portal may fill a form's list from a table itself.
THROUGH_SELECTORS = frozenset({"policies", "assessments", "integrations"})
PROJECTOR = ("lineage/projection.py", "lineage/fieldprojection.py", "lineage/sayings.py", "lineage/joined.py")
COUNTS_OVER_ALL = "assessments/measures/"
CHANGES = re.compile(r"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|TRUNCATE|MERGE\s+INTO)\s+(?:ONLY\s+)?\"?([a-z_]+)", re.I)


def owners() -> dict[str, str]:
    """Each table of ours with its app."""
    return {
        model._meta.db_table: model._meta.app_label
        for model in apps.get_models()
        if model._meta.app_label in sources.APPS
    }


def foreign_models(module: Module) -> dict[str, str]:
    """Models of other apps that the module imports, with their app."""
    found = {}
    for _, imported in sources.imports(module):
        app, _, rest = imported.partition(".models.")
        if app in sources.APPS and app != module.app and rest.lower() in apps.all_models[app]:
            found[rest] = app
    return found


def foreign_writes(module: Module) -> Iterator[str]:
    """Where the module makes or changes rows of another app's models."""
    foreign = foreign_models(module)
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        model, *steps = sources.dotted(node).split(".")
        if model in foreign and (not steps or (steps[0] == "objects" and WRITES & set(steps))):
            yield f"{module.at(node)} {'.'.join([model, *steps])}"


def foreign_reads(module: Module) -> Iterator[str]:
    """Where the module queries another app's tables past its selectors."""
    foreign = foreign_models(module)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and node.attr == "objects" and sources.dotted(node.value) in foreign:
            yield f"{module.at(node)} {sources.dotted(node)}"


def foreign_tables(module: Module) -> Iterator[str]:
    """Where the module's SQL names a table of another app."""
    others = {table for table, app in owners().items() if app != module.app}
    for node, text in sources.words(module):
        for table in sorted(others & set(re.findall(r"[a-z_]+", text))):
            yield f"{module.at(node)} {table}"


def graph_changes(module: Module) -> Iterator[str]:
    """Where the module's SQL, or a manager, changes a table of the graph."""
    tables = set(projection.GRAPH_TABLES)
    models = {model.__name__ for model in apps.get_models() if model._meta.db_table in tables}
    for node, text in sources.words(module):
        for table in CHANGES.findall(text):
            if table in tables:
                yield f"{module.at(node)} {table}"
    for call in (node for node in ast.walk(module.tree) if isinstance(node, ast.Call)):
        model, *steps = sources.dotted(call).split(".")
        if model in models and steps[:1] == ["objects"] and WRITES & set(steps):
            yield f"{module.at(call)} {'.'.join([model, *steps])}"


def test_no_app_writes_rows_of_another() -> None:
    assert [place for module in sources.of_apps() for place in foreign_writes(module)] == []


def test_what_decides_reads_other_apps_through_their_selectors() -> None:
    asking = [module for module in sources.of_apps() if module.app in THROUGH_SELECTORS]

    assert [place for module in asking for place in foreign_reads(module)] == []


def test_sql_names_only_tables_of_its_own_app() -> None:
    """But for the measures of maturity, which count over all apps and change nothing (decision 0008)."""
    modules = [module for module in sources.of_apps() if not module.name.startswith(COUNTS_OVER_ALL)]

    assert len(owners()) > 20
    assert [place for module in modules for place in foreign_tables(module)] == []


def test_what_counts_over_all_apps_changes_nothing() -> None:
    measures = [module for module in sources.of_apps() if module.name.startswith(COUNTS_OVER_ALL)]

    assert measures
    found = [CHANGES.findall(text) for module in measures for _, text in sources.words(module)]
    assert [tables for tables in found if tables] == []


def test_only_the_projector_writes_the_graph() -> None:
    found = {
        module.name: places
        for module in sources.of_apps()
        if not module.is_migration and (places := list(graph_changes(module)))
    }

    by_projector = [place for name in PROJECTOR for place in found.pop(name)]
    assert len(by_projector) >= len(projection.GRAPH_TABLES) - 1
    assert found == {}


@pytest.mark.parametrize(
    "line",
    [
        "Team.objects.create(slug='x')",
        "Team.objects.filter(slug='x').update(name='y')",
        "Team.objects.select_for_update().get_or_create(slug='x')",
        "Team(slug='x')",
    ],
)
def test_a_write_to_another_app_is_seen(line: str) -> None:
    portal = Module.of("portal/x.py", f"from governance.models import Team\n{line}")
    own = Module.of("governance/x.py", f"from governance.models import Team\n{line}")

    assert len(list(foreign_writes(portal))) >= 1
    assert list(foreign_writes(own)) == []


def test_other_ways_round_are_seen() -> None:
    reading = Module.of("policies/x.py", "from lineage.models import Asset\nfound = Asset.objects.filter(name='x')")
    naming = Module.of("portal/x.py", 'cursor.execute("SELECT 1 FROM lineage_asset")')
    changing = Module.of("lineage/x.py", 'cursor.execute(f"UPDATE  lineage_run SET {x}")\nEdge.objects.all().delete()')

    assert list(foreign_reads(reading)) == ["policies/x.py:2 Asset.objects"]
    assert list(foreign_tables(naming)) == ["portal/x.py:1 lineage_asset"]
    assert list(graph_changes(changing)) == [
        "lineage/x.py:1 lineage_run",
        "lineage/x.py:2 Edge.objects.all.delete",
    ]
