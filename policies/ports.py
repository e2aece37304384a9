"""What checks ask of apps above this one. Those register how they answer when they are ready.

Nothing registered means that nobody knows, and what nobody knows is unknown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

Reader = TypeVar("Reader")


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamLevel:
    """The level that a team has proven by a framework; None when it is not rated."""

    team: str
    level: int | None


class MaturityReader(Protocol):
    """The levels of the teams, in the newest snapshot of the framework; None without framework or snapshot."""

    def __call__(self, *, teams: Sequence[str], framework: str) -> Sequence[TeamLevel] | None: ...


@dataclass(slots=True)
class Port(Generic[Reader]):
    """One question, and who answers it."""

    readers: list[Reader] = field(default_factory=list)

    def register(self, reader: Reader) -> None:
        """Answer this question from now on, in this process. Raises RuntimeError when another one does."""
        if self.readers and self.readers != [reader]:
            raise RuntimeError(f"{self.readers[0]} answers this already.")
        self.readers[:] = [reader]

    @property
    def reader(self) -> Reader | None:
        return self.readers[0] if self.readers else None


maturity: Port[MaturityReader] = Port()
