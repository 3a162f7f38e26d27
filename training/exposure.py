"""How often each member would be shown, and the price of showing them once more.

Everybody's slate is asked for (a sample's where there are many). Who is shown more than `MOST`
times the mean gets a price, who is shown less than a floor a bonus, a price below 0; the rounds
after that see it taken off the chance that the viewer meets them, until hardly anybody is outside
those bounds. A bonus as small as the chances that lie around the tenth place is enough to be seen:
that costs far less than a price which keeps the popular out. How high the floor may be is a matter
of what it costs: see `bounded`.

Source: dual ascent on bounds for every candidate, as auctions assign scarce goods: Bertsekas 1988;
Biswas et al. 2021 bound the exposure of either side in reciprocal recommendation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from engine.pipeline import Pipeline
from engine.query import query_of_member
from engine.reciprocal import chances
from engine.snapshot import Snapshot
from engine.types import Matrix, Rows, Vector
from training.progress import SILENT, Progress

SIMULATED = 2_000
"""Members whose slates are asked for."""

DEPTH = 100
"""Places of each pool that are looked at: a price can bring up nobody from further below."""

PLACES = 10
"""Places of a slate."""

ROUNDS = 120
"""Times that prices are set anew."""

STEP = 0.03
"""How fast they move when somebody is shown twice or half as often as they may be, as a share of
what usually lies between the best candidate and the twentieth."""

BACK = 0.3
"""How many such steps a price goes back to 0 in a round without need for it."""

BONUS = 2.0
"""Times what the tenth place's chance usually is that a bonus may be: who fits nobody is not
shown for that."""

MOST = 6.0
"""Times the mean that anybody is to be shown."""

FLOORS = (0.6, 0.4, 0.2)
"""Times the mean that everybody is to be shown at least, the fairest first."""

COST = 0.02
"""Share of the NDCG that it may cost, beyond what may be chance."""


@dataclass(frozen=True, slots=True)
class Slates:
    """The first places of many pools, without prices.

    Attributes:
        rows: Candidates, best first, -1 where there are no more: int64 of shape (v, `DEPTH`).
        chances: How likely each is the one whom the viewer meets: float32 of that shape.
        eligible: How many members may be shown at all.
    """

    rows: NDArray[np.int64]
    chances: Matrix
    eligible: int

    def shown(self, prices: Vector) -> Vector:
        """Return how often each member is on a slate at these prices: shape (members,)."""
        priced = np.where(self.rows >= 0, self.chances - prices[self.rows], -np.inf)
        best = np.argpartition(-priced, PLACES - 1, axis=1)[:, :PLACES]
        chosen = np.take_along_axis(self.rows, best, axis=1)
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
    likely = np.zeros((len(asked), DEPTH), np.float32)
    with threadpool_limits(1), progress.task("exposure of people", len(asked)) as advance:
        for line, member in enumerate(asked.tolist()):
            query = query_of_member(snapshot, member)
            pool = pipeline.measured(query)
            found = pipeline.scorer.score(query, pool)
            best = np.lexsort((pool.rows, -found))[:DEPTH]
            rows[line, : len(best)] = pool.rows[best]
            likely[line, : len(best)] = chances(found)[best]
            advance(1)
    return Slates(rows, likely, len(viewers))


def prices_of(slates: Slates, members: int, floor: float) -> Vector:
    """Return prices at which hardly anybody is shown too much or too little: (members,).

    Args:
        slates: Without prices.
        members: How many there are.
        floor: Times the mean that everybody is to be shown at least. Where that is less than
            once in these slates, nobody gets a bonus.
    """
    mean = PLACES * len(slates.rows) / max(slates.eligible, 1)
    most = max(MOST * mean, 1.0)
    least = floor * mean if floor * mean >= 1 else 0.0
    gap = slates.chances[:, 0] - slates.chances[:, 2 * PLACES]
    step = np.float32(STEP * max(float(np.median(gap)), 1e-6))
    largest = np.float32(BONUS * float(np.median(slates.chances[:, PLACES - 1])))
    prices, total = np.zeros(members, np.float32), np.zeros(members, np.float64)
    for turn in range(ROUNDS):
        shown = np.maximum(slates.shown(prices), 0.5)
        slope = np.log2(np.maximum(shown / most, 1))
        if least:
            slope += np.log2(np.minimum(shown / least, 1))
        home = -np.sign(prices) * np.minimum(np.abs(prices) / step, BACK)
        prices = (prices + step * np.where(slope == 0, home, slope)).astype(np.float32)
        prices = np.maximum(prices, -largest)
        if turn >= ROUNDS // 2:  # the mean of the later rounds: they go on swinging a little
            total += prices
    return (total / (ROUNDS - ROUNDS // 2)).astype(np.float32)


def bounded(
    slates: Slates, members: int, ndcg: Callable[[Vector], NDArray[np.float64]]
) -> tuple[float | None, dict[str, float]]:
    """Return the highest floor that costs little, None if none does, and the NDCG at each.

    Args:
        slates: Of an earlier moment.
        members: How many there are.
        ndcg: The NDCG of each viewer of that moment's examples at given prices.
    """
    free = ndcg(np.zeros(members, np.float32))
    figures = {"none": float(free.mean())}
    for floor in FLOORS:
        priced = ndcg(prices_of(slates, members, floor))
        figures[f"{floor:g}"] = float(priced.mean())
        error = float((free - priced).std() / np.sqrt(max(len(free), 1)))
        if float((free - priced).mean()) - error <= COST * figures["none"]:
            return floor, figures
    return None, figures
