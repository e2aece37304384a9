"""The events of a made-up model's life, as the systems around it would send them. Pure: the same seed, the same bytes.

OpenLineage run events with our facets where a team's practice brings them: training, tests, verdicts of a gate
elsewhere, stages of deployments, monitors and alerts. Every event names its producer as generated.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from assessments.organisation.practice import HISTORY_DAYS, Draws, MadeUpModel, Practice

REGISTRY = "mlflow://models.generated.example"
LAKE = "s3://lake.generated.example"
RUN_IDS = UUID("7a0f6e52-33f4-5a0b-9d0e-51c3a7a3f0b4")
UNIT_TESTS = ("feature.unit", "model.unit", "app.unit", "serving.unit")
BREADTH = ("training.converges", "training.numeric", "pipeline.artifacts", "pipeline.integration", "app.integration")
VERSION_TESTS = ("serving.contract", "serving.infra", "serving.load")
OPERATED_TESTS = (
    "data.schema",
    "data.privacy",
    "feature.benefit",
    "feature.cost",
    "model.inclusion",
    "model.debug",
    "training.reproducible",
    "serving.invariants",
    "serving.numeric",
    "model.offline_online",
)
SEGMENTS = ("", "new customers", "long-standing customers")
MONITORS = ("model_quality", "service_health", "input_data", "business_outcome", "skew", "staleness")

Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One version of a model: when its training ended and what the team was used to by then."""

    key: int
    days_ago: float
    practice: Practice
    commit: str
    is_new_commit: bool


