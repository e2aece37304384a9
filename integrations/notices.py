"""What Assay tells other systems, and the requests by which it does. Pure.

A carrier turns a notice into requests; the same notice gives the same requests, so that one that is sent twice changes
nothing the second time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """Why a notice is given."""

    VERDICT = "verdict"
    INCIDENT = "incident"
    RETRAIN = "retrain"
    REMINDER = "reminder"


class State(StrEnum):
    """What a verdict is for those outside: the gate is open, or shut."""

    PASSED = "passed"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The model version that it is about; `stage` where it is to go, or stands. `commit`: full SHA, or empty.

    A reminder is about no model: all is empty.
    """

    namespace: str
    model: str
    version: str
    stage: str
    commit: str = ""
    repository: str = ""

    @property
    def words(self) -> str:
        return f"{self.model} {self.version}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A rule that was not met: the check, its question, and what was found."""

    check: str
    title: str
    outcome: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """`id`: of the promotion, incident or reminder. `url`: its page here. `headline`: one sentence.

    `severity`: of incidents.
    """

    kind: Kind
    id: str
    at: datetime
    subject: Subject
    headline: str
    url: str
    state: State | None = None
    reasons: Sequence[Reason] = ()
    severity: str = ""

    def document(self) -> dict[str, Any]:
        """As JSON, for those who take our own form."""
        subject = self.subject
        return {
            "type": f"assay.{self.kind}",
            "id": self.id,
            "at": self.at.isoformat(),
            "state": self.state.value if self.state else None,
            "severity": self.severity or None,
            "headline": self.headline,
            "url": self.url,
            "model": {"namespace": subject.namespace, "name": subject.model, "version": subject.version}
            if subject.model
            else None,
            "stage": subject.stage or None,
            "commit": subject.commit or None,
            "reasons": [
                {"check": one.check, "title": one.title, "outcome": one.outcome, "summary": one.summary}
                for one in self.reasons
            ],
        }


def _none() -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request to another system. `path`: relative to the connection's address.

    `accepts`: answers beside 2xx that mean that it is so already, as the status and a text that the answer holds.
    """

    method: str
    path: str
    document: Any = None
    headers: Mapping[str, str] = field(default_factory=_none)
    accepts: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Somebody says that a model version is live at a stage: an alias was moved, a deployment was seen."""

    namespace: str
    model: str
    version: str
    stage: str
    at: datetime
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Another system waits for us to say whether something may go on. `callback`: where it wants the answer.

    It is answered from the newest promotion of the model version, or of the commit when no model is named.
    """

    callback: str
    stage: str
    at: datetime
    commit: str = ""
    model: str = ""
    version: str = ""
    about: Mapping[str, str] = field(default_factory=_none)
