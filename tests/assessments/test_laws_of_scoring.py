"""What must hold for any team: better never scores worse, hiding never helps, order does not matter."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from assessments import items, judging, scoring
from assessments.framework import Criterion, Kind, Statistic
from assessments.items import Item, State, Tally
from assessments.judging import Evidence, Exemption, GivenAnswer, Result, RuleInForce, Status
from assessments.scoring import Rating
from tests.assessments import evidence
from tests.assessments.evidence import AT

LADDERS = {slug: evidence.ladder(slug) for slug in ("google-mlops", "microsoft-mlops")}
PLANS = {slug: scoring.plan(ladder) for slug, ladder in LADDERS.items()}
MEASURED = {
    slug: [criterion for criterion in ladder.criteria if criterion.kind is Kind.MEASURED]
    for slug, ladder in LADDERS.items()
}
FAR_OFF = 1_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A team of the framework: everything in order but for some criteria, whose items are given one by one."""

    slug: str
    items: Mapping[str, tuple[Item, ...]]
    more: Mapping[str, Evidence]

    def results(self) -> dict[str, Result]:
        ladder = LADDERS[self.slug]
        known = {criterion.id: evidence.in_order(criterion) for criterion in ladder.criteria}
        known |= self.more
        for criterion in MEASURED[self.slug]:
            if criterion.id in self.items:
                beside = self.more.get(criterion.id, Evidence())
                known[criterion.id] = replace(beside, tally=self.tally(criterion))
        return judging.judge_all(ladder, known, at=AT)

    def tally(self, criterion: Criterion) -> Tally:
        assert criterion.measure is not None
        window = criterion.measure.window_days
        listed = self.items[criterion.id]
        if window == "as_of":
            return items.tally(listed, good=good(criterion))
        chosen, reached_back = items.newest(
            listed, as_of=AT, window=timedelta(days=window), min_items=criterion.measure.min_items
        )
        return items.tally(chosen, good=good(criterion), reached_back=reached_back)

    def rating(self) -> Rating:
        return scoring.rate(PLANS[self.slug], self.results(), evidence.RATED, at=AT)

    def changed(self, criterion: str, listed: tuple[Item, ...]) -> "Team":
        return replace(self, items={**self.items, criterion: listed})


def good(criterion: Criterion) -> State:
    assert criterion.threshold is not None
    assert criterion.measure is not None
    is_counted_good = criterion.threshold.is_at_least or criterion.measure.statistic is Statistic.MEDIAN
    return State.TRUE if is_counted_good else State.FALSE


def made(criterion: Criterion, item: Item, kind: str) -> Item:
    """The item as a good, a bad or an unknown one of this criterion."""
    assert criterion.threshold is not None
    assert criterion.measure is not None
    if kind == "unknown":
        return replace(item, state=State.UNKNOWN, value=None)
    if criterion.measure.statistic is Statistic.MEDIAN:
        best, worst = (FAR_OFF, 0.0) if criterion.threshold.is_at_least else (0.0, FAR_OFF)
        return replace(item, state=State.TRUE, value=best if kind == "good" else worst)
    bad = State.FALSE if good(criterion) is State.TRUE else State.TRUE
    return replace(item, state=good(criterion) if kind == "good" else bad, value=None)


def is_bad(criterion: Criterion, item: Item) -> bool:
    assert criterion.threshold is not None
    assert criterion.measure is not None
    if criterion.measure.statistic is Statistic.MEDIAN:
        limit = criterion.threshold.value
        return item.value is not None and (
            item.value < limit if criterion.threshold.is_at_least else item.value > limit
        )
    return item.state in {State.TRUE, State.FALSE} and item.state is not good(criterion)


@st.composite
def lists_of_items(draw: st.DrawFn, criterion: Criterion, *, least: int = 0) -> tuple[Item, ...]:
    size = draw(st.integers(least, 6))
    found = []
    for number in range(size):
        item = Item(
            asset=f"asset-{number}",
            label=f"asset {number}",
            state=State.UNKNOWN,
            at=AT - timedelta(days=draw(st.integers(1, 400))),
            missing=("run",),
        )
        item = made(criterion, item, draw(st.sampled_from(["good", "good", "bad", "unknown"])))
        if item.value is not None:
            item = replace(item, value=draw(st.sampled_from([0.0, 3.0, 7.0, 8.0, 100.0])))
        if draw(st.integers(0, 9)) == 0:
            item = replace(item, state=State.NOT_APPLICABLE, value=None)
        found.append(replace(item, is_unproven=item.state is State.TRUE and draw(st.booleans())))
    return tuple(found)


@st.composite
def teams(draw: st.DrawFn, *, with_fallbacks: bool = True) -> Team:
    slug = draw(st.sampled_from(sorted(LADDERS)))
    chosen = draw(st.lists(st.sampled_from(LADDERS[slug].criteria), max_size=6, unique_by=lambda one: one.id))
    listed, more = {}, {}
    for criterion in chosen:
        answer: GivenAnswer | None = None
        if criterion.kind is Kind.ATTESTED or with_fallbacks:
            answer = draw(
                st.none()
                | st.builds(
                    evidence.answered,
                    st.sampled_from(["none", "some", "at_least_half", "most_or_all"]),
                    reviewed=st.booleans(),
                    expires_in_days=st.sampled_from([-1, 30]),
                )
            )
        more[criterion.id] = Evidence(
            answer=answer,
            applies=draw(st.sampled_from([State.TRUE, State.TRUE, State.TRUE, State.UNKNOWN, State.FALSE])),
            rule=draw(st.none() | st.just(RuleInForce(drilled_at=AT - timedelta(days=9)))),
            exemption=draw(st.sampled_from([None, None, None, Exemption(ends_at=AT + timedelta(days=9))])),
        )
        if criterion.kind is Kind.MEASURED:
            listed[criterion.id] = draw(lists_of_items(criterion))
    return Team(slug=slug, items=listed, more=more)


