"""A version that is told by two names of its asset is one: who wrote it, what was measured, said and served of it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from governance.models import User
from integrations import openlineage
from integrations.openlineage import Dataset, Event, Job, Type
from integrations.systems import watches
from integrations.systems.watches import Alert
from lineage import eventlog, events, evidence, identity, live, makers, remarks, repeats, serving
from lineage.makers import Maker
from lineage.models import Run
from tests.lineage import growing
from tests.policies import stories
from tests.policies.stories import REGISTRY, trained

pytestmark = pytest.mark.django_db
NOW = datetime.now(tz=UTC).replace(microsecond=0) - timedelta(hours=2)
STORE = "s3://models"
COMMIT = "3f2a9c1d"
SERVER = Job("kserve://prod", "bank/credit").as_service("KSERVE")


def registered(version: str = "1", **facets: Any) -> Dataset:
    """The version as the registry names it."""
    return Dataset(REGISTRY, "credit").as_model(version).saying(**facets)


def stored(version: str = "1", **facets: Any) -> Dataset:
    """The version as it is named where it lies."""
    return Dataset(STORE, "credit").as_model(version).saying(**facets)


def told(*datasets: Dataset, minute: int = 0) -> list[Event]:
    return [openlineage.of_dataset(one, at=NOW + timedelta(minutes=minute)) for one in datasets]


def joined(minute: int = 0) -> Event:
    """What owners decided: the two are one."""
    first, other = sorted([registered(), stored()], key=lambda one: uuid(one, ""))
    named = {"family": "dataset", "namespace": first.namespace, "name": first.name}
    others = [{"namespace": other.namespace, "name": other.name}]
    return {"eventTime": (NOW + timedelta(minutes=minute)).isoformat(), "names": named | {"others": others}}


def parted(minute: int) -> Event:
    """The decision taken back."""
    event = joined(minute)
    return event | {"names": event["names"] | {"others": []}}


def wrote(*outputs: Dataset, run: str = "training", minute: int = 0) -> Event:
    at = NOW + timedelta(minutes=minute)
    written = openlineage.of_run(Type.COMPLETE, at=at, run="", job=SERVER, outputs=outputs)["outputs"]
    return trained("1", outputs=written, run={"runId": run}, eventTime=at.isoformat())


def uuid(dataset: Dataset, version: str = "1") -> UUID:
    asset = identity.asset("dataset", dataset.namespace, dataset.name)
    return identity.version(asset, version) if version else asset


def writers(dataset: Dataset, version: str = "1") -> list[str]:
    return [run.external_id for run in evidence.producing_runs(uuid(dataset, version))]


class TestWhoWrote:
    def test_the_runs_that_wrote_it_by_the_other_name_while_that_stands(self) -> None:
        stories.grow(wrote(stored()), *told(registered()))
        assert writers(registered()) == []
        assert evidence.versions_built_from(COMMIT) == [uuid(stored())]

        stories.grow(joined(1))
        [run] = evidence.producing_runs(uuid(registered()))
        assert (run.external_id, run.commit, [one.version for one in run.inputs]) == ("training", COMMIT, ["v7"])
        assert set(evidence.versions_built_from(COMMIT)) == {uuid(stored()), uuid(registered())}

        stories.grow(parted(2))
        assert writers(registered()) == []
        assert evidence.versions_built_from(COMMIT) == [uuid(stored())]

    def test_what_a_sender_tells_joins_as_well(self) -> None:
        stories.grow(wrote(stored()), *told(registered().also_called(Dataset(STORE, "credit"))))

        assert writers(registered()) == ["training"]

    def test_runs_of_another_version_wrote_it_not(self) -> None:
        stories.grow(wrote(stored("2")), *told(registered()), joined())

        assert writers(registered()) == []
        assert evidence.versions_built_from(COMMIT) == [uuid(stored(), "2")]

    def test_those_that_wrote_it_by_its_own_name_go_before(self) -> None:
        other = wrote(stored(), run="copy", minute=5)
        del other["job"]["facets"]
        stories.grow(wrote(registered()), other, joined())

        assert (writers(registered()), writers(stored())) == (["training"], ["copy"])
        assert evidence.versions_built_from(COMMIT) == [uuid(registered())]

    def test_a_run_that_names_both_wrote_it_once(self) -> None:
        stories.grow(wrote(stored(), Dataset("gs://copy", "credit").as_model("1").also_called(stored())))
        stories.grow(*told(registered()), joined())

        assert writers(registered()) == ["training"]

    def test_whoever_made_it_by_the_other_name_made_it(self, member: User) -> None:
        stories.grow(wrote(registered()), *told(stored()), joined())
        copied = json.dumps(wrote(stored(), run="copy")).encode()
        eventlog.append([events.read(copied)], sender=member)
        growing.project()

        assert makers.of(uuid(registered())) == [Maker(role=makers.RUNNER, user=member.pk)]

    def test_a_repeat_may_have_written_by_the_other_name(self) -> None:
        def measured(value: float) -> dict[str, Any]:
            return {"assay_modelMetrics": {"metrics": [{"name": "auc", "value": value}]}}

        stories.grow(
            wrote(registered(**measured(0.9))),
            wrote(stored(**measured(0.8)), run="again", minute=1),
            wrote(stored("2", **measured(0.7)), run="more", minute=2),
            joined(),
        )
        [run] = evidence.producing_runs(uuid(registered()))

        found = repeats.of(run, model=uuid(registered(), ""), version=uuid(registered()))

        # The version itself is compared by what each run measured, and never with itself.
        assert [(one.version, one.own[0].value, one.measurements[0].value) for one in found] == [
            ("2", 0.8, 0.7),
            ("1", 0.9, 0.8),
        ]


def metric(value: float | None, minute: int, **more: Any) -> dict[str, Any]:
    at = (NOW + timedelta(minutes=minute)).isoformat()
    return {"assay_modelMetrics": {"metrics": [{"name": "auc", "value": value, "measuredAt": at} | more]}}


class TestWhatWasMeasured:
    def test_the_newest_counts_by_whichever_name(self) -> None:
        stories.grow(*told(registered(**metric(0.9, 0)), stored(**metric(0.7, 1)), stored("2", **metric(0.1, 9))))
        assert [one.value for one in evidence.measurements(uuid(registered()))] == [0.9]

        stories.grow(joined())

        assert [one.value for one in evidence.measurements(uuid(registered()))] == [0.7]
        assert [one.value for one in evidence.measurements(uuid(stored()), ["auc"])] == [0.7]
        assert evidence.measurements(uuid(stored()), ["f1"]) == []

    def test_what_they_tell_differently_of_one_time_is_unknown(self) -> None:
        stories.grow(
            *told(registered(**metric(0.9, 0, sampleSize=10)), stored(**metric(0.7, 0, sampleSize=10))), joined()
        )

        [one] = evidence.measurements(uuid(registered()))

        assert (one.value, one.is_contradicted, one.sample_size) == (None, True, 10)

    def test_what_they_tell_alike_is_known_and_the_rest_not(self) -> None:
        data = {"namespace": "n", "name": "holdout", "version": "3"}
        stories.grow(
            *told(registered(**metric(0.9, 0, sampleSize=10, dataset=data)), stored(**metric(0.9, 0, sampleSize=20))),
            joined(),
        )

        [one] = evidence.measurements(uuid(stored()))

        assert (one.value, one.is_contradicted, one.sample_size, one.dataset) == (0.9, False, None, None)


class TestWhatWasSaid:
    @staticmethod
    def licences(dataset: Dataset) -> list[tuple[str, str, bool]]:
        said = remarks.of_version(uuid(dataset), ["assay_license"])
        return sorted((one.body["expression"], one.scope.value, one.is_contradicted) for one in said)

    def test_of_any_name_of_it_at_the_version_or_as_a_whole(self) -> None:
        whole = Dataset(STORE, "credit").as_model().saying(assay_license={"expression": "CC0-1.0"})
        stories.grow(
            *told(registered(), whole, minute=0),
            *told(stored(assay_license={"expression": "MIT"}), stored("2", assay_license={"expression": "0BSD"})),
        )
        assert self.licences(registered()) == []

        stories.grow(joined())

        expected = [("CC0-1.0", "asset", False), ("MIT", "version", False)]
        assert self.licences(registered()) == self.licences(stored()) == expected

    def test_twice_the_same_is_said_once_and_two_different_things_at_once_are_marked(self) -> None:
        free = {"expression": "MIT"}
        stories.grow(*told(registered(assay_license=free), stored(assay_license=free)), joined())
        assert self.licences(registered()) == [("MIT", "version", False)]

        stories.grow(*told(stored(assay_license={"expression": "0BSD"}), minute=1))
        assert self.licences(registered()) == [("0BSD", "version", False), ("MIT", "version", False)]

        stories.grow(*told(registered(assay_license=free), minute=1))
        assert self.licences(registered()) == [("0BSD", "version", True), ("MIT", "version", True)]

    def test_by_runs_that_named_no_version_of_the_other_name(self) -> None:
        said = {"assay_testResults": {"results": [{"category": "security", "name": "scan", "outcome": "pass"}]}}
        tester = openlineage.of_run(
            Type.COMPLETE,
            at=NOW + timedelta(minutes=1),
            run=openlineage.run_id("scan"),
            job=Job("jobs", "scan"),
            inputs=[Dataset(STORE, "credit").as_model()],
            facets=said,
        )
        stories.grow(wrote(registered()), tester, joined())

        found = remarks.of_version(uuid(registered()), ["assay_testResults"], of_testers=True, with_inferred=True)

        assert [(one.scope.value, one.run is not None) for one in found] == [("inferred", True)]

    def test_of_a_dataset_by_any_name(self) -> None:
        stories.grow(*told(registered(), stored(assay_license={"expression": "MIT"})), joined())

        said = remarks.of_dataset(uuid(registered(), ""), ["assay_license"])

        assert [one.body["expression"] for one in said] == ["MIT"]


def serves(*models: Dataset, run: str = "revision", minute: int = 0, type: Type = Type.RUNNING) -> Event:
    return openlineage.of_run(
        type,
        at=NOW + timedelta(minutes=minute),
        run=openlineage.run_id(run),
        job=SERVER,
        inputs=[*models, Dataset("n", "features").at("5")],
    )


def shown() -> list[list[tuple[str, str]]]:
    return [[(one.namespace, one.key) for one in version.names] for version in live.versions()]


class TestWhatIsLive:
    def test_what_is_served_by_one_name_is_live_by_all(self) -> None:
        stories.grow(*told(registered()), serves(stored()))
        assert shown() == [[(STORE, "1")]]

        stories.grow(joined())

        assert shown() == [[(STORE, "1"), (REGISTRY, "1")]]
        [one] = live.versions()
        assert [name.version for name in one.names] == [uuid(stored()), uuid(registered())]
        assert {name.served for name in one.names} == {uuid(stored())}

    def test_the_next_replaces_it_by_whichever_name(self) -> None:
        stories.grow(joined(), serves(registered(), run="first"), serves(stored("2"), run="second", minute=1))

        assert shown() == [[(STORE, "2"), (REGISTRY, "2")]]

    def test_what_a_deployment_names_at_once_is_one_version_or_all_of_them(self) -> None:
        stories.grow(joined(), serves(registered(), stored()))
        assert [{key for _, key in names} for names in shown()] == [{"1"}]

        stories.grow(serves(registered("3"), stored("4"), run="both", minute=1))
        assert sorted(names[0][1] for names in shown()) == ["3", "4"]

    def test_a_path_that_is_a_model_by_another_name_is_served(self) -> None:
        path = Dataset(STORE, "credit").at("1")
        stories.grow(*told(registered()), serves(path))
        assert shown() == []

        stories.grow(joined())

        assert shown() == [[(REGISTRY, "1")]]
        assert live.versions()[0].served == uuid(stored())
        assert serving.datasets(uuid(registered(), "")) == [uuid(Dataset("n", "features"), "")]

    def test_the_newest_word_on_an_alert_counts_by_whichever_name(self) -> None:
        def alert(about: Dataset, minute: int, *, is_closed: bool) -> Event:
            at = NOW + timedelta(minutes=minute)
            found = Alert(id="age", kind="drift", severity="warning", closed_at=at if is_closed else None)
            return watches.told([found], job=Job("seldon://prod", f"watch {minute}"), at=at, about=[about])

        stories.grow(alert(registered(), 0, is_closed=False), alert(stored(), 1, is_closed=True))
        assert [one.version for one in live.open_alerts()] == [uuid(registered())]

        stories.grow(joined())
        assert live.open_alerts() == []

        stories.grow(alert(stored(), 2, is_closed=False))
        assert [one.version for one in live.open_alerts()] == [uuid(stored())]


def test_a_version_without_other_names_is_looked_up_at_once(django_assert_num_queries: Any) -> None:
    stories.grow(wrote(registered(**metric(0.9, 0))))
    assert Run.objects.count() == 1

    with django_assert_num_queries(1):
        evidence.measurements(uuid(registered()))
    with django_assert_num_queries(1):
        remarks.of_version(uuid(registered()), ["assay_license"])
    with django_assert_num_queries(2):  # Who wrote it, and what they read.
        evidence.producing_runs(uuid(registered()))
    with django_assert_num_queries(1):
        live.versions()
