"""Intervals from resampling people: every system of a slice is resampled with the same draws.

A member who is asked at several cuts is drawn with all their answers (the cluster bootstrap of
Davison & Hinkley 1997, section 3.8); a member asked once is an ordinary bootstrap unit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.metrics import Figure

RESAMPLES = 1_000
"""Bootstrap samples behind an interval."""

BLOCK = 50
"""Samples held in memory at a time."""

Samples = NDArray[np.float64]
"""A figure in each resample."""


@dataclass(frozen=True, slots=True)
class Draws:
    """Random samples of people, drawn with replacement.

    Attributes:
        owners: Who each line of a table belongs to, 0 to n - 1: int64 of shape (lines,).
        seed: The same seed draws the same people.
    """

    owners: NDArray[np.int64]
    seed: int = 0

    def blocks(self, samples: int = RESAMPLES) -> Iterator[NDArray[np.float32]]:
        """Yield how often each line was drawn: float32 of shape (at most `BLOCK`, lines)."""
        people = int(self.owners.max(initial=-1)) + 1
        rng = np.random.default_rng(self.seed)
        for start in range(0, samples, BLOCK):
            size = min(BLOCK, samples - start)
            drawn = rng.integers(0, people, (size, people)) + np.arange(size)[:, None] * people
            counts = np.bincount(drawn.ravel(), minlength=size * people).reshape(size, people)
            yield counts[:, self.owners].astype(np.float32)


def means(values: NDArray[np.float64], draws: Draws) -> tuple[NDArray[np.float64], Samples]:
    """Return the means of columns, and those in each resample; NaN is left out.

    Args:
        values: float64 of shape (lines, m).
        draws: Over the same lines.

    Returns:
        Shapes (m,) and (`RESAMPLES`, m); NaN where nothing is known.
    """
    known = ~np.isnan(values)
    filled = np.where(known, values, 0).astype(np.float32)
    shares = known.astype(np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        sampled = [(block @ filled) / (block @ shares) for block in draws.blocks()]
        whole = np.where(known, values, 0).sum(axis=0) / known.sum(axis=0)
    return whole, np.concatenate(sampled).astype(np.float64)


def figure(value: float, samples: Samples, count: int, *, centred: bool = False) -> Figure:
    """Return a figure with its 95 % interval.

    Args:
        value: Over everybody.
        samples: In each resample.
        count: How many people it is over.
        centred: Move the interval by the samples' bias. A sample with repeats shows fewer
            distinct groups than the people it stands for.
    """
    known = samples[~np.isnan(samples)]
    if not len(known) or np.isnan(value):
        return Figure(float("nan"), float("nan"), float("nan"), count)
    # A sample of a ratio may be infinite; its neighbours in order are then not averaged.
    low, high = np.quantile(known, [0.025, 0.975], method="nearest")
    bias = float(known.mean() - value) if centred else 0.0
    return Figure(float(value), float(low) - bias, float(high) - bias, count)


def ratio(
    ours: tuple[float, Samples],
    theirs: tuple[float, Samples],
    count: int,
    *,
    centred: bool = False,
) -> Figure:
    """Return ours over theirs, paired: both come from the same draws."""
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(np.float64(ours[0]) / theirs[0]) if theirs[0] else float("nan")
        return figure(value, ours[1] / theirs[1], count, centred=centred)
