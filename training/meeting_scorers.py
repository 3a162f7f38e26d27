"""Fitting what judges a pair: a linear model that is asked from either side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from engine.pair_features import mirrored
from engine.ranker import Linear, beside_the_best
from engine.types import BoolVector, Matrix, Vector
from training.examples import Examples
from training.scorers import standing

HARD = 100
"""Candidates of a viewer that are all learned from, those that are liked best so far."""

EASY_SHARE = 0.1
"""Share of the other candidates that is learned from; each then stands for ten."""

BOTH_WAYS = 2.0
"""What an exchange both ways is worth beside one that was not answered."""


def gains_of(examples: Examples) -> Vector:
    """Return what each candidate turned out to be worth: 0, 1, or 2 for an exchange both ways."""
    return examples.joined + (BOTH_WAYS - 1) * examples.lasting.astype(np.float32)


def learned_from(
    examples: Examples, liked: Vector, rng: np.random.Generator
) -> tuple[BoolVector, Vector]:
    """Return which candidates are learned from, and for how many each stands."""
    near = examples.joined | (standing(examples, liked) < HARD)
    drawn = rng.random(len(liked)) < EASY_SHARE
    return near | drawn, np.where(near, 1, 1 / EASY_SHARE).astype(np.float32)


def from_both_sides(examples: Examples, columns: Sequence[str]) -> tuple[Matrix, Matrix]:
    """Return the columns as the viewer looks and as the candidate does: (n, c) each."""
    ahead = [examples.names.index(name) for name in columns]
    back = [examples.names.index(mirrored(name)) for name in columns]
    return examples.values[:, ahead], examples.values[:, back]


def fit_linear(examples: Examples, columns: Sequence[str], liked: Vector, penalty: float) -> Linear:
    """Fit a linear scorer whose sum over both sides tells who met from who did not.

    The loss is the cross-entropy of a softmax over each viewer's pool, as in
    `training.scorers.fit_linear`; an exchange both ways is aimed at for `BOTH_WAYS` as much.

    Args:
        examples: Viewers who met somebody.
        columns: Those that are read.
        liked: A score of every candidate so far, which tells the easy ones.
        penalty: On the squared weights of standardised columns.
    """
    keep, stands_for = learned_from(examples, liked, np.random.default_rng(0))
    ahead, back = from_both_sides(examples, columns)
    one, other = _beside(examples, ahead, keep), _beside(examples, back, keep)
    means, scales = one.mean(axis=0), one.std(axis=0)
    scales[scales < 1e-6] = 1.0
    values = ((one + other) / 2 - means) / scales
    owner = examples.owner()[keep]
    starts = np.unique(owner, return_index=True)[1].astype(np.int64)
    owner = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(owner))))
    gains = gains_of(examples)[keep]
    share = gains / np.maximum(np.add.reduceat(gains, starts), 1e-9)[owner]
    weights = _fitted(values, np.log(stands_for[keep]), (owner, starts, share), penalty)
    parts = (means, scales, weights)
    return Linear(tuple(columns), *(part.astype(np.float32) for part in parts))


def _beside(examples: Examples, values: Matrix, keep: BoolVector) -> Matrix:
    bounds = pairwise(examples.starts.tolist())
    parts = [beside_the_best(values[start:end])[keep[start:end]] for start, end in bounds]
    return np.concatenate(parts)


def _fitted(
    values: Matrix,
    offset: Vector,
    aims: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.floating]],
    penalty: float,
) -> NDArray[np.float64]:
    owner, starts, share = aims
    mass = np.add.reduceat(share, starts)[owner]

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = values @ weights.astype(np.float32) + offset
        scores -= np.maximum.reduceat(scores, starts)[owner]
        odds = np.exp(scores)
        total = np.add.reduceat(odds, starts)
        chance = odds / total[owner]
        value = -float(share @ (scores - np.log(total)[owner])) / len(starts)
        slope = (chance * mass - share) @ values / len(starts) + 2 * penalty * weights
        return value + penalty * float(weights @ weights), slope.astype(np.float64)

    start = np.zeros(values.shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 100})
    weights: NDArray[np.float64] = found.x
    return weights
