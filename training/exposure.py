"""How often each member would be shown, and the price of showing them once more.

Everybody's slate is asked for (a sample's where there are many). The first places go to who fits
best; of the others (`engine.fairness`) everybody is to have a share. Whoever is shown less than
that gets a bonus, a price below 0, and whoever is shown more than `MOST` times the mean a price;
the rounds after that see it taken off how well they fit, until hardly anybody is outside those
bounds. How many places may be shared out is a matter of what it costs: see `cheapest`.

Source: dual ascent on bounds for every candidate, as auctions assign scarce goods: Bertsekas 1988;
Biswas et al. 2021 bound the exposure of either side in reciprocal recommendation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from engine.fairness import chances, settled_places
from engine.pipeline import Pipeline
from engine.query import query_of_member
from engine.snapshot import Snapshot
from engine.types import Matrix, Rows, Vector
from training.progress import SILENT, Progress

PLACES = 10
"""Places of a slate."""

SIMULATED = 2_000
"""Members whose slates are asked for."""

DEPTH = 100
"""Places of each pool that are looked at: a price can bring up nobody from further below."""

ROUNDS = 120
"""Times that prices are set anew."""

STEP = 0.03
"""How fast they move when somebody is shown twice or half as often as they may be, as a share of
what usually lies between the first shared place and the twentieth."""

BACK = 0.3
"""How many such steps a price goes back to 0 in a round without need for it."""

BONUS = 2.0
"""Times what the tenth place's chance usually is that a bonus may be: who fits nobody is not
shown for that."""

MOST = 6.0
"""Times the mean that anybody is to be shown."""

EVENLY = 0.8
"""Share of the shared places that are to go round alike, at least."""

SETTLED = (0.3, 0.5, 0.7, 0.8, 0.9)
"""Shares of the places that go to who fits best, the fairest first."""

COST = 0.03
"""Share of the NDCG that sharing out may cost, with one standard error of what it is found to."""


@dataclass(frozen=True, slots=True)
class Slates:
    """The first places of many pools, without prices.

    Attributes:
        rows: Candidates, best first, -1 where there are no more: int64 of shape (v, `DEPTH`).
        fits: How likely each is the one whom the viewer meets: float32 of that shape.
        eligible: How many members may be shown at all.
    """

    rows: NDArray[np.int64]
    fits: Matrix
    eligible: int

    def shown(self, prices: Vector, settled: int) -> Vector:
        """Return how often each member is on a slate at these prices: shape (members,).

        Args:
            prices: Of each member.
            settled: Places that go to who fits best.
        """
        first, rest = self.rows[:, :settled], self.rows[:, settled:]
        worth = np.where(rest >= 0, self.fits[:, settled:] - prices[rest], -np.inf)
        best = np.argpartition(-worth, PLACES - settled - 1, axis=1)[:, : PLACES - settled]
        chosen = np.concatenate([first, np.take_along_axis(rest, best, axis=1)], axis=1)
        return np.bincount(chosen[chosen >= 0], minlength=len(prices)).astype(np.float32)


def slates_of(
    pipeline: Pipeline, snapshot: Snapshot, viewers: Rows, progress: Progress = SILENT
) -> Slates:
    """Return the first places of these members' pools.

    Args:
        pipeline: Without prices.
        snapshot: The community.
        viewers: Who may be asked: a sample of them is where they are many.
        progress: Told of every one.
    """
    rng = np.random.default_rng(0)
    asked = rng.permutation(viewers)[:SIMULATED]
    rows = np.full((len(asked), DEPTH), -1, np.int64)
    fits = np.zeros((len(asked), DEPTH), np.float32)
    with threadpool_limits(1), progress.task("exposure of people", len(asked)) as advance:
        for line, member in enumerate(asked.tolist()):
            query = query_of_member(snapshot, member)
            pool = pipeline.measured(query)
            found = pipeline.scorer.score(query, pool)
            best = np.lexsort((pool.rows, -found))[:DEPTH]
            rows[line, : len(best)] = pool.rows[best]
            fits[line, : len(best)] = chances(found)[best]
            advance(1)
    return Slates(rows, fits, len(viewers))


def prices_of(slates: Slates, members: int, settled: int) -> Vector:
    """Return prices at which hardly anybody is shown too much or too little: (members,).

    Args:
        slates: Without prices.
        members: How many there are.
        settled: Places that go to who fits best. Where a share of the others is less than once in
            these slates, nobody gets a bonus.
    """
    mean = PLACES * len(slates.rows) / max(slates.eligible, 1)
    most = max(MOST * mean, 1.0)
    least = EVENLY * mean * (PLACES - settled) / PLACES
    gap = slates.fits[:, settled] - slates.fits[:, 2 * PLACES]
    step = np.float32(STEP * max(float(np.median(gap)), 1e-6))
    largest = np.float32(BONUS * float(np.median(slates.fits[:, PLACES - 1])))
    prices, total = np.zeros(members, np.float32), np.zeros(members, np.float64)
    for turn in range(ROUNDS):
        shown = np.maximum(slates.shown(prices, settled), 0.5)
        slope = np.log2(np.maximum(shown / most, 1))
        if least >= 1:
            slope += np.log2(np.minimum(shown / least, 1))
        home = -np.sign(prices) * np.minimum(np.abs(prices) / step, BACK)
        prices = (prices + step * np.where(slope == 0, home, slope)).astype(np.float32)
        prices = np.maximum(prices, -largest)
        if turn >= ROUNDS // 2:  # the mean of the later rounds: they go on swinging a little
            total += prices
    return (total / (ROUNDS - ROUNDS // 2)).astype(np.float32)


Judge = Callable[[Vector, int], NDArray[np.float64]]
"""Prices and how many places are settled -> the NDCG of each viewer."""


def cheapest(slates: Slates, members: int, ndcg: Judge) -> tuple[float, dict[str, float]]:
    """Return the smallest share of settled places that costs little, 1 if none does.

    Args:
        slates: Of an earlier moment.
        members: How many there are.
        ndcg: Judges by that moment's examples.

    Returns:
        The share, and the mean NDCG without prices (`none`) and at each share that was tried.
    """
    free = ndcg(np.zeros(members, np.float32), PLACES)
    figures = {"none": float(free.mean())}
    for settled in SETTLED:
        first = settled_places(PLACES, settled)
        lost = free - ndcg(prices_of(slates, members, first), first)
        figures[f"{settled:g}"] = figures["none"] - float(lost.mean())
        error = float(lost.std() / np.sqrt(max(len(lost), 1)))
        if float(lost.mean()) + error <= COST * figures["none"]:
            return settled, figures
    return 1.0, figures
