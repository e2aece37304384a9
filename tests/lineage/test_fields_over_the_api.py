"""Fields, what feeds them and the tags that arrive at them, over the API."""

from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from governance.models import User
from governance.tokens import Scope
from lineage import identity
from tests import factories
from tests.lineage import growing
from tests.lineage.test_tags_follow_fields import COPY, CUSTOMERS, HASH, JOIN, dataset, made_of, run, uuid

pytestmark = pytest.mark.django_db
API = "/api/v1"
SCHEMA = {
    "fields": [
        {"name": "mail", "type": "string", "description": "Where to write to."},
        {"name": "address", "type": "struct", "fields": [{"name": "zip", "type": "string"}]},
    ]
}


@pytest.fixture
def reader(member: User) -> Client:
    return factories.client(member, Scope.READ)


@pytest.fixture
def features() -> None:
    """customers -> features -> report, in one job each; features says its schema."""
    lineage = made_of(mail=[("customers.email", COPY), ("customers.id", JOIN)], hash=[("customers.email", HASH)])
    growing.append(
        [
            run(1, "build", [CUSTOMERS], [dataset("features", schema=SCHEMA, columnLineage=lineage)]),
            run(
                2,
                "tell",
                [dataset("features")],
                [dataset("report", columnLineage=made_of(to=[("features.mail", COPY)], by=[("features.hash", COPY)]))],
            ),
        ]
    )
    growing.project()


def get(client: Client, path: str, **query: Any) -> dict[str, Any]:
    response = client.get(f"{API}/{path}", query)
    assert response.status_code == 200, response.content
    document: dict[str, Any] = response.json()
    return document


def graph(client: Client, name: str, **query: Any) -> dict[str, Any]:
    return get(client, "graph", asset=uuid(name), level="field", **query)


def arriving(field: dict[str, Any]) -> list[dict[str, Any]]:
    return [path for path in field["arriving"] if path["key"] == "personal-data"]


def places(answer: dict[str, Any]) -> set[str]:
    return {f"{node['name']}.{node['field']}" if node["field"] else node["name"] for node in answer["nodes"]}


@pytest.mark.usefixtures("features")
class TestGraph:
    def test_from_one_field_the_way_up_and_down(self, reader: Client) -> None:
        up = graph(reader, "report", field="to", direction="upstream", depth=5)
        down = graph(reader, "customers", field="email", direction="downstream", depth=5)

        assert places(up) == {"report.to", "features.mail", "customers.email", "customers.id"}
        assert places(down) == {"customers.email", "features.mail", "features.hash", "report.to", "report.by"}
        assert up["root"] == str(identity.field(uuid("report"), "to"))
        assert up["truncated"] is False

    def test_edges_say_how(self, reader: Client) -> None:
        answer = graph(reader, "features", direction="upstream", depth=1)

        fields = {node["id"]: node["field"] for node in answer["nodes"]}
        said = {
            (fields[edge["source"]], fields[edge["target"]]): (edge["relation"], edge["masking"], edge["current"])
            for edge in answer["edges"]
        }
        assert said == {
            ("email", "mail"): ("direct", False, True),
            ("email", "hash"): ("direct", True, True),
            ("id", "mail"): ("indirect", False, True),
        }
        assert [edge["jobs"] for edge in answer["edges"]] == [[str(identity.asset("job", "jobs", "build"))]] * 3

    def test_all_fields_of_an_asset_come_with_types_tags_and_owners(self, reader: Client) -> None:
        answer = graph(reader, "features", direction="upstream", depth=1)

        by_name = {(node["name"], node["field"]): node for node in answer["nodes"]}
        assert by_name["features", "address.zip"]["type"] == "string"
        assert by_name["customers", "email"]["tags"][0]["key"] == "personal-data"
        assert by_name["customers", "email"]["owners"] == []
        assert by_name["features", "mail"]["rank"] > by_name["customers", "email"]["rank"]

    def test_what_is_left_out_is_counted_and_said(self, reader: Client) -> None:
        shallow = graph(reader, "features", field="mail", direction="upstream", depth=0)
        cut = graph(reader, "features", direction="both", depth=5, budget=2)

        [node] = shallow["nodes"]
        assert (node["more_upstream"], node["more_downstream"]) == (2, 1)
        assert len(cut["nodes"]) == 2
        assert cut["truncated"]
        assert "2 fields" in cut["reason"]

    def test_on_the_day_before_it_was_said_there_is_nothing(self, reader: Client) -> None:
        before = graph(
            reader, "customers", field="email", direction="downstream", depth=5, as_of="2026-03-01T10:01:30Z"
        )
        unknown = graph(
            reader, "customers", field="email", direction="downstream", depth=5, known_at="2026-03-01T10:01:30Z"
        )

        assert places(before) == {"customers.email", "features.mail", "features.hash"}
        assert places(unknown) == {"customers.email"}

    def test_part_of_a_field_belongs_to_it(self, reader: Client) -> None:
        answer = graph(reader, "features", field="address", depth=0)

        assert places(answer) == {"features.address", "features.address.zip"}

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"level": "field", "graph": "evidence"}, "level"),
            ({"level": "asset", "field": "x"}, "field"),
            ({"level": "field", "version": "1"}, "version"),
            ({"level": "column"}, "level"),
        ],
    )
    def test_what_does_not_go_together_is_refused(self, reader: Client, query: dict[str, str], field: str) -> None:
        response = reader.get(f"{API}/graph", {"asset": str(uuid("features"))} | query)

        assert response.status_code == 400
        assert field in response.json()["fields"]

    def test_level_version_is_the_evidence(self, reader: Client) -> None:
        answer = get(reader, "graph", asset=uuid("features"), level="version")

        assert answer["graph"] == "evidence"


