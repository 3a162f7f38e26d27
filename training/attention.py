"""How likely a suggestion is looked at: less, the further down it stands.

What was shown and not taken says little if nobody looked there. So the chance to be looked at is
told from the data, and what was shown counts as passed over no more than it was likely seen.

The model: a suggestion at rank r is looked at with chance r^-fading, and what is looked at brings
about something with a chance of its own, which its columns tell. Both are fitted at once, so that
a suggestion that fits well, and therefore stands high, is not mistaken for one that is well seen.

Source: Wang et al. 2018, "Position bias estimation for unbiased learning to rank in personal
search", maximised directly where they use EM; the power of the rank as in Joachims, Swaminathan
and Schnabel 2017, "Unbiased learning-to-rank with biased feedback". One number holds with few
data, and cannot take the shape of the ranker's own order for attention, as one a rank could.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from engine.types import BoolVector, Matrix, Rows

Floats = NDArray[np.float64]

STEEPEST = 3.0
"""The fastest that attention may fade: at the second place an eighth is left."""

EXPECTED, DOUBT = 1.0, 1.0
"""How fast it fades as far as nothing is known, and the standard deviation of that."""

PENALTY = 5.0
"""On the squared weights of standardised columns: a few hundred suggestions must not be learned by
heart."""

MOST_LOOKED_AT = 100_000
"""Suggestions from which the fading is told, at most."""

LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class Attention:
    """How likely each place is looked at.

    Attributes:
        fading: The chance at rank r is r to the power of minus this; at 0 all are looked at.
    """

    fading: float

    def at(self, ranks: Rows) -> Floats:
        """Return the chance for each rank, counted from 1: float64 of the same shape.

        >>> Attention(1.0).at(np.array([1, 2, 10])).tolist()
        [1.0, 0.5, 0.1]
        """
        chances: Floats = np.power(np.asarray(ranks, np.float64), -self.fading)
        return chances


def fit_attention(values: Matrix, ranks: Rows, reacted: BoolVector) -> Attention:
    """Tell from the data how fast attention fades.

    Args:
        values: What tells how well each suggestion fits, of shape (n, c).
        ranks: Where each stood, from 1: shape (n,).
        reacted: Whether anything came of it, welcome or not, which shows that it was looked at:
            shape (n,).
    """
    some = np.linspace(0, len(ranks) - 1, min(len(ranks), MOST_LOOKED_AT)).astype(np.int64)
    fading, _ = _fitted(values[some], np.log(ranks[some]), reacted[some], fading=None)
    return Attention(fading)


def taking(values: Matrix, looked: Floats, taken: BoolVector) -> Floats:
    """Return how likely each suggestion is taken by who looks at it: float64 in (0, 1), (n,).

    Args:
        values: What tells how well each suggestion fits, of shape (n, c).
        looked: How likely each was looked at, above 0: shape (n,).
        taken: Whether it was taken: shape (n,).
    """
    # With a fading of 1, a place is looked at with the chance exp(-deep).
    _, chances = _fitted(values, -np.log(looked), taken, fading=1.0)
    return chances


def passed_over(looked: Floats, taking: Floats) -> Floats:
    """Return how likely each was looked at, given that it was not taken: shape (n,).

    >>> passed_over(np.array([1.0, 0.5]), np.array([0.9, 0.0])).tolist()
    [1.0, 0.5]
    >>> round(float(passed_over(np.array([0.5]), np.array([0.9]))[0]), 3)  # 0.05 / 0.55
    0.091
    """
    chances: Floats = looked * (1 - taking) / np.maximum(1 - looked * taking, LEAST)
    return chances


def _fitted(
    values: Matrix, deep: Floats, came: BoolVector, fading: float | None
) -> tuple[float, Floats]:
    """Fit P(it came) = exp(-fading deep) sigmoid(b + w x); the fading too if it is None.

    Returns:
        The fading, and the sigmoid of each.
    """
    spread = np.std(values, axis=0, dtype=np.float64)
    told = spread > LEAST
    columns = (values[:, told] - values[:, told].mean(axis=0)) / spread[told]

    def parts(point: Floats) -> tuple[Floats, Floats]:
        fades = point[-1] if fading is None else fading
        return np.exp(-fades * deep), _sigmoid(point[0] + columns @ point[1:-1])

    def loss(point: Floats) -> tuple[float, Floats]:
        looked, takes = parts(point)
        both = np.clip(looked * takes, LEAST, 1 - LEAST)
        doubt = (point[-1] - EXPECTED) / DOUBT
        value = -np.where(came, np.log(both), np.log1p(-both)).sum()
        value += PENALTY / 2 * point[1:-1] @ point[1:-1] + doubt**2 / 2
        # By the logarithm of the chance: 1 if it came, else minus the odds that it had.
        slope = np.where(came, 1.0, -both / (1 - both))
        by_fit = slope * (1 - takes)
        slopes = np.concatenate([[by_fit.sum()], by_fit @ columns, [-(slope @ deep)]])
        slopes[1:-1] -= PENALTY * point[1:-1]
        slopes[-1] -= doubt / DOUBT
        if fading is not None:
            slopes[-1] = 0.0
        return float(value), -slopes

    share = float(np.clip(came.mean(), 0.01, 0.99))
    start = np.concatenate([[np.log(share / (1 - share))], np.zeros(columns.shape[1]), [EXPECTED]])
    bounds = [(None, None)] * (len(start) - 1) + [(0.0, STEEPEST)]
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 200}
    ).x
    return (float(found[-1]) if fading is None else fading), parts(found)[1]


def _sigmoid(values: Floats) -> Floats:
    sigmoid: Floats = 0.5 * (1 + np.tanh(values / 2))
    return sigmoid
