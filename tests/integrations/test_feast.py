"""A dump of Feast's registry becomes feature views and services, under the names that Feast itself gives."""

from integrations.systems import feast
from integrations.systems.base import Context
from integrations.systems.feast import FeastOptions
from tests.integrations import replaying

CONTEXT = Context(namespace="acme-feast", options=FeastOptions(warehouse="snowflake://acme"))


def test_views_and_services_say_what_they_are_made_from() -> None:
    told = replaying.told(feast.SYSTEM, "registry__dump.json", context=CONTEXT)

    source, table, view, on_demand, service = told
    assert (source["dataset"]["namespace"], source["dataset"]["name"]) == ("acme-feast/churn", "accounts_source")
    [other] = source["dataset"]["facets"]["symlinks"]["identifiers"]
    assert (other["namespace"], other["name"]) == ("s3://lake", "accounts.parquet")
    [other] = table["dataset"]["facets"]["symlinks"]["identifiers"]
    assert (other["namespace"], other["name"]) == ("snowflake://acme", "DWH.WEB.CLICKS")
    assert view["eventTime"] == "2026-03-02T08:01:00+00:00"
    assert [one["name"] for one in view["inputs"]] == ["accounts_source"]
    [made] = view["outputs"]
    assert made["facets"]["datasetType"]["datasetType"] == "FEATURE_VIEW"
    assert [field["name"] for field in made["facets"]["schema"]["fields"]] == ["account_id", "age"]
    assert [one["name"] for one in on_demand["inputs"]] == ["account_features", "asked"]
    assert [field["name"] for field in on_demand["outputs"][0]["facets"]["schema"]["fields"]] == ["age_x"]
    assert service["job"]["name"] == "feature_service_churn_v1"
    assert [one["name"] for one in service["inputs"]] == ["account_features", "age_now"]
