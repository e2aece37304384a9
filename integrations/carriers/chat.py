"""Chat: a message as Slack's incoming webhooks take it, and an adaptive card for Teams."""

from collections.abc import Iterator
from typing import Any

from integrations.carriers.base import Carrier, Setting
from integrations.notices import Kind, Notice, Request, State

MAX_REASONS = 10
MAX_CHARS = 2_900
SIGNS = {State.PASSED: "✅", State.BLOCKED: "⛔"}
REMINDS, WARNS = "🔔", "⚠️"


def slack(notice: Notice, setting: Setting, namespace: str) -> Iterator[Request]:
    """Text for the notification, blocks for the channel. What comes from outside cannot call people or make links."""
    lines = [f"*{_escaped(one.title)}*: {_escaped(one.summary)}" for one in notice.reasons[:MAX_REASONS]]
    blocks: list[dict[str, Any]] = [_section(f"{_sign(notice)} *{_escaped(notice.headline)}*")]
    if lines:
        blocks.append(_section("\n".join(lines)[:MAX_CHARS]))
    button = {"type": "button", "text": {"type": "plain_text", "text": "Open in Assay"}, "url": notice.url}
    blocks.append({"type": "actions", "elements": [button]})
    text = f"{_sign(notice)} {_escaped(notice.headline)}"
    yield Request(method="POST", path="", document={"text": text, "blocks": blocks})


def teams(notice: Notice, setting: Setting, namespace: str) -> Iterator[Request]:
    """An adaptive card, in the envelope that Teams' workflows take."""
    facts = [{"title": one.title[:200], "value": one.summary[:500]} for one in notice.reasons[:MAX_REASONS]]
    body: list[dict[str, Any]] = [
        {"type": "TextBlock", "size": "medium", "weight": "bolder", "wrap": True, "text": _plain(notice)}
    ]
    if facts:
        body.append({"type": "FactSet", "facts": facts})
    card = {
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": [{"type": "Action.OpenUrl", "title": "Open in Assay", "url": notice.url}],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    yield Request(method="POST", path="", document={"type": "message", "attachments": [attachment]})


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _sign(notice: Notice) -> str:
    otherwise = REMINDS if notice.kind is Kind.REMINDER else WARNS
    return SIGNS.get(notice.state, otherwise) if notice.state else otherwise


def _plain(notice: Notice) -> str:
    return f"{_sign(notice)} {notice.headline}"


def _escaped(text: str) -> str:
    """Slack's three control characters; without them no mention and no link can be made."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


ALL_KINDS = frozenset(Kind)
SLACK = Carrier(
    slug="slack",
    title="Slack",
    kinds=ALL_KINDS,
    carry=slack,
    setup=(
        "Make an incoming webhook. Its address holds the secret: the connection's address is its beginning up to the "
        "host, its outgoing secret all that follows, proven as *Secret part of the address* (`path`). Mattermost and "
        "Rocket.Chat take the same."
    ),
)
TEAMS = Carrier(
    slug="teams",
    title="Microsoft Teams",
    kinds=ALL_KINDS,
    carry=teams,
    setup=(
        "In the channel choose *Workflows*, *Post to a channel when a webhook request is received*. Its address holds "
        "the secret: the connection's address is its beginning up to the host, its outgoing secret all that follows, "
        "proven as *Secret part of the address* (`path`)."
    ),
)
