"""Groups that share members, compared with the definition written out."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.columns import Links
from engine.neighbours import BLOCK, co_membership


def links_of(matrix: NDArray[np.float64]) -> Links:
    members, groups = np.nonzero(matrix)
    people, places = matrix.shape
    return co_membership(people, places, (members, groups, matrix[members, groups]), damping=2.0)


def by_definition(matrix: NDArray[np.float64], one: int, other: int) -> float:
    """Return cosine x s / (s + 2), s being the number of shared members."""
    mine, theirs = matrix[:, one], matrix[:, other]
    shared = int(((mine > 0) & (theirs > 0)).sum())
    if one == other or not shared:
        return 0.0
    return (
        float(mine @ theirs / np.linalg.norm(mine) / np.linalg.norm(theirs)) * shared / (shared + 2)
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_similarity_is_the_damped_cosine(seed: int) -> None:
    chance = np.random.default_rng(seed)
    matrix = chance.uniform(0.2, 2, (30, 12)) * (chance.uniform(size=(30, 12)) < 0.2)
    found = links_of(matrix)
    got = np.zeros((12, 12))
    for group in range(12):
        targets, weights = found.of_row(group)
        got[group, targets] = weights
    expected = [[by_definition(matrix, one, other) for other in range(12)] for one in range(12)]
    assert got == pytest.approx(np.array(expected), abs=1e-6)


def test_only_the_strongest_neighbours_are_kept() -> None:
    # Group 0 shares 1, 2 and 3 members with groups 1, 2 and 3, which have no others.
    members = np.array([0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5])
    groups = np.array([0, 0, 0, 0, 0, 0, 1, 2, 2, 3, 3, 3])
    found = co_membership(6, 4, (members, groups, np.ones(12)), neighbours=2)
    assert found.of_row(0)[0].tolist() == [2, 3]


def test_of_equally_strong_neighbours_the_lower_row_is_kept() -> None:
    # Everyone is in all of five groups: every group is equally near to every other.
    members, groups = (part.ravel() for part in np.meshgrid(np.arange(4), np.arange(5)))
    found = co_membership(4, 5, (members, groups, np.ones(20)), neighbours=2)
    kept = [found.of_row(group)[0].tolist() for group in range(5)]
    assert kept == [[1, 2], [0, 2], [0, 1], [0, 1], [0, 1]]


def test_a_group_without_members_and_one_shared_with_nobody_have_no_neighbours() -> None:
    found = links_of(np.array([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]))
    assert [len(found.of_row(group)[0]) for group in range(4)] == [1, 1, 0, 0]
    nothing = np.zeros(0, np.int64)
    assert co_membership(3, 2, (nothing, nothing, np.zeros(0))).counts().tolist() == [0, 0]


def test_groups_in_different_blocks_are_compared_too() -> None:
    last = BLOCK + 1
    members, groups = np.array([0, 0, 1, 1]), np.array([0, last, 1, 2])
    found = co_membership(2, last + 1, (members, groups, np.ones(4)))
    assert found.of_row(0)[0].tolist() == [last]
    assert found.of_row(last)[0].tolist() == [0]
    # One shared member, damped by the default 5: 1 x 1 / (1 + 5).
    assert found.of_row(last)[1].tolist() == pytest.approx([1 / 6])


def test_the_similarity_of_two_groups_is_the_same_both_ways() -> None:
    chance = np.random.default_rng(3)
    found = links_of((chance.uniform(size=(40, 10)) < 0.3).astype(np.float64))
    back = found.reversed(10)
    assert back.targets.tolist() == found.targets.tolist()
    assert back.weights == pytest.approx(found.weights, abs=1e-6)
