"""How critical a model is stands on its page, and its owners say it there."""

from collections.abc import Callable
from uuid import UUID

import pytest
from django.test import Client

from governance import classification, selectors
from governance.criticality import Goal
from governance.errors import Invalid
from governance.models import OwnerRole, Team, User
from lineage.models import Asset
from portal import classifications
from tests import factories

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
SAID = {
    "tier": "high",
    "data_classes": ["personal"],
    "goals": "auc >= 0.8\nlatency_ms of mobile <= 50\n",
    "done_when": "The board has signed.",
    "reason": "It decides on loans.",
}


@pytest.fixture
def model(graph: UUID, team: Team) -> UUID:
    factories.ownership(graph, OwnerRole.STEWARD, team)
    return graph


def test_its_owners_say_it_and_everyone_reads_it(model: UUID, owner: User, member: User, sign_in: SignIn) -> None:
    assert "Nobody has said how much harm" in sign_in(member).get(f"/assets/{model}").text

    answer = sign_in(owner).post(f"/assets/{model}/classification", SAID, headers={"HX-Request": "true"})

    assert answer.status_code == 200
    assert 'data-announce="Classification saved."' in answer.text
    read = sign_in(member).get(f"/assets/{model}").text
    for said in (
        "<strong>High</strong>",
        "Personal",
        "auc at least 0.8",
        "latency_ms of mobile at most 50",
        "It decides",
    ):
        assert said in read
    assert "Change it" not in read


def test_who_does_not_answer_for_it_is_refused(model: UUID, outsider: User, sign_in: SignIn) -> None:
    assert sign_in(outsider).post(f"/assets/{model}/classification", SAID).status_code == 403
    assert selectors.classification(model) is None


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"reason": ""}, "Say why"),
        ({"goals": "auc > 0.8"}, "Line 1 is not like"),
        ({"goals": "auc >= 0.8\n\nauc >= 0.9"}, "Line 3 says again"),
        ({"goals": "auc >= 0.8\nauc <= 0.1"}, "above its maximum"),
        ({"tier": "none"}, "Select a valid choice"),
    ],
)
def test_what_is_wrong_comes_back_beside_its_field(
    wrong: dict[str, str], says: str, model: UUID, owner: User, sign_in: SignIn
) -> None:
    answer = sign_in(owner).post(f"/assets/{model}/classification", SAID | wrong)

    assert answer.status_code == 422
    assert says in answer.text
    assert "The board has signed." in answer.text


def test_owners_do_not_make_it_harmless_by_themselves(
    model: UUID, owner: User, administrator: User, sign_in: SignIn
) -> None:
    sign_in(owner).post(f"/assets/{model}/classification", SAID)

    refused = sign_in(owner).post(f"/assets/{model}/classification", SAID | {"tier": "low"})
    allowed = sign_in(administrator).post(f"/assets/{model}/classification", SAID | {"tier": "low"}, follow=True)

    assert refused.status_code == 422
    assert "Less critical than before." in refused.text
    assert "<strong>Low</strong>" in allowed.text
    assert "high" in allowed.text[allowed.text.index("<summary>History") :]


def test_goals_are_read_as_they_are_written() -> None:
    goals = [Goal(metric="auc", minimum=0.8, maximum=0.99), Goal(metric="fpr", segment="of age", maximum=1e-3)]

    assert classifications.goals_of(classifications.lines_of(goals)) == goals
    with pytest.raises(Invalid):
        classifications.goals_of(">= 1")


def test_a_dataset_has_no_such_section(graph: UUID, member: User, sign_in: SignIn) -> None:
    client = sign_in(member)
    classification.classify(actor=member, asset=graph, tier="low", reason="nobody owns it yet")

    assert 'id="classification"' in client.get(f"/assets/{graph}").text
    other = Asset.objects.exclude(kind="model").first()
    assert other is not None
    assert 'id="classification"' not in client.get(f"/assets/{other.uuid}").text
