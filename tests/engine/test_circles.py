"""Circles: their sizes, who is kept apart, and that changing places makes them better."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.circles import APART, NOWHERE, Table, circle_sizes, form_circles, mean_worth


def table(size: int, seed: int, apart: float = 0.0) -> Table:
    chance = np.random.default_rng(seed)
    worth = np.triu(chance.random((size, size)), 1)
    worth[np.triu(chance.random((size, size)) < apart, 1)] = APART
    return worth + worth.T


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [(12, 4, [4, 4, 4]), (11, 4, [4, 4, 3]), (5, 3, [4]), (3, 3, [3]), (2, 3, []), (7, 6, [7])],
)
def test_sizes_are_as_asked_for_or_one_off(count: int, size: int, expected: list[int]) -> None:
    assert circle_sizes(count, size) == expected


@settings(max_examples=100, deadline=None)
@given(st.integers(3, 400), st.integers(3, 9))
def test_sizes_are_balanced_and_leave_as_few_as_can_be(count: int, size: int) -> None:
    sizes = circle_sizes(count, size)
    assert max(sizes, default=size) - min(sizes, default=size) <= 1
    assert all(max(3, size - 1) <= one <= size + 1 for one in sizes)
    assert sum(sizes) == count or count < 6 * size  # more can always be shared out


def test_two_clear_circles_are_found() -> None:
    worth = np.zeros((6, 6))
    for circle in ([0, 2, 4], [1, 3, 5]):
        worth[np.ix_(circle, circle)] = 0.9
    np.fill_diagonal(worth, 0)
    found = form_circles(worth, [3, 3], [], np.random.default_rng(0))
    assert len({found[0], found[2], found[4]}) == len({found[1], found[3], found[5]}) == 1
    assert mean_worth(worth, np.array([0, 2, 4])) == pytest.approx(0.9)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_nobody_is_with_somebody_they_must_not_meet(seed: int) -> None:
    worth = table(14, seed, apart=0.3)
    found = form_circles(worth, [5, 5, 4], [], np.random.default_rng(seed))
    for number in range(3):
        members = np.flatnonzero(found == number)
        assert len(members) <= 5
        assert (worth[np.ix_(members, members)] >= 0).all()


def test_who_must_be_together_stay_so_whatever_they_are_worth() -> None:
    worth = table(9, 3)
    worth[[0, 8], [8, 0]] = 0.0
    found = form_circles(worth, [3, 3, 3], [np.array([0, 8])], np.random.default_rng(0))
    assert found[0] == found[8] != NOWHERE
    assert sorted(np.bincount(found).tolist()) == [3, 3, 3]


def test_changing_places_is_better_than_chance() -> None:
    worth = table(60, 1)
    found = form_circles(worth, [4] * 15, [], np.random.default_rng(0))
    means = [mean_worth(worth, np.flatnonzero(found == number)) for number in range(15)]
    assert float(np.mean(means)) > 0.7  # by chance 0.5
