"""The asset's page tells its fields, tags and names; those who may tag, decide and hide there, others see no form."""

from collections.abc import Callable
from uuid import UUID

import pytest
from django.test import Client

from governance.models import OwnerRole, Team, User
from lineage import hiding, identity
from lineage.fieldmodels import AssetTag, Hiding, Naming
from lineage.models import Asset
from tests import factories
from tests.lineage import growing
from tests.lineage.test_tags_follow_fields import COPY, CUSTOMERS, HASH, dataset, made_of, run

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def features(team: Team) -> UUID:
    """customers -> features, owned by the team; and a dataset that is spelt alike."""
    lineage = made_of(mail=[("customers.email", COPY)], hash=[("customers.email", HASH)])
    schema = {
        "fields": [
            {"name": "mail", "type": "string", "description": "Where to write to."},
            {"name": "<b>bold</b>", "type": "struct", "fields": [{"name": "part", "type": "int"}]},
        ]
    }
    growing.append(
        [
            run(1, "build", [CUSTOMERS], [dataset("features", schema=schema, columnLineage=lineage)]),
            run(2, "other", [], [dataset("Features/")]),
        ]
    )
    growing.project()
    uuid = identity.asset("dataset", "n", "features")
    for name in ("features", "Features/"):
        factories.ownership(identity.asset("dataset", "n", name), OwnerRole.STEWARD, team)
    return uuid


def test_fields_with_what_they_are_made_of_and_the_way_of_each_tag(
    features: UUID, member: User, sign_in: SignIn
) -> None:
    answer = sign_in(member).get(f"/assets/{features}")

    assert "Where to write to." in answer.text
    assert "&lt;b&gt;bold&lt;/b&gt;" in answer.text
    rows = {row.name: row for row in answer.context["fields"].rows}
    assert set(rows) == {"mail", "<b>bold</b>", "<b>bold</b>.part", "hash"}
    assert rows["<b>bold</b>.part"].shown == "part"
    arriving = {tag.key: tag for tag in rows["mail"].arriving}
    assert arriving["personal-data"].way == "customers.email -&gt; features.mail".replace("&gt;", ">")
    assert not arriving["personal-data"].is_masked
    assert {tag.key: tag.is_masked for tag in rows["hash"].arriving} == {"personal-data": True, "gold": True}
    assert [source.note for source in rows["hash"].sources] == ["transformation, masked"]


def test_a_maintainer_tags_and_takes_away(features: UUID, owner: User, sign_in: SignIn) -> None:
    client = sign_in(owner)

    tagged = client.post(f"/assets/{features}/tags", {"field": "mail", "key": "secret", "value": ""}, follow=True)
    section = client.post(f"/assets/{features}/tags", {"key": "class", "value": "internal"}, headers=HTMX)
    gone = client.post(f"/assets/{features}/tags/remove", {"field": "mail", "key": "secret"}, follow=True)

    assert "Tagged secret." in tagged.text
    assert 'aria-label="Take the tag secret away from mail"' in tagged.text
    assert section.text.strip().startswith('<section class="section" id="fields"')
    assert "Tag secret taken away." in gone.text
    assert list(AssetTag.objects.filter(removed_at=None).values_list("key", "value")) == [("class", "internal")]


@pytest.mark.parametrize(
    ("given", "field"), [({"key": ""}, "key"), ({"key": "x", "value": "false"}, "value"), ({"key": "x" * 300}, "key")]
)
def test_a_wrong_tag_is_named_beside_its_field(
    features: UUID, owner: User, sign_in: SignIn, given: dict[str, str], field: str
) -> None:
    answer = sign_in(owner).post(f"/assets/{features}/tags", given)

    assert answer.status_code == 422
    assert f'id="id_{field}-error"' in answer.text


def test_names_are_confirmed_and_undone(features: UUID, owner: User, sign_in: SignIn) -> None:
    client, other = sign_in(owner), identity.asset("dataset", "n", "Features/")

    proposed = client.get(f"/assets/{features}")
    confirmed = client.post(f"/assets/{features}/names", {"other": other, "decision": "confirmed"}, follow=True)
    undone = client.post(f"/assets/{features}/names", {"other": other, "decision": "undone"}, headers=HTMX)
    wrong = client.post(f"/assets/{features}/names", {"other": other, "decision": "maybe"})
    past = client.get(f"/assets/{features}").context["names_past"]

    assert "Is spelt alike: differs in case, separators" in proposed.text
    assert "Is the same" in confirmed.text
    assert undone.text.strip().startswith('<section class="section" id="names"')
    assert wrong.status_code == 400
    assert [(one.words, one.other, one.by) for one in past] == [
        ("undone:", "Features/", "owner"),
        ("the same as", "Features/", "owner"),
    ]
    assert list(Naming.objects.order_by("id").values_list("decision", flat=True)) == ["confirmed", "undone"]


