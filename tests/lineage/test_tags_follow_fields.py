"""Tags of fields reach what is made of them, by the evidence of runs."""

from typing import Any
from uuid import UUID

import pytest

from governance.errors import Denied, Invalid, NotFound
from governance.models import AuditEntry, User
from lineage import fields, identity, tags
from lineage.asof import NOW
from lineage.models import Asset
from tests.lineage import growing

pytestmark = pytest.mark.django_db
PII = {"key": "personal-data", "value": "true"}


def run(number: int, job: str, reads: list[Any], writes: list[Any], **changes: Any) -> dict[str, Any]:
    return {
        "eventTime": f"2026-03-01T10:{number:02}:00Z",
        "eventType": "COMPLETE",
        "producer": "urn:assay:test",
        "run": {"runId": f"0190a0b0-0000-7000-8000-{number:012}"},
        "job": {"namespace": "jobs", "name": job},
        "inputs": reads,
        "outputs": writes,
    } | changes


def dataset(name: str, **facets: Any) -> dict[str, Any]:
    return {"namespace": "n", "name": name, "facets": facets}


def made_of(**fields: list[tuple[str, dict[str, Any] | None]]) -> dict[str, Any]:
    """A columnLineage facet: each field with the fields (`table.field`) it is made of, and how."""
    said = {}
    for target, sources in fields.items():
        said[target] = {
            "inputFields": [
                {"namespace": "n", "name": source.partition(".")[0], "field": source.partition(".")[2]}
                | ({} if how is None else {"transformations": [how]})
                for source, how in sources
            ]
        }
    return {"fields": said}


COPY = {"type": "DIRECT", "subtype": "IDENTITY"}
HASH = {"type": "DIRECT", "subtype": "TRANSFORMATION", "masking": True}
JOIN = {"type": "INDIRECT", "subtype": "JOIN"}
CUSTOMERS = dataset("customers", tags={"tags": [PII | {"field": "email"}, {"key": "gold", "value": ""}]})


def uuid(name: str) -> UUID:
    return identity.asset("dataset", "n", name)


def grow(*events: dict[str, Any]) -> None:
    growing.append(events)
    growing.project()


def upstream(name: str, *wanted: str, version: str | None = None) -> list[str]:
    found = fields.tags_upstream(uuid(name), tags=wanted or ("personal-data",), moment=NOW, version=version)
    return [str(path) for path in found]


def features(**columns: list[tuple[str, dict[str, Any] | None]]) -> dict[str, Any]:
    return dataset("features", columnLineage=made_of(**columns))


def train(*reads: str) -> dict[str, Any]:
    return run(9, "train", [dataset(name) for name in reads], [dataset("model", datasetType={"datasetType": "MODEL"})])


def test_a_tag_follows_the_field_that_is_made_of_it() -> None:
    grow(run(1, "build", [CUSTOMERS], [features(mail=[("customers.email", COPY)])]), train("features"))

    assert upstream("features") == ["customers.email -> features.mail"]
    assert upstream("model") == ["customers.email -> features.mail -> model (assumed)"]


def test_a_masking_transformation_is_told_with_the_path() -> None:
    grow(run(1, "build", [CUSTOMERS], [features(hash=[("customers.email", HASH)])]), train("features"))

    [path] = fields.tags_upstream(uuid("model"), tags=["Personal-Data=TRUE"], moment=NOW)

    assert str(path) == "customers.email -> features.hash (masked) -> model (assumed)"
    assert (path.is_masked, path.is_direct, path.is_assumed) == (True, True, True)
    assert path.hops[0].transformations == ("DIRECT TRANSFORMATION",)
    assert (path.origin.asset, path.origin.field) == (uuid("customers"), "email")


def test_the_unmasked_path_is_not_hidden_by_a_masked_one() -> None:
    grow(
        run(
            1,
            "build",
            [CUSTOMERS],
            [features(hash=[("customers.email", HASH)], mail=[("customers.email", COPY)])],
        ),
        train("features"),
    )

    found = fields.tags_upstream(uuid("model"), tags=["personal-data"], moment=NOW)

    assert [(path.is_masked, path.places[1].field) for path in found] == [(False, "mail"), (True, "hash")]


def test_a_field_that_is_not_used_brings_nothing() -> None:
    grow(run(1, "build", [CUSTOMERS], [features(age=[("customers.birthday", COPY)])]), train("features"))

    assert upstream("model") == []


def test_a_tag_of_the_whole_dataset_is_on_each_of_its_fields() -> None:
    grow(run(1, "build", [CUSTOMERS], [features(age=[("customers.birthday", COPY)])]))

    assert upstream("features", "gold") == ["customers.birthday -> features.age"]


def test_influence_on_rows_is_not_a_value() -> None:
    grow(run(1, "build", [CUSTOMERS], [features(age=[("customers.birthday", COPY), ("customers.email", JOIN)])]))

    [path] = fields.tags_upstream(uuid("features"), tags=["personal-data"], moment=NOW)

    assert not path.is_direct
    assert str(path) == "customers.email -> features.age (indirect)"


