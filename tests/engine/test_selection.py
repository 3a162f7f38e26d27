"""Which candidates become a slate: small ones sooner, mixed like the viewer, new ones welcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.columns import Profiles
from engine.pool import Pool
from engine.preferences import Preferences
from engine.query import NOBODY_ASKS, Query, query_of_member
from engine.selection import Balanced, TopK
from engine.types import Matrix, Vector
from tests.world import world

PLAIN = Preferences(intimacy=0, variety=0, exploration=0, new_groups=0)
"""What changes nothing."""

INTIMATE = replace(PLAIN, intimacy=0.2, preferred_size=20)
VARIED = replace(PLAIN, variety=0.1)
CURIOUS = replace(PLAIN, exploration=0.25)
WELCOMING = replace(PLAIN, new_groups=2)


def balanced(
    preferences: Preferences,
    topics: Matrix,
    sizes: Sequence[float] | None = None,
    seldom: Sequence[int] = (),
    fresh: Sequence[int] = (),
) -> Balanced:
    """Return a selector over groups that lie where their topics do."""
    count = len(topics)
    seen, new = np.zeros(count, bool), np.zeros(count, bool)
    seen[list(seldom)] = new[list(fresh)] = True
    return Balanced(
        sizes=np.array(sizes if sizes is not None else [5] * count, np.float32),
        topics=topics,
        prototypes=Profiles(np.arange(count + 1), topics, np.ones(count, np.float32)),
        seldom=seen,
        fresh=new,
        preferences=preferences,
    )


def apart(count: int) -> Matrix:
    """Return topics none of which is like another."""
    return np.eye(count, dtype=np.float32)


def shown(
    selector: Balanced, scores: Sequence[float] | Vector, k: int, query: Query = NOBODY_ASKS
) -> list[int]:
    chosen = selector.select(query, Pool(np.arange(len(scores))), np.array(scores, np.float32), k)
    assert chosen.dtype == np.int64
    assert len(set(chosen.tolist())) == len(chosen)
    places: list[int] = chosen.tolist()
    return places


# Nothing chosen


@given(
    st.lists(st.sampled_from([-1.0, 0.0, 0.25, 3.0]), max_size=60),
    st.integers(0, 62),
    st.floats(0, 1, exclude_max=True),
)
def test_with_every_preference_at_zero_the_highest_scores_are_shown(
    scores: list[float], k: int, draw: float
) -> None:
    everyone = Pool(np.arange(len(scores)))
    count = max(len(scores), 1)
    plain = balanced(PLAIN, apart(count), range(1, count + 1), [0], [0])
    query = replace(NOBODY_ASKS, draw=draw)
    values = np.array(scores, np.float32)
    expected = TopK().select(query, everyone, values, k).tolist()
    assert plain.select(query, everyone, values, k).tolist() == expected


@pytest.mark.parametrize("preferences", [PLAIN, Preferences(), CURIOUS, WELCOMING])
def test_a_slate_is_no_longer_than_the_pool_and_may_be_empty(preferences: Preferences) -> None:
    selector = balanced(preferences, apart(3), [500, 5, 50], [2], [1])
    query = replace(NOBODY_ASKS, draw=0.0)
    assert sorted(shown(selector, [3, 2, 1], 9, query)) == [0, 1, 2]
    assert len(shown(selector, [3, 2, 1], 2, query)) == 2
    assert shown(selector, [3, 2, 1], 0, query) == []
    assert shown(selector, [], 5, query) == []


def test_positions_are_of_the_pool_and_not_rows_of_groups() -> None:
    # Of groups 1, 2 and 4 the second is large: behind by 0.2 x 2 of a spread of 1.
    selector = balanced(INTIMATE, apart(5), [1, 1, 2_000, 1, 1])
    pool = Pool(np.array([1, 2, 4]))
    chosen = selector.select(NOBODY_ASKS, pool, np.array([0, 1, 0.9], np.float32), 3)
    assert chosen.tolist() == [2, 1, 0]
    seldom = balanced(CURIOUS, apart(5), seldom=[4])
    pool = Pool(np.array([0, 2, 4]))
    asked = seldom.select(replace(NOBODY_ASKS, draw=0.0), pool, np.array([3, 2, 1], np.float32), 2)
    assert asked.tolist() == [0, 2]


# Intimacy


def test_of_equal_scores_the_smaller_group_comes_first_if_small_counts() -> None:
    scores = [1.0, 1.0, 0.0]
    assert shown(balanced(PLAIN, apart(3), [200, 20, 20]), scores, 3) == [0, 1, 2]
    assert shown(balanced(INTIMATE, apart(3), [200, 20, 20]), scores, 3) == [1, 0, 2]


def test_a_group_ten_times_the_preferred_size_falls_behind_by_that_share_of_the_spread() -> None:
    # The spread is 1, so 200 members cost 0.2 and 2,000 cost 0.4.
    for large, behind in ((200, 0.2), (2_000, 0.4)):
        selector = balanced(INTIMATE, apart(3), [large, 1, 1])
        assert shown(selector, [1.0, 1.0 - behind + 0.01, 0.0], 2) == [1, 0]
        assert shown(selector, [1.0, 1.0 - behind - 0.01, 0.0], 2) == [0, 1]


def test_below_the_preferred_size_smaller_is_no_better() -> None:
    assert shown(balanced(INTIMATE, apart(3), [20, 1, 5]), [1, 1, 0], 3) == [0, 1, 2]


# Variety


def of_two_interests(share: float) -> Query:
    interests = np.array([[1, 0], [0, 1]], np.float32)
    return replace(
        NOBODY_ASKS, interests=interests, shares=np.array([share, 1 - share], np.float32)
    )


def rocketry_and_sourdough(variety: float, behind: float) -> tuple[Balanced, list[float]]:
    """Return thirty groups about each; all sourdough is scored so much lower."""
    angles = np.linspace(0, 0.1, 30)
    rockets = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    topics = np.concatenate([rockets, rockets[:, ::-1]]).astype(np.float32)
    scores = [*np.linspace(1, 0, 30), *np.linspace(1 - behind, -behind, 30)]
    selector = balanced(replace(PLAIN, variety=variety), topics)
    # In topic nearly all are copies: here only the mix is looked at.
    return replace(selector, topics=apart(60)), scores


@pytest.mark.parametrize("behind", [0.01, 0.25])
@pytest.mark.parametrize(("share", "rockets"), [(2 / 3, {6, 7}), (0.5, {5, 6}), (0.9, {8, 9})])
def test_where_variety_weighs_as_much_as_scores_a_slate_is_mixed_like_the_viewer(
    share: float, rockets: set[int], behind: float
) -> None:
    selector, scores = rocketry_and_sourdough(1.0, behind)
    places = shown(selector, scores, 10, of_two_interests(share))
    assert sum(place < 30 for place in places) in rockets
    assert places[0] == 0, "the heavier interest's best comes first"


def test_at_less_variety_the_mix_costs_no_more_than_its_bound() -> None:
    # The lighter interest, of a third, is owed at most 0.1 x 1/3 of the spread.
    for behind, place in ((0.03, {30}), (0.06, set())):
        selector, scores = rocketry_and_sourdough(0.1, behind + 9 / 29)
        places = shown(selector, scores, 10, of_two_interests(2 / 3))
        assert {one for one in places if one >= 30} == place


def copies(count: int) -> Matrix:
    """Return that many topics that are nearly one, and thirty that are like no other."""
    topics = np.zeros((count + 30, 31 + count), np.float32)
    topics[:count, 0] = 1
    topics[np.arange(count), 31 + np.arange(count)] = 0.05
    topics[count + np.arange(30), 1 + np.arange(30)] = 1
    unit: Matrix = topics / np.linalg.norm(topics, axis=1, keepdims=True)
    return unit


def test_ten_near_copies_of_one_group_are_not_all_shown() -> None:
    scores = [*np.linspace(1.0, 0.96, 10), *np.linspace(0.95, 0, 30)]
    assert shown(balanced(PLAIN, copies(10)), scores, 10) == list(range(10))
    places = shown(balanced(VARIED, copies(10)), scores, 10)
    assert sum(place < 10 for place in places) <= 3
    assert places[0] == 0


def test_groups_that_are_merely_alike_are_no_copies() -> None:
    # Cosine 0.8 between any two of the first ten.
    topics = np.zeros((40, 41), np.float32)
    topics[:10, 0], topics[np.arange(10), 1 + np.arange(10)] = np.sqrt(0.8), np.sqrt(0.2)
    topics[10 + np.arange(30), 11 + np.arange(30)] = 1
    scores = [*np.linspace(1.0, 0.96, 10), *np.linspace(0.95, 0, 30)]
    assert shown(balanced(VARIED, topics), scores, 10) == list(range(10))


# New groups

SCORES = np.linspace(1, 0, 20, dtype=np.float32)


def test_the_last_places_are_kept_for_the_groups_nobody_has_joined_that_fit_best() -> None:
    selector = balanced(WELCOMING, apart(20), fresh=[12, 15, 18])
    assert shown(selector, SCORES, 10) == [*range(8), 12, 15]
    assert shown(selector, SCORES, 5) == [0, 1, 2, 3, 12], "two of ten are one of five"
    assert shown(selector, SCORES, 4) == [0, 1, 2, 3]
    assert shown(replace(selector, preferences=PLAIN), SCORES, 10) == list(range(10))


def test_a_new_group_that_is_among_the_best_by_itself_stays_where_it_is() -> None:
    assert shown(balanced(WELCOMING, apart(20), fresh=[0, 3]), SCORES, 10) == list(range(10))
    # The first of them is there already, so one place is enough.
    assert shown(balanced(WELCOMING, apart(20), fresh=[3, 15]), SCORES, 10) == [*range(9), 15]
    assert shown(balanced(WELCOMING, apart(20), fresh=[8, 9]), SCORES, 10) == list(range(10))


def test_what_is_explored_takes_no_place_that_is_kept_for_a_new_group() -> None:
    selector = balanced(replace(WELCOMING, exploration=0.25), apart(20), None, [17], [12, 15])
    asked = shown(selector, SCORES, 10, replace(NOBODY_ASKS, draw=0.0))
    assert asked == [*range(7), 17, 12, 15]


# Exploration

SELDOM = (3, 12, 14, 16, 18)
"""The first of them is on everybody's slate anyhow."""


