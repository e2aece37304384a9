"""Any system: our own document, signed as Standard Webhooks has it."""

from collections.abc import Iterator

from integrations.carriers.base import Carrier, Setting
from integrations.notices import Kind, Notice, Request


def carry(notice: Notice, setting: Setting, namespace: str) -> Iterator[Request]:
    """The edge signs it with the connection's outgoing secret: `webhook-id`, `-timestamp` and `-signature`."""
    yield Request(
        method="POST", path="", document=notice.document(), headers={"webhook-id": f"{notice.kind}-{notice.id}"}
    )


CARRIER = Carrier(
    slug="webhook",
    title="Signed webhook",
    kinds=frozenset(Kind),
    carry=carry,
    setup=(
        "The address gets one JSON document for each notice, signed as "
        "[Standard Webhooks](https://www.standardwebhooks.com) has it with the outgoing secret (`whsec_…`). The same "
        "notice always has the same `webhook-id`."
    ),
)
