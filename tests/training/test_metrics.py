"""The figures, worked by hand or by another library."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from training.metrics import (
    coverage,
    gini,
    mean_with_interval,
    ndcg_at_k,
    ratio_with_interval,
    recall_at_k,
    reciprocal_rank,
)


def rows(*numbers: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(numbers, dtype=np.int64)


def worth(*numbers: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.array(numbers, dtype=np.float32)


def test_ndcg_is_what_it_is_by_hand() -> None:
    # Places 1 and 3 right, three right in all: (1 + 1/2) / (1 + 1/log2(3) + 1/2)
    got = ndcg_at_k(rows(4, 9, 5), rows(4, 5, 6), worth(1, 1, 1), k=10)
    assert got == pytest.approx(1.5 / (1.5 + 1 / np.log2(3)))
    # Graded: 1 first, then 3: (1 + 3/log2(3)) / (3 + 1/log2(3))
    got = ndcg_at_k(rows(4, 5), rows(4, 5), worth(1, 3), k=10)
    assert got == pytest.approx((1 + 3 / np.log2(3)) / (3 + 1 / np.log2(3)))


def test_ndcg_looks_at_k_places_only() -> None:
    assert ndcg_at_k(rows(9, 8, 4), rows(4), worth(1), k=2) == 0.0
    assert ndcg_at_k(rows(4, 5), rows(4, 5, 6), worth(1, 1, 1), k=2) == 1.0
    assert ndcg_at_k(rows(), rows(4), worth(1), k=10) == 0.0
    assert ndcg_at_k(rows(-1, -1), rows(4), worth(1), k=10) == 0.0


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 30), st.integers(1, 12))
def test_ndcg_agrees_with_scikit_learn(seed: int, size: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    order = rng.permutation(size)
    gains = rng.choice([0, 0, 1, 3], size).astype(np.float32)
    gains[rng.integers(size)] = 1  # something is right
    scores = np.empty(size)
    scores[order] = np.arange(size, 0, -1)
    right = np.flatnonzero(gains)
    expected = ndcg_score(gains[None, :], scores[None, :], k=k)
    assert ndcg_at_k(order[:k], right, gains[right], k) == pytest.approx(expected, abs=1e-6)


def test_recall_counts_what_was_found_of_what_was_right() -> None:
    assert recall_at_k(rows(1, 2, 3), rows(3, 4, 5, 1), k=3) == 0.5
    assert recall_at_k(rows(1, 2, 3), rows(3), k=2) == 0.0
    assert recall_at_k(rows(-1, -1), rows(3), k=2) == 0.0


def test_reciprocal_rank_is_that_of_the_first_right_row() -> None:
    assert reciprocal_rank(rows(1, 2, 3), rows(3, 2), k=3) == 0.5
    assert reciprocal_rank(rows(1, 2, 3), rows(3), k=2) == 0.0


def test_coverage_is_of_all_that_could_be_shown() -> None:
    assert coverage(rows(0, 0, 7), eligible=8) == 0.25
    assert coverage(rows(), eligible=8) == 0.0
    assert coverage(rows(), eligible=0) == 0.0


def test_gini_is_what_it_is_by_hand() -> None:
    # Shown 3, 1, 0, 0 times. Mean difference of all pairs: |x_i - x_j| sums to
    # 2 * (2 + 3 + 3 + 1 + 1 + 0) = 20; 20 / (2 * 4 * 4) = 0.625.
    assert gini(rows(5, 5, 5, 6), eligible=4) == pytest.approx(0.625)
    assert gini(rows(), eligible=4) == 0.0


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=6, max_size=6).filter(any))
def test_gini_is_the_mean_difference(counts: list[int]) -> None:
    shown = np.repeat(np.arange(6), counts)
    pairs = np.abs(np.subtract.outer(counts, counts)).sum()
    assert gini(shown, 6) == pytest.approx(pairs / (2 * 6 * sum(counts)))


def test_an_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(100):
        figure = mean_with_interval(rng.random(80))
        covered += figure.low <= 0.5 <= figure.high
    assert 88 <= covered <= 99  # 95 expected, standard deviation 2.2


def test_an_interval_is_as_wide_as_theory_says() -> None:
    values = np.random.default_rng(0).normal(10, 2, 400)
    figure = mean_with_interval(values)
    # 1.96 * 2 / sqrt(400) = 0.196 on either side
    assert figure.value == pytest.approx(values.mean())
    assert figure.high - figure.low == pytest.approx(2 * 0.196, rel=0.15)
    assert figure.count == 400


def test_a_figure_of_nobody_is_not_a_number() -> None:
    figure = mean_with_interval(np.zeros(0))
    assert np.isnan([figure.value, figure.low, figure.high]).all()
    assert figure.count == 0


def test_a_ratio_is_of_means_and_its_interval_is_paired() -> None:
    theirs = np.random.default_rng(0).random(50)
    figure = ratio_with_interval(2 * theirs, theirs)
    # Whoever is drawn is drawn for both, so the ratio is always 2.
    assert (figure.value, figure.low, figure.high) == pytest.approx((2, 2, 2))


def test_a_ratio_to_nothing_is_not_a_number() -> None:
    figure = ratio_with_interval(np.array([1.0, 0.0]), np.zeros(2))
    assert np.isnan(figure.value)
    assert ratio_with_interval(np.zeros(0), np.zeros(0)).count == 0


def test_a_ratio_to_almost_nothing_has_no_upper_end() -> None:
    theirs = np.zeros(20)
    theirs[0] = 1  # missing from a third of the samples
    figure = ratio_with_interval(np.ones(20), theirs)
    assert figure.value == 20
    assert not np.isfinite(figure.high)
