"""Great Expectations looks at a table, and what it found is found in the graph."""

import json
from pathlib import Path

import requests
from pytest_django.live_server_helper import LiveServer

from governance.models import Team
from lineage.models import Remark
from tests.integrations import connecting
from tests.systems import tools

CHECK = """
import json, great_expectations as gx, pandas as pd
context = gx.get_context(mode="ephemeral")
source = context.data_sources.add_pandas("bank")
batch = source.add_dataframe_asset("loans").add_batch_definition_whole_dataframe("all")
suite = context.suites.add(gx.ExpectationSuite(name="strict"))
suite.add_expectation(gx.expectations.ExpectColumnValuesToNotBeNull(column="amount"))
suite.add_expectation(gx.expectations.ExpectColumnValuesToBeInSet(column="label", value_set=[0, 1]))
definition = context.validation_definitions.add(gx.ValidationDefinition(name="v", data=batch, suite=suite))
result = definition.run(batch_parameters={"dataframe": pd.DataFrame({"amount": [1.0, 2.0], "label": [0, 7]})})
print("RESULT" + json.dumps(result.to_json_dict()))
"""


pytestmark = tools.requires("great_expectations", serves=True)


def test_a_result_is_posted_and_read(live_server: LiveServer, team: Team, tmp_path: Path) -> None:
    printed = tools.Tool("great_expectations").script(CHECK, cwd=tmp_path)
    result = json.loads(printed.rpartition("RESULT")[2])
    tools.connect(team, "great_expectations", "gx://bank", {"assets": {"bank.loans": "s3://bank/loans"}})

    url = f"{live_server.url}/api/v1/hooks/great-expectations"
    answer = requests.post(url, json=result, headers={"Authorization": f"Bearer {connecting.SECRET}"}, timeout=30)

    assert answer.ok, answer.text
    tools.translate()
    [said] = Remark.objects.filter(asset=tools.asset("s3://bank", "loans"), key="dataQualityAssertions")
    found = said.body["assertions"]
    assert {one["column"]: one["success"] for one in found} == {"amount": True, "label": False}
