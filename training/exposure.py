"""How often each member would be shown, and the price of showing them once more.

Everybody's slate is asked for (a sample's where there are many). The first places go to who fits
best; of the others (`engine.fairness`) everybody is to have a share. Whoever is shown less than
that gets a bonus, a price below 0, and whoever is shown more than `MOST` times the mean a price;
the rounds after that see it taken off how well they fit, until hardly anybody is outside those
bounds. Who nearly has a place counts as having a part of one: so a sample of slates tells even
where an even share of it is less than one place. How many places may be shared out is a matter of
what it costs: see `cheapest`.

Source: dual ascent on bounds for every candidate, as auctions assign scarce goods: Bertsekas 1988;
Biswas et al. 2021 bound the exposure of either side in reciprocal recommendation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
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

REHEARSED = 1_000
"""Members whose slates of an earlier moment are asked for."""

DEPTH = 100
"""Places of each pool that are looked at: a price can bring up nobody from further below."""

ROUNDS = 120
"""Times that prices are set anew."""

STEP = 0.03
"""How fast they move when somebody is shown twice or half as often as they may be, as a share of
what usually lies between the first shared place and the twentieth."""

WIDTH = 0.01
"""How wide the edge between having the last place and having none is, as a share of the same: see
`Slates.shown`."""

MOST_STEPS = 3.0
"""Steps that a price falls at most in a round."""

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
"""Shares of the places that go to who fits best, the fairest first: one place goes round always."""

COST = 0.03
"""Share of the NDCG that sharing out may cost, with one standard error of what it is found to."""

NOBODYS = -1e9
"""What a place is worth that nobody is there to take."""


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

    def shown(self, prices: Vector, settled: int, width: float) -> NDArray[np.float64]:
        """Return how often each member is on a slate at these prices: shape (members,).

        Args:
            prices: Of each member.
            settled: Places that go to who fits best.
            width: Who is worth so much more than what the last place takes has nearly three
                quarters of it, who is worth so much less a good quarter. Near 0, it is counted who
                has a place and who has none.
        """
        first, rest = self.rows[:, :settled], self.rows[:, settled:]
        there, places = rest >= 0, PLACES - settled
        worth = np.where(there, self.fits[:, settled:] - prices[rest], NOBODYS)
        last = -np.partition(-worth, (places - 1, places), axis=1)[:, places - 1 : places + 1]
        parts = expit((worth - last.mean(axis=1, keepdims=True)) / width) * there
        parts *= np.minimum(places / np.maximum(parts.sum(axis=1, keepdims=True), places), 1)
        counts = np.bincount(rest[there], weights=parts[there], minlength=len(prices))
        return counts.astype(np.float64) + np.bincount(first[first >= 0], minlength=len(prices))


def slates_of(
    pipeline: Pipeline, snapshot: Snapshot, viewers: Rows, most: int, progress: Progress = SILENT
) -> Slates:
    """Return the first places of these members' pools.

    Args:
        pipeline: Without prices.
        snapshot: The community.
        viewers: Who may be asked.
        most: How many of them are asked.
        progress: Told of every one.
    """
    rng = np.random.default_rng(0)
    asked = rng.permutation(viewers)[:most]
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
        settled: Places that go to who fits best.
    """
    mean = PLACES * len(slates.rows) / max(slates.eligible, 1)
    most, least = MOST * mean, EVENLY * mean * (PLACES - settled) / PLACES
    gap = max(float(np.median(slates.fits[:, settled] - slates.fits[:, 2 * PLACES])), 1e-6)
    step = STEP * gap
    largest = BONUS * float(np.median(slates.fits[:, PLACES - 1]))
    prices, total = np.zeros(members, np.float32), np.zeros(members)
    for turn in range(ROUNDS):
        shown = np.maximum(slates.shown(prices, settled, WIDTH * gap), least / 2**MOST_STEPS)
        slope = np.log2(np.maximum(shown / most, 1)) + np.log2(np.minimum(shown / least, 1))
        home = -np.sign(prices) * np.minimum(np.abs(prices) / step, BACK)
        moved = prices + step * np.where(slope == 0, home, slope)
        prices = np.maximum(moved, -largest).astype(np.float32)
        if turn >= ROUNDS // 2:  # the mean of the later rounds: they go on swinging a little
            total += prices
    return (total / (ROUNDS - ROUNDS // 2)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Moment:
    """An earlier moment, to see what sharing out would have cost.

    Attributes:
        slates: As they were, without prices.
        members: How many there were.
        ndcg: Judges prices and how many places are settled: the NDCG of each who then met somebody.
    """

    slates: Slates
    members: int
    ndcg: Callable[[Vector, int], NDArray[np.float64]]


def cheapest(moments: Sequence[Moment]) -> tuple[float, dict[str, float]]:
    """Return the smallest share of settled places that costs little, or the largest there is.

    Args:
        moments: At least one; those who met somebody count alike, whenever it was.

    Returns:
        The share, and the mean NDCG without prices (`none`) and at each share that was tried.
    """
    free = np.concatenate([one.ndcg(np.zeros(one.members, np.float32), PLACES) for one in moments])
    figures = {"none": float(free.mean())}
    for settled in SETTLED:
        first = settled_places(PLACES, settled)
        lost = free - np.concatenate(
            [one.ndcg(prices_of(one.slates, one.members, first), first) for one in moments]
        )
        figures[f"{settled:g}"] = figures["none"] - float(lost.mean())
        error = float(lost.std() / np.sqrt(max(len(lost), 1)))
        if float(lost.mean()) + error <= COST * figures["none"]:
            break
    return settled, figures
