"""The first places go to who fits best, and of the others everybody has a share."""

from __future__ import annotations

import numpy as np
import pytest

from engine.fairness import AMONG, SharedOut, settled_places, shared_out
from engine.pool import Pool
from engine.query import NOBODY_ASKS

ROWS = np.arange(20)
FALLING = np.linspace(1.0, 0.0, 20, dtype=np.float32)


def chosen(prices: np.ndarray, settled: float = 0.5, k: int = 10) -> list[int]:
    fair = SharedOut(prices.astype(np.float32), settled)
    return [*map(int, fair.select(NOBODY_ASKS, Pool(ROWS), FALLING, k))]


def dear(*members: int, price: float = 1.0) -> np.ndarray:
    return np.isin(ROWS, members) * price


def test_whoever_fits_best_stays_however_dear_and_later_places_go_to_others() -> None:
    assert chosen(dear(0, 7)) == [0, 1, 2, 3, 4, 5, 6, 8, 9, 10]


def test_whom_hardly_anybody_would_see_comes_before_those_who_fit_a_little_better() -> None:
    assert chosen(dear(15, price=-0.9)) == [0, 1, 2, 3, 4, 15, 5, 6, 7, 8]


def test_without_prices_and_where_all_is_settled_the_order_is_by_fit() -> None:
    best = list(range(10))
    assert chosen(np.zeros(0)) == best
    assert chosen(dear(0, 7), settled=1.0) == best


def test_who_came_after_the_training_has_no_price() -> None:
    assert chosen(dear(8)[:10]) == [0, 1, 2, 3, 4, 5, 6, 7, 9, 10]


def test_a_bonus_lifts_nobody_from_outside_the_best_and_a_price_lowers_anybody() -> None:
    rows = np.arange(AMONG + 2)
    scores = np.linspace(1, 0.9, len(rows), dtype=np.float32)
    bonus = np.where(rows >= AMONG - 1, -1.0, 0.0).astype(np.float32)
    order = shared_out(rows, scores, bonus, first=2).tolist()
    assert order[:4] == [0, 1, AMONG - 1, 2]
    assert order[-2:] == [AMONG, AMONG + 1]
    assert shared_out(rows, scores, (-bonus).astype(np.float32), 2)[-1] == AMONG + 1


def test_everybody_is_placed_once() -> None:
    chance = np.random.default_rng(1)
    for people in (0, 1, 3, 250):
        scores, prices = (chance.normal(size=people).astype(np.float32) for _ in range(2))
        order = shared_out(np.arange(people), scores, prices, first=4)
        assert sorted(order.tolist()) == list(range(people))


def test_one_place_is_never_shared_out() -> None:
    assert [settled_places(k, 0.5) for k in (1, 2, 3, 10)] == [1, 1, 2, 5]


def test_scores_that_lie_far_apart_are_still_numbers() -> None:
    scores = np.array([40.0, 0.0, -40.0] * 10, np.float32)
    with np.errstate(all="raise", under="ignore"):
        order = shared_out(np.arange(30), scores, np.zeros(30, np.float32), 3)
    assert order.tolist()[:3] == [0, 3, 6]
    assert scores[order].tolist() == pytest.approx(sorted(scores.tolist(), reverse=True))
