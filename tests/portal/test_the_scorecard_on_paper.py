"""The scorecard as PDF: its numbers are those of the snapshot's JSON, which is attached."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from assessments import selectors, snapshots
from assessments.snapshots import Kind
from governance.models import Team, User
from portal.maturity import words
from portal.reports import organisation
from tests import factories
from tests.assessments import scenes, stories
from tests.assessments.scenes import Organisation
from tests.portal import printed

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.slow,
    printed.needs_pango,
    pytest.mark.skipif(shutil.which("pdftotext") is None, reason="there is no pdftotext on the PATH"),
]
SignIn = Callable[[User], Client]
REPORT = "/api/v1/reports/scorecards/credit.pdf"


@pytest.fixture
def scene() -> Organisation:
    return scenes.organisation()


def read(document: bytes, folder: Path) -> tuple[str, dict[str, Any]]:
    """The text of a PDF in one line, and the JSON attached to it."""
    path = folder / "report.pdf"
    path.write_bytes(document)
    said = subprocess.run(["pdftotext", "-layout", str(path), "-"], capture_output=True, text=True, check=True).stdout
    subprocess.run(["pdfdetach", "-saveall", "-o", str(folder), str(path)], check=True)
    attached = next(folder.glob("*.json"))
    return re.sub(r"\s+", " ", said), json.loads(attached.read_text())


def test_its_numbers_are_those_of_the_snapshot(scene: Organisation, tmp_path: Path) -> None:
    client = factories.client(scene.auditor)

    answer = client.get(REPORT, headers={"Accept": "application/pdf"})

    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/pdf"
    said, attached = read(answer.content, tmp_path)
    for snapshot in attached["snapshots"]:
        framework, number = snapshot["framework"], snapshot["number"]
        whole = json.loads(client.get(f"/api/v1/snapshots/{framework}/{number}").getvalue())
        assert snapshot["digest"] == whole["digest"]
        assert snapshot["digest"] in said.replace(" ", "")
        own = [one for one in whole["scorecards"] if one["team"] == "credit"]
        assert snapshot["scorecards"] == own
        card = next(one for one in own if one["model"] is None)
        if "ladder_score" not in card["rating"]:
            assert f"Median {card['rating']['median']:.1f}" in said
            continue
        assert card["rating"]["says"] in said
        assert f"ladder score {card['rating']['ladder_score']:.2f}" in said
        assert f"index {card['rating']['index']:.0f} of 100" in said
        proofs = card["rating"]["proofs"]
        assert f"{card['rating']['confidence']:.2f}: of the gating criteria {proofs['machine']} are measured" in said
        assert f"{proofs['unknown']} are unknown and {proofs['exempted']} exempt." in said
        holding = sum(one["status"] in {"pass", "not_applicable"} for one in card["results"])
        assert f"{holding} of {len(card['results'])} criteria hold" in said
        # Every failing criterion is there with its counts.
        for one in card["results"]:
            if one["status"] == "fail":
                counted = re.escape(words.counted(one))
                assert re.search(rf"{words.title(one['criterion'])}( \(advisory\))? \d Fail {counted}", said), one


def test_of_all_teams_by_command(scene: Organisation, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "all.pdf"

    call_command("make_report", "scorecard", "--out", str(out))

    assert capsys.readouterr().out.strip() == str(out)
    said, attached = read(out.read_bytes(), tmp_path)
    assert "3 teams are rated" in said
    assert "Not rated. No model version has been in production for 24 hours." in said
    card = selectors.scorecard(scene.snapshot, team=scene.credit)
    assert card.rating["says"] in said
    assert {one["team"] for one in attached["snapshots"][0]["scorecards"]} >= {"credit", "fraud", "idle"}
    for part in (
        "Twelve months",
        "What changed since",
        "What holds us back",
        "Best next steps",
        "not level 0",
        "Words",
    ):
        assert part in said
    # The numbers of a team's page are those of its snapshot.
    holding = sum(one["status"] in {"pass", "not_applicable"} for one in card.results)
    assert f"{holding} of {len(card.results)} criteria hold" in said
    assert f"{card.rating['confidence']:.2f}: of the gating criteria {card.rating['proofs']['machine']} are" in said


def test_all_teams_cost_as_many_queries_however_many_there_are(scene: Organisation) -> None:
    def queries() -> int:
        snapshots.take(kind=Kind.COMPUTED, as_of=stories.NOW + timedelta(hours=Team.objects.count()))
        organisation.context(is_daily=True)
        with CaptureQueriesContext(connection) as made:
            assert len(organisation.context(is_daily=True)["pages"]) == Team.objects.count() - 1
        return len(made)

    few = queries()
    for number in range(4):
        name = f"more{number}"
        stories.owned(factories.team(name), name)
        stories.grow(
            *stories.trained(name, "1", 60),
            stories.deployed(name, "1", 50),
            stories.deployed(name, "1", 0.5),
            sender=User.objects.get(username="pipeline"),
        )
    Team.objects.update(created_at=stories.ago(400))

    assert queries() == few


def test_before_the_first_snapshot_it_is_refused(tmp_path: Path) -> None:
    bare = scenes.organisation(is_measured=False)

    answer = factories.client(bare.lead).get(REPORT)

    assert answer.status_code == 404
    assert "no snapshot has been taken" in answer.json()["detail"]
    with pytest.raises(CommandError, match="Not rated"):
        call_command("make_report", "scorecard", "--team", "credit", "--out", str(tmp_path / "x.pdf"))
    with pytest.raises(CommandError, match="There is no team nobody"):
        call_command("make_report", "scorecard", "--team", "nobody", "--out", str(tmp_path / "x.pdf"))
    assert not list(tmp_path.iterdir())
