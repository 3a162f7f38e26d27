"""Which places of a slate of people go to who fits best, and which are shared out.

The first places decide whether anybody meets: they go to who fits best, however popular. Of those
after them many fit nearly alike, and there it costs little to show somebody whom hardly anybody
would see.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import ClassVar

import numpy as np

from engine.acquaintance import values_at
from engine.pool import Pool, best_first
from engine.query import Query
from engine.types import Rows, Vector

AMONG = 100
"""The best so many candidates share the chance of being the one whom the viewer meets, and of them
only may one be lifted: who fits nobody is not shown for that."""


@dataclass(frozen=True, slots=True)
class SharedOut:
    """Fills the first places with who fits best, the others by fit less a price.

    Attributes:
        prices: What it costs to show each member once more, as a chance; below 0 for those hardly
            anybody would see, 0 for rows beyond the last, and none for no prices.
        settled: Share of the places, in (0, 1], that go to who fits best.
    """

    prices: Vector
    settled: float = 1.0
    name: ClassVar[str] = "shared_out"

    def select(self, query: Query, pool: Pool, scores: Vector, k: int) -> Rows:
        """Return the positions of at most k candidates, best first."""
        if not len(self.prices):
            return best_first(pool.rows, scores)[:k]
        paid = values_at(self.prices, pool.rows)
        return shared_out(pool.rows, scores, paid, settled_places(k, self.settled))[:k]


def settled_places(k: int, settled: float) -> int:
    """Return how many of k places go to who fits best: one at least.

    >>> [settled_places(k, 0.7) for k in (10, 5, 1)]
    [7, 4, 1]
    """
    return ceil(round(k * settled, 6))


def shared_out(rows: Rows, scores: Vector, prices: Vector, first: int) -> Rows:
    """Return the positions of all candidates: the first by score, the others by fit less price.

    Args:
        rows: Their rows, by which equals are ordered: int64 of shape (n,).
        scores: Log-odds, shape (n,).
        prices: What it costs to show each, shape (n,).
        first: Places that go to who fits best.
    """
    order = best_first(rows, scores)
    rest = order[first:]
    left = np.zeros(len(rows), bool)
    left[order[:AMONG]] = True
    # A bonus is for those who nearly fit; a price is for everybody.
    paid = np.where(left, prices, np.maximum(prices, 0))
    worth = (chances(scores) - paid).astype(np.float32)
    return np.concatenate([order[:first], rest[best_first(rows[rest], worth[rest])]])


def chances(scores: Vector) -> Vector:
    """Return how likely each candidate is the one, by log-odds, among the best `AMONG`.

    >>> chances(np.log(np.array([1, 3], np.float32))).round(3).tolist()
    [0.25, 0.75]
    """
    if not len(scores):
        return scores
    odds = np.exp(scores - scores.max())
    best = odds if len(odds) <= AMONG else np.partition(odds, len(odds) - AMONG)[-AMONG:]
    likely: Vector = (odds / best.sum()).astype(np.float32)
    return likely
