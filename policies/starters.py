"""Policies to begin with: one for every model, and the defaults of each tier."""

from dataclasses import dataclass
from pathlib import Path

from governance.criticality import Tier

FOLDER = Path(__file__).parent / "starters"
UNCLASSIFIED = "unclassified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """A policy that ships with Assay, under the name that it proposes."""

    name: str
    title: str
    text: str


def starters() -> list[Starter]:
    """The one for every model first, then those of the tiers, the most critical first."""
    return [
        Starter(name="standard", title="For every model", text=_text("standard")),
        *defaults(),
    ]


def defaults() -> list[Starter]:
    """What each tier asks by default, and what is asked of a model that nobody has classified."""
    tiers = [
        Starter(name=f"tier-{tier}", title=f"Default of the tier {tier.label.lower()}", text=_text(f"tier-{tier}"))
        for tier in Tier
    ]
    name = f"tier-{UNCLASSIFIED}"
    return [*tiers, Starter(name=name, title="Default for unclassified models", text=_text(name))]


def _text(name: str) -> str:
    return (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
