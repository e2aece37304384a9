"""The pages of assets, versions, runs and their list as of another day, and going by what was known by a day."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client

from governance import ownership
from governance.models import Team, User
from lineage import identity
from tests.lineage import growing
from tests.portal.scenes import REGISTRY, RUN, WAREHOUSE, dataset, run_event

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
MODEL = identity.asset("dataset", REGISTRY, "credit-risk")
TRAIN = identity.asset("job", "demo", "train")
LATER_RUN = "0f5b6b0c-8d3e-4c53-9b0f-6a8c2f3c1d09"


@pytest.fixture
def known_at(graph: UUID) -> str:
    """When the graph was known, and nothing yet of what the model was made of before, and how a run went on."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        mark: datetime = cursor.fetchone()[0]
    model = dataset("credit-risk", namespace=REGISTRY, version={"datasetVersion": "6"})
    old = run_event(
        "train", inputs=[dataset("old-applications")], outputs=[model], run=LATER_RUN, at="2025-12-01T10:00:00Z"
    )
    failed = run_event("train", inputs=[dataset("late")], outputs=[], kind="FAIL", at="2026-01-02T11:00:00Z")
    growing.append([old, failed])
    growing.project()
    return mark.isoformat()


def on(known_at: str, as_of: str = "") -> str:
    return "?" + urlencode({name: value for name, value in {"as_of": as_of, "known_at": known_at}.items() if value})


def test_an_asset_is_shown_as_it_was_known(known_at: str, administrator: User, sign_in: SignIn) -> None:
    client, day = sign_in(administrator), on(known_at)

    now, then = client.get(f"/assets/{MODEL}"), client.get(f"/assets/{MODEL}{day}")

    assert [row.version.key for row in now.context["versions"].rows] == ["7", "6"]
    assert [row.version.key for row in then.context["versions"].rows] == ["7"]
    assert {node.name for node in now.context["graph"].nodes} - {node.name for node in then.context["graph"].nodes} == {
        "old-applications",
        "late",
    }
    assert "As known by" in then.text
    assert f'<a class="btn btn-sm" href="/assets/{MODEL}">Back to now</a>' in then.text
    assert f'name="known_at" value="{known_at.replace("+", "&#x2B;")}"' in then.text.replace("+", "&#x2B;")
    # What leads on leads to the same day.
    assert f"/assets/{TRAIN}{day}".replace("&", "&amp;") in then.text
    assert f"/runs/{RUN}{day}".replace("&", "&amp;") in then.text
    assert 'method="post" action="/assets/' in now.text
    assert 'method="post" action="/assets/' not in then.text
    assert "Back to now" not in now.text


def test_a_day_of_the_past_has_its_owners_and_facets(
    graph: UUID, administrator: User, team: Team, sign_in: SignIn
) -> None:
    applications = identity.asset("dataset", WAREHOUSE, "applications")
    ownership.assign(actor=administrator, asset=applications, role="steward", team=team)
    client = sign_in(administrator)

    before = client.get(f"/assets/{applications}?as_of=2025-12-31")
    after = client.get(f"/assets/{applications}?as_of=2026-01-02")

    assert "decimal(12,2)" in after.text
    assert "decimal(12,2)" not in before.text
    assert {role.current for role in before.context["roles"]} == {None}
    assert "As of <span" in before.text
    assert 'value="2025-12-31"' in before.text


def test_what_kind_something_was_is_told_and_where_nobody_knows_it_is_said(member: User, sign_in: SignIn) -> None:
    def written(day: int, word: str) -> dict[str, Any]:
        made = dataset("scores", datasetType={"datasetType": word})
        at = f"2026-03-{day:02}T10:00:00Z"
        return run_event("train", inputs=[], outputs=[made], run=f"0190a0b0-0000-7000-8000-{day:012}", at=at)

    growing.append([written(day, "MODEL" if day in (2, 8) else "TABLE") for day in (2, 4, 8, 9)])
    growing.project()
    client, scores = sign_in(member), identity.asset("dataset", WAREHOUSE, "scores")

    early, between = (f"?as_of=2026-03-0{day}" for day in (3, 6))

    said = "What kind {} had been said to be last cannot be told for sure."
    for address, it in ((f"/assets/{scores}", "it"), ("/assets", "scores")):
        assert said.format(it) in client.get(f"{address}{between}").text
        assert said.format(it) not in client.get(f"{address}{early}").text
    assert client.get(f"/assets/{scores}{early}").context["asset"].kind == "model"
    assert client.get(f"/assets/{scores}").context["asset"].kind == "dataset"


