"""Where a cut lies, and what the joins after it are worth by what the window shows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from data.community import Community
from engine.domain import DAY_S
from engine.errors import SettingError
from tests.builders import Membership, Post, make
from tests.world import NOW
from training.split import Joins, cut_at, joins_between

CUT = NOW - 53 * DAY_S


def dated(*days: float | None) -> Community:
    joins = [
        Membership("a", f"g{place}", None if day is None else NOW - 100 * DAY_S + day * DAY_S)
        for place, day in enumerate(days)
    ]
    return make(["a"], [join.group for join in joins], joins)


def test_a_share_is_the_moment_by_which_that_share_had_joined() -> None:
    # Joins on days 0 to 9; 80 % of ten joins lie before that of day 8.
    assert cut_at(dated(*range(10), None), "80%") == NOW - 92 * DAY_S
    assert cut_at(dated(*range(10)), " 12.5 % ") == NOW - 99 * DAY_S


@pytest.mark.parametrize(
    ("until", "meant"),
    [
        ("2025-04-01", datetime(2025, 4, 1, tzinfo=UTC)),
        ("2025-04-01T12:30:00", datetime(2025, 4, 1, 12, 30, tzinfo=UTC)),
        ("2025-04-01T12:30:00Z", datetime(2025, 4, 1, 12, 30, tzinfo=UTC)),
        ("2025-04-01T12:30:00+02:00", datetime(2025, 4, 1, 10, 30, tzinfo=UTC)),
    ],
)
def test_a_date_is_read_as_it_is_meant(until: str, meant: datetime) -> None:
    assert cut_at(dated(0, 99), until) == meant.timestamp()


@pytest.mark.parametrize(
    "until", ["", "soon", "100%", "-5%", "%", "0.8", "80%%", "2025-13-01", "1e3%", "٨٠ percent"]
)
def test_what_is_neither_date_nor_share_is_refused(until: str) -> None:
    with pytest.raises(SettingError, match="--until wants a date"):
        cut_at(dated(*range(10)), until)


@pytest.mark.parametrize(
    "until", ["0%", "1990-01-01", "2199-01-01", "\r\n0%", "1990-01-01\x0012:00"]
)
def test_a_cut_with_nothing_on_one_side_is_refused(until: str) -> None:
    with pytest.raises(SettingError, match="leaves nothing on one side") as caught:
        cut_at(dated(*range(10)), until)
    assert str(caught.value).isprintable()


def test_joins_all_of_one_moment_cannot_be_split() -> None:
    with pytest.raises(SettingError, match="leaves nothing on one side"):
        cut_at(dated(5, 5, 5, 5, 5), "80%")


def test_without_any_date_nothing_can_be_split() -> None:
    with pytest.raises(SettingError, match="no membership here has a date"):
        cut_at(dated(None, None), "80%")


def graded(end_day: float, *visits: float, join_day: float = 0, last_day: float = 200) -> Joins:
    """Return how a join on a day after the cut is graded, given days of taking part."""
    posts = [
        Post(f"p{place}", ("a",), ("g",), CUT + (day - 200) * DAY_S)
        for place, day in enumerate(visits)
    ]
    posts.append(Post("other", ("b",), ("h",), CUT - 199 * DAY_S))
    posts.append(Post("last", ("b",), ("h",), CUT + (last_day - 200) * DAY_S))
    found = make(
        ["a", "b"], ["g", "h"], [Membership("a", "g", CUT + (join_day - 200) * DAY_S)], posts
    )
    start = CUT - 200 * DAY_S
    return joins_between(found, start, start + end_day * DAY_S)


@pytest.mark.parametrize(
    ("visits", "gain"),
    [
        ((0, 15, 30), 3.0),
        ((0, 15, 29.9), 1.0),  # not 30 days apart
        ((0, 30), 1.0),  # only twice
        ((0, 1, 2, 3), 1.0),
        ((-20, 1, 20), 1.0),  # what came before the window does not count
        ((), 1.0),
    ],
)
def test_a_join_lasts_with_three_times_over_thirty_days(
    visits: tuple[float, ...], gain: float
) -> None:
    joins = graded(150, *visits)
    assert joins.gains.tolist() == [gain]
    assert joins.judged.tolist() == [True]


def test_a_join_is_judged_only_with_sixty_days_after_it() -> None:
    assert graded(150, 91, 110, 130, join_day=90).gains.tolist() == [3.0]
    late = graded(150, 91, 110, 130, join_day=90.1)
    assert late.judged.tolist() == [False]
    assert late.gains.tolist() == [1.0]
    # The data, not the window, may be what ends.
    assert graded(300, 0, 10, 31, last_day=59).judged.tolist() == [False]
    assert graded(300, 0, 10, 31, last_day=60).judged.tolist() == [True]


def test_only_what_lies_in_the_window_is_looked_at() -> None:
    assert graded(70, 0, 15, 75).gains.tolist() == [1.0]
    assert graded(76, 0, 15, 75).gains.tolist() == [3.0]
    assert len(graded(10, 0, join_day=10).members) == 0  # the end does not belong to it
    assert len(graded(10, 0, join_day=-1).members) == 0
    assert len(graded(10, 0, join_day=0).members) == 1


def test_several_posts_at_one_time_count_each_and_a_post_counts_once() -> None:
    found = make(
        ["a"],
        ["g"],
        [Membership("a", "g", CUT)],
        [Post("p", ("a",), ("g",), CUT), Post("q", ("a",), ("g",), CUT + 31 * DAY_S)],
        [("p", "a"), ("q", "a")],
    )
    assert joins_between(found, CUT, float("inf")).gains.tolist() == [1.0]


def test_without_posts_no_join_is_judged() -> None:
    found = make(["a"], ["g"], [Membership("a", "g", CUT - 100 * DAY_S)])
    assert joins_between(found, CUT - 200 * DAY_S, CUT).judged.tolist() == [False]