def test_dependence_of_the_whole_dataset_concerns_every_field(reader: Client) -> None:
    """`dataset` of the facet: a filter decides which rows there are, whatever the column."""
    lineage = made_of(a=[("customers.x", COPY)]) | {
        "dataset": [
            {
                "namespace": "n",
                "name": "customers",
                "field": "country",
                "transformations": [{"type": "INDIRECT", "subtype": "FILTER", "description": "country = 'x'"}],
            }
        ]
    }
    growing.append([run(1, "build", [CUSTOMERS], [dataset("features", columnLineage=lineage)])])
    growing.project()

    answer = graph(reader, "features", field="a", direction="upstream")

    assert places(answer) == {"features.a", "customers.x", "customers.country"}
    assert {edge["relation"] for edge in answer["edges"]} == {"direct", "indirect"}


def test_the_older_shape_of_the_facet_is_read(reader: Client) -> None:
    lineage = {
        "fields": {
            "hash": {
                "inputFields": [{"namespace": "n", "name": "customers", "field": "email"}],
                "transformationType": "MASKED",
                "transformationDescription": "sha256(email)",
            }
        }
    }
    growing.append([run(1, "build", [CUSTOMERS], [dataset("features", columnLineage=lineage)])])
    growing.project()

    [edge] = graph(reader, "features", field="hash", direction="upstream")["edges"]

    assert edge["masking"]
    assert edge["transformations"] == [
        {"type": "DIRECT", "subtype": "MASKED", "description": "sha256(email)", "masking": True}
    ]


def test_what_a_job_no_longer_does_is_told_as_past(reader: Client) -> None:
    def features(how: dict[str, Any]) -> dict[str, Any]:
        return dataset("features", columnLineage=made_of(mail=[("customers.email", how)], id=[("customers.id", COPY)]))

    growing.append([run(1, "build", [CUSTOMERS], [features(COPY)]), run(2, "build", [CUSTOMERS], [features(HASH)])])
    growing.project()

    now = get(reader, f"assets/{uuid('features')}/fields")["results"]
    then = get(reader, f"assets/{uuid('features')}/fields", as_of="2026-03-01T10:01:30Z")["results"]

    mail = next(field for field in now if field["name"] == "mail")
    assert [(path["masked"], path["current"]) for path in arriving(mail)] == [(False, False), (True, True)]
    mail = next(field for field in then if field["name"] == "mail")
    assert [(path["masked"], path["current"]) for path in arriving(mail)] == [(False, True)]