def test_a_run_is_shown_as_it_was_known(known_at: str, member: User, sign_in: SignIn) -> None:
    client = sign_in(member)

    now = client.get(f"/runs/{RUN}")
    then = client.get(f"/runs/{RUN}{on(known_at)}")
    early = client.get(f"/runs/{RUN}{on(known_at, '2026-01-02T09:59:00Z')}")

    assert [row.asset.name for row in now.context["inputs"]] == ["applications", "late"]
    assert [row.asset.name for row in then.context["inputs"]] == ["applications"]
    assert (now.context["run"].state, then.context["run"].state) == ("failed", "completed")
    assert (early.context["run"].state, len(early.context["events"])) == ("running", 1)
    assert f'<a class="btn btn-sm" href="/runs/{RUN}">Back to now</a>' in then.text
    assert client.get(f"/runs/{LATER_RUN}{on(known_at)}").status_code == 404
    assert client.get(f"/runs/{RUN}?as_of=2026-01-01").status_code == 404


def test_a_version_is_shown_as_it_was_known(known_at: str, member: User, sign_in: SignIn) -> None:
    client = sign_in(member)
    seven, six = (identity.version(MODEL, key) for key in ("7", "6"))

    then = client.get(f"/versions/{seven}{on(known_at)}")

    assert "0.873123" in then.text
    assert "The evidence of that day" in then.text
    assert client.get(f"/versions/{seven}").context["producers"]
    assert "0.873123" not in client.get(f"/versions/{seven}?as_of=2026-01-02T09:59:00Z").text
    assert client.get(f"/versions/{six}").status_code == 200
    assert client.get(f"/versions/{six}{on(known_at)}").status_code == 404


def test_the_list_holds_what_had_been_told_of(known_at: str, member: User, sign_in: SignIn) -> None:
    client = sign_in(member)

    now, then = client.get("/assets?kind=dataset"), client.get(f"/assets{on(known_at)}&kind=dataset")

    listed = [{row.asset.name for row in answer.context["page"].rows} for answer in (now, then)]
    assert listed[0] - listed[1] == {"old-applications", "late"}
    assert '<a class="btn btn-sm" href="/assets?kind=dataset">Back to now</a>' in then.text
    assert f"/assets/{identity.asset('dataset', WAREHOUSE, 'applications')}{on(known_at)}" in then.text
    assert urlencode({"known_at": known_at}) in then.headers["HX-Replace-Url"]


@pytest.mark.parametrize("part", ["versions", "runs", "lineage", "fields", "impact"])
def test_a_part_says_its_day_and_keeps_it(known_at: str, member: User, sign_in: SignIn, part: str) -> None:
    answer = sign_in(member).get(f"/assets/{MODEL}/{part}{on(known_at, '2026-01-02')}")

    assert answer.status_code == 200
    assert "As of <span" in answer.text
    assert ", as known by <time" in answer.text
    assert "old-applications" not in answer.text
    assert "Back to now" in answer.text


def test_the_graph_says_by_when_it_was_known(known_at: str, member: User, sign_in: SignIn) -> None:
    answer = sign_in(member).get(f"/graph{on(known_at, '2026-01-02')}&asset={MODEL}&depth=2")

    assert "As known by <time" in answer.text
    assert f'href="?asset={MODEL}&amp;depth=2&amp;as_of=2026-01-02">By all that is known' in answer.text


@pytest.mark.parametrize("name", ["as_of", "known_at"])
@pytest.mark.parametrize("path", ["/assets", f"/assets/{MODEL}", f"/runs/{RUN}", f"/assets/{MODEL}/impact"])
def test_a_day_that_cannot_be_read_is_refused_by_name(
    graph: UUID, member: User, sign_in: SignIn, path: str, name: str
) -> None:
    answer = sign_in(member).get(path, {name: "yesterday"})

    assert answer.status_code == 400
    assert f"{name}: Not a day" in answer.text
