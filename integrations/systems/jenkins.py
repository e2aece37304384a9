"""Jenkins, by its Notification plugin: builds with their commit, tests and artifacts."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from integrations import openlineage
from integrations.openlineage import Dataset, Event, Type
from integrations.systems import codehosts, vocabulary
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Options, Scheme, System, Tested
from integrations.systems.reading import Reader

MAX_ARTIFACTS = 200
MAX_DURATION_MS = 366 * 86_400_000
_FOLDERS = re.compile(r"(?:/|^)job/([^/]+)")


class JenkinsOptions(Options, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`test_category`: what the builds' test reports are tests of, such as `app.unit`."""

    test_category: str = "tests"


def type_of(message: Message) -> str:
    return f"build.{Reader(message.document).need('build', 'phase').lower()}"[:100]


def translate(message: Message, context: Context) -> Iterator[Event]:
    """A build. The end is told twice, and then is one."""
    said = Reader(message.document)
    build, name = said.at("build"), _name(said)
    code = build.at("scm")
    job = context.job(name).built_from(
        code.text("url"), codehosts.sha(code.text("commit")), branch=code.text("branch").removeprefix("origin/")
    )
    number = build.need("number")
    run = openlineage.run_id(context.namespace, name, number)
    facets: dict[str, dict[str, object]] = {"assay_run": {"trigger": "ci"}}
    began = build.time("timestamp")
    if message.type == "build.queued":
        yield openlineage.of_run(Type.OTHER, at=began or message.received_at, run=run, job=job, facets=facets)
        return
    if began is not None or message.type == "build.started":
        yield openlineage.of_run(Type.START, at=began or message.received_at, run=run, job=job, facets=facets)
    if message.type == "build.started":
        return
    options = context.options if isinstance(context.options, JenkinsOptions) else JenkinsOptions()
    if results := _results(build.at("test_summary"), options.test_category):
        facets["assay_testResults"] = {"results": results, "tool": "Jenkins"}
    yield openlineage.of_run(
        vocabulary.end(build.text("status")) or Type.OTHER,
        at=_ended(build, began) or message.received_at,
        run=run,
        job=job,
        outputs=_artifacts(build, context, name, number),
        facets=facets,
    )


def _name(said: Reader) -> str:
    """With the folders that the job lies in, which only its address tells."""
    name = said.need("name")
    parts = _FOLDERS.findall(said.text("url"))
    return "/".join(parts) if parts and parts[-1] == name else name


def _ended(build: Reader, began: datetime | None) -> datetime | None:
    duration = build.number("duration")
    if began is None or duration is None or not 0 < duration <= MAX_DURATION_MS:
        return None
    return began + timedelta(milliseconds=duration)


def _results(summary: Reader, category: str) -> list[dict[str, object]]:
    total, failed = summary.count("total"), summary.count("failed")
    if not total or failed is None:
        return []
    return [codehosts.test_result(category, "test report", passed=failed == 0)]


def _artifacts(build: Reader, context: Context, name: str, number: str) -> Iterator[Dataset]:
    """What the build left, each of this build's number; a model version where the graph knows the address as one.

    Of each the plugin tells an object of addresses, and in old versions a list.
    """
    for place, (artifact, told) in enumerate(build.entries("artifacts")):
        if place >= MAX_ARTIFACTS:
            return
        addresses = [*told.items(), *(value for _, value in told.entries())]
        models = [found for one in addresses if (found := context.artifact(one.text())) is not None]
        yield models[0] if models else Dataset(context.namespace, f"{name}/{artifact}").at(number)


SYSTEM = System(
    slug="jenkins",
    title="Jenkins",
    group=Group.CI,
    mechanisms=(Mechanism.WEBHOOK,),
    tested=Tested.REPLAY,
    schemes=(Scheme.SECRET_PATH, Scheme.BASIC),
    options=JenkinsOptions,
    handled={
        "build.queued": "that a build waits",
        "build.started": "that a build began",
        "build.completed": "a build, with its commit, what it came to, its test report and its artifacts",
        "build.finalized": "the same, when everything of it is done",
    },
    brings=frozenset({Fact.JOB, Fact.RUN, Fact.COMMIT, Fact.DATASET, Fact.CHECK}),
    setup=(
        "Install the *Notification* plugin, and in the job under *Job Notifications* add an endpoint with the format "
        "JSON, the protocol HTTP, the event *All Events* and the address `{url}`, taken from a secret credential, "
        "since it holds the secret. Send no log lines. Say in `test_category` what the test reports are tests of."
    ),
    type_of=type_of,
    translate=translate,
)
