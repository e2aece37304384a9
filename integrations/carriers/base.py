"""What a carrier is: the way by which notices reach one kind of system. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import quote

import msgspec

from integrations.notices import Claim, Kind, Notice, Question, Request

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Setting(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What can be set for any carrier.

    `stages`: only notices of these stages; empty: of all. `models`: only of these models; empty: of all.
    `namespaces`: only of models of these registries; empty: of all.
    """

    stages: list[Word] = []
    models: list[Word] = []
    namespaces: list[Word] = []

    def wants(self, notice: Notice) -> bool:
        subject = notice.subject
        return (
            (not self.stages or subject.stage in self.stages)
            and (not self.models or subject.model in self.models)
            and (not self.namespaces or subject.namespace in self.namespaces)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a question is answered: yes, no, or not yet."""

    state: Literal["passed", "blocked", "unknown"]
    headline: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """How notices reach one kind of system.

    `kinds`: the notices it can carry. `carry(notice, setting, namespace)`: `namespace` is that of the connection.
    `restore(claim, version, setting)`: what puts the approved version back where another was put. `reply(question,
    answer)`: what answers a question of the system. `setup`: what it needs on the other side, as Markdown.
    """

    slug: str
    title: str
    kinds: frozenset[Kind]
    carry: Callable[[Notice, Setting, str], Iterable[Request]]
    setup: str
    setting: type[Setting] = Setting
    restore: Callable[[Claim, str, Setting], Iterable[Request]] | None = None
    reply: Callable[[Question, Answer], Iterable[Request]] | None = None

    def requests(self, notice: Notice, setting: Setting, namespace: str) -> list[Request]:
        """What has to be sent; nothing when the notice is not meant for this system."""
        if notice.kind not in self.kinds or not setting.wants(notice):
            return []
        return list(self.carry(notice, setting, namespace))


def segment(text: str) -> str:
    """Text as one segment of a path, whatever it holds."""
    return quote(text, safe="").replace(".", "%2E") if set(text) == {"."} else quote(text, safe="")
