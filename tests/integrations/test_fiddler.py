"""Records of Fiddler's rules are polled; each series counts by its newest evaluation."""

from collections.abc import Iterator, Mapping
from typing import Any

from integrations.systems import fiddler
from integrations.systems.base import NOTHING, Context
from tests.integrations import replaying

NAMESPACE = "fiddler://bank"


class Fiddler:
    """Answers as Fiddler does, page by page."""

    def __init__(self, rules: list[Any], records: list[Any]) -> None:
        self.rules, self.records, self.asked = rules, records, list[tuple[str, Mapping[str, Any]]]()

    def get(self, path: str, params: Mapping[str, Any] = NOTHING) -> Any:
        self.asked.append((path, params))
        items = self.records if path.endswith("/records") else self.rules
        return {"data": {"items": items[params["offset"] : params["offset"] + params["limit"]]}}

    def post(self, path: str, document: Any) -> Any:
        raise AssertionError("Nothing is written.")

    def lines(self, path: str, document: Any) -> Iterator[Any]:
        raise AssertionError("Nothing is streamed.")


def test_each_feature_of_a_rule_stands_as_its_newest_evaluation_says() -> None:
    age, income = replaying.told(fiddler.SYSTEM, "records.json", context=Context(namespace=NAMESPACE))

    (open_one,) = income["run"]["facets"]["assay_alerts"]["alerts"]
    assert open_one == {
        "id": "r-1/income",
        "kind": "input_data",
        "severity": "critical",
        "measured": 41.0,
        "limit": 3.0,
        "about": "income",
    }
    (closed,) = age["run"]["facets"]["assay_alerts"]["alerts"]
    assert closed["closedAt"] == "2026-03-02T10:00:00+00:00"
    assert (income["inputs"][0]["name"], income["inputs"][0]["facets"]["version"]["datasetVersion"]) == ("loans", "9")


def test_a_poll_reads_the_records_of_every_rule_since_a_day_before_the_last() -> None:
    rule = {"id": "r-1", "model": {"name": "loans", "version": "9"}, "notify": ["somebody@bank.example"]}
    server = Fiddler([rule], [{"alert_rule_id": "r-1", "alert_value": number} for number in range(150)])

    first = list(fiddler.poll(server, Context(namespace=NAMESPACE), {}, replaying.RECEIVED_AT))
    list(fiddler.poll(server, Context(namespace=NAMESPACE), first[-1].cursor, replaying.RECEIVED_AT))

    (message,) = first[0].messages
    assert (message.type, len(message.document["data"]["items"])) == (fiddler.RECORDS, 150)
    assert "notify" not in message.document["rule"]
    assert first[-1].cursor == {"until": replaying.RECEIVED_AT.isoformat()}
    since = [params["start_time"] for path, params in server.asked if path.endswith("/records")]
    assert since == ["2026-10-02T12:00:00+00:00"] * 2 + ["2026-10-31T12:00:00+00:00"] * 2


def test_a_chat_message_only_says_that_there_is_news() -> None:
    message = replaying.message(replaying.FIXTURES / "fiddler" / "chat.json")

    assert fiddler.type_of(message) in fiddler.SYSTEM.ignored