def test_only_the_last_place_is_given_away_and_only_to_a_group_seldom_shown() -> None:
    selector = balanced(CURIOUS, apart(20), seldom=SELDOM)
    usual = list(range(10))
    seen = set()
    for draw in np.linspace(0, 0.2499, 60):
        places = shown(selector, SCORES, 10, replace(NOBODY_ASKS, draw=float(draw)))
        assert places[:-1] == usual[:-1]
        seen.add(places[-1])
    assert seen == {12, 14, 16}, "one of the three that fit best"
    for draw in (0.25, 0.5, 0.999):
        assert shown(selector, SCORES, 10, replace(NOBODY_ASKS, draw=draw)) == usual


def test_where_no_group_is_seldom_shown_or_one_place_is_wanted_nothing_changes() -> None:
    query = replace(NOBODY_ASKS, draw=0.0)
    assert shown(balanced(CURIOUS, apart(20)), SCORES, 10, query) == list(range(10))
    assert shown(balanced(CURIOUS, apart(20), seldom=SELDOM), SCORES, 1, query) == [0]


def test_about_as_many_viewers_explore_as_the_setting_says() -> None:
    selector = balanced(CURIOUS, apart(20), seldom=SELDOM)
    draws = [crc32(f"v1/member-{number}".encode()) / 2**32 for number in range(2_000)]
    slates = [shown(selector, SCORES, 10, replace(NOBODY_ASKS, draw=draw)) for draw in draws]
    share = np.mean([slate[-1] != 9 for slate in slates])
    assert share == pytest.approx(0.25, abs=0.04)  # four standard deviations


def test_a_member_draws_the_same_until_there_is_a_new_bundle() -> None:
    snapshot = world().snapshot
    first, again = (query_of_member(snapshot, 0, "v1").draw for _ in range(2))
    assert first == again == crc32(b"v1/ana") / 2**32
    assert query_of_member(snapshot, 0, "v2").draw != first
    assert len({query_of_member(snapshot, row, "v1").draw for row in range(14)}) == 14
