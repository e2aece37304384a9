"""Who may do what is decided in governance/permissions.py; the rest of the code asks it."""

import ast
from collections.abc import Iterator

import pytest

from tests import project
from tests.architecture import sources
from tests.architecture.sources import Module

# Every name of guardian in use: deciding, granting what a role stands for, and the table's base.
GUARDIAN = {
    "governance/permissions.py": {"guardian.core.ObjectPermissionChecker"},
    "governance/teams.py": {"guardian.shortcuts.assign_perm", "guardian.shortcuts.remove_perm"},
    "governance/models.py": {"guardian.models.UserObjectPermissionBase"},
}
# Ways of Django and guardian to ask for a right.
QUESTIONS = frozenset(
    {
        "has_perm",
        "has_perms",
        "has_module_perms",
        "get_all_permissions",
        "get_user_permissions",
        "get_group_permissions",
        "get_perms",
        "permission_required",
        "user_passes_test",
    }
)
# What people are by themselves. Only governance looks at it: its own writes know superusers.
STANDING = frozenset({"is_superuser", "is_staff"})


def service() -> list[Module]:
    """The apps, and what is built on them."""
    return [module for module in sources.modules() if module.app in {*sources.APPS, "demo", "bench", "cli"}]


def questions(module: Module) -> Iterator[str]:
    """Where the module asks for a right by itself."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            asked = node.attr in QUESTIONS or (node.attr in STANDING and module.app != "governance")
            if asked:
                yield f"{module.at(node)} {node.attr}"
        elif isinstance(node, ast.Name) and node.id in QUESTIONS:
            yield f"{module.at(node)} {node.id}"


def test_guardian_is_used_where_rights_are_decided_and_granted_alone() -> None:
    found: dict[str, set[str]] = {}
    for module in service():
        for _, name in sources.imports(module):
            if name.partition(".")[0] == "guardian":
                found.setdefault(module.name, set()).add(name)

    assert found == GUARDIAN


def test_rights_are_asked_for_through_permissions() -> None:
    others = [module for module in service() if module.name != "governance/permissions.py"]

    assert [place for module in others for place in questions(module)] == []


def test_templates_ask_for_no_right() -> None:
    asking = ("perms.", *STANDING, "has_perm")
    pages = [path for path in project.files(".html") if path.is_relative_to(project.ROOT / "templates")]

    assert len(pages) > 30
    assert [
        f"{project.name(page)} {word}" for page in pages for word in asking if word in page.read_text(encoding="utf-8")
    ] == []


@pytest.mark.parametrize(
    "line", ["user.has_perm('x')", "@permission_required('x')\ndef f(): ...", "x = request.user.is_superuser"]
)
def test_a_question_is_seen(line: str) -> None:
    assert len(list(questions(Module.of("portal/x.py", line)))) == 1
