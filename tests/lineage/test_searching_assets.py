"""Finding assets by words with slips of the pen, and by filters."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from governance.criticality import Tier
from governance.models import OwnerRole, Team, User
from governance.tokens import Scope
from lineage import identity, search, tags, words
from tests import factories
from tests.lineage import growing

pytestmark = pytest.mark.django_db
NAMES = (
    "RAW.FRAUD.CHARGEBACKS_00017",
    "marts.customer_orders",
    "marts.customers",
    "train_credit_model",
    "customers",
    "LoanApplications",
    "Grüße.straße",
)


@pytest.fixture
def reader(member: User) -> Client:
    return factories.client(member, Scope.READ)


@pytest.fixture
def named() -> None:
    growing.append([seen(name) for name in NAMES])
    growing.project()


def seen(name: str, day: int = 1, **facets: Any) -> dict[str, Any]:
    return {
        "eventTime": f"2026-03-{day:02}T10:00:00Z",
        "producer": "urn:assay:test",
        "dataset": {"namespace": "n", "name": name, "facets": facets},
    }


def find(reader: Client, **query: Any) -> dict[str, Any]:
    response = reader.get("/api/v1/assets", query)
    assert response.status_code == 200, response.content
    document: dict[str, Any] = response.json()
    return document


def names(answer: dict[str, Any]) -> list[str]:
    return [row["name"] for row in answer["results"]]


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("chargbacks", "RAW.FRAUD.CHARGEBACKS_00017"),
        ("chargebakcs 17", "RAW.FRAUD.CHARGEBACKS_00017"),
        ("raw fruad", "RAW.FRAUD.CHARGEBACKS_00017"),
        ("RAW.FRAUD.CHARGEBACKS_00017", "RAW.FRAUD.CHARGEBACKS_00017"),
        ("custmer ordres", "marts.customer_orders"),
        ("trian", "train_credit_model"),
        ("credit modell", "train_credit_model"),
        ("aplications", "LoanApplications"),
        ("loan", "LoanApplications"),
        ("GRÜSSE", "Grüße.straße"),
        ("grüse", "Grüße.straße"),
        ("customers", "customers"),
        ("customer", "customers"),
        ("chargebacks 18", None),
        ("zebra", None),
        ("100%", None),
        ("...", None),
    ],
)
def test_what_was_meant_is_found_first(reader: Client, typed: str, first: str | None) -> None:
    answer = find(reader, q=typed)

    assert next(iter(names(answer)), None) == first
    assert answer["truncated"] is False


@pytest.mark.usefixtures("named")
def test_the_answer_says_what_was_looked_for_instead(reader: Client) -> None:
    answer = find(reader, q="custmers 17 raw")

    assert answer["words"] == [
        {"asked": "custmers", "meant": ["customers"]},
        {"asked": "17", "meant": ["17"]},
        {"asked": "raw", "meant": ["raw"]},
    ]


@pytest.mark.usefixtures("named")
def test_pages_of_a_ranking_follow_each_other(reader: Client) -> None:
    whole = names(find(reader, q="customer"))
    page = find(reader, q="customer", limit=1, count="true")
    pages = names(page)
    while page["next"] is not None:
        page = find(reader, q="customer", limit=1, cursor=page["next"])
        pages += names(page)

    assert pages == whole
    assert len(whole) == 3
    assert find(reader, q="customer", limit=1, count="true")["count"] == 3


@pytest.fixture
def owned(named: None, team: Team, other_team: Team, owner: User) -> None:
    since = datetime(2026, 1, 1, tzinfo=UTC)
    customers, orders = (identity.asset("dataset", "n", name) for name in ("customers", "marts.customer_orders"))
    marts = identity.asset("dataset", "n", "marts.customers")
    factories.ownership(customers, OwnerRole.STEWARD, team, since=since)
    factories.ownership(orders, OwnerRole.STEWARD, other_team, since=since)
    factories.ownership(orders, OwnerRole.BUSINESS_OWNER, team, user=owner, since=since)
    factories.ownership(marts, OwnerRole.STEWARD, team, since=since, until=datetime(2026, 2, 1, tzinfo=UTC))


@pytest.mark.usefixtures("owned")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"team": "credit"}, {"customers", "marts.customer_orders"}),
        ({"team": "marketing"}, {"marts.customer_orders"}),
        ({"owner": "owner"}, {"marts.customer_orders"}),
        ({"no_owner": "true", "q": "customer"}, {"marts.customers"}),
        ({"team": "credit", "q": "ordrs"}, {"marts.customer_orders"}),
        ({"kind": "model"}, set()),
        ({"kind": "dataset", "q": "chargbacks"}, {"RAW.FRAUD.CHARGEBACKS_00017"}),
        ({"namespace": "m", "q": "customer"}, set()),
        ({"name": "customers"}, {"customers"}),
    ],
)
def test_filters_narrow_both_lists_and_searches(reader: Client, query: dict[str, str], expected: set[str]) -> None:
    assert set(names(find(reader, **query))) == expected


@pytest.mark.usefixtures("owned")
def test_counts_tell_what_each_choice_would_give(reader: Client) -> None:
    growing.append([seen("customer_model", datasetType={"datasetType": "MODEL"})])
    growing.project()

    everything = find(reader, q="customer", counts="true")["counts"]
    models = find(reader, q="customer", kind="model", counts="true")["counts"]
    ours = find(reader, q="customer", team="credit", counts="true")["counts"]

    assert everything == {
        "total": 4,
        "kinds": {"dataset": 3, "model": 1},
        "teams": {"credit": 2, "marketing": 1},
        "without_owner": 2,
        "tiers": {},
        "tags": {},
        "minimums": False,
    }
    assert (models["total"], models["kinds"]) == (1, everything["kinds"])
    assert (models["teams"], models["without_owner"]) == ({}, 1)
    assert (ours["total"], ours["kinds"], ours["teams"]) == (2, {"dataset": 2}, everything["teams"])
    assert find(reader, counts="true")["counts"]["total"] == len(NAMES) + 1


@pytest.mark.usefixtures("owned")
def test_a_namespace_is_found_by_its_words_as_they_are(reader: Client) -> None:
    lake = {"namespace": "s3://Lake", "name": "customer_images", "facets": {}}
    growing.append([seen("x") | {"dataset": lake}])
    growing.project()

    assert names(find(reader, q="lake")) == ["customer_images"]
    assert names(find(reader, q="lake customr")) == ["customer_images"]
    assert names(find(reader, q="laek")) == []


def test_tags_are_found_whoever_set_them(reader: Client, administrator: User) -> None:
    sent = {"tags": [{"key": "pii", "value": "yes", "field": "email"}]}
    growing.append([seen("sent", tags=sent), seen("set"), seen("neither", tags={"tags": [{"key": "gold"}]})])
    growing.project()
    tags.put(actor=administrator, asset=identity.asset("dataset", "n", "set"), key="pii")

    assert sorted(names(find(reader, tag="pii"))) == ["sent", "set"]
    assert find(reader, counts="true")["counts"]["tags"] == {"pii": 1}


def test_models_are_found_by_their_tier(reader: Client, administrator: User) -> None:
    growing.append([seen(name, datasetType={"datasetType": "MODEL"}) for name in ("credit", "spam")])
    growing.project()
    factories.classification(identity.asset("dataset", "n", "credit"), Tier.HIGH, administrator)

    assert names(find(reader, tier="high")) == ["credit"]
    assert find(reader, tier="low", counts="true")["counts"]["tiers"] == {"high": 1}


def test_more_than_is_counted_or_compared_says_so(reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    growing.append([seen(f"orders_{number}") for number in range(12)])
    growing.project()
    monkeypatch.setattr(search, "MOST_RANKED", 10)
    monkeypatch.setattr(search, "MOST_COUNTED", 11)

    answer = find(reader, q="orders", counts="true")
    exact = find(reader, q="orders_11")

    assert (len(answer["results"]), answer["truncated"]) == (10, True)
    assert (answer["counts"]["total"], answer["counts"]["minimums"]) == (11, True)
    assert names(exact)[0] == "orders_11"


def test_what_changed_since_a_day(reader: Client) -> None:
    growing.append(
        [
            seen("still", 1, documentation={"description": "x"}),
            seen("still", 9, documentation={"description": "x"}),
            seen("described", 1),
            seen("described", 9, documentation={"description": "y"}),
            seen("versioned", 1),
            seen("versioned", 9, version={"datasetVersion": "2"}),
            seen("new", 9),
        ]
    )
    growing.project()

    assert set(names(find(reader, changed_since="2026-03-05T00:00:00Z"))) == {"described", "versioned", "new"}
    assert set(names(find(reader, changed_since="2026-03-05T00:00:00Z", q="version"))) == {"versioned"}


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ({"q": "x", "text": "y"}, 400, "text"),
        ({"q": "x", "cursor": "abc"}, 400, "cursor"),
        ({"q": "x", "cursor": "²"}, 400, "cursor"),
        ({"q": "x", "limit": "0"}, 400, "limit"),
        ({"q": "x" * 501}, 400, "q"),
        ({"team": "nobody"}, 404, "team"),
        ({"owner": "nobody"}, 404, "user"),
        ({"no_owner": "perhaps"}, 400, "no_owner"),
        ({"changed_since": "yesterday"}, 400, "changed_since"),
    ],
)
def test_bad_questions_are_refused_by_name(reader: Client, query: dict[str, str], status: int, field: str) -> None:
    response = reader.get("/api/v1/assets", query)

    assert response.status_code == status
    assert set(response.json()["fields"]) == {field}


@pytest.mark.usefixtures("owned")
def test_a_search_has_a_budget_of_queries(
    reader: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    find(reader)

    with django_assert_max_num_queries(11):
        find(reader, q="custmers")
    with django_assert_max_num_queries(19):
        find(reader, q="custmers", counts="true")


@pytest.mark.parametrize(
    ("left", "right", "slips"),
    [("", "", 0), ("a", "", 1), ("trian", "train", 1), ("abc", "acb", 1), ("ca", "abc", 3), ("kitten", "sitting", 3)],
)
def test_slips_are_counted(left: str, right: str, slips: int) -> None:
    assert words.distance(left, right) == words.distance(right, left) == slips


def test_names_are_cut_into_words() -> None:
    assert words.of("RAW.FRAUD.card_payments_00017/v2") == {"raw", "fraud", "card", "payments"}
    assert words.of("LoanApplications") == {"loan", "applications", "loanapplications"}
    assert words.asked("  Card-payments_17 card ") == ["card", "payments", "17"]
