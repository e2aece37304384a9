"""The glossary names every model, each word once, and nothing that is not there."""

from collections import Counter
from importlib import import_module

import pytest
from django.apps import apps

from tests.docs import documents

GLOSSARY = documents.DOCS / "glossary.md"
OURS = ("governance", "lineage", "policies", "integrations", "assessments", "portal")


def entries() -> list[list[str]]:
    return documents.rows(GLOSSARY.read_text(encoding="utf-8"))


def places() -> list[str]:
    return [name for entry in entries() for name in documents.CODE.findall(entry[-1])]


def test_every_entry_has_a_word_a_meaning_and_a_place() -> None:
    assert all(len(entry) == 3 and entry[0] and entry[1] for entry in entries())


def test_every_model_has_its_word() -> None:
    models = {f"{model.__module__}.{model.__name__}" for app in OURS for model in apps.get_app_config(app).get_models()}

    assert len(models) > 20
    assert sorted(models - set(places())) == []


def test_a_word_stands_for_one_thing() -> None:
    words = Counter(word.strip() for entry in entries() for word in entry[0].split(","))
    homes = Counter(places())

    assert [word for word, times in words.items() if times > 1] == []
    assert [home for home, times in homes.items() if times > 1] == []


@pytest.mark.parametrize("place", places())
def test_what_an_entry_points_to_is_there(place: str) -> None:
    try:
        import_module(place)
    except ModuleNotFoundError:
        module, _, name = place.rpartition(".")
        assert hasattr(import_module(module), name), f"docs/glossary.md names {place}, which does not exist."
