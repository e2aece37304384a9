"""What a job tells by the small functions of the command's package, against a real server."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from assay_cli.reporting import Dataset, Reporter
from assay_cli.server import Refused
from django.core.wsgi import get_wsgi_application
from django.db import connections

from governance.tokens import Scope
from lineage import evidence, identity, live
from policies import evidence_files
from tests import factories
from tests.conftest import CommittedDatabase
from tests.lineage import growing

MODEL = identity.asset("dataset", "registry://models", "credit-risk")
AT = datetime(2026, 3, 1, 10, tzinfo=UTC)


class Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Tests are quiet."""


@pytest.fixture
def address(committed_db: CommittedDatabase) -> Iterator[str]:
    """The application behind a real server, in a thread beside the test."""
    server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet)

    def serve() -> None:
        try:
            server.serve_forever()
        finally:
            connections.close_all()  # Those of this thread: they would keep the test database from being dropped.

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def reporter(address: str) -> Reporter:
    user = factories.user("job", is_service=True)
    return Reporter(address, factories.secret(user, Scope.LINEAGE_WRITE, Scope.PROMOTIONS_WRITE, Scope.READ))


def train(reporter: Reporter, version: str = "7", *, failed: bool = False) -> str:
    return reporter.training_run(
        job="train",
        run=f"night of {version}",
        model="credit-risk",
        version=version,
        inputs=[Dataset("s3://lake", "applications", "v1")],
        parameters={"depth": 4},
        seed=7,
        repository="https://git.example/credit",
        commit="4f2c9d1e",
        metrics={"auc": 0.91},
        packages={"scikit-learn": "1.6"},
        started_at=AT,
        ended_at=AT.replace(hour=11),
        failed=failed,
    )


def test_a_training_run_stands_in_the_graph_with_all_that_a_gate_asks(reporter: Reporter) -> None:
    train(reporter)
    train(reporter)
    growing.project()

    (run,) = evidence.producing_runs(identity.version(MODEL, "7"))
    assert (run.job_name, run.state, run.commit) == ("train", "completed", "4f2c9d1e")
    assert [(one.name, one.version, one.is_pinned) for one in run.inputs] == [("applications", "v1", True)]
    (measured,) = evidence.measurements(identity.version(MODEL, "7"))
    assert (measured.metric, measured.value) == ("auc", 0.91)


def test_a_run_that_failed_wrote_nothing(reporter: Reporter) -> None:
    train(reporter, failed=True)
    growing.project()

    assert evidence.producing_runs(identity.version(MODEL, "7")) == []


def test_figures_are_told_of_a_segment_and_a_dataset(reporter: Reporter) -> None:
    data = Dataset("s3://lake", "holdout", "v2")
    reporter.kpis(
        model="credit-risk", version="7", metrics={"auc": 0.88}, segment="north", sample_size=500, dataset=data
    )
    growing.project()

    (measured,) = evidence.measurements(identity.version(MODEL, "7"))
    assert (measured.segment, measured.sample_size) == ("north", 500)
    assert "holdout" in str(measured.dataset)


def test_a_deployment_is_live_until_it_is_told_to_have_stopped(reporter: Reporter) -> None:
    reporter.decisions(model="credit-risk", version="7", deployment="scoring", count=120)
    growing.project()
    (found,) = live.versions()
    assert (found.deployment_name, found.key, found.stage) == ("scoring", "7", "production")

    reporter.stopped(model="credit-risk", version="7", deployment="scoring")
    growing.project()
    assert live.versions() == []


@pytest.mark.parametrize("kind", ["evaluation", "attributions"])
def test_tables_become_files_of_evidence(reporter: Reporter, tmp_path: Path, kind: str) -> None:
    write: Callable[..., str] = getattr(reporter, kind)
    digest = write(tmp_path / "table.csv", ({"label": number % 2, "score": number / 10} for number in range(4)))

    assert evidence_files.find(digest).size == (tmp_path / "table.csv").stat().st_size
    assert (tmp_path / "table.csv").read_text().splitlines()[:2] == ["label,score", "0,0.0"]
    with pytest.raises(ValueError, match="no rows"):
        write(tmp_path / "empty.csv", [])


def test_what_cannot_be_told_says_why(reporter: Reporter, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="time zone"):
        reporter.kpis(model="m", version="1", metrics={"auc": 1.0}, measured_at=datetime(2026, 3, 1))
    with pytest.raises(Refused):
        Reporter(reporter.url, "assay_pat_wrong").kpis(model="m", version="1", metrics={"auc": 1.0})
    monkeypatch.delenv("ASSAY_URL", raising=False)
    with pytest.raises(ValueError, match="ASSAY_URL"):
        Reporter()
