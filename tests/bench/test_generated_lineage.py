"""The generator: same seed, same bytes; the shape of a real company; memory that does not grow."""

import hashlib
import itertools
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bench import company, generator

ROOT = Path(__file__).resolve().parents[2]


def events(count: int, *, seed: int = 1, assets: int = 200) -> list[dict[str, Any]]:
    return [json.loads(line) for line in generator.lines(events=count, seed=seed, assets=assets)]


def test_the_same_seed_gives_the_same_bytes_on_every_machine() -> None:
    text = b"\n".join(generator.lines(events=500, seed=42, assets=300))

    assert hashlib.sha256(text).hexdigest() == ("b6148b17a6eff6d0fadbc1c974ec95c825f51f3b65adbbabfa2b98742cbd798d"), (
        "Published figures name a seed: changing what it means needs a reason and a new digest here."
    )


def test_another_seed_gives_another_company() -> None:
    assert list(generator.lines(events=20, seed=1, assets=100)) != list(generator.lines(events=20, seed=2, assets=100))


def test_a_shorter_stream_is_the_beginning_of_a_longer_one() -> None:
    longer = list(generator.lines(events=300, seed=5, assets=100))

    assert list(generator.lines(events=120, seed=5, assets=100)) == longer[:120]


def test_no_event_is_repeated() -> None:
    lines = list(generator.lines(events=5_000, seed=3, assets=200))

    assert len(set(lines)) == len(lines)


def test_an_event_weighs_two_to_three_kilobytes() -> None:
    sizes = [len(line) for line in generator.lines(events=3_000, seed=3, assets=300)]

    assert 2_000 < sum(sizes) / len(sizes) < 3_000


def test_every_event_has_what_the_specification_requires() -> None:
    for event in events(1_000):
        assert event["eventTime"].endswith("Z")
        assert event["schemaURL"].startswith("https://openlineage.io/spec/2-0-2/")
        assert event["eventType"] in {"START", "RUNNING", "COMPLETE", "FAIL", "ABORT"}
        assert event["run"]["runId"]
        assert event["job"]["namespace"]
        assert event["job"]["name"]
        assert {"parent"} <= event["run"]["facets"].keys()
        for holder in (event["run"], event["job"], *event["inputs"], *event["outputs"]):
            for facet in holder["facets"].values():
                assert facet["_producer"]
                assert facet["_schemaURL"]


def test_inputs_are_pinned_to_versions_that_were_produced() -> None:
    # Weekly jobs that first run later leave versions of before the history; two weeks in, all have run.
    all_events = events(8_000, assets=100)
    made: set[tuple[str, str, str]] = set()
    for event in all_events:
        for output in event["outputs"]:
            made.add((output["namespace"], output["name"], output["facets"]["version"]["datasetVersion"]))

    read = [
        (read["namespace"], read["name"], read["facets"]["version"]["datasetVersion"])
        for event in all_events[4_000:]
        for read in event["inputs"]
        if "version" in read["facets"]
    ]

    assert len(read) > 1_000
    assert sum(version in made for version in read) > 0.99 * len(read)


def test_a_few_hubs_are_read_by_many_and_most_data_by_few() -> None:
    readers = Counter(read for read, _ in company.Company(seed=1, assets=5_000).edges())

    most_read = [count for _, count in readers.most_common()]
    assert most_read[0] > 50
    assert most_read[len(most_read) // 2] <= 3


def test_lineage_has_no_cycle() -> None:
    place: dict[company.Dataset, int] = {}
    for position, job in enumerate(company.Company(seed=9, assets=2_000).jobs()):
        for read in job.inputs:
            assert read.layer is company.Layer.SOURCES or place[read] < position
        for made in job.outputs:
            place[made] = position


def test_a_failed_run_is_tried_again_under_a_new_run_id() -> None:
    runs = [
        list(attempts)
        for _, attempts in itertools.groupby(
            itertools.islice(generator.Reporter(company.Company(seed=1, assets=300)).runs(), 3_000),
            key=lambda run: (run.job.layer, run.job.index, run.cycle),
        )
    ]

    retried = [attempts for attempts in runs if len(attempts) == 2]
    assert 0.01 < len(retried) / len(runs) < 0.06
    for first, second in retried:
        assert first.end in {"FAIL", "ABORT"}
        assert second.end == "COMPLETE"
        assert first.run_id != second.run_id


def test_a_training_run_reports_metrics_parameters_and_commit() -> None:
    trained = [event for event in events(6_000, assets=200) if event["job"]["name"].startswith("train.")]
    ends = [event for event in trained if event["eventType"] == "COMPLETE"]

    assert ends
    for event in ends:
        (model,) = event["outputs"]
        assert model["facets"]["datasetType"]["datasetType"] == "MODEL"
        assert {metric["name"] for metric in model["facets"]["assay_modelMetrics"]["metrics"]} >= {"auc"}
        assert len(event["job"]["facets"]["sourceCodeLocation"]["version"]) == 40
    assert any("assay_trainingParameters" in event["run"]["facets"] for event in trained)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak from Linux's /proc")
def test_a_long_stream_of_a_large_company_stays_within_bounded_caches() -> None:
    program = (
        "from collections import deque; from bench import generator; "
        "deque(generator.lines(events=30_000, seed=1, assets=1_000_000), maxlen=0); "
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, cwd=ROOT).stdout

    # Held in memory, the events alone would be 90 MB, and the company several hundred.
    assert int(printed) < 75_000


def test_the_command_prints_json_lines() -> None:
    command = [sys.executable, "-m", "bench.generator", "--events", "7", "--seed", "2"]
    printed = subprocess.run(command, capture_output=True, check=True, cwd=ROOT).stdout

    assert printed.splitlines() == list(generator.lines(events=7, seed=2))


@pytest.mark.parametrize(("argument", "value"), [("--events", "-1"), ("--assets", "3")])
def test_the_command_names_the_argument_it_cannot_use(argument: str, value: str) -> None:
    command = [sys.executable, "-m", "bench.generator", "--events", "1", argument, value]
    refused = subprocess.run(command, capture_output=True, check=False, cwd=ROOT, text=True)

    assert refused.returncode == 2
    assert argument in refused.stderr
