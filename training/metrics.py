"""How good slates are: one value a viewer, so that intervals come from resampling viewers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.types import Rows, Vector

RESAMPLES = 1_000
"""Bootstrap samples behind an interval."""


def ndcg_at_k(slate: Rows, relevant: Rows, gains: Vector, k: int) -> float:
    """Return the discounted cumulative gain of a slate over that of the best possible one.

    Args:
        slate: Rows, best first; only the first k count.
        relevant: The rows that were right.
        gains: What each of them is worth, positive.
        k: Places.

    Source: Järvelin & Kekäläinen 2002, with linear gains and log2 discounts.

    >>> round(ndcg_at_k(np.array([5, 7]), np.array([7]), np.array([1.0]), k=10), 4)
    0.6309
    """
    worth = dict(zip(relevant.tolist(), gains.tolist(), strict=True))
    discounts = 1 / np.log2(np.arange(2, k + 2))
    got = np.array([worth.get(row, 0.0) for row in slate[:k].tolist()])
    ideal = np.sort(gains)[::-1][:k]
    return float(got @ discounts[: len(got)] / (ideal @ discounts[: len(ideal)]))


def recall_at_k(slate: Rows, relevant: Rows, k: int) -> float:
    """Return the share of what was right that the first k places hold.

    >>> recall_at_k(np.array([5, 7, 9]), np.array([7, 8]), k=2)
    0.5
    """
    return len(np.intersect1d(slate[:k], relevant)) / len(relevant)


def reciprocal_rank(slate: Rows, relevant: Rows, k: int) -> float:
    """Return 1 / the place of the first right row, 0 if none is among the first k.

    >>> reciprocal_rank(np.array([5, 7, 9]), np.array([7, 9]), k=10)
    0.5
    """
    hits = np.flatnonzero(np.isin(slate[:k], relevant))
    return 1 / (1 + float(hits[0])) if len(hits) else 0.0


def coverage(shown: Rows, eligible: int) -> float:
    """Return the share of all eligible rows that appear in some slate.

    >>> coverage(np.array([3, 3, 4]), eligible=4)
    0.5
    """
    return len(np.unique(shown)) / eligible if eligible else 0.0


def gini(shown: Rows, eligible: int) -> float:
    """Return how unequally exposure is spread over eligible rows, those never shown included.

    0 means all are shown equally often, near 1 that a few are shown all the time.

    >>> gini(np.array([0, 1, 2, 3]), eligible=4), gini(np.array([0, 0, 0, 0]), eligible=4)
    (0.0, 0.75)
    """
    if not len(shown) or not eligible:
        return 0.0
    counts = np.zeros(eligible)
    seen = np.unique(shown, return_counts=True)[1]
    counts[-len(seen) :] = np.sort(seen)
    place = np.arange(1, eligible + 1)
    return float((2 * place - eligible - 1) @ counts / (eligible * counts.sum()))


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % bootstrap interval over `count` viewers."""

    value: float
    low: float
    high: float
    count: int

    def as_dict(self) -> dict[str, float]:
        """Return the figure as JSON has it."""
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.count}


def mean_with_interval(values: NDArray[np.float64], seed: int = 0) -> Figure:
    """Return the mean of per-viewer values with its percentile bootstrap interval.

    Source: Efron & Tibshirani 1993; the resampling unit is the viewer. The same seed draws the
    same viewers for every system, so intervals of one run are comparable.
    """
    if not len(values):
        return Figure(float("nan"), float("nan"), float("nan"), 0)
    means = resampled_means(values, seed)
    low, high = np.quantile(means, [0.025, 0.975])
    return Figure(float(values.mean()), float(low), float(high), len(values))


def resampled_means(values: NDArray[np.float64], seed: int = 0) -> NDArray[np.float64]:
    """Return the means of `RESAMPLES` samples of viewers drawn with replacement."""
    rng = np.random.default_rng(seed)
    return np.array(
        [values[rng.integers(0, len(values), len(values))].mean() for _ in range(RESAMPLES)]
    )


def ratio_with_interval(
    ours: NDArray[np.float64], theirs: NDArray[np.float64], seed: int = 0
) -> Figure:
    """Return the ratio of two systems' means over the same viewers, paired when resampled."""
    if not len(ours) or not theirs.any():
        return Figure(float("nan"), float("nan"), float("nan"), len(ours))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = resampled_means(ours, seed) / resampled_means(theirs, seed)
        # A sample in which they found nothing is infinitely far ahead, or says nothing.
        low, high = np.nanquantile(ratios, [0.025, 0.975])
    return Figure(float(ours.mean() / theirs.mean()), float(low), float(high), len(ours))
