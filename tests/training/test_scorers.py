"""Fitting what scores, and how well an order does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.ranker import Weigher, WeightedSum
from engine.types import Vector
from training.examples import Examples
from training.scorers import (
    HARD,
    blend,
    fit_boosted,
    fit_linear,
    ndcg_of,
    sampled,
    score_all,
    standing,
)

NAMES = ("right", "noise", "wrong")


def drawn(viewers: int, candidates: int = 80, seed: int = 0) -> Examples:
    """Return viewers who each join two, rather those of high `right` and low `wrong`."""
    chance = np.random.default_rng(seed)
    values = chance.normal(size=(viewers, candidates, 3)).astype(np.float32)
    wish = 2 * values[:, :, 0] - values[:, :, 2] + chance.gumbel(size=(viewers, candidates))
    joined = np.argsort(np.argsort(-wish, axis=1), axis=1) < 2
    size = viewers * candidates
    return Examples(
        names=NAMES,
        values=values.reshape(size, 3),
        starts=np.arange(viewers + 1) * candidates,
        rows=np.tile(np.arange(candidates), viewers),
        joined=joined.ravel(),
        lasting=np.zeros(size, bool),
        ideal=np.full(viewers, 2),
        weights=np.ones(viewers, np.float32),
        members=np.arange(viewers),
        counts=np.ones(size, np.float32),
        seen=np.ones(size, np.float32),
    )


def of_one(scores: list[float], joined: list[int], ideal: int) -> tuple[Examples, Vector]:
    size = len(scores)
    right = np.zeros(size, bool)
    right[joined] = True
    examples = Examples(
        names=(),
        values=np.zeros((size, 0), np.float32),
        starts=np.array([0, size]),
        rows=np.arange(size),
        joined=right,
        lasting=np.zeros(size, bool),
        ideal=np.array([ideal]),
        weights=np.ones(1, np.float32),
        members=np.arange(1),
        counts=np.ones(size, np.float32),
        seen=np.ones(size, np.float32),
    )
    return examples, np.array(scores, np.float32)


@pytest.mark.parametrize("kind", ["linear", "boosted", "blend"])
def test_what_is_fitted_finds_what_is_joined_better_than_the_best_column(kind: str) -> None:
    past, later = drawn(300), drawn(300, seed=1)
    liked = score_all(WeightedSum({"noise": 1.0}), past)
    linear, boosted = fit_linear(past, NAMES, liked, 1e-3), fit_boosted(past, NAMES)
    scorers: dict[str, Weigher] = {
        "linear": linear,
        "boosted": boosted,
        "blend": blend((linear, boosted), past),
    }
    best = ndcg_of(later, score_all(WeightedSum({"right": 1.0}), later)).mean()
    assert best > 0.3
    assert ndcg_of(later, score_all(scorers[kind], later)).mean() > best + 0.05


def test_a_blend_divides_each_part_by_its_spread_within_a_pool() -> None:
    examples = drawn(50)
    # One is stretched to [0, 7], the other to [0, 1]: their spreads are as seven to one.
    parts = (WeightedSum({"right": 7.0}), WeightedSum({"right": 1.0}))
    scales = blend(parts, examples).scales
    assert scales[0] / scales[1] == pytest.approx(7, rel=1e-4)
    own = score_all(parts[1], examples).reshape(50, 80)
    assert scales[1] == pytest.approx(float(np.sqrt(own.var(axis=1).mean())), rel=1e-4)


def test_a_sample_keeps_what_was_joined_and_the_hard_ones_and_drops_idle_viewers() -> None:
    examples = drawn(40, candidates=400)
    joined = examples.joined.copy()
    joined[: 10 * 400] = False
    examples = replace(examples, joined=joined)
    liked = score_all(WeightedSum({"noise": 1.0}), examples)
    fewer = sampled(examples, liked, np.random.default_rng(0))
    assert fewer.viewers == 30
    assert fewer.joined.sum() == joined.sum() == 60
    # The sixty liked best, a tenth of 340, and what was joined elsewhere: about 1.5.
    assert np.diff(fewer.starts).mean() == pytest.approx(HARD + 34 + 1.5, abs=3)
    assert set(fewer.values[:, 1]) <= set(examples.values[:, 1])


def test_places_count_from_the_best_of_each_pool_and_equals_not_by_row() -> None:
    examples = drawn(2, candidates=3)
    scores = np.array([1, 3, 2, 9, 7, 8], np.float32)
    assert standing(examples, scores).tolist() == [2, 0, 1, 0, 2, 1]
    many, same = of_one([0.0] * 100, [0], 1)
    order = standing(many, same)
    assert sorted(order.tolist()) == list(range(100))
    assert abs(np.corrcoef(order, np.arange(100))[0, 1]) < 0.3


def test_ndcg_by_hand() -> None:
    # Found at places 1 and 3 of what could be two: (1 + 1 / 2) / (1 + 1 / log2 3).
    examples, scores = of_one([9, 8, 7, 6], [0, 2], 2)
    assert ndcg_of(examples, scores)[0] == pytest.approx(1.5 / (1 + 1 / np.log2(3)))
    # One of the two was no candidate.
    examples, scores = of_one([9, 8, 7, 6], [0], 2)
    assert ndcg_of(examples, scores)[0] == pytest.approx(1 / (1 + 1 / np.log2(3)))
    # What lies below the places that count is not found.
    examples, scores = of_one([9, 8, 7, 6], [2], 1)
    assert ndcg_of(examples, scores, places=2)[0] == 0


def test_easy_candidates_are_few_and_each_stands_for_ten() -> None:
    # Fitted on a tenth of the easy ones, the scores are those of all candidates.
    past = drawn(600, candidates=400)
    liked = score_all(WeightedSum({"right": 1.0}), past)
    few = score_all(fit_linear(past, NAMES, liked, 1e-3), past).reshape(600, 400)
    whole = score_all(fit_linear(past, NAMES, liked, 1e-3, easy_share=1.0), past).reshape(600, 400)
    few, whole = few - few.mean(axis=1)[:, None], whole - whole.mean(axis=1)[:, None]
    assert np.corrcoef(few.ravel(), whole.ravel())[0, 1] > 0.99
    assert (few * whole).sum() / (whole**2).sum() == pytest.approx(1, abs=0.05)


def weights(examples: Examples, penalty: float = 1e-3) -> list[float]:
    liked = np.zeros(len(examples.rows), np.float32)
    found: list[float] = fit_linear(examples, NAMES, liked, penalty).weights.tolist()
    return found


def test_four_that_were_each_seen_one_time_in_four_weigh_as_much_as_one_seen_for_certain() -> None:
    examples = drawn(100, candidates=12)
    often = np.where(examples.joined, 1, 4)
    flat = np.repeat(np.arange(len(often)), often)
    fourfold = replace(
        examples,
        values=examples.values[flat],
        rows=examples.rows[flat],
        joined=examples.joined[flat],
        lasting=examples.lasting[flat],
        starts=np.concatenate([[0], np.cumsum(examples.sums(often).astype(np.int64))]),
        counts=np.ones(len(flat), np.float32),
        seen=np.where(examples.joined, 1, 0.25)[flat].astype(np.float32),
    )
    # Standardised by other spreads, the columns have other weights and the same slopes.
    one = fit_linear(examples, NAMES, np.zeros(1200, np.float32), 0.0)
    four = fit_linear(fourfold, NAMES, np.zeros(len(flat), np.float32), 0.0)
    slopes = [(fitted.weights / fitted.scales).tolist() for fitted in (one, four)]
    assert slopes[1] == pytest.approx(slopes[0], rel=0.02, abs=0.01)
    assert weights(replace(fourfold, seen=np.ones(len(flat), np.float32))) != weights(fourfold)


def test_what_counts_twice_is_heeded_as_with_half_the_penalty() -> None:
    examples = drawn(60, candidates=12)
    twice = replace(examples, counts=np.full(len(examples.rows), 2, np.float32))
    expected = weights(examples, 0.05)
    assert weights(twice, 0.1) == pytest.approx(expected, abs=2e-3)
    assert weights(examples, 0.1) != pytest.approx(expected, abs=2e-3)


def test_what_counts_for_nothing_is_neither_aimed_at_nor_compared_with() -> None:
    examples = drawn(60, candidates=12)
    out = ~examples.joined & (np.random.default_rng(0).random(len(examples.rows)) < 0.3)
    without = replace(examples, counts=(~out).astype(np.float32))
    # How likely it was seen does not matter any more.
    unseen = replace(without, seen=np.where(out, 0.5, 1).astype(np.float32))
    assert weights(without) == weights(unseen)
    assert weights(without) != weights(examples)
    kept = sampled(
        without, score_all(WeightedSum({"noise": 1.0}), without), np.random.default_rng(0)
    )
    assert len(kept.rows) == int((~out).sum())
