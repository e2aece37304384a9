"""Senders that ask before they send get the answer that they wait for, and nobody else gets one."""

import json
from typing import Any

import pytest

from integrations import handshakes
from integrations.proofs import Untrusted
from tests.integrations import signing

QUESTION = {
    "id": "2d1781af-3a4c-4d7c-bd0c-e34b19da4e66",
    "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
    "data": {"validationCode": "0B8A3C1E-code", "validationUrl": "https://x.example/validate"},
}
ASKS = {"aeg-event-type": "SubscriptionValidation"}


def grid(document: Any, headers: dict[str, str] | None = None) -> handshakes.Answer | None:
    return handshakes.of_event_grid(ASKS if headers is None else headers, json.dumps(document).encode())


def test_event_grid_gets_its_code_back() -> None:
    for asked in ([QUESTION], QUESTION):
        answer = grid(asked)
        assert answer is not None
        assert (answer.status, answer.document) == (200, {"validationResponse": "0B8A3C1E-code"})


@pytest.mark.parametrize(
    "document",
    [
        [QUESTION, QUESTION],
        [],
        None,
        [QUESTION | {"eventType": "Other"}],
        [QUESTION | {"data": {}}],
        [QUESTION | {"data": {"validationCode": "x" * 300}}],
        [QUESTION | {"data": "code"}],
    ],
)
def test_what_is_no_question_of_event_grid_is_a_delivery_like_others(document: Any) -> None:
    assert grid(document) is None


def test_without_its_header_event_grid_asks_nothing() -> None:
    assert grid([QUESTION], {}) is None
    assert grid([QUESTION], {"aeg-event-type": "Notification"}) is None
    assert handshakes.of_event_grid(ASKS, b"\xff[") is None


def test_a_sender_of_cloudevents_is_allowed_for_its_origin() -> None:
    answer = handshakes.of_options({"webhook-request-origin": "eventgrid.azure.net"})
    asked = handshakes.of_options({"webhook-request-origin": "a.example", "webhook-request-rate": "120"})
    too_fast = handshakes.of_options({"webhook-request-origin": "a.example", "webhook-request-rate": "9" * 9})

    assert answer is not None
    assert answer.headers == {"WebHook-Allowed-Origin": "eventgrid.azure.net", "Allow": "OPTIONS, POST"}
    assert asked is not None
    assert asked.headers["WebHook-Allowed-Rate"] == "120"
    assert too_fast is not None
    assert too_fast.headers["WebHook-Allowed-Rate"] == "12000"


@pytest.mark.parametrize("origin", ["", "a b", "a\r\nSet-Cookie: x", "<script>", "x" * 300])
def test_no_origin_and_no_answer(origin: str) -> None:
    assert handshakes.of_options({"webhook-request-origin": origin}) is None


def test_a_topic_is_subscribed_by_fetching_its_address_once() -> None:
    url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:x&Token=abc"
    body = signing.notification(Type="SubscriptionConfirmation", Token="abc", SubscribeURL=url)
    answer = handshakes.of_topic({"x-amz-sns-message-type": "SubscriptionConfirmation"}, body)

    assert answer is not None
    assert answer.fetch == url
    assert handshakes.of_topic({}, signing.notification()) is None
    assert handshakes.of_topic({}, b"[") is None


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/?Action=x",
        "http://sns.eu-west-1.amazonaws.com/?Action=x",
        "https://169.254.169.254/?a=b",
        "",
    ],
)
def test_a_topic_is_never_subscribed_elsewhere_than_at_sns(url: str) -> None:
    body = signing.notification(Type="SubscriptionConfirmation", Token="abc", SubscribeURL=url)

    with pytest.raises(Untrusted):
        handshakes.of_topic({}, body)


def test_a_topic_that_ends_is_told() -> None:
    body = signing.notification(Type="UnsubscribeConfirmation", Token="t", SubscribeURL="u")

    assert handshakes.is_topic_end(body)
    assert not handshakes.is_topic_end(signing.notification())
