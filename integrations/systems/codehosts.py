"""What code hosts and CI systems have in common: commits with their review, runs of CI, and deployments. Pure."""

import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from integrations import openlineage
from integrations.openlineage import Dataset, Event, Job, Type
from integrations.systems.base import NOTHING, Context
from integrations.systems.reading import Reader

NO_COMMIT = "0" * 40
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII)
# The convention of Git tags as a registry of models: `loans@v7`.
_TAG = re.compile(r"(?:refs/tags/)?([A-Za-z0-9][\w./-]{0,199})@(v?\d[\w.+-]{0,99})", re.ASCII)
_CATEGORY = re.compile(r"[a-z]{2,20}\.[a-z_]{2,40}|robustness|security", re.ASCII)
# How CI systems call what started a run. Whatever else does is CI itself: a push, a merge request, another run.
_TRIGGERS = {
    "schedule": "schedule",
    "scheduled": "schedule",
    "workflow_dispatch": "manual",
    "manual": "manual",
    "web": "manual",
    "repository_dispatch": "event",
}


def sha(text: str) -> str:
    """The whole hash of a commit; empty when it is cut short, or stands for none."""
    text = text.strip().lower()
    return text if _SHA.fullmatch(text) and text != NO_COMMIT else ""


def ran(word: str, *, actor: str = "", kind: str = "") -> dict[str, Any]:
    """The facet `assay_run` of a run of CI that this started."""
    told: dict[str, Any] = {"trigger": _TRIGGERS.get(word.lower(), "ci")}
    if actor:
        told["actor"] = {"name": actor} | ({"kind": kind} if kind else {})
    return told


def commit(
    job: Job,
    *,
    run: str,
    at: datetime,
    repository: str,
    hash: str,
    type: Type = Type.COMPLETE,
    branch: str = "",
    on_default_branch: bool | None = None,
    author: str = "",
    reviewers: Iterable[str] | None = None,
    merged_at: datetime | None = None,
) -> Event:
    """What a code host says of a commit. `reviewers`: those who approved it; None when it does not say.

    What is said of one pull request is said in one run, whose commit is at last the one that the merge made: so an
    approval counts for that, also where the merge squashes what was approved.
    """
    told: dict[str, Any] = {}
    if on_default_branch is not None:
        told["onDefaultBranch"] = on_default_branch
    if author:
        told["author"] = author
    if reviewers is not None:
        told["reviewers"] = sorted(set(reviewers))
    if merged_at is not None:
        told["mergedAt"] = merged_at.isoformat()
    built = job.built_from(repository, hash, branch=branch)
    return openlineage.of_run(type, at=at, run=run, job=built, facets={"assay_commit": told})


def test_result(category: str, name: str, *, passed: bool) -> dict[str, Any]:
    outcome = "passed" if passed else "failed"
    return {"category": category, "name": name[:200], "outcome": outcome, "executor": "automated", "blocking": True}


def category(name: str) -> str:
    """The category of a check whose name is one, such as `app.unit` or `security`; empty for other names."""
    return name if _CATEGORY.fullmatch(name) else ""


def deployed(
    job: Job,
    *,
    run: str,
    at: datetime,
    state: Type,
    environment: str,
    model: Dataset | None,
    said: Reader,
    facets: openlineage.Facets | None = None,
) -> Event:
    """Something happened to a deployment. It reads the model version from when it is live: not before, and not anew
    when it ends, which another deployment that is live already may cause.

    `said`: where `kind` and `stage` of the deployment stand, if its sender tells them.
    """
    told: dict[str, Any] = {"environment": environment} if environment else {}
    told |= {key: value for key in ("kind", "stage") if (value := said.text(key))}
    if model is not None:
        job = job.as_service("CI")
    named = {"assay_deployment": told} if told and model is not None else {}
    inputs = [model] if model is not None and state is Type.RUNNING else []
    return openlineage.of_run(state, at=at, run=run, job=job, inputs=inputs, facets={**(facets or {}), **named})


def payload(value: Reader) -> Reader:
    """What was sent along with a deployment: an object, or its JSON as text."""
    if isinstance(value.value, str) and len(value.value) <= 100_000:
        try:
            return Reader(json.loads(value.value), value.path)
        except (ValueError, RecursionError):
            return Reader(dict(NOTHING), value.path)
    return value


def model_of(context: Context, said: Reader, ref: str) -> Dataset | None:
    """The model version that a deployment names: by `model` and `version`, or by a tag such as `loans@v7`."""
    name, version = said.text("model"), said.text("version")
    if not (name and version) and (found := _TAG.fullmatch(ref)):
        name, version = found[1], found[2]
    return context.model(name, version) if name and version else None
