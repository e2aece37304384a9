"""Systems that are only told: chat, and whoever takes our own signed webhooks."""

from collections.abc import Iterator

from integrations.openlineage import Event
from integrations.systems.base import Context, Group, Mechanism, Message, System, Tested

NOTHING_COMES = "Nothing comes from it. "


def translate(message: Message, context: Context) -> Iterator[Event]:
    """No type of message is handled."""
    return iter(())


def _only_told(slug: str, title: str, setup: str) -> System:
    return System(
        slug=slug,
        title=title,
        group=Group.TOLD,
        mechanisms=(Mechanism.TOLD,),
        tested=Tested.REPLAY,
        handled={},
        translate=translate,
        brings=frozenset(),
        setup=NOTHING_COMES + setup,
    )


SLACK = _only_told(
    "slack",
    "Slack",
    "A channel hears of verdicts and incidents.",
)
TEAMS = _only_told(
    "teams",
    "Microsoft Teams",
    "A channel hears of verdicts and incidents.",
)
WEBHOOK = _only_told(
    "webhook",
    "Signed webhook",
    "Whoever takes JSON over HTTPS hears of verdicts and incidents.",
)