@pytest.mark.usefixtures("features")
class TestFields:
    def test_fields_tell_type_tags_sources_and_what_arrives(self, reader: Client) -> None:
        answer = get(reader, f"assets/{uuid('report')}/fields")

        to = next(field for field in answer["results"] if field["name"] == "to")
        [path] = arriving(to)
        assert [(place["name"], place["field"]) for place in path["path"]] == [
            ("customers", "email"),
            ("features", "mail"),
            ("report", "to"),
        ]
        assert (path["key"], path["masked"], path["direct"]) == ("personal-data", False, True)
        assert [source["field"] for source in to["sources"]] == ["mail"]
        by = next(field for field in answer["results"] if field["name"] == "by")
        assert [path["masked"] for path in arriving(by)] == [True]

    def test_fields_stand_in_the_order_of_the_schema_and_by_pages(self, reader: Client) -> None:
        first = get(reader, f"assets/{uuid('features')}/fields", limit=3)
        second = get(reader, f"assets/{uuid('features')}/fields", limit=3, cursor=first["next"])

        assert [field["name"] for field in first["results"] + second["results"]] == [
            "mail",
            "address",
            "address.zip",
            "hash",
        ]
        assert first["results"][0]["description"] == "Where to write to."
        assert (first["count"], second["next"]) == (4, None)

    def test_tags_upstream_of_a_version_by_the_evidence(self, reader: Client) -> None:
        answer = get(reader, f"assets/{uuid('report')}/tags/upstream", tags="personal-data, silver")

        assert [(path["key"], path["masked"]) for path in answer["results"]] == [
            ("personal-data", False),
            ("personal-data", True),
        ]

    def test_people_tag_and_take_away(self, owner: User, outsider: User) -> None:
        client = factories.client(owner, Scope.GOVERNANCE_WRITE, Scope.READ)
        path = f"{API}/assets/{uuid('features')}/tags"
        body = {"key": "secret", "field": "mail"}

        assert client.put(path, body, content_type="application/json").status_code == 201
        assert client.put(path, body, content_type="application/json").status_code == 200
        tagged = get(client, f"assets/{uuid('features')}/fields")["results"][0]["tags"]
        assert client.delete(f"{path}?key=secret&field=mail").status_code == 204
        assert client.delete(f"{path}?key=secret&field=mail").status_code == 404

        assert tagged == [{"key": "secret", "value": "", "source": "owner", "by_person": True}]


def test_only_who_may_tags(asset: UUID, outsider: User) -> None:
    client = factories.client(outsider, Scope.GOVERNANCE_WRITE)
    response = client.put(f"{API}/assets/{asset}/tags", {"key": "x"}, content_type="application/json")

    assert response.status_code == 404  # No event has named this asset.
    assert factories.client(outsider, Scope.READ).delete(f"{API}/assets/{asset}/tags?key=x").status_code == 403


@pytest.mark.usefixtures("features")
class TestImpactOfOneField:
    def touched(self, client: Client, name: str, field: str, **query: Any) -> dict[str, tuple[list[str], bool]]:
        answer = get(client, f"assets/{uuid(name)}/impact", field=field, **query)
        assert (answer["field"], answer["truncated"]) == (field, False)
        return {row["name"]: (row["fields"], row["assumed"]) for row in answer["assets"]}

    def test_it_goes_by_fields_where_they_are_told(self, reader: Client) -> None:
        assert self.touched(reader, "customers", "email") == {
            "build": ([], False),
            "features": (["hash", "mail"], False),
            "report": (["by", "to"], False),
            "tell": ([], False),
        }
        assert self.touched(reader, "features", "hash") == {"report": (["by"], False), "tell": ([], False)}
        assert self.touched(reader, "features", "address.zip") == {}

    def test_what_says_nothing_of_fields_is_assumed_to_be_touched(self, reader: Client) -> None:
        growing.append([run(3, "train", [dataset("report")], [dataset("scores")]), run(4, "copy", [CUSTOMERS], [])])
        growing.project()

        assert self.touched(reader, "features", "hash") == {
            "report": (["by"], False),
            "tell": ([], False),
            "train": ([], True),
            "scores": ([], True),
        }
        assert self.touched(reader, "customers", "email")["copy"] == ([], True)
        assert self.touched(reader, "features", "hash", as_of="2026-01-01T00:00:00Z") == {}

    def test_a_field_that_is_not_there_is_refused_and_a_table_names_them(self, reader: Client) -> None:
        path = f"{API}/assets/{uuid('features')}/impact"

        assert reader.get(path, {"field": "nothing"}).json()["fields"] == {"field": "Unknown."}
        table = reader.get(f"{path}.csv", {"field": "mail"}).content.decode()
        assert [line.split(",")[-2:] for line in table.splitlines()] == [["fields", "assumed"], ["to", ""], ["", ""]]
