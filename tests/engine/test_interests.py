"""One person's texts -> their interests."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist

from engine.interests import LIMIT, find_interests
from engine.types import Matrix


def unit(rows: list[list[float]]) -> Matrix:
    vectors = np.array(rows, np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def test_someone_into_two_things_has_two_interests_with_their_shares() -> None:
    # Two texts about x, weighing 1 and 2; three about y, weighing 3 each: shares 9/12 and 3/12.
    vectors = unit([[1, 0.1, 0], [0.1, 1, 0], [1, -0.1, 0], [0, 1, 0], [-0.1, 1, 0]])
    found = find_interests(vectors, np.array([1.0, 3.0, 2.0, 3.0, 3.0]))
    assert found.weights.tolist() == pytest.approx([0.75, 0.25])
    assert found.labels.tolist() == [1, 0, 1, 0, 0]
    assert found.vectors[0] @ np.array([0, 1, 0]) > 0.99
    # (1 * (1, .1) + 2 * (1, -.1)) / |.| leans a thirtieth below x.
    assert found.vectors[1] == pytest.approx([1, -1 / 30, 0], abs=1e-3)


def test_texts_about_one_thing_stay_one_interest() -> None:
    found = find_interests(unit([[1, 0.5], [1, -0.5], [1, 0]]), np.ones(3))
    assert found.labels.tolist() == [0, 0, 0]
    assert found.weights.tolist() == [1.0]
    assert found.vectors[0] == pytest.approx([1, 0], abs=1e-6)


def test_interests_of_equal_weight_keep_the_order_of_their_texts() -> None:
    found = find_interests(unit([[0, 0, 1], [1, 0, 0], [0, 1, 0]]), np.ones(3))
    assert found.labels.tolist() == [0, 1, 2]
    assert np.array_equal(found.vectors, np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]]))


def test_the_lightest_interests_beyond_the_limit_are_left_out_and_shares_still_sum_to_one() -> None:
    found = find_interests(np.eye(4, dtype=np.float32), np.array([1.0, 4.0, 3.0, 2.0]), limit=2)
    assert found.labels.tolist() == [-1, 0, 1, -1]
    assert found.weights.tolist() == pytest.approx([4 / 7, 3 / 7])


def test_nobody_has_more_than_a_handful_of_interests() -> None:
    assert len(find_interests(np.eye(9, dtype=np.float32), np.ones(9)).weights) == LIMIT


def test_who_wrote_nothing_has_no_interests() -> None:
    found = find_interests(np.zeros((0, 4), np.float32), np.zeros(0))
    assert found.vectors.shape == (0, 4)
    assert found.weights.shape == found.labels.shape == (0,)


@pytest.mark.parametrize("lean", [0.0, 0.3, 0.7, 1.5])
def test_two_texts_are_told_apart_as_any_number_is(lean: float) -> None:
    two, weights = unit([[1, 0, 0], [1, lean, 0]]), np.array([1.0, 2.0])
    found = find_interests(two, weights)
    # A third text that weighs next to nothing and lies where the first does changes nothing else.
    third = find_interests(np.concatenate([two, two[:1]]), np.array([1.0, 2.0, 1e-9]))
    assert found.labels.tolist() == third.labels[:2].tolist()
    assert found.vectors == pytest.approx(third.vectors, abs=1e-6)
    assert found.weights == pytest.approx(third.weights, abs=1e-6)


def test_one_text_is_one_interest() -> None:
    only = unit([[3, 4]])
    found = find_interests(only, np.array([0.01]))
    assert np.array_equal(found.vectors, only)
    assert (found.weights.tolist(), found.labels.tolist()) == ([1.0], [0])


def test_the_same_text_many_times_is_one_interest() -> None:
    same = unit([[0.3, 0.1, 0.7]] * 20)
    found = find_interests(same, np.ones(20))
    assert found.vectors == pytest.approx(same[:1], abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_interests_are_unit_vectors_with_ordered_shares_and_come_out_the_same_again(
    seed: int, count: int
) -> None:
    chance = np.random.default_rng(seed)
    vectors = unit(chance.normal(size=(count, 6)).tolist())
    weights = chance.uniform(0.1, 3, count)
    found, again = (find_interests(vectors, weights) for _ in range(2))
    assert np.array_equal(found.vectors, again.vectors)
    assert np.array_equal(found.weights, again.weights)
    assert np.abs(np.linalg.norm(found.vectors, axis=1) - 1).max() < 1e-5
    assert found.weights.sum() == pytest.approx(1, abs=1e-5)
    assert (np.diff(found.weights) <= 0).all()
    inside = np.bincount(found.labels[found.labels >= 0], weights[found.labels >= 0])
    assert found.weights == pytest.approx(inside / inside.sum(), abs=1e-5)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 30))
def test_texts_are_together_as_a_published_implementation_has_it(seed: int, count: int) -> None:
    chance = np.random.default_rng(seed)
    vectors = unit((chance.normal(size=(count, 6)) + 1).tolist())
    tree = linkage(pdist(vectors.astype(np.float64), "cosine"), method="average")
    theirs = fcluster(tree, t=0.4, criterion="distance")
    ours = find_interests(vectors, np.ones(count), limit=count, apart=0.4).labels
    assert len(set(zip(theirs.tolist(), ours.tolist(), strict=True))) == theirs.max()
    assert ours.max() + 1 == theirs.max()
