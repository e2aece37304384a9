"""The newest-items rule, tallies, and the speed of it all."""

import time
from datetime import timedelta

from assessments import items, judging, scoring
from assessments.items import Item, State
from tests.assessments import evidence
from tests.assessments.evidence import AT

WINDOW = timedelta(days=90)


def item(days: float, state: State = State.TRUE, name: str = "") -> Item:
    return Item(asset=name or f"{days}", label=f"{days} days ago", state=state, at=AT - timedelta(days=days))


def chosen(*listed: Item, min_items: int = 3) -> tuple[list[str], bool]:
    found, reached_back = items.newest(listed, as_of=AT, window=WINDOW, min_items=min_items)
    return [one.asset for one in found], reached_back


def test_a_full_window_is_all_that_counts() -> None:
    assert chosen(item(1), item(2), item(80), item(89), item(91)) == (["1", "2", "80", "89"], False)


def test_a_short_window_takes_the_newest_of_a_year() -> None:
    assert chosen(item(1), item(100), item(200), item(300)) == (["1", "100", "200"], True)
    assert chosen(item(1), item(364), item(366)) == (["1", "364"], True)


def test_one_new_bad_item_pushes_out_one_old_item_only() -> None:
    before, _ = chosen(item(100), item(200), item(300))
    after, _ = chosen(item(1, State.FALSE), item(100), item(200), item(300))

    assert (before, after) == (["100", "200", "300"], ["1", "100", "200"])


def test_what_does_not_apply_does_not_fill_the_window() -> None:
    assert chosen(item(1, State.NOT_APPLICABLE), item(2), item(100), item(120)) == (["2", "100", "120"], True)


def test_what_has_not_happened_yet_is_left_out() -> None:
    assert chosen(item(-1), item(1), min_items=1) == (["1"], False)


def test_a_tally_keeps_known_misses_before_unknown_ones() -> None:
    listed = [item(3, State.UNKNOWN), item(2, State.FALSE), item(1), item(9, State.FALSE)]

    tally = items.tally(listed)

    assert (tally.true, tally.false, tally.unknown, tally.items, tally.known) == (1, 2, 1, 4, 3)
    assert [miss.asset for miss in tally.misses] == ["2", "9", "3"]
    assert tally.oldest_at == AT - timedelta(days=9)


def test_a_thousand_teams_are_scored_in_seconds() -> None:
    teams = 1_000
    begun = time.thread_time()
    for slug in ("google-mlops", "microsoft-mlops"):
        ladder = evidence.ladder(slug)
        plan = scoring.plan(ladder)
        known = {criterion.id: evidence.in_order(criterion) for criterion in ladder.criteria}
        for _ in range(teams):
            results = judging.judge_all(ladder, known, at=AT)
            scoring.rate(plan, results, evidence.RATED, at=AT)
    took = time.thread_time() - begun

    # About 1 s of one core; the bound only catches a change of order.
    assert took < 10