def test_what_a_sender_tells_is_rejected_and_undone(features: UUID, owner: User, member: User, sign_in: SignIn) -> None:
    identifiers = [{"namespace": "n", "name": "Features/", "type": "TABLE"}]
    growing.append([run(3, "build", [], [dataset("features", symlinks={"identifiers": identifiers})])])
    growing.project()
    client, other = sign_in(owner), identity.asset("dataset", "n", "Features/")

    told = client.get(f"/assets/{features}")
    rejected = client.post(f"/assets/{features}/names", {"other": other, "decision": "rejected"}, headers=HTMX)
    growing.project()
    drawn = {node["name"] for node in client.get(f"/assets/{features}").context["drawing"]["nodes"]}
    undone = client.post(f"/assets/{features}/names", {"other": other, "decision": "undone"}, headers=HTMX)
    growing.project()
    rows = client.get(f"/assets/{features}").context["relations"]
    picture = client.get("/graph", {"asset": str(features)}).text

    assert {row.is_decided for row in rows if row.relation == "is the same as"} == {True}
    assert not any(row.is_declared for row in rows)
    assert "somebody decided so" in picture
    assert "no run has shown it yet" not in picture
    assert "Is the same, a sender says" in told.text
    assert 'aria-label="Not the same: Features/"' in told.text
    assert 'aria-label="Not the same: Features/"' not in sign_in(member).get(f"/assets/{features}").text
    assert "Is another thing" in rejected.text
    assert ", says owner, since" in rejected.text
    assert "A sender says that it is the same, since" in rejected.text
    assert 'aria-label="Undo: Features/"' in rejected.text
    assert "Features/" not in drawn
    assert "Is the same, a sender says" in undone.text
    assert "A sender says that it is the same, since" not in undone.text


def test_what_is_hidden_says_so_and_is_shown_again(features: UUID, owner: User, sign_in: SignIn) -> None:
    client = sign_in(owner)

    without = client.post(f"/assets/{features}/hide", {"reason": ""})
    hidden = client.post(f"/assets/{features}/hide", {"reason": "A test."}, follow=True)
    listed = client.get("/assets", {"q": "features"})
    shown = client.post(f"/assets/{features}/show", follow=True)

    assert without.status_code == 422
    assert "Hidden from lists by owner" in hidden.text
    assert f"/assets/{features}" not in listed.text
    assert "Hidden from lists by" not in shown.text
    past = [(one.words, one.reason) for one in shown.context["names_past"]]
    assert past == [("shown again", ""), ("hidden", "A test.")]


def test_what_was_dropped_says_so(features: UUID, member: User, sign_in: SignIn) -> None:
    drop = dataset("features", lifecycleStateChange={"lifecycleStateChange": "DROP"})
    growing.append([run(7, "drop", [], [drop])])
    growing.project()

    shown = sign_in(member).get(f"/assets/{features}")
    assert "Nothing has written or read it since." in shown.text
    assert shown.context["versions"].rows
    assert shown.context["relations"]


def test_what_was_renamed_leads_both_ways(features: UUID, member: User, sign_in: SignIn) -> None:
    change = {"lifecycleStateChange": "RENAME", "previousIdentifier": {"namespace": "n", "name": "features"}}
    growing.append([run(7, "rename", [], [dataset("traits", lifecycleStateChange=change)])])
    growing.project()
    client = sign_in(member)

    before, after = (client.get(f"/assets/{uuid}") for uuid in (features, identity.asset("dataset", "n", "traits")))

    assert "Is the name now" in before.text
    assert "Was the name before" in after.text
    assert {row["name"].asset.name for row in after.context["other_names"]} == {"features"}
    assert before.context["versions"].rows


@pytest.mark.parametrize("name", ["member", "outsider"])
def test_others_see_no_form_and_may_not(
    request: pytest.FixtureRequest, features: UUID, sign_in: SignIn, owner: User, name: str
) -> None:
    client, other = sign_in(request.getfixturevalue(name)), identity.asset("dataset", "n", "Features/")

    shown = client.get(f"/assets/{features}")
    answers = [
        client.post(f"/assets/{features}/tags", {"key": "x"}),
        client.post(f"/assets/{features}/tags/remove", {"key": "x"}),
        client.post(f"/assets/{features}/names", {"other": other, "decision": "confirmed"}),
        client.post(f"/assets/{features}/hide", {"reason": "x"}),
        client.post(f"/assets/{features}/show"),
    ]

    for word in ("Hide from lists", "Same thing", ">Tag</button>"):
        assert word not in shown.text
    assert {answer.status_code for answer in answers} == {403}
    assert [model.objects.count() for model in (AssetTag, Naming, Hiding)] == [0, 0, 0]


def test_a_thousand_fields_come_in_pages(member: User, sign_in: SignIn) -> None:
    fields = [{"name": f"f{n:04}", "type": "int"} for n in range(1000)]
    growing.append([run(1, "build", [], [dataset("wide", schema={"fields": fields})])])
    growing.project()
    client, address = sign_in(member), f"/assets/{Asset.objects.get(name='wide').uuid}"

    first = client.get(address)
    second = client.get(f"{address}/fields?after={first.context['fields'].following}", headers=HTMX)

    assert (len(first.context["fields"].rows), first.context["fields_count"]) == (50, 1000)
    assert second.context["fields"].rows[0].name == "f0050"
    assert client.get(f"{address}/fields?after=x").status_code == 400


def test_names_that_are_hidden_keep_their_page(features: UUID, owner: User, member: User, sign_in: SignIn) -> None:
    hiding.hide(actor=owner, asset=features, reason="x")

    assert sign_in(member).get(f"/assets/{features}").status_code == 200
