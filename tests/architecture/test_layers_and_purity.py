"""What the import contracts of pyproject.toml do not say: no cycles, pure means pure, foreign keys and no signals."""

import ast
import re
from functools import cache

import grimp
import networkx as nx
import pytest
from django.apps import apps
from django.db import models

from tests.architecture import sources
from tests.architecture.sources import Module

# A module that says of itself, in its docstring, that it is pure.
PURE = re.compile(r"\bPure[.:]")
# These must be: the law of the graph and every verdict are tested on them without a database.
MUST_BE_PURE = frozenset(
    {
        "lineage.events",
        "lineage.graph",
        "lineage.masking",
        "lineage.translation",
        "policies.documents",
        "policies.evaluation",
    }
)
PURE_PACKAGES = ("policies.checks",)
OUTSIDE_WORLD = frozenset(
    {"django", "rest_framework", "psycopg", "celery", "kombu", "guardian", "requests", "socket", "urllib.request"}
)
CLOCKS = frozenset(
    {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.monotonic", "timezone.now"}
)
SIGNALS = ("django.dispatch", "django.db.models.signals", "django.core.signals", "django.contrib.auth.signals")
# Django's and guardian's own: people, their rights, kinds of rows.
BELOW_US = frozenset({"auth", "contenttypes", "guardian", "sessions"})


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*sources.APPS, include_external_packages=True, exclude_type_checking_imports=True)


def docstring(module: Module) -> str:
    return ast.get_docstring(module.tree) or ""


def pure() -> list[Module]:
    return [
        module
        for module in sources.of_apps()
        if PURE.search(docstring(module)) or module.dotted.startswith(PURE_PACKAGES)
    ]


def clocks(module: Module) -> list[str]:
    calls = (node for node in ast.walk(module.tree) if isinstance(node, ast.Call))
    return [f"{module.at(node)} {name}" for node in calls if (name := sources.dotted(node.func)) in CLOCKS]


@pytest.mark.parametrize("app", sources.APPS)
def test_the_modules_of_an_app_form_no_cycle(app: str) -> None:
    own = {name for name in graph().modules if name.partition(".")[0] == app}
    edges = [(name, below) for name in own for below in graph().find_modules_directly_imported_by(name) if below in own]

    cycles = [sorted(group) for group in nx.strongly_connected_components(nx.DiGraph(edges)) if len(group) > 1]

    assert cycles == []


def test_what_must_be_pure_says_so() -> None:
    assert MUST_BE_PURE - {module.dotted for module in pure()} == set()


@pytest.mark.parametrize("module", pure(), ids=lambda module: module.dotted)
def test_a_pure_module_reaches_no_framework_database_or_network(module: Module) -> None:
    reached = graph().find_upstream_modules(module.dotted)

    assert {name for name in reached if name in OUTSIDE_WORLD or name.partition(".")[0] in OUTSIDE_WORLD} == set()


@pytest.mark.parametrize("module", pure(), ids=lambda module: module.dotted)
def test_a_pure_module_asks_no_clock(module: Module) -> None:
    assert clocks(module) == []


def test_there_are_no_signals() -> None:
    assert [
        f"{module.at(node)} {name}"
        for module in sources.of_apps()
        for node, name in sources.imports(module)
        if name.startswith(SIGNALS)
    ] == []


def test_foreign_keys_point_down() -> None:
    rank = {app: place for place, app in enumerate(reversed(sources.APPS))}
    found = []
    for model in apps.get_models():
        app = model._meta.app_label
        if app not in rank:
            continue
        for field in model._meta.get_fields():
            if not isinstance(field, models.ForeignKey | models.ManyToManyField):
                continue
            target = field.related_model._meta.app_label
            if target not in BELOW_US and rank.get(target, len(rank)) > rank[app]:
                found.append(f"{model.__name__}.{field.name} -> {target}")

    assert found == []


def test_no_other_app_refers_to_rows_of_the_graph() -> None:
    """The graph may be dropped and made again, so they keep UUIDs and no foreign keys."""
    assert [
        f"{model.__name__}.{field.name}"
        for model in apps.get_models()
        if model._meta.app_label != "lineage"
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey) and field.related_model._meta.app_label == "lineage"
    ] == []


def test_a_clock_is_seen() -> None:
    assert clocks(Module.of("lineage/x.py", "x = datetime.now(UTC)\ny = timezone.now()")) == [
        "lineage/x.py:1 datetime.now",
        "lineage/x.py:2 timezone.now",
    ]
