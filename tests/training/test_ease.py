"""Which groups speak for which: the closed form, and the sparse form beside it."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from engine.columns import Links
from training.ease import NEAR, ease

SPARSE = 0
"""Below no number of groups is the whole matrix inverted."""


def joined(*members: tuple[int, ...], groups: int = 2) -> sparse.csr_array:
    """Return memberships of members given by their groups."""
    matrix = np.zeros((len(members), groups), np.float32)
    for member, inside in enumerate(members):
        matrix[member, list(inside)] = 1
    return sparse.csr_array(matrix)


def circles(groups: int, members: int, circle: int, share: float = 0.5) -> sparse.csr_array:
    """Return members who each join about a share of the groups of one circle, at random."""
    chance = np.random.default_rng(0)
    own = chance.integers(0, groups // circle, members)
    inside = np.arange(groups) // circle == own[:, None]
    return sparse.csr_array(
        (inside & (chance.random((members, groups)) < share)).astype(np.float32)
    )


def dense(links: Links) -> NDArray[np.float64]:
    """Return the weights as a matrix: line i, column j is how far i speaks for j."""
    size = len(links)
    weights = links.weights.astype(np.float64)
    matrix = sparse.csr_array((weights, links.targets, links.offsets), shape=(size, size))
    whole: NDArray[np.float64] = matrix.toarray()
    return whole


def ridge(matrix: sparse.csr_array, penalty: float) -> NDArray[np.float64]:
    """Return each group's regression on all the others, column by column."""
    whole = matrix.toarray().astype(np.float64)
    size = whole.shape[1]
    weights = np.zeros((size, size))
    for column in range(size):
        others = np.flatnonzero(np.arange(size) != column)
        known = whole[:, others]
        gram = known.T @ known + penalty * np.eye(size - 1)
        weights[others, column] = np.linalg.solve(gram, known.T @ whole[:, column])
    return weights


def test_two_groups_by_hand() -> None:
    # Group 0 has three members, group 1 two, one is in both. The penalty is at least 5.
    # [[3 + 5, 1], [1, 2 + 5]] has the inverse [[7, -1], [-1, 8]] / 55: 1 / 8 and 1 / 7.
    links = ease(joined((0,), (0,), (0, 1), (1,)))
    assert dense(links) == pytest.approx(np.array([[0, 1 / 8], [1 / 7, 0]]), abs=1e-6)


def test_what_never_goes_together_beside_the_same_third_speaks_against_each_other() -> None:
    links = ease(joined(*[(0, 1)] * 9, *[(1, 2)] * 9, groups=3))
    weights = dense(links)
    assert weights[0, 1] > 0.3
    assert weights[0, 2] < -0.1
    assert weights == pytest.approx(ridge(joined(*[(0, 1)] * 9, *[(1, 2)] * 9, groups=3), 6.0))


def test_the_exact_form_is_each_groups_regression_on_all_the_others() -> None:
    matrix = circles(24, 400, 12)
    penalty = float(matrix.sum()) / 24 / 2  # half the mean size
    assert penalty > 5
    assert dense(ease(matrix)) == pytest.approx(ridge(matrix, penalty), abs=1e-5)


def test_weights_of_taking_part_count_as_they_are() -> None:
    matrix = circles(12, 200, 12) * np.float32(2.0)
    penalty = float((matrix * matrix).sum()) / 12 / 2
    assert dense(ease(matrix)) == pytest.approx(ridge(matrix, penalty), abs=1e-5)


def test_the_sparse_form_is_exact_where_all_that_share_members_are_near() -> None:
    matrix = circles(24, 400, 12)
    assert dense(ease(matrix, SPARSE)) == pytest.approx(dense(ease(matrix)), abs=1e-5)


def test_the_sparse_form_is_near_the_exact_one_where_they_are_not() -> None:
    # Each of 200 groups shares members with the 199 others, of which 64 are looked at.
    matrix = circles(200, 1_500, 20, 0.3) + circles(200, 1_500, 200, 0.03)[::-1]
    exact, near = dense(ease(matrix)), dense(ease(matrix, SPARSE))
    assert (near != 0).sum(axis=0).max() <= NEAR
    members = matrix.toarray()
    one, other = members @ exact, members @ near
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("exact_below", [SPARSE, 10_000])
def test_a_group_keeps_its_largest_weights_for_or_against(exact_below: int) -> None:
    # Who is in one of a pair is seldom in the other: the largest weights speak against.
    chance = np.random.default_rng(0)
    inside = chance.random((400, 12)) < 0.5
    other = inside ^ (chance.random((400, 12)) < 0.9)
    matrix = sparse.csr_array(np.concatenate([inside, other], axis=1).astype(np.float32))
    whole, kept = dense(ease(matrix, exact_below)), ease(matrix, exact_below, kept=5)
    assert whole.min() < -abs(whole.max())
    assert kept.counts().tolist() == [5] * 24
    for group in range(24):
        targets, weights = kept.of_row(group)
        largest = np.sort(np.argsort(-np.abs(whole[group]), kind="stable")[:5])
        assert targets.tolist() == largest.tolist()
        assert weights == pytest.approx(whole[group, targets], abs=1e-7)


def test_the_sparse_form_costs_what_it_keeps_and_not_the_square_of_the_groups() -> None:
    matrix = circles(4_000, 4_000, 8)
    tracemalloc.start()
    links = ease(matrix, SPARSE)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(links.targets) <= 4_000 * 8
    assert peak < 4_000 * 4_000 * 8 / 10, "a tenth of one whole matrix"


@pytest.mark.parametrize("exact_below", [SPARSE, 10_000])
@pytest.mark.parametrize(
    "matrix",
    [
        sparse.csr_array((5, 3), dtype=np.float32),
        joined((0,), (0,), groups=1),
        joined((0,), (1,), groups=3),
    ],
    ids=["nobody anywhere", "one group", "nothing shared"],
)
def test_where_nothing_is_shared_nothing_speaks_for_anything(
    matrix: sparse.csr_array, exact_below: int
) -> None:
    links = ease(matrix, exact_below)
    assert len(links) == matrix.shape[1]
    assert len(links.targets) == 0
