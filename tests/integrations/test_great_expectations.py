"""Results of Great Expectations become assertions on the data that they looked at."""

from integrations.openlineage import Event
from integrations.systems import great_expectations
from integrations.systems.base import Context
from integrations.systems.great_expectations import GreatExpectationsOptions
from tests.integrations import replaying

CONTEXT = Context(namespace="gx://checks", options=GreatExpectationsOptions())


def told(name: str, context: Context = CONTEXT) -> list[Event]:
    return replaying.told(great_expectations.SYSTEM, name, context=context)


def test_a_result_says_of_each_expectation_whether_it_held() -> None:
    [event] = told("result_of_1_x.json")

    assert (event["eventType"], event["eventTime"]) == ("COMPLETE", "2026-03-02T08:00:00+00:00")
    assert event["job"]["name"] == "crm.accounts.accounts.strict"
    [data] = event["inputs"]
    assert (data["name"], data["facets"]["version"]["datasetVersion"]) == ("crm/accounts", "f1")
    assert data["facets"]["dataQualityAssertions"]["assertions"] == [
        {
            "assertion": "expect_column_values_to_not_be_null",
            "success": True,
            "column": "age",
            "severity": "error",
        },
        {"assertion": "expect_column_values_to_be_unique", "success": False, "column": "id", "severity": "warn"},
        {"assertion": "expect_column_to_exist", "success": False, "column": "gone", "severity": "info"},
    ]
    # The run that it belongs to stands in its name.
    assert event["run"]["facets"]["parent"]["job"] == {"namespace": "airflow://sched.example", "name": "churn.check"}


def test_results_of_the_time_before_1_0_are_read_alike() -> None:
    [event] = told("result_of_0_18.json")

    assert event["job"]["name"] == "crm.accounts.accounts.old"
    [assertion] = event["inputs"][0]["facets"]["dataQualityAssertions"]["assertions"]
    assert assertion == {"assertion": "expect_table_row_count_to_be_between", "success": True}
    assert "parent" not in event["run"]["facets"]


def test_a_checkpoint_and_a_description_hold_results() -> None:
    first, second = told("checkpoint.json")
    assert first["inputs"] == second["inputs"]
    [described] = told("description.json")
    assert described["inputs"][0]["name"] == "crm-accounts"


def test_the_data_are_those_that_the_sender_or_the_options_name() -> None:
    [enclosed] = told("enclosed.json")
    assert enclosed["eventTime"] == "2026-03-02T09:00:00+00:00"
    [data] = enclosed["inputs"]
    assert (data["namespace"], data["name"]) == ("s3://lake", "accounts")
    assert data["facets"]["version"]["datasetVersion"] == "3"

    options = GreatExpectationsOptions(assets={"crm.accounts": "s3://lake/accounts"})
    [mapped] = told("result_of_1_x.json", Context(namespace="gx://checks", options=options))
    assert (mapped["inputs"][0]["name"], "version" in mapped["inputs"][0]["facets"]) == ("accounts", False)
