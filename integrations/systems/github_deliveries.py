"""What GitHub could not deliver: it tries no delivery again, but keeps what it sent, and what it was answered. Pure.

The web hook is for speed, this for truth: of each hook those deliveries are read that nothing took.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec

from integrations.systems.base import Client, Context, Message, Options, Page, Refused
from integrations.systems.reading import Reader

# As many as GitHub lists at once. It keeps them for some days, and lists the newest first.
PAGE_SIZE = 100
_NAME = r"(?!\.{1,2}/)[A-Za-z0-9_.-]+"
Hook = Annotated[str, msgspec.Meta(pattern=rf"^(repos/{_NAME}/{_NAME}|orgs/{_NAME})/hooks/[0-9]{{1,20}}$")]


class GithubOptions(Options, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`hooks`: the web hooks whose lost deliveries are looked for when the connection is polled, each by its path in
    GitHub's API: `repos/acme/loans/hooks/123` or `orgs/acme/hooks/123`."""

    hooks: tuple[Hook, ...] = ()


def poll(client: Client, context: Context, cursor: Mapping[str, Any], now: datetime) -> Iterator[Page]:
    """A page for each hook, with its deliveries since the last poll that nothing took, the oldest first."""
    seen = dict(cursor)
    for hook in context.options.hooks:
        listed = [one for one in Reader(client.get(f"{hook}/deliveries", {"per_page": PAGE_SIZE})).items() if _id(one)]
        taken = {one.text("guid") for one in listed if _is_taken(one)}
        lost: dict[str, int] = {}
        for one in listed:
            if _id(one) > seen.get(hook, 0) and one.text("guid") not in taken:
                # Of what was sent again in vain each attempt holds the same.
                lost[one.text("guid")] = _id(one)
        messages = (_fetched(client, f"{hook}/deliveries/{one}", now) for one in sorted(lost.values()))
        seen[hook] = max([seen.get(hook, 0), *map(_id, listed)])
        yield Page(messages=messages, cursor=dict(seen))


def _fetched(client: Client, path: str, now: datetime) -> Message:
    """The delivery as it would have come; one of nothing, which is shown as refused, where it is kept no more."""
    try:
        sent = Reader(client.get(path)).at("request")
    except Refused:
        return Message(received_at=now, headers={"file": path})
    headers = {name.lower(): value.text() for name, value in sent.entries("headers")}
    return Message(
        received_at=now,
        document=sent.at("payload").value,
        headers={name: value for name, value in headers.items() if name.startswith("x-github-")},
    )


def _id(one: Reader) -> int:
    text = one.text("id")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else 0


def _is_taken(one: Reader) -> bool:
    return 200 <= (one.count("status_code") or 0) < 300
