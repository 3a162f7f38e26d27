"""What a slate holds, and what it is worth: the usual figures, as others compute them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import ndcg_score, recall_score

from benchmarks.resampling import Draws
from benchmarks.slates import NOTHING, PLACES, Right, best, masked, values_of
from benchmarks.spread import spread
from engine.columns import Links
from training.metrics import coverage, gini

GROUPS = 30


def random_right(rng: np.random.Generator, viewers: int) -> Right:
    """Return one to twelve right groups for each viewer, all judged, gains 1 or 3."""
    amounts = rng.integers(1, 13, viewers)
    groups = [np.sort(rng.permutation(GROUPS)[:amount]) for amount in amounts]
    lines = np.repeat(np.arange(viewers), amounts)
    gains = rng.choice([1.0, 3.0], len(lines)).astype(np.float32)
    return Right(viewers, lines, np.concatenate(groups), gains, np.ones(len(lines), bool))


def test_equal_scores_are_ordered_by_row_and_what_may_not_be_offered_is_not_shown() -> None:
    there = Links.of(2, np.array([1]), np.array([0]))  # member 1 is in group 0
    offered = np.array([True, True, False, True])
    scores = np.array([[0.5, 0.5, 9, 0.7], [9, 0.1, 9, np.nan]], np.float32)

    slates = best(masked(scores, np.array([-1, 1]), there, offered), places=3)

    assert slates.tolist() == [[3, 0, 1], [1, NOTHING, NOTHING]]


def test_slates_are_those_of_a_stable_sort() -> None:
    scores = np.random.default_rng(0).integers(0, 9, (200, GROUPS)).astype(np.float32)

    assert np.array_equal(best(scores), np.argsort(-scores, axis=1, kind="stable")[:, :PLACES])


def test_ndcg_and_recall_are_scikit_learns() -> None:
    rng = np.random.default_rng(1)
    right, scores = random_right(rng, 40), rng.random((40, GROUPS)).astype(np.float32)
    slates = best(scores)
    gains = np.zeros((40, GROUPS))
    gains[right.lines, right.groups] = right.gains
    shown = np.zeros((40, GROUPS), bool)
    shown[np.arange(40)[:, None], slates] = True

    values = values_of(slates, right, GROUPS)

    assert values["ndcg_at_10"].mean() == pytest.approx(ndcg_score(gains > 0, scores, k=PLACES))
    assert values["belonging_ndcg_at_10"].mean() == pytest.approx(
        ndcg_score(gains, scores, k=PLACES)
    )
    assert values["recall_at_10"].mean() == pytest.approx(
        recall_score(gains > 0, shown, average="samples")
    )


def test_only_judged_joins_count_for_belonging() -> None:
    # The first place is right but cannot be judged; the third is judged and lasts.
    right = Right(1, np.zeros(2, np.int64), np.array([4, 7]), np.array([1, 3], np.float32),
                  np.array([False, True]))  # fmt: skip

    values = values_of(np.array([[4, 1, 7, *[NOTHING] * 7]]), right, GROUPS)

    assert values["belonging_ndcg_at_10"].tolist() == [0.5]  # 1 / log2(4)
    assert values["recall_at_10"].tolist() == [1.0]


def test_a_viewer_for_whom_nothing_was_right_has_no_value() -> None:
    nothing = np.zeros(0, np.int64)
    right = Right(1, nothing, nothing, np.zeros(0, np.float32), np.zeros(0, bool))

    values = values_of(np.full((1, PLACES), 3), right, GROUPS)

    assert np.isnan(values["ndcg_at_10"]).all()


def test_exposure_is_that_of_the_plain_definitions() -> None:
    rng = np.random.default_rng(2)
    slates = best(rng.random((50, GROUPS)).astype(np.float32) ** 3)
    sizes = rng.integers(0, 90, GROUPS).astype(np.float32)

    measured = [one for one, _ in spread(slates, sizes, GROUPS, Draws(np.arange(50)))]

    rows = slates.ravel()
    plain = [coverage(rows, GROUPS), gini(rows, GROUPS), float(np.median(sizes[rows]))]
    assert measured == pytest.approx(plain)