def criterion_of(draw: st.DrawFn, team: Team) -> Criterion:
    return draw(st.sampled_from(MEASURED[team.slug]))


@st.composite
def teams_with_an_item(draw: st.DrawFn, *, with_fallbacks: bool = True) -> tuple[Team, Criterion, int]:
    team = draw(teams(with_fallbacks=with_fallbacks))
    criterion = criterion_of(draw, team)
    listed = draw(lists_of_items(criterion, least=1))
    return team.changed(criterion.id, listed), criterion, draw(st.integers(0, len(listed) - 1))


def numbers(rating: Rating) -> tuple[int, float, float, list[int]]:
    assert rating.level is not None
    assert rating.ladder_score is not None
    assert rating.index is not None
    return rating.level, rating.ladder_score, rating.index, [row.level for row in rating.rows]


def assert_no_lower(after: Rating, before: Rating) -> None:
    was, now = numbers(before), numbers(after)
    assert now[0] >= was[0]
    assert now[1] >= was[1] - 1e-12
    assert now[2] >= was[2] - 1e-9
    assert all(after >= before for after, before in zip(now[3], was[3], strict=True))


def with_item(team: Team, criterion: Criterion, place: int, item: Item) -> Team:
    listed = list(team.items[criterion.id])
    listed[place] = item
    return team.changed(criterion.id, tuple(listed))


@given(teams_with_an_item())
def test_improving_an_item_never_lowers_a_score(case: tuple[Team, Criterion, int]) -> None:
    team, criterion, place = case
    item = team.items[criterion.id][place]
    if item.state is State.NOT_APPLICABLE:
        return

    better = with_item(team, criterion, place, replace(made(criterion, item, "good"), is_unproven=False))

    assert_no_lower(better.rating(), team.rating())


@given(teams_with_an_item(with_fallbacks=False))
def test_hiding_a_bad_item_never_raises_a_score(case: tuple[Team, Criterion, int]) -> None:
    # An answer in place of facts lapses for good when a bad item is seen, so none can stand while one is hidden.
    team, criterion, place = case
    item = team.items[criterion.id][place]
    if not is_bad(criterion, item):
        return

    hidden = with_item(team, criterion, place, made(criterion, item, "unknown"))

    assert_no_lower(team.rating(), hidden.rating())


@given(teams_with_an_item(), st.integers(0, 400))
def test_adding_a_bad_item_never_raises_a_level(case: tuple[Team, Criterion, int], days: int) -> None:
    team, criterion, _ = case
    bad = Item(asset="one more", label="one more", state=State.FALSE, at=AT - timedelta(days=days))

    more = team.changed(criterion.id, (*team.items[criterion.id], made(criterion, bad, "bad")))

    before, after = team.rating(), more.rating()
    assert numbers(after)[0] <= numbers(before)[0]
    assert all(now <= was for now, was in zip(numbers(after)[3], numbers(before)[3], strict=True))


@given(teams_with_an_item(), st.randoms())
def test_the_order_of_items_does_not_matter(case: tuple[Team, Criterion, int], random: object) -> None:
    team, criterion, _ = case
    listed = list(team.items[criterion.id])
    random.shuffle(listed)  # type: ignore[attr-defined]

    shuffled = team.changed(criterion.id, tuple(listed))

    assert shuffled.results() == team.results()
    assert shuffled.rating() == team.rating()


@given(teams_with_an_item(with_fallbacks=False))
def test_unknown_is_never_a_pass(case: tuple[Team, Criterion, int]) -> None:
    team, criterion, _ = case
    unknown = tuple(made(criterion, item, "unknown") for item in team.items[criterion.id])
    bare = replace(team, more={**team.more, criterion.id: Evidence(applies=State.UNKNOWN)})

    result = bare.changed(criterion.id, unknown).results()[criterion.id]

    assert result.status is Status.UNKNOWN
    assert result.credit == 0


@given(teams())
def test_numbers_keep_their_bounds_and_agree(team: Team) -> None:
    rating = team.rating()

    level, ladder_score, index, rows = numbers(rating)
    assert rating.possible is not None
    assert level <= rating.possible <= PLANS[team.slug].top
    assert level <= ladder_score < level + 1
    assert 0 <= index <= 100 + 1e-9
    assert 0 <= rating.confidence <= 1
    assert not rows or min(rows) == level
    assert (rating.level == rating.possible) or rating.waiting_on


@given(teams(), st.data())
def test_a_step_that_is_taken_never_lowers_and_gains_what_was_said(team: Team, data: st.DataObject) -> None:
    plan, results, before = PLANS[team.slug], team.results(), team.rating()

    for action in scoring.next_actions(plan, results, limit=None):
        after = scoring.what_if(plan, results, evidence.RATED, [action.criterion], at=AT)
        assert numbers(after)[1] - numbers(before)[1] - action.gain < 1e-9
    taken = data.draw(st.lists(st.sampled_from([criterion.id for criterion in plan.gating]), max_size=5))
    taken = [one for one in taken if results[one].status is not Status.NOT_APPLICABLE]
    assert_no_lower(scoring.what_if(plan, results, evidence.RATED, taken, at=AT), before)


@given(teams(), st.integers(1, 4))
def test_the_target_is_done_exactly_when_its_level_is_reached(team: Team, target: int) -> None:
    plan, results = PLANS[team.slug], team.results()
    if target > plan.top:
        return

    percent = scoring.percent_to_target(plan, results, target)

    assert (percent == 100) == (numbers(team.rating())[0] >= target)
    assert 0 <= percent <= 100
