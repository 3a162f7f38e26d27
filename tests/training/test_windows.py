"""Which stretches of the past a ranker learns from: as short as there is enough in them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from data.community import Community
from engine.domain import DAY_S
from tests.builders import MEMBERSHIPS, community_of
from tests.world import NOW
from training.windows import (
    ENOUGH_JOINERS,
    FEWEST_JOINERS,
    MOST_WINDOWS,
    Window,
    joiners,
    windows_of,
)

SEASON, HALF, YEAR = 91, 182, 365


def of_joins(joins: list[tuple[str, str, float | None]]) -> Community:
    """Return a community of joins: member, group, and days ago."""
    rows = [
        {"member": member, "group": group, "first_ts": None if age is None else NOW - age * DAY_S}
        for member, group, age in joins
    ]
    empty = pl.DataFrame(schema={"id": pl.String, "member": pl.String})
    return community_of(
        {
            "members": pl.DataFrame({"id": sorted({member for member, _, _ in joins})}),
            "groups": pl.DataFrame({"id": [f"g{place}" for place in range(40)]}),
            "memberships": pl.DataFrame(
                rows, schema={name: MEMBERSHIPS[name] for name in ("member", "group", "first_ts")}
            ),
            "posts": empty,
        }
    )


def steady(a_day: float, days: float) -> Community:
    """Return people who joined a first group long ago and, one after the other, a second one."""
    ages = np.arange(0.5, days, 1 / a_day)
    joins: list[tuple[str, str, float | None]] = []
    for place, age in enumerate(ages.tolist()):
        joins += [(f"m{place:05}", "g0", days + 500), (f"m{place:05}", "g1", age)]
    return of_joins(joins)


def days_of(community: Community) -> list[int]:
    found = windows_of(community, NOW)
    for newer, older in pairwise(found):
        assert older.end == newer.cut, "windows lie end to end"
    if found:
        assert found[0].end == NOW
    return [round(window.days) for window in found]


def test_a_busy_community_is_looked_at_by_seasons_as_far_back_as_five() -> None:
    # Five a day: 455 a season.
    assert days_of(steady(5, 3 * YEAR)) == [SEASON] * MOST_WINDOWS
    assert 5 * SEASON > ENOUGH_JOINERS > 4 * SEASON


def test_a_calmer_one_is_looked_at_by_half_years() -> None:
    # Three a day: 273 a season, 546 in half a year.
    assert days_of(steady(3, 2 * YEAR)) == [HALF] * 4


def test_a_quiet_one_is_looked_at_by_years() -> None:
    # 1.2 a day: 218 in half a year, 438 in a year.
    assert days_of(steady(1.2, 2 * YEAR)) == [YEAR] * 2


def test_where_no_length_has_enough_the_longest_that_leaves_two_windows_is_taken() -> None:
    # Half of one a day: 45 a season, 91 in half a year, 182 in a year.
    assert days_of(steady(0.5, 2 * YEAR)) == [YEAR] * 2
    # 400 days leave one whole year, but two half years.
    assert days_of(steady(0.5, 400)) == [HALF] * 2
    # 200 days leave one of either: the year has more in it.
    assert days_of(steady(0.5, 200)) == [YEAR]


def test_windows_end_where_too_few_joined() -> None:
    # Five a day for 300 days: three whole seasons; of the fourth 27 days, which have 135.
    assert days_of(steady(5, 300)) == [SEASON] * 4
    # 280 days: of the fourth season 7 days, which have 35.
    assert FEWEST_JOINERS > 35
    assert days_of(steady(5, 280)) == [SEASON] * 3


@pytest.mark.parametrize(
    "community",
    [
        of_joins([("m0", "g0", 10)]),
        of_joins([(f"m{place}", "g0", None) for place in range(200)]),
        # A month of history, in which nobody was there before any window.
        of_joins([(f"m{place}", f"g{turn}", 30 - turn) for place in range(200) for turn in (0, 5)]),
    ],
    ids=["one", "undated", "a month"],
)
def test_where_there_is_too_little_there_is_no_window(community: Community) -> None:
    assert windows_of(community, NOW) == []


def test_where_only_newcomers_join_the_windows_are_theirs() -> None:
    here = of_joins([(f"m{place}", "g0", place % 300) for place in range(900)])
    found = windows_of(here, NOW)
    assert [round(window.days) for window in found] == [182]
    # 91 days hold 273 newcomers, too few; 182 hold 546, and before the next nobody was there.


def test_a_joiner_is_counted_once_and_only_with_a_group_before_the_window() -> None:
    window = Window(NOW - 10 * DAY_S, NOW)
    here = of_joins(
        [
            ("old", "g0", 50), ("old", "g1", 5), ("old", "g2", 4),  # one member, two joins
            ("late", "g0", 50), ("late", "g1", 20),  # before it
            ("new", "g0", 9), ("new", "g1", 3),  # the first group is inside
            ("edge", "g0", 11), ("edge", "g1", 10),  # as it begins: inside
            ("after", "g0", 50), ("after", "g1", 0),  # as it ends: outside
            ("gone", "g0", None), ("gone", "g1", 5),  # when the first was joined is not known
        ]
    )  # fmt: skip
    dated = here.memberships.drop_nulls("first_ts")
    when, who = dated["first_ts"].to_numpy(), dated["member"].to_numpy()
    first = np.full(len(here.members), np.inf)
    np.minimum.at(first, who, when)
    assert joiners(when, who, first, window) == 2


def test_what_is_dated_after_the_moment_asked_about_is_not_in_a_window() -> None:
    here = steady(5, 2 * YEAR)
    earlier = windows_of(here, NOW - YEAR * DAY_S)
    assert earlier[0].end == NOW - YEAR * DAY_S
    assert [round(window.days) for window in earlier] == [SEASON] * 4
