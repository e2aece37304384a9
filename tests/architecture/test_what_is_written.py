"""Rules about the text of the project: sizes, names, swallowed errors, migrations, words that do not belong in it."""

import ast
import re
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db.migrations.loader import MigrationLoader

from tests import project
from tests.architecture import sources
from tests.architecture.sources import Module

LONGEST = 600
# Names that say nothing of what is inside.
EMPTY_NAMES = frozenset({"utils", "helpers", "common", "misc", "managers", "util", "helper"})
EVERYTHING = frozenset({"Exception", "BaseException"})
# Joined here, so that this file does not hold what it looks for.
FOREIGN = (
    *(f"/{folder}/" for folder in ("tmp", "work", "root", "workspace")),
    *(f"{host}.{ending}" for host in ("pypi", "pythonhosted", "npmjs") for ending in ("org", "com")),
    *(f"{host}." for host in ("proxy.golang", "repo.maven", "artifactory", "crates")),
    *(f"index-url{sign}" for sign in ("=", " =")),
)
BESIDE_US = "../" + "shared"
# Kept as they come from others, with their licences.
NOT_OURS = "static/vendor/"
BINARY = frozenset({".png", ".woff2", ".ico", ".gz"})


def swallowed(module: Module) -> Iterator[str]:
    """Where any error at all is caught and neither raised again, nor logged, nor put into what is answered."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler) and (node.type is None or _names(node.type) & EVERYTHING):
            below = [inner for statement in node.body for inner in ast.walk(statement)]
            uses = (
                isinstance(inner, ast.Raise)
                or (isinstance(inner, ast.Name) and inner.id == node.name)
                or (isinstance(inner, ast.Call) and sources.dotted(inner).endswith(("logger.exception", "print_exc")))
                for inner in below
            )
            if not any(uses):
                yield f"{module.at(node)} except"
        elif (
            isinstance(node, ast.Call)
            and sources.dotted(node).rpartition(".")[2] == "suppress"
            and any(_names(argument) & EVERYTHING for argument in node.args)
        ):
            yield f"{module.at(node)} suppress"


def _names(node: ast.expr) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def test_no_module_is_longer_than_one_can_hold_in_mind() -> None:
    ours = [module for module in sources.modules() if not module.is_migration]

    assert {module.name: lines for module in ours if (lines := module.text.count("\n")) > LONGEST} == {}


def test_names_of_modules_say_what_is_inside() -> None:
    assert [one.name for one in sources.modules() if one.dotted.rpartition(".")[2] in EMPTY_NAMES] == []


def test_no_error_is_swallowed() -> None:
    assert [place for module in sources.modules() for place in swallowed(module)] == []


@pytest.mark.parametrize(
    "code",
    [
        "try: f()\nexcept Exception: pass",
        "try: f()\nexcept: return_default()",
        "try: f()\nexcept (ValueError, Exception): x = None",
        "with suppress(Exception): f()",
        "with contextlib.suppress(KeyError, BaseException): f()",
    ],
)
def test_a_swallowed_error_is_seen(code: str) -> None:
    assert len(list(swallowed(Module.of("x.py", code)))) == 1


@pytest.mark.parametrize(
    "code",
    [
        "try: f()\nexcept Exception: raise",
        "try: f()\nexcept Exception as error: tell(error)",
        "try: f()\nexcept Exception: logger.exception('f failed')",
        "try: f()\nexcept KeyError: pass",
        "with suppress(OSError): f()",
    ],
)
def test_an_error_that_is_used_is_none(code: str) -> None:
    assert list(swallowed(Module.of("x.py", code))) == []


@pytest.mark.parametrize("app", [app for app in sources.APPS if apps.get_app_config(app).models])
def test_migrations_are_one_line(app: str) -> None:
    loader = MigrationLoader(None)
    own = {name: migration for (label, name), migration in loader.disk_migrations.items() if label == app}
    line = sorted(own)

    assert [name[:4] for name in line] == [f"{number:04}" for number in range(1, len(line) + 1)]
    assert [name for name in line if "auto" in name.split("_")] == []
    assert loader.graph.leaf_nodes(app) == [(app, line[-1])]
    for before, name in zip([None, *line], line, strict=False):
        assert [below for label, below in own[name].dependencies if label == app] == ([before] if before else [])


def test_nothing_speaks_of_the_machine_it_was_written_on() -> None:
    found = []
    for path in project.files():
        if project.name(path).startswith(NOT_OURS) or path.suffix in BINARY:
            continue
        text = path.read_text(encoding="utf-8").lower()
        found += [
            f"{project.name(path)}: {word}" for word in FOREIGN if re.search(rf"(?<![\w.]){re.escape(word)}", text)
        ]
        if BESIDE_US in text and not project.name(path).startswith("tests/conformance/"):
            found.append(f"{project.name(path)}: {BESIDE_US}")

    assert found == []
