"""Models' files in each format, explained by a process of its own; and those that break it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from governance.confinement import Limits
from governance.errors import DomainError, Invalid, TooLarge
from policies.explanations import computing, orders
from policies.explanations.attributions import Attributions, Computed
from tests.policies.explanations import models

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.write_data(tmp_path_factory.mktemp("data") / "data.parquet")


def explain(model: Path, data: Path, **asked: object) -> Attributions:
    said = Computed(model="model", data="data", **({"sample": 100} | asked))  # type: ignore[arg-type]
    return computing.compute(model, data, said, computing.recognise(model, said))


def test_xgboost_has_the_values_of_its_library(data: Path, tmp_path: Path) -> None:
    found = explain(models.write_xgboost(tmp_path / "m.ubj"), data, sample=models.ROWS)

    import xgboost  # noqa: PLC0415 - seconds of start, for one test

    contributions = models.booster().predict(
        xgboost.DMatrix(models.table(), feature_names=models.FEATURES), pred_contribs=True
    )
    expected = dict(zip(models.FEATURES, np.abs(contributions[:, :-1]).mean(axis=0), strict=True))
    assert {one.name: one.mean_absolute for one in found.features} == pytest.approx(expected, rel=1e-4)
    assert found.rows == models.ROWS
    assert found.additivity is not None
    assert found.additivity.ratio < 1e-4
    assert "memory" in found.enforced
    assert set(found.libraries) == {"xgboost-cpu", "numpy", "duckdb"}


def test_lightgbm_adds_up(data: Path, tmp_path: Path) -> None:
    found = explain(models.write_lightgbm(tmp_path / "m.txt"), data, features=models.FEATURES, seeds=2)

    assert found.features[0].name == "income"
    assert found.additivity is not None
    assert found.additivity.ratio < 1e-9
    assert (len(found.by_seed), found.rows) == (2, 200)


def test_onnx_has_the_values_of_a_linear_model(data: Path, tmp_path: Path) -> None:
    found = explain(models.write_onnx(tmp_path / "m.onnx"), data, features=models.FEATURES)
    again = explain(models.write_onnx(tmp_path / "m.onnx"), data, features=models.FEATURES)

    by_name = {one.name: one.mean_absolute for one in found.features}
    assert by_name["debt ratio"] == pytest.approx(0, abs=1e-6)
    assert by_name["income"] / by_name["Age"] == pytest.approx(2, rel=0.2)
    assert found.features == again.features


@pytest.mark.parametrize(
    ("write", "asked", "says"),
    [
        (models.write_onnx, {}, "does not name its 5 features"),
        (models.write_onnx, {"features": ["income"]}, "has 5 features, and 1 are listed"),
        (models.write_xgboost, {"features": [*models.FEATURES[:-1], "wage"]}, "no column 'wage'"),
        (models.write_classes, {"features": models.FEATURES}, "has 3 outputs"),
        (models.write_classes, {"features": models.FEATURES, "output_index": 3}, "has 3 outputs"),
    ],
)
def test_what_does_not_fit_the_model_is_said(
    write: Callable[[Path], Path], asked: dict[str, object], says: str, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(Invalid) as refused:
        explain(write(tmp_path / ("model.onnx" if write is models.write_onnx else "model.json")), data, **asked)

    assert says in refused.value.message


def test_a_file_that_only_begins_as_a_model_is_refused_by_its_library(data: Path, tmp_path: Path) -> None:
    for name, content in (("m.json", b'{"learner": {"a": '), ("m.txt", b"tree\nversion=v4\nnonsense")):
        path = tmp_path / name
        path.write_bytes(content)

        with pytest.raises(DomainError, match=r"cannot be read by|broke down"):
            explain(path, data)


def test_what_takes_too_much_is_ended_with_the_reason(data: Path, tmp_path: Path) -> None:
    model = models.write_onnx(tmp_path / "m.onnx")
    asked = Computed(model="m", data="d", features=models.FEATURES, sample=10_000, background=500)
    format_ = computing.recognise(model, asked)

    with pytest.raises(TooLarge, match="needs more than 250 MiB"):
        computing.compute(model, data, asked, format_, Limits(memory_mib=250, cpu_s=60, wall_s=600))
    with pytest.raises(TooLarge, match=r"takes longer than 0\.05 seconds"):
        computing.compute(model, data, asked, format_, Limits(memory_mib=4_096, cpu_s=60, wall_s=0.05))


def test_a_worker_without_the_library_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "PACKAGES", dict.fromkeys(orders.PACKAGES, "not-installed-here"))

    with pytest.raises(computing.NotInstalled, match=r"lacks not-installed-here\. Install it: pip install"):
        computing.recognise(models.write_onnx(tmp_path / "m"), Computed(model="m", data="d"))
