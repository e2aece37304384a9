"""Framework documents: ours are sound, an organisation's are read, and what is wrong names its place."""

from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assessments import catalogue
from assessments.framework import Adjustment, Kind, Ladder, Rubric
from governance.yamldocuments import BadDocument

OWN = """\
framework: house-rules
version: "1"
title: House rules
sources: [{key: House, title: Rules, publisher: The organisation}]
ours: All of it.
levels:
  - {level: 0, name: None yet, summary: Nothing is asked.}
  - {level: 1, name: Basics, summary: The basics hold.}
criteria:
  - id: house-owner
    level: 1
    dimension: people
    kind: measured
    gating: true
    statement: Every model has an owner.
    measure:
      statistic: share
      population: production_models
      counts_when: a team owns it
      window_days: as_of
      facts: [model, ownership]
    threshold: {op: '>=', value: 0.9, basis: most}
    source: House / 1
  - id: house-card
    level: 1
    dimension: process
    kind: attested
    gating: false
    statement: Every model has a card.
    attestation:
      question: How many models have a card?
      evidence: [Link to the card]
      answered_by: team lead
      accept_from: most_or_all
    source: House / 2
"""


def ladder(slug: str) -> Ladder:
    found = catalogue.load().frameworks[slug]
    assert isinstance(found, Ladder)
    return found


def test_ours_have_the_levels_rows_and_sections_of_their_publishers() -> None:
    google, microsoft = ladder("google-mlops"), ladder("microsoft-mlops")
    rubric = catalogue.load().frameworks["ml-test-score"]

    assert [level.name for level in google.levels] == [
        "Manual process",
        "ML pipeline automation",
        "CI/CD pipeline automation",
    ]
    assert len(microsoft.levels) == 5
    assert [row.row for row in microsoft.rows] == [
        "people",
        "model_creation",
        "model_release",
        "application_integration",
    ]
    assert isinstance(rubric, Rubric)
    assert Counter(test.section for test in rubric.tests) == dict.fromkeys(("data", "model", "infra", "monitor"), 7)


@pytest.mark.parametrize("slug", ["google-mlops", "microsoft-mlops"])
def test_every_level_above_0_gates_something_and_derived_criteria_gate_nothing(slug: str) -> None:
    criteria = ladder(slug).criteria

    assert {criterion.level for criterion in criteria if criterion.gating} == set(range(1, ladder(slug).top + 1))
    assert not [criterion.id for criterion in criteria if criterion.gating and criterion.fidelity == "derived"]
    assert not [criterion.id for criterion in criteria if criterion.gating and not criterion.next_action]


def test_an_organisation_adds_its_own_and_switches_criteria(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(OWN)
    (tmp_path / "pilot.yaml").write_text(
        "adjusts: google-mlops\nrevision: pilot\nreason: Few teams report tests yet.\n"
        "gating: [google-named-owner]\nadvisory: [google-load-test]\n"
    )

    loaded = catalogue.load(tmp_path)

    assert set(loaded.frameworks) == {"google-mlops", "house-rules", "microsoft-mlops", "ml-test-score"}
    google = loaded.frameworks["google-mlops"]
    assert isinstance(google, Ladder)
    gates = {criterion.id: criterion.gating for criterion in google.criteria}
    assert gates["google-named-owner"]
    assert gates["google-data-validation"]
    assert not gates["google-load-test"]
    assert google.version == "0.1+pilot"
    assert catalogue.digest(google) != catalogue.digest(ladder("google-mlops"))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("level: 1, name", "level: 3, name", "8:6: levels[1].level: levels count up from 0, so this is 1"),
        ("    level: 1\n", "    level: 2\n", "11:5: criteria[0].level: there is no level 2"),
        ("population: production_models", "population: production_model", "did you mean 'production_models'?"),
        (
            "facts: [model, ownership]",
            "facts: [model, owner]",
            "criteria[0].measure.facts[1]: there is no fact 'owner'",
        ),
        ("value: 0.9, basis: most", "value: 0.8, basis: most", "threshold.basis: most means 0.9, not 0.8"),
        ("value: 0.9, basis: most", "value: 90, basis: stated", "threshold.value: a share is at most 1"),
        ("window_days: as_of", "window_days: 400", "20:7: criteria[0].measure.window_days: expected `int` <= 365"),
        ("kind: measured", "kind: guessed", "13:5: criteria[0].kind: invalid enum value 'guessed'"),
        ("kind: measured", "kind: attested", "attestation: is missing: an attested criterion asks a question"),
        ("id: house-card", "id: house-owner", "criteria[1].id: house-owner stands twice"),
        ("    gating: true\n", "", "criteria[0].gating: is missing"),
        ("statement: Every model has an owner.", "statment: x", "criteria[0].statment: unknown field"),
        ("    source: House / 1", "    row: people\n    source: House / 1", "row: the framework has no rows"),
        ("    source: House / 1", "    applies_when: {}\n    source: H", "says either 'exists' or 'known'"),
        ("    source: House / 1", "    applies_when: {exists: cats}\n    source: H", "there is no population 'cats'"),
        ("framework: house-rules", "frame: house-rules", "1:1: begins with 'framework:' or 'adjusts:'"),
    ],
)
def test_an_error_names_its_place(old: str, new: str, expected: str) -> None:
    assert old in OWN

    with pytest.raises(BadDocument) as caught:
        catalogue.parse(OWN.replace(old, new, 1))

    assert expected in str(caught.value), str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            OWN.replace("house-rules", "google-mlops"),
            "bad.yaml:1:1: framework: google-mlops.yaml has this name already",
        ),
        ("adjusts: gogle-mlops\nrevision: r\nreason: x\n", "bad.yaml:1:1: adjusts: there is no framework of levels"),
        ("adjusts: ml-test-score\nrevision: r\nreason: x\n", "bad.yaml:1:1: adjusts: there is no framework of levels"),
        (
            "adjusts: google-mlops\nrevision: r\nreason: x\ngating: [google-named-owners]\n",
            "bad.yaml:4:10: gating[0]: there is no criterion 'google-named-owners'; did you mean 'google-named-owner'?",
        ),
        (
            "adjusts: google-mlops\nrevision: r\nreason: x\ngating: [google-load-test]\nadvisory: [google-load-test]\n",
            "bad.yaml:5:12: advisory[0]: stands in gating as well",
        ),
        (
            OWN.replace("    source: House / 1", "    maps_to: [nowhere]\n    source: House / 1"),
            "bad.yaml:23:15: criteria[0].maps_to[0]: there is no criterion 'nowhere'",
        ),
        ("a: b: c", "bad.yaml:1:5: Not YAML"),
    ],
)
def test_a_folder_with_errors_names_file_and_place(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "bad.yaml").write_text(text)

    with pytest.raises(catalogue.BadCatalogue) as caught:
        catalogue.load(tmp_path)

    assert expected in str(caught.value), str(caught.value)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(catalogue.BadCatalogue, match="is no folder"):
        catalogue.load(tmp_path / "nowhere")


@given(st.lists(st.sampled_from(OWN.splitlines()), max_size=35).map("\n".join) | st.text(max_size=100))
def test_any_text_is_a_framework_or_a_refusal(text: str) -> None:
    with suppress(BadDocument):
        assert isinstance(catalogue.parse(text), Ladder | Rubric | Adjustment)


def test_what_is_attested_asks_and_what_is_measured_counts() -> None:
    for framework in catalogue.load().ladders:
        for criterion in framework.criteria:
            assert (criterion.kind is Kind.ATTESTED) == (criterion.measure is None)
