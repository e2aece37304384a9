"""The network edge of polls, with recorded answers."""

from collections.abc import Iterator, Mapping
from typing import Any

from integrations.systems.base import NOTHING, Refused


class Answers:
    """The network edge: recorded answers by path or query; what is not recorded is refused as the system refuses it."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers

    def get(self, path: str, params: Mapping[str, Any] = NOTHING) -> Any:
        key = str(params.get("query", path))
        if key not in self.answers:
            raise Refused("", f"{path} answers 400.")
        return self.answers[key]

    def post(self, path: str, document: Any) -> Any:
        raise Refused("", f"{path} takes no POST.")

    def lines(self, path: str, document: Any) -> Iterator[Any]:
        raise Refused("", f"{path} streams nothing.")