class Teller:
    """Tells the history of one model up to `until`."""

    def __init__(self, draws: Draws, model: MadeUpModel, until: datetime) -> None:
        self.draws, self.model, self.until = draws, model, until
        self.team = model.team
        self.service = f"{self.team.slug}-pipeline"
        self.author = f"{self.team.slug}-engineer"

    def lines(self) -> Iterator[bytes]:
        """Every event as one line of JSON, up to the day on which the team fell silent."""
        for event in self.events():
            yield json.dumps(event, separators=(",", ":")).encode()

    def events(self) -> Iterator[Document]:
        releases = list(self.releases())
        for place, release in enumerate(releases):
            before = releases[place - 1] if place else None
            after = releases[place + 1] if place + 1 < len(releases) else None
            yield from self._release(release, before, after)
        if releases:
            newest = releases[-1]
            yield from self._lives(newest)
            yield from self._alerts(releases)
            if newest.practice >= Practice.OPERATED and self.team.silent_days == 0:
                yield from self._drills(newest)

    def releases(self) -> Iterator[Release]:
        """The versions, the first one eighteen months ago and the newest lately."""
        every = self.model.every_days
        newest = max(3 + self._draw(min(every, 20), "newest"), self.team.silent_days + 1)
        count = max(1, (HISTORY_DAYS - newest) // every)
        for number in range(count):
            is_between = 0 < number < count - 1
            days_ago = newest + (count - 1 - number) * every - (self._draw(3, "jitter", number) if is_between else 0)
            practice = self.team.practice(days_ago)
            change = number // 3
            yield Release(
                key=number + 1,
                days_ago=float(days_ago),
                practice=practice,
                commit=f"{self.draws.number('commit', self.model.name, change):016x}{change:04x}",
                is_new_commit=number % 3 == 0,
            )

    def _release(self, release: Release, before: Release | None, after: Release | None) -> Iterator[Document]:
        practice = release.practice
        if practice >= Practice.RECORDED:
            yield self._features(release)
        if release.is_new_commit and practice >= Practice.PIPELINE:
            yield self._built(release)
        if release.is_new_commit and practice >= Practice.DELIVERED and not self._slips("rehearsal", release.key):
            yield from self._rehearsals(release)
        yield from self._trained(release)
        if practice >= Practice.DELIVERED:
            yield self._tested(release)
        fails = bool(before) and self._slips("failure", release.key, percent=6)
        is_gated = practice >= Practice.PIPELINE and not (
            practice < Practice.OPERATED and self._slips("gate", release.key, percent=2)
        )
        if is_gated:
            yield self._decided(release)
        yield from self._deployed(release, after)
        # The history ends at midnight, and what watches until then counts as fresh for the day that follows.
        ends = after.days_ago - 0.9 if after is not None else self.team.silent_days
        yield from self._monitored(release, ends)
        if fails and before is not None and practice >= Practice.PIPELINE:
            yield from self._rolled_back(release, before)

    def _features(self, release: Release) -> Document:
        """The run that made the training data of a version."""
        kind = "FEATURE_VIEW" if release.practice >= Practice.OPERATED else "TABLE"
        facets = self._version_facet(f"d{release.key}") | {"datasetType": {"datasetType": kind}}
        source = {
            "namespace": LAKE,
            "name": f"{self.team.slug}/events",
            "facets": {"assay_source": {"system": "core system"}},
        }
        return self._event(
            f"features {release.key}",
            release.days_ago + 0.4,
            job=f"features.{self.model.name}",
            facets=self._execution(release, environment="production"),
            job_facets=self._job_type(release),
            inputs=[source],
            outputs=[{"namespace": LAKE, "name": f"{self.model.name}/features", "facets": facets}],
        )

    def _built(self, release: Release) -> Document:
        """CI of a commit: its tests, and what the code host says of it."""
        categories = list(UNIT_TESTS[: 2 if release.practice < Practice.DELIVERED else 4])
        if release.practice >= Practice.DELIVERED:
            categories += BREADTH
        results = [
            {"category": category, "outcome": "passed", "executor": "automated", "blocking": True}
            for category in categories
        ]
        reviewers = [] if self._slips("review", release.key, percent=3) else [f"{self.team.slug}-lead"]
        return self._event(
            f"ci {release.commit}",
            release.days_ago + 1.6,
            job=f"ci.{self.model.name}",
            facets={
                "assay_run": {"trigger": "ci", "actor": {"name": self.service, "kind": "service"}},
                "assay_testResults": {"results": results},
                "assay_commit": {
                    "onDefaultBranch": True,
                    "author": self.author,
                    "reviewers": reviewers,
                    "mergedAt": self._at(release.days_ago + 2).isoformat(),
                },
            },
            job_facets=self._code(release),
        )

    def _rehearsals(self, release: Release) -> Iterator[Document]:
        for number in range(2):
            yield self._event(
                f"rehearsal {release.key} {number}",
                release.days_ago + 1.2 - number * 0.2,
                job=f"train.{self.model.name}",
                facets=self._execution(release, environment="staging"),
                job_facets=self._job_type(release) | self._code(release),
            )

    def _trained(self, release: Release) -> Iterator[Document]:
        practice = release.practice
        facets = self._execution(release, environment="production")
        if practice >= Practice.RECORDED:
            facets["assay_trainingParameters"] = {"parameters": {"depth": 6, "rate": 0.1}, "seed": release.key}
        job_facets = self._job_type(release)
        read: Document = {"namespace": LAKE, "name": f"{self.model.name}/features", "facets": {}}
        written = self._registered(release)
        if practice >= Practice.RECORDED:
            job_facets |= self._code(release)
            read["facets"] = self._version_facet(f"d{release.key}")
            written["facets"]["assay_modelMetrics"] = {"metrics": self._metrics(release)}
        if practice >= Practice.PIPELINE and not self._slips("checks", release.key):
            read = self._checked(read, release)
        run = f"training {release.key}"
        job = f"train.{self.model.name}"
        yield self._event(
            run, release.days_ago + 1 / 24, job=job, kind="START", facets=facets, job_facets=job_facets, inputs=[read]
        )
        yield self._event(
            run,
            release.days_ago,
            job=job,
            facets=facets,
            job_facets=job_facets,
            inputs=[read],
            outputs=[written],
        )

    def _checked(self, read: Document, release: Release) -> Document:
        """The dataset as it was read, at its version, with what was looked at."""
        looked_at = [
            {"assertion": "expect_table_columns_to_match_set", "success": True},
            {"assertion": "not_null", "success": True, "column": "amount"},
        ]
        return read | {
            "facets": self._version_facet(f"d{release.key}"),
            "inputFacets": {"dataQualityAssertions": {"assertions": looked_at}},
        }

    def _metrics(self, release: Release) -> list[Document]:
        quality = 0.78 + min(release.key, 20) * 0.006 + self._draw(100, "quality", release.key) / 5_000
        segments = SEGMENTS if release.practice >= Practice.DELIVERED else SEGMENTS[:1]
        holdout = {"namespace": LAKE, "name": f"{self.model.name}/holdout", "version": "h1"}
        return [
            {"name": "auc", "value": round(quality, 4), "segment": segment, "dataset": holdout} for segment in segments
        ]

    def _tested(self, release: Release) -> Document:
        """Tests of the version in staging, before it is put to service."""
        categories = [*VERSION_TESTS, *(OPERATED_TESTS if release.practice >= Practice.OPERATED else ())]
        results = [
            {"category": category, "outcome": "passed", "executor": "automated", "blocking": True}
            for category in categories
        ]
        return self._event(
            f"tests {release.key}",
            release.days_ago - 0.1,
            job=f"test.{self.model.name}",
            facets={
                "assay_run": {
                    "trigger": "ci",
                    "environment": "staging",
                    "actor": {"name": self.service, "kind": "service"},
                },
                "assay_testResults": {"results": results},
            },
            inputs=[self._registered(release)],
        )

    def _decided(self, release: Release) -> Document:
        practice = release.practice
        segments = SEGMENTS if practice >= Practice.DELIVERED else SEGMENTS[:1]
        rules: list[Document] = [
            {
                "check": "kpi",
                "outcome": "pass",
                "blocking": True,
                "metric": "auc",
                "segment": segment,
                "hasLimit": True,
                "comparedOnSameData": practice >= Practice.PIPELINE,
            }
            for segment in segments
        ]
        if practice >= Practice.OPERATED:
            rules += [{"check": check, "outcome": "pass", "blocking": True} for check in ("baseline", "feature-policy")]
        is_by_person = practice < Practice.DELIVERED and self._slips("override", release.key, percent=15)
        at = release.days_ago - 0.2
        return self._event(
            f"gate {release.key}",
            at,
            job=f"gate.{self.model.name}",
            facets={
                "assay_promotion": {
                    "id": f"{self.model.name}-{release.key}",
                    "stage": "production",
                    "state": "passed",
                    "decidedAt": self._at(at).isoformat(),
                    "decidedBy": "person" if is_by_person else "policy",
                    "requestedBy": self.service,
                    "approvedBy": [f"{self.team.slug}-lead", *([f"{self.team.slug}-approver"] * (practice > 2))],
                    "rules": rules,
                }
            },
            inputs=[self._registered(release)],
        )

    def _deployed(self, release: Release, after: Release | None) -> Iterator[Document]:
        """The serving run of a version: perhaps a canary, then all of the traffic, until the next version comes."""
        practice, run = release.practice, f"service {release.key}"
        begins = release.days_ago - 0.3
        kind = "batch" if self.model.is_batch else "online"
        stages: list[tuple[float, Document]] = [(begins, {})]
        if practice >= Practice.DELIVERED:
            # A canary of half a day.
            says = {"kind": kind, "environment": "production"}
            stages = [(begins - 0.5, says | {"stage": "full"})]
            if not self.model.is_batch:
                stages.insert(0, (begins, says | {"stage": "canary"}))
        for at, said in stages:
            facets = self._opened(release)
            if said:
                facets["assay_deployment"] = said
            if practice >= Practice.DELIVERED:
                facets["assay_decisionSamples"] = {"count": 100}
            yield self._serving(run, at, release, facets)
        if after is not None and after.days_ago - 0.3 > self.team.silent_days:
            end = after.days_ago - 0.9
            samples = {"assay_decisionSamples": {"count": 100}} if practice >= Practice.DELIVERED else {}
            yield self._serving(run, end, release, samples, kind="COMPLETE")

    def _rolled_back(self, release: Release, before: Release) -> Iterator[Document]:
        """Two days after a release its predecessor comes back, until what was wrong is mended."""
        facets = self._opened(release)
        if release.practice >= Practice.DELIVERED:
            facets["assay_deployment"] = {"kind": "online", "environment": "production", "rollback": True}
        back, mended = release.days_ago - 2.3, release.days_ago - 3.1
        if mended <= self.team.silent_days:
            return
        run = f"service {before.key} again for {release.key}"
        yield self._serving(run, back, before, facets)
        yield self._serving(run, mended + 0.05, before, {}, kind="COMPLETE")
        yield self._serving(f"service {release.key} mended", mended, release, self._opened(release))

    def _opened(self, release: Release) -> Document:
        if release.practice < Practice.RECORDED:
            return {}
        if release.practice >= Practice.DELIVERED:
            actor: Document = {"name": self.service, "kind": "service"}
            return {"assay_run": {"trigger": "ci", "environment": "production", "actor": actor}}
        actor = {"name": self.author, "kind": "person", "role": "data science"}
        return {"assay_run": {"trigger": "manual", "environment": "production", "actor": actor}}

    def _serving(
        self, run: str, days_ago: float, release: Release, facets: Document, *, kind: str = "RUNNING"
    ) -> Document:
        processing = "BATCH" if self.model.is_batch else "SERVICE"
        job_facets: Document = {
            "jobType": {"processingType": processing, "integration": "KSERVE", "jobType": "ENDPOINT"}
        }
        if release.practice >= Practice.RECORDED:
            job_facets |= self._code(release)
        inputs = [self._registered(release)]
        if release.practice >= Practice.OPERATED or self.model.is_batch:
            read: Document = {"namespace": LAKE, "name": f"{self.model.name}/features", "facets": {}}
            inputs.append(self._checked(read, release) if self.model.is_batch else read)
        return self._event(
            run,
            days_ago,
            job=f"serve.{self.model.name}",
            kind=kind,
            facets=facets,
            job_facets=job_facets,
            inputs=inputs,
        )

    def _monitored(self, release: Release, end: float) -> Iterator[Document]:
        """One run watches a version for as long as it is in service."""
        if release.practice < Practice.RECORDED:
            return
        kinds = MONITORS[: {1: 1, 2: 2, 3: 4, 4: 6}[release.practice]]
        monitors = [{"kind": kind, "hasLimit": True, "hasRecipient": release.practice > 1} for kind in kinds]
        inputs = [self._registered(release)]
        if release.practice >= Practice.OPERATED:
            inputs.append({"namespace": LAKE, "name": f"{self.model.name}/features", "facets": {}})
            monitors.append({"kind": "freshness", "hasLimit": True, "hasRecipient": True})
        for kind, at in (("RUNNING", release.days_ago - 0.7), ("COMPLETE", end)):
            value = round(0.8 + self._draw(500, "watched", release.key, kind) / 10_000, 4)
            inputs[0]["facets"]["assay_modelMetrics"] = {"metrics": [{"name": "live_auc", "value": value}]}
            yield self._event(
                f"monitoring {release.key}",
                at,
                job=f"monitor.{self.model.name}",
                kind=kind,
                facets={"assay_monitors": {"monitors": monitors}},
                inputs=inputs,
            )

    def _lives(self, newest: Release) -> Iterator[Document]:
        """What was heard of the version in service last."""
        days_ago = self.team.silent_days + 0.5
        facets: Document = {}
        if newest.practice >= Practice.DELIVERED:
            facets["assay_decisionSamples"] = {"count": 100}
        run, kind = f"service {newest.key}", "RUNNING"
        if self.model.is_batch and newest.practice >= Practice.DELIVERED:
            run, kind = "scoring", "COMPLETE"
            facets["assay_deployment"] = {"kind": "batch", "environment": "production", "stage": "full"}
        yield self._serving(run, days_ago, newest, facets, kind=kind)

    def _alerts(self, releases: Sequence[Release]) -> Iterator[Document]:
        """An alert every seven weeks; who operates lets it start a run, who delivers writes down what was decided."""
        for number, days_ago in enumerate(range(20 + self._draw(20, "alert"), 180, 48)):
            # What is in service then was trained before.
            serving = next((one for one in reversed(releases) if one.days_ago > days_ago + 1), None)
            if serving is None or days_ago <= self.team.silent_days + 3 or serving.practice < Practice.PIPELINE:
                continue
            practice = serving.practice
            name = f"{self.model.name}-alert-{number}"
            alert: Document = {
                "id": name,
                "kind": "drift",
                "severity": "warning",
                "openedAt": self._at(days_ago).isoformat(),
                "closedAt": self._at(days_ago - 3).isoformat(),
            }
            if practice >= Practice.DELIVERED and not self._slips("answer", number, percent=5):
                alert["answer"] = {"kind": "decision", "at": self._at(days_ago - 1).isoformat()}
            read = {"namespace": REGISTRY, "name": self.model.name, "facets": {"datasetType": {"datasetType": "MODEL"}}}
            yield self._event(
                f"alert {number}",
                days_ago - 3,
                job=f"monitor.{self.model.name}",
                facets={"assay_alerts": {"alerts": [alert]}},
                inputs=[read],
            )
            if practice >= Practice.OPERATED:
                yield self._event(
                    f"retraining for {name}",
                    days_ago - 0.5,
                    job=f"train.{self.model.name}",
                    facets={"assay_run": {"trigger": "event", "environment": "production", "alert": name}},
                    job_facets=self._job_type(serving) | self._code(serving),
                )

    def _drills(self, newest: Release) -> Iterator[Document]:
        for place, rule in enumerate(("gate", "data-validation", "alert", "rollback", "dependency-notice")):
            yield self._event(
                f"drill {rule}",
                30 + place * 7 + self._draw(5, "drill", rule),
                job=f"drill.{self.model.name}",
                facets={
                    "assay_drill": {"rule": rule, "passed": True, "minutes": 12},
                    "assay_run": {"trigger": "schedule", "actor": {"name": self.service, "kind": "service"}},
                },
                inputs=[self._registered(newest)],
            )

    def _registered(self, release: Release) -> Document:
        facets: Document = {"datasetType": {"datasetType": "MODEL"}} | self._version_facet(str(release.key))
        if release.practice >= Practice.PIPELINE:
            facets["assay_model"] = {"retrainEveryDays": self.model.every_days, "maximumAgeDays": 120}
            facets["lifecycleStateChange"] = {"lifecycleStateChange": "CREATE"}
        return {"namespace": REGISTRY, "name": self.model.name, "facets": facets}

    def _version_facet(self, key: str) -> Document:
        return {"version": {"datasetVersion": key}}

    def _execution(self, release: Release, *, environment: str) -> Document:
        practice = release.practice
        if practice < Practice.RECORDED:
            return {}
        said: Document = {"environment": environment, "actor": {"name": self.author, "kind": "person"}}
        said["trigger"] = "manual"
        if practice >= Practice.PIPELINE:
            said |= {
                "trigger": "schedule",
                "image": f"registry.generated.example/{self.team.slug}:{release.commit[:7]}",
            }
            if self._slips("by hand", release.key):
                said["trigger"] = "manual"
        if practice >= Practice.OPERATED:
            said["trials"] = 24
        return {"assay_run": said}

    def _job_type(self, release: Release) -> Document:
        if release.practice < Practice.RECORDED:
            return {}
        integration = "AIRFLOW" if release.practice >= Practice.PIPELINE else "SPARK"
        return {"jobType": {"processingType": "BATCH", "integration": integration, "jobType": "TASK"}}

    def _code(self, release: Release) -> Document:
        repository = f"https://git.generated.example/{self.team.slug}/{self.model.name}"
        return {
            "sourceCodeLocation": {
                "type": "git",
                "url": repository,
                "repoUrl": f"{repository}.git",
                "version": release.commit,
            }
        }

    def _event(
        self,
        run: str,
        days_ago: float,
        *,
        job: str,
        kind: str = "COMPLETE",
        facets: Document | None = None,
        job_facets: Document | None = None,
        inputs: list[Document] | None = None,
        outputs: list[Document] | None = None,
    ) -> Document:
        at = self._at(days_ago)
        said = dict(facets or {})
        if self.team.practice(days_ago) >= Practice.PIPELINE:
            said["assay_relay"] = {"receivedAt": (at + timedelta(seconds=20)).isoformat()}
        return {
            "producer": f"urn:assay:generated:{self.draws.seed}",
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
            "eventType": kind,
            "eventTime": at.isoformat(),
            "run": {
                "runId": str(uuid5(RUN_IDS, f"{self.draws.seed} {self.model.name} {run}")),
                "facets": said,
            },
            "job": {"namespace": self.team.slug, "name": job, "facets": job_facets or {}},
            "inputs": inputs or [],
            "outputs": outputs or [],
        }

    def _at(self, days_ago: float) -> datetime:
        return self.until - timedelta(seconds=round(days_ago * 86_400))

    def _draw(self, limit: int, *what: object) -> int:
        return self.draws.below(max(1, limit), self.model.name, *what)

    def _slips(self, what: str, *which: object, percent: float = 4) -> bool:
        """Whether the team did not do this once what it is used to; who operates does not."""
        return self.team.became < Practice.OPERATED and self.draws.chance(percent, self.model.name, what, *which)
