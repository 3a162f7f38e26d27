"""Which of the scored candidates become the slate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.columns import Profiles
from engine.pool import Pool, best_first
from engine.preferences import Preferences
from engine.query import Query
from engine.types import BoolVector, Matrix, Rows, Vector

SHORTLIST = 40
"""Candidates beyond the slate's length that a balanced slate is chosen from."""

EXPLORED_AMONG = 3
"""Seldom-shown candidates that a place is given to by chance."""

DISTINCT = 0.9
"""Cosine of topics from which one group begins to be a copy of another."""


@dataclass(frozen=True, slots=True)
class TopK:
    """The k highest scores; equal scores by row."""

    name: ClassVar[str] = "top_k"

    def select(self, query: Query, pool: Pool, scores: Vector, k: int) -> Rows:
        """Return the positions of the k best, best first."""
        return best_first(pool.rows, scores)[:k]


@dataclass(frozen=True, slots=True)
class Balanced:
    """A slate that is small-minded in the best sense: near, mixed like the viewer, nobody left out.

    Four adjustments to the order of scores, each bounded, each off at 0: large groups fall back
    (intimacy); places are filled one by one, each by what keeps the slate's mix of interests near
    the viewer's own and is no copy of what is there (variety); the last places are kept for the
    groups nobody has joined yet that fit best (new groups); and now and then the place before
    them goes to a group that fits and is seldom shown (exploration).

    Source: Steck 2018, "Calibrated Recommendations", for the mix of interests; we use the
    shortfall from each interest's share in place of the Kullback-Leibler divergence.

    Attributes:
        sizes: Members of each group: float32 of shape (groups,).
        topics: Unit vectors of shape (groups, d).
        prototypes: What each group is about.
        seldom: Groups that are alive and seldom shown: bool of shape (groups,).
        fresh: Groups nobody has joined yet: bool of shape (groups,).
        preferences: What the operator chose.
    """

    sizes: Vector
    topics: Matrix
    prototypes: Profiles
    seldom: BoolVector
    fresh: BoolVector
    preferences: Preferences
    name: ClassVar[str] = "balanced"

    def select(self, query: Query, pool: Pool, scores: Vector, k: int) -> Rows:
        """Return the positions of at most k candidates, best first."""
        return self._explored(query, pool, *self._settled(query, pool, scores, k))

    def odds(self, query: Query, pool: Pool, scores: Vector, chosen: Rows) -> Vector:
        """Return the probability with which each of the chosen was served.

        It is 1 but for a place that was given away to explore: that one has the share of viewers
        who explore, divided among the groups it might have gone to.
        """
        odds = np.ones(len(chosen), np.float32)
        if query.draw < self.preferences.exploration and len(chosen):
            order, settled, kept = self._settled(query, pool, scores, len(chosen))
            found = self._to_explore(pool, order, settled)
            place = len(settled) - kept - 1
            if place >= 1 and len(found):
                odds[place] = self.preferences.exploration / min(EXPLORED_AMONG, len(found))
        return odds

    def _settled(self, query: Query, pool: Pool, scores: Vector, k: int) -> tuple[Rows, Rows, int]:
        """Return the order of all, the slate before exploring, and its last places kept."""
        if not len(pool) or k < 1:
            return np.zeros(0, np.int64), np.zeros(0, np.int64), 0
        adjusted, spread = self._intimate(pool, scores)
        order = best_first(pool.rows, adjusted)
        short = order[: k + SHORTLIST]
        chosen = short[self._varied(query, pool.rows[short], adjusted[short] / spread, k)]
        welcomed = self._welcomed(pool, order, chosen)
        chosen = np.concatenate([chosen[~np.isin(chosen, welcomed)], welcomed])
        chosen = np.concatenate([chosen[: min(k, len(order)) - len(welcomed)], welcomed])
        return order, chosen, len(welcomed)

    def _intimate(self, pool: Pool, scores: Vector) -> tuple[Vector, float]:
        """Return scores with large groups behind, and the spread that all is measured in."""
        top = np.sort(scores)[::-1][:50]
        spread = max(float(top[0] - top[-1]), 1e-6)
        wish = self.preferences
        excess = np.log10(np.maximum(self.sizes[pool.rows] / wish.preferred_size, 1))
        return (scores - np.float32(wish.intimacy * spread) * excess).astype(np.float32), spread

    def _varied(self, query: Query, rows: Rows, scores: Vector, k: int) -> Rows:
        """Return positions in `rows`, filled place by place."""
        variety = self.preferences.variety
        if variety == 0 or len(rows) < 2:
            return np.arange(min(k, len(rows)))
        likeness = self.topics[rows] @ self.topics[rows].T
        copied = (np.maximum(likeness - DISTINCT, 0) / (1 - DISTINCT)).astype(np.float32)
        serves = self._serves(query, rows)
        wanted = query.shares * min(k, len(rows))
        served, nearest = np.zeros_like(wanted), np.zeros(len(rows), np.float32)
        left = scores.astype(np.float32).copy()
        chosen: list[int] = []
        for _ in range(min(k, len(rows))):
            # What an interest is still short of, as a share of what it is owed.
            short = np.maximum(wanted - served, 0) / np.maximum(wanted, 1e-6)
            gain = serves @ (short * query.shares)
            best = int(np.argmax(left + variety * gain - 3 * variety * nearest))
            chosen.append(best)
            left[best] = -np.inf
            served = served + serves[best]
            np.maximum(nearest, copied[best], out=nearest)
        return np.array(chosen, dtype=np.int64)

    def _serves(self, query: Query, rows: Rows) -> NDArray[np.float32]:
        """Return how each group's worth is shared among the viewer's interests, rows sum to 1."""
        if len(query.interests) < 2:
            return np.ones((len(rows), len(query.interests)), np.float32)
        match = np.maximum(self.prototypes.best_match(query.interests, rows), 0.01) ** 4
        shares: NDArray[np.float32] = match / match.sum(axis=1, keepdims=True)
        return shares

    def _welcomed(self, pool: Pool, order: Rows, chosen: Rows) -> Rows:
        """Return the new groups that fit best, as many as have a place kept for them."""
        places = len(chosen) * min(self.preferences.new_groups, 10) // 10
        fresh = self.fresh[pool.rows]
        best = order[fresh[order]][:places]
        # One that comes earlier by itself stays there.
        return best[~np.isin(best, chosen[: len(chosen) - places])]

    def _explored(self, query: Query, pool: Pool, order: Rows, chosen: Rows, kept: int) -> Rows:
        """Give one place to a seldom-shown candidate that fits, if it is this viewer's turn."""
        place = len(chosen) - kept - 1
        if query.draw >= self.preferences.exploration or place < 1:
            return chosen
        found = self._to_explore(pool, order, chosen)
        if not len(found):
            return chosen
        # Of the three that fit best, one: the same viewer is not always the one who is asked.
        share = query.draw / self.preferences.exploration
        explored = chosen.copy()
        explored[place] = found[int(share * min(EXPLORED_AMONG, len(found)))]
        return explored

    def _to_explore(self, pool: Pool, order: Rows, chosen: Rows) -> Rows:
        rest = order[~np.isin(order, chosen)]
        return rest[self.seldom[pool.rows[rest]]]
