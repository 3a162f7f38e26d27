"""What a system shows over all: how many groups, how unequally, and how large they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.resampling import Draws, Samples
from benchmarks.slates import Slates
from engine.types import Rows

MEASURES = ("coverage", "gini", "median_size")

RESAMPLES = 200
"""Fewer than for means: each one sorts all groups that were shown."""

Counts = NDArray[np.float64]
"""How often each group was shown: float64 of shape (samples, groups)."""


def spread(
    slates: Slates, sizes: NDArray[np.float32], eligible: int, draws: Draws
) -> list[tuple[float, Samples]]:
    """Return each of `MEASURES` over all slates, and in each resample.

    Args:
        slates: Of all viewers, negative where there was nothing to show.
        sizes: Of all groups.
        eligible: How many groups could have been shown.
        draws: Over the same viewers.
    """
    counts, seen = exposure(slates, draws)
    figures = (coverage(counts, eligible), gini(counts, eligible), median(counts, sizes[seen]))
    return [(float(values[0]), values[1:]) for values in figures]


def exposure(slates: Slates, draws: Draws) -> tuple[Counts, Rows]:
    """Return how often each row was shown, over all slates first and then in each resample.

    Args:
        slates: Of all viewers, negative where there was nothing to show.
        draws: Over the same viewers.

    Returns:
        Counts of shape (1 + `RESAMPLES`, n) and the n rows that were shown at all, ascending.
    """
    lines, places = np.nonzero(slates >= 0)
    seen, columns = np.unique(slates[lines, places], return_inverse=True)
    shown = sparse.csr_array(
        (np.ones(len(lines), np.float32), (columns, lines)), shape=(len(seen), len(slates))
    )
    whole = np.asarray(shown.sum(axis=1), dtype=np.float64)[None, :]
    sampled = [np.asarray(shown @ block.T).T for block in draws.blocks(RESAMPLES)]
    return np.concatenate([whole, *sampled]).astype(np.float64), seen


def coverage(counts: Counts, eligible: int) -> Samples:
    """Return the share of groups that were shown to anybody.

    >>> coverage(np.array([[3.0, 0.0, 1.0]]), eligible=4)
    array([0.5])
    """
    share: Samples = (counts > 0).sum(axis=1) / max(eligible, 1)
    return share


def gini(counts: Counts, eligible: int) -> Samples:
    """Return how unequally groups were shown, those never shown included; 0 is equally.

    >>> gini(np.array([[1.0, 1.0], [2.0, 0.0]]), eligible=4)
    array([0.5 , 0.75])
    """
    ordered = np.sort(counts, axis=1)
    place = np.arange(eligible - counts.shape[1] + 1, eligible + 1)
    total = counts.sum(axis=1) * max(eligible, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        unequal: Samples = (ordered @ (2 * place - eligible - 1)) / total
        return unequal


def median(counts: Counts, sizes: NDArray[np.float32]) -> Samples:
    """Return the median size of what was shown, a group as often as it was shown.

    >>> median(np.array([[1.0, 2.0, 1.0], [1.0, 1.0, 0.0]]), np.array([9, 5, 7], np.float32))
    array([6., 7.])
    """
    order = np.argsort(sizes, kind="stable")
    if not len(order):
        return np.full(len(counts), np.nan)
    reached = np.cumsum(counts[:, order], axis=1)
    half = reached[:, -1:] / 2
    lower, upper = (reached >= half).argmax(axis=1), (reached > half).argmax(axis=1)
    ordered = sizes[order].astype(np.float64)
    middle: Samples = (ordered[lower] + ordered[upper]) / 2
    return np.where(half[:, 0] > 0, middle, np.nan)
