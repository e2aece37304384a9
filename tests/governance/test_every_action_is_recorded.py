import pytest

from governance.actions import Action
from tests.architecture import sources


@pytest.mark.parametrize("action", Action)
def test_what_has_a_name_can_happen(action: Action) -> None:
    """A name in the catalogue promises auditors that they find what was done under it."""
    text = "".join(module.text for module in sources.of_apps())

    assert f"Action.{action.name}" in text
