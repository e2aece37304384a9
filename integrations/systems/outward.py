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
    "Make an incoming webhook for the channel. Enter its beginning up to the host as the address, and all that "
    "follows, which is secret, as our secret, proven as part of the address. Mattermost and Rocket.Chat take the same.",
)
TEAMS = _only_told(
    "teams",
    "Microsoft Teams",
    "In the channel choose Workflows, and there that a post is made when a webhook request is received. Enter its "
    "address up to the host as the address, and all that follows, which is secret, as our secret, proven as part of "
    "the address.",
)
WEBHOOK = _only_told(
    "webhook",
    "Signed webhook",
    "Whoever takes JSON over HTTPS gets each notice as our own document, signed as Standard Webhooks has it.",
)
