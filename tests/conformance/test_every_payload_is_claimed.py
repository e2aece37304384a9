"""Every sample payload is read by a system, or known to bring nothing. A file that nobody claims fails."""

import dataclasses
import json
import re

import msgspec
import pytest

from integrations import systems
from integrations.systems.base import Context, Message, Refused, System
from lineage import events
from tests.conformance import payload_claims
from tests.conformance.corpus import CORPUS, requires_corpus
from tests.conformance.payload_claims import Claim
from tests.integrations import replaying

PAYLOADS = CORPUS / "payloads"

pytestmark = requires_corpus


def test_no_payload_is_without_a_claim() -> None:
    files = {str(path.relative_to(PAYLOADS)) for path in PAYLOADS.rglob("*") if path.is_file()}
    claims = [*payload_claims.CLAIMS, *payload_claims.OPENLINEAGE, *payload_claims.EXEMPT]

    assert sorted(files - set(claims)) == []
    assert sorted(set(claims) - files) == []
    assert len(claims) == len(set(claims))


@pytest.mark.parametrize(("path", "claim"), payload_claims.CLAIMS.items(), ids=payload_claims.CLAIMS)
def test_a_claimed_payload_brings_facts_or_is_known_to_bring_none(path: str, claim: Claim) -> None:
    system = systems.BY_SLUG[claim.system]
    message = replaying.typed(system, whole(replaying.message(PAYLOADS / path, type=claim.type), claim))

    if message.type in system.ignored:
        return

    assert message.type in system.handled, f"{message.type} is unknown to {system.title}"
    if claim.refused:
        with pytest.raises(Refused, match=re.escape(claim.refused)):
            system.events(message, context(system, claim))
        return
    told = system.events(message, context(system, claim))
    assert bool(told) != bool(claim.no_facts)
    for event in told:
        assert events.read(json.dumps(event).encode()).warnings == ()


@pytest.mark.parametrize("path", payload_claims.OPENLINEAGE)
def test_events_of_senders_that_speak_openlineage_are_taken_as_they_are(path: str) -> None:
    document = json.loads((PAYLOADS / path).read_text(encoding="utf-8"))
    if isinstance(document, dict) and "headers" in document:
        document = document["body"]

    for event in document if isinstance(document, list) else [document]:
        events.read(json.dumps(event).encode())


def whole(message: Message, claim: Claim) -> Message:
    """The message that a file holds a part of."""
    document = message.document
    for key in reversed(claim.part):
        document = {key: document}
    return dataclasses.replace(message, document={**claim.whole, **document}) if claim.part else message


def context(system: System, claim: Claim) -> Context:
    options = msgspec.convert(dict(claim.options), system.options)
    return Context(namespace=f"{system.slug}://sample", options=options)
