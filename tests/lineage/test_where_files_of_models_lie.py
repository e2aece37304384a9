"""A model version is found by the place of its files, as its sender told it."""

import json
from datetime import UTC, datetime

import pytest

from integrations import openlineage
from integrations.openlineage import Dataset
from integrations.systems import locations
from lineage import eventlog, events, files, projection
from lineage.files import Placed

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 8, tzinfo=UTC)


def test_a_version_is_found_by_a_place_of_its_files() -> None:
    model = Dataset("mlflow://ml.example", "credit-risk").as_model("7")
    placed = model.saying(assay_modelFiles=locations.files("s3a://models/credit-risk/7/", "models:/m-1"))
    event = events.read(json.dumps(openlineage.of_dataset(placed, at=AT)).encode())
    eventlog.append([event], sender=None)
    projection.project()

    wanted = ("s3://models", "credit-risk/7")
    found = files.at([wanted, ("s3://models", "credit-risk"), ("s3://other", "credit-risk/7")])

    assert event.warnings == ()
    assert found == [Placed(place=wanted, namespace="mlflow://ml.example", name="credit-risk", version="7")]
    assert len(files.at([("uri", "models:/m-1")])) == 1
    assert files.at([]) == []
