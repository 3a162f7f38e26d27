"""Whether stated chances come true: figures on plain arrays, with intervals over people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from benchmarks.resampling import Draws, Samples, figure

BINS = 10
"""Bins of about equally many statements."""

RESAMPLES = 200
"""Fewer than elsewhere: each one is a fit."""

Floats = NDArray[np.float64]
Measure = Callable[[Floats, Floats, Floats], Any]
"""Chances, what happened (0 or 1), how often each counts -> one figure or several."""


def calibration(
    chances: NDArray[Any], happened: NDArray[Any], owners: NDArray[np.int64], seed: int = 0
) -> dict[str, Any]:
    """Return how stated chances compare with what happened.

    Args:
        chances: Stated, in [0, 1], of shape (n,).
        happened: Whether it came true, of shape (n,).
        owners: Whom each was stated to, 0 to p - 1: people are resampled, not statements.
        seed: Decides the resamples.

    Returns:
        ``slope`` and ``intercept`` of the logistic regression of what happened on the stated
        log-odds (1 and 0 are ideal; Cox 1958), ``brier`` and its ``brier_skill`` over one chance
        for all (Brier 1950), ``ece`` (expected calibration error, over the bins), ``bins``.
    """
    stated, true = chances.astype(np.float64), happened.astype(np.float64)
    people = int(owners.max(initial=-1)) + 1
    places = _bins(stated)
    ones = np.ones(len(stated))

    def observed(chance: Floats, came: Floats, weights: Floats) -> Floats:
        return _means(came, weights, places)

    measures: tuple[Measure, ...] = (line, brier_skill, observed)
    whole = [measure(stated, true, ones) for measure in measures]
    samples: list[list[Any]] = [[] for _ in measures]
    for block in Draws(owners, seed).blocks(RESAMPLES):
        for weights in block.astype(np.float64):
            for kept, measure in zip(samples, measures, strict=True):
                kept.append(measure(stated, true, weights))
    lines, skills, rates = (np.array(kept) for kept in samples)
    return {
        "slope": figure(whole[0][0], lines[:, 0], people).as_dict(),
        "intercept": figure(whole[0][1], lines[:, 1], people).as_dict(),
        "brier": float(np.mean((stated - true) ** 2)) if len(stated) else float("nan"),
        "brier_skill": figure(whole[1], skills, people).as_dict(),
        "ece": expected_error(stated, true),
        "bins": _bin_figures(stated, places, whole[2], rates),
        "members": people,
        "statements": len(stated),
    }


def line(chances: Floats, happened: Floats, weights: Floats) -> tuple[float, float]:
    """Return slope and intercept; NaN if all or nothing happened, or all chances are equal."""
    drawn = weights > 0
    came, bounded = happened[drawn], np.clip(chances[drawn], 1e-6, 1 - 1e-6)
    odds = np.log(bounded / (1 - bounded))
    if len(np.unique(came)) < 2 or np.ptp(odds) < 1e-9:
        return float("nan"), float("nan")
    fitted = LogisticRegression(C=np.inf).fit(odds[:, None], came, weights[drawn])
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def brier_skill(chances: Floats, happened: Floats, weights: Floats) -> float:
    """Return 1 - the Brier score over that of stating the share that happened; NaN if it is 0.

    >>> half, came = np.array([0.5, 0.5]), np.array([1.0, 0.0])
    >>> brier_skill(half, came, np.ones(2)), brier_skill(came, came, np.ones(2))
    (0.0, 1.0)
    """
    total = weights.sum()
    if not total:
        return float("nan")
    rate = float(weights @ happened / total)
    score = float(weights @ (chances - happened) ** 2 / total)
    return 1 - score / (rate * (1 - rate)) if 0 < rate < 1 else float("nan")


def expected_error(chances: Floats, happened: Floats) -> float:
    """Return how far apart stated and observed shares are, averaged over statements.

    >>> expected_error(np.array([0.2, 0.2, 0.2, 0.2]), np.array([1.0, 0.0, 0.0, 0.0]))
    0.05
    """
    if not len(chances):
        return float("nan")
    places, ones = _bins(chances), np.ones(len(chances))
    apart = np.abs(_means(chances, ones, places) - _means(happened, ones, places))
    return round(float(np.bincount(places) @ apart / len(chances)), 12)


def _bins(chances: Floats) -> NDArray[np.int64]:
    """Return each statement's bin, from the lowest up; equal chances are in one bin."""
    if not len(chances):
        return np.zeros(0, dtype=np.int64)
    edges = np.unique(np.quantile(chances, np.linspace(0, 1, BINS + 1)[1:-1]))
    raw = np.searchsorted(edges, chances, side="left")
    return np.unique(raw, return_inverse=True)[1].astype(np.int64)


def _means(values: Floats, weights: Floats, places: NDArray[np.int64]) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.bincount(places, weights * values) / np.bincount(places, weights)


def _bin_figures(
    chances: Floats, places: NDArray[np.int64], observed: Floats, rates: Samples
) -> list[dict[str, float]]:
    predicted = _means(chances, np.ones(len(chances)), places)
    found = []
    for place, count in enumerate(np.bincount(places).tolist()):
        interval = figure(float(observed[place]), rates[:, place], count)
        found.append(
            {
                "predicted": float(predicted[place]),
                "observed": interval.value,
                "low": interval.low,
                "high": interval.high,
                "count": count,
            }
        )
    return found