def test_a_run_that_says_nothing_of_fields_may_pass_on_all_of_them() -> None:
    grow(run(1, "build", [CUSTOMERS], [dataset("features")]), train("features"))

    assert upstream("model") == ["customers.email -> features (assumed) -> model (assumed)"]


def test_parts_of_a_tagged_field_are_tagged() -> None:
    people = dataset("people", tags={"tags": [PII | {"field": "address"}]})
    grow(run(1, "build", [people], [features(zip=[("people.address.zip", COPY)], other=[("people.addressed", COPY)])]))

    assert upstream("features") == ["people.address -> features.zip"]


def test_each_version_has_the_fields_of_its_own_run() -> None:
    def model(version: str) -> dict[str, Any]:
        return dataset("model", version={"datasetVersion": version})

    first = features(mail=[("customers.email", COPY)])
    second = features(mail=[("customers.email", HASH)])
    first["facets"]["version"], second["facets"]["version"] = {"datasetVersion": "f1"}, {"datasetVersion": "f2"}
    grow(
        run(1, "build", [CUSTOMERS], [first]),
        run(2, "train", [dataset("features", version={"datasetVersion": "f1"})], [model("1")]),
        run(3, "build", [CUSTOMERS], [second]),
        run(4, "train", [dataset("features", version={"datasetVersion": "f2"})], [model("2")]),
    )

    masked = {
        version: [
            path.is_masked
            for path in fields.tags_upstream(uuid("model"), tags=["personal-data"], moment=NOW, version=version)
        ]
        for version in ("1", "2")
    }

    assert masked == {"1": [False], "2": [True]}


def test_a_path_in_a_circle_ends() -> None:
    grow(
        run(1, "build", [CUSTOMERS, dataset("features")], [features(mail=[("customers.email", COPY)])]),
        run(2, "again", [dataset("features")], [features(mail=[("features.mail", COPY)])]),
        run(3, "build", [CUSTOMERS, dataset("features")], [features(mail=[("features.mail", COPY)])]),
    )

    assert len(upstream("features")) == 1


def test_what_nobody_knows_has_no_paths_but_its_own_tags() -> None:
    grow(run(1, "build", [CUSTOMERS], []))

    assert upstream("customers") == ["customers.email"]
    with pytest.raises(NotFound):
        upstream("nothing")
    with pytest.raises(NotFound):
        upstream("customers", version="7")


@pytest.mark.parametrize("value", ["false", "No", "0"])
def test_a_tag_that_says_no_is_none(value: str) -> None:
    grow(run(1, "build", [dataset("t", tags={"tags": [{"key": "personal-data", "value": value}]})], []))

    assert upstream("t") == []


class TestTagsOfPeople:
    def test_they_count_like_those_of_senders(self, owner: User) -> None:
        grow(run(1, "build", [dataset("plain")], [features(a=[("plain.b", COPY)])]))
        tags.put(actor=owner, asset=uuid("plain"), field="b", key="personal-data")

        [path] = fields.tags_upstream(uuid("features"), tags=["personal-data"], moment=NOW)

        assert (path.is_by_person, path.source) == (True, "owner")

    def test_another_value_replaces_the_one_before_and_both_stay_in_the_history(self, owner: User) -> None:
        grow(run(1, "build", [dataset("plain")], []))
        asset = Asset.objects.get(name="plain")

        tags.put(actor=owner, asset=asset.uuid, key="class", value="internal")
        assert tags.put(actor=owner, asset=asset.uuid, key="class", value="internal")[1] is False
        tags.put(actor=owner, asset=asset.uuid, key="class", value="secret")
        tags.remove(actor=owner, asset=asset.uuid, key="class")

        assert tags.of([(asset.pk, asset.uuid)]) == {}
        assert [entry.action for entry in AuditEntry.objects.order_by("id")] == ["tag.set", "tag.set", "tag.removed"]

    def test_only_who_may_sets_and_removes(self, asset: UUID, owner: User, member: User, outsider: User) -> None:
        for actor in (member, outsider):
            with pytest.raises(Denied):
                tags.put(actor=actor, asset=asset, key="x")
        tags.put(actor=owner, asset=asset, key="x")
        with pytest.raises(Denied):
            tags.remove(actor=outsider, asset=asset, key="x")

    @pytest.mark.parametrize(
        ("given", "field"),
        [({"key": ""}, "key"), ({"key": "x" * 201}, "key"), ({"key": "x", "value": "false"}, "value")],
    )
    def test_bad_input_is_refused_by_name(self, asset: UUID, owner: User, given: dict[str, str], field: str) -> None:
        with pytest.raises(Invalid) as refused:
            tags.put(actor=owner, asset=asset, **given)

        assert field in refused.value.fields

    def test_what_a_sender_sent_a_person_cannot_take_back(self, owner: User) -> None:
        grow(run(1, "build", [CUSTOMERS], []))

        with pytest.raises(NotFound, match="only the sender"):
            tags.remove(actor=owner, asset=uuid("customers"), key="gold")
