"""The Python of the project as syntax trees."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Self

from tests import project

# From the top down: an app knows those after it, and of those beside it nothing.
APPS = ("portal", "integrations", "assessments", "policies", "lineage", "governance")


@dataclass(frozen=True, slots=True)
class Module:
    """One module: its file's name, its text, its tree."""

    name: str
    text: str
    tree: ast.Module

    @classmethod
    def of(cls, name: str, text: str) -> Self:
        return cls(name=name, text=text, tree=ast.parse(text))

    @property
    def app(self) -> str:
        """The app, or another top folder, that the module stands in."""
        return self.name.partition("/")[0]

    @property
    def dotted(self) -> str:
        return self.name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def is_migration(self) -> bool:
        return "/migrations/" in self.name

    def at(self, node: ast.stmt | ast.expr | ast.excepthandler) -> str:
        return f"{self.name}:{node.lineno}"


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the project, tests included."""
    return tuple(Module.of(project.name(path), path.read_text(encoding="utf-8")) for path in project.files(".py"))


def of_apps() -> list[Module]:
    return [module for module in modules() if module.app in APPS]


def imports(module: Module) -> Iterator[tuple[ast.stmt, str]]:
    """What the module imports, each name with its place: `from a import b` gives a.b."""
    for node in ast.walk(module.tree):
        match node:
            case ast.Import():
                yield from ((node, alias.name) for alias in node.names)
            case ast.ImportFrom(module=str(home), level=0):
                yield from ((node, f"{home}.{alias.name}") for alias in node.names)


def dotted(node: ast.expr) -> str:
    """A chain of names and calls as text without arguments: Team.objects.filter.update; empty for anything else."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attribute):
            return f"{inner}.{attribute}" if (inner := dotted(value)) else ""
        case ast.Call(func=function):
            return dotted(function)
        case _:
            return ""


def words(module: Module) -> Iterator[tuple[ast.expr, str]]:
    """Every literal text, docstrings left out; the texts within an f-string one by one."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node, node.value
