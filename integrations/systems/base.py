"""What a system is to us: a pure description of what it sends, and a pure translation of it into OpenLineage events.

A module of this package declares one `System`; `integrations.systems` lists them all. Nothing here or there reads the
database, the clock or the network: how a delivery comes in, is checked, kept and tried again is the same for all.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import msgspec

from governance.errors import Invalid
from integrations.notices import Claim, Question
from integrations.openlineage import Dataset, Event, Job
from integrations.systems import locations

NOTHING: Mapping[str, Any] = MappingProxyType({})


def _nothing() -> Mapping[str, Any]:
    return NOTHING


class Refused(Invalid):
    """The payload is not what it says it is, or lacks what a fact cannot do without. Names the field."""

    code = "refused"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}" if field else message, fields={field: message} if field else None)


class Group(StrEnum):
    """Where a system stands in the life of a model."""

    TRACKING = "tracking"
    PIPELINES = "pipelines"
    DATA = "data"
    SERVING = "serving"
    MONITORING = "monitoring"
    CI = "ci"
    RESPONSIBLE = "responsible"
    GENERIC = "generic"
    TOLD = "told"


class Mechanism(StrEnum):
    """How facts come from a system to us."""

    OPENLINEAGE = "openlineage"
    WEBHOOK = "webhook"
    POLL = "poll"
    IMPORT = "import"
    TOLD = "told"


class Scheme(StrEnum):
    """How a sender proves that a delivery is its own."""

    GITHUB = "github"
    BITBUCKET = "bitbucket"
    CIRCLECI = "circleci"
    MLFLOW = "mlflow"
    DATABRICKS = "databricks"
    STANDARD_WEBHOOKS = "standard_webhooks"
    GRAFANA = "grafana"
    TOKEN_HEADER = "token_header"  # noqa: S105 - the name of a scheme
    BEARER = "bearer"
    BASIC = "basic"
    OIDC = "oidc"
    SNS = "sns"
    SECRET_PATH = "secret_path"  # noqa: S105 - the name of a scheme


class Fact(StrEnum):
    """What a system can make known."""

    JOB = "job"
    RUN = "run"
    DATASET = "dataset"
    COMMIT = "commit"
    MODEL = "model"
    MODEL_VERSION = "model_version"
    DEPLOYMENT = "deployment"
    KPI = "kpi"
    ALERT = "alert"
    CHECK = "check"
    APPROVAL = "approval"
    FEATURE = "feature"
    DECISION = "decision"
    EXPLANATION = "explanation"
    PRIVACY = "privacy"


class Tested(StrEnum):
    """What our tests of a system stand on: the system itself, or deliveries that it once sent."""

    REAL = "real run"
    REPLAY = "replay"


class Options(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What can be set for a connection of any system. A system with more to set extends it.

    `registry`: the namespace of the models that its payloads name; empty: the only one that knows the name, else the
    connection's own.
    """

    registry: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One thing that a system said: the body of a webhook, an object that was polled, or a file.

    `type`: the system's own word for what it tells. `document`: the body as JSON (or YAML, from a file), None when it
    is neither. `headers`: in lower case, without credentials.
    """

    received_at: datetime
    document: Any = None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=_nothing)
    type: str = ""


class Known(Protocol):
    """What the graph knows already, as far as a translation may ask."""

    def model(self, name: str, version: str) -> tuple[str, str] | None:
        """Namespace and name of the one model that payloads of this connection call so; None when none is certain."""

    def artifact(self, uri: str) -> tuple[str, str, str] | None:
        """Namespace, name and version of the model version whose files lie at `uri`; None when none is certain."""

    def served(self, namespace: str, name: str) -> tuple[str, str, str] | None:
        """Those of the one model version that the deployment of this name serves now; None when none is certain."""


class KnowsNothing:
    """For translations without a graph."""

    def model(self, name: str, version: str) -> tuple[str, str] | None:
        return None

    def artifact(self, uri: str) -> tuple[str, str, str] | None:
        return None

    def served(self, namespace: str, name: str) -> tuple[str, str, str] | None:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The connection that a message came through. `namespace` names its instance: `mlflow://ml.example`."""

    namespace: str
    options: Any = field(default_factory=Options)
    known: Known = field(default_factory=KnowsNothing)

    def model(self, name: str, version: str = "") -> Dataset:
        """The model that the payload calls `name`, where the options or the graph say it lives."""
        namespace = self.options.registry or self.namespace
        if not self.options.registry and (found := self.known.model(name, version)):
            said = Dataset(namespace, name)
            return Dataset(*found).as_model(version).joined_from(said, "name")
        return Dataset(namespace, name).as_model(version)

    def artifact(self, uri: str) -> Dataset | None:
        """The model version whose files lie at `uri`, if the graph knows it."""
        found = self.known.artifact(uri) if uri else None
        if found is None:
            return None
        return Dataset(found[0], found[1]).as_model(found[2]).joined_from(locations.place(uri), "files")

    def served(self, deployment: Job) -> Dataset | None:
        """The model version that a deployment serves, if the graph knows it: what an alert about it is about."""
        found = self.known.served(deployment.namespace, deployment.name)
        return Dataset(found[0], found[1]).as_model(found[2]) if found else None

    def job(self, name: str) -> Job:
        return Job(self.namespace, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one step of a poll found, and where the next poll goes on once this is stored."""

    messages: Iterable[Message]
    cursor: Mapping[str, Any]


class Client(Protocol):
    """The one way to another system: bounded, retried, to allowed addresses only. Raises Unavailable or Refused."""

    def get(self, path: str, params: Mapping[str, Any] = NOTHING) -> Any:
        """The JSON document at `path`, relative to the connection's address."""

    def post(self, path: str, document: Any) -> Any:
        """The JSON answer to a JSON document."""

    def lines(self, path: str, document: Any) -> Iterator[Any]:
        """The JSON documents of an answer that streams one a line: to a JSON document, or to a GET without one."""


Translate = Callable[[Message, Context], Iterable[Event]]
Poll = Callable[[Client, Context, Mapping[str, Any], datetime], Iterator[Page]]


def no_key(message: Message) -> str:
    """The sender names no delivery: equal bodies are one delivery."""
    return ""


def no_type(message: Message) -> str:
    """Only polled and imported, where who reads knows what it reads."""
    return message.type


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One outside system.

    `handled`: type of message -> what it brings; `ignored`: type -> why it brings nothing. What is in neither is kept,
    and shown as unknown. `type_of` and `key_of` raise Refused; `key_of` gives the sender's own name of a delivery, the
    same when it is sent again, or nothing. `translate` raises Refused and nothing else. `read_files` gives the messages
    of an exported file or folder. `claims`: the model versions that a message shows to be live beside what its events
    say of deployments (an alias was moved), each of which must have passed the gate. `questions`: what the sender waits
    for us to allow. Both raise Refused. `gathered`: types of which one tells one decision on a person: their bodies
    are dropped on arrival and never kept, and `gather` makes few messages of all that came in a while. `nudges`:
    ignored types that say that there is news, so that the connection is polled at once. `setup`: what to do on the
    other side, as Markdown, with `{url}` for the address.
    """

    slug: str
    title: str
    group: Group
    mechanisms: tuple[Mechanism, ...]
    tested: Tested
    handled: Mapping[str, str]
    translate: Translate
    brings: frozenset[Fact]
    setup: str
    ignored: Mapping[str, str] = field(default_factory=_nothing)
    schemes: tuple[Scheme, ...] = ()
    options: type[Options] = Options
    type_of: Callable[[Message], str] = no_type
    key_of: Callable[[Message], str] = no_key
    read_files: Callable[[Path, datetime], Iterator[Message]] | None = None
    poll: Poll | None = None
    claims: Callable[[Message, Context], Iterable[Claim]] | None = None
    questions: Callable[[Message, Context], Iterable[Question]] | None = None
    gathered: frozenset[str] = frozenset()
    gather: Callable[[Iterable[Message]], Iterator[Message]] | None = None
    nudges: frozenset[str] = frozenset()

    def events(self, message: Message, context: Context) -> list[Event]:
        """The OpenLineage events of a message of a handled type. Raises Refused."""
        return list(self.translate(message, context))
