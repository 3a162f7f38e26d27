"""A score -> the probability that the member joins and stays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.pool import Pool
from engine.query import Query
from engine.ranker import stacked
from engine.types import Vector


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic regression on the score, its standing in the pool, and a few columns.

    Source: Platt 1999, with columns that tell how likely the viewer is to join anything.

    Attributes:
        event: What it is the probability of: `lasting_join` or, where nothing tells whether a
            join lasts, `join`.
        horizon_days: Within how many days.
        columns: Columns read beside the score.
        intercept: In log-odds.
        weights: For the score, the score's log place in the pool, and the columns: float32.
        highest: No probability is above this: the highest it gave where it was fitted.
    """

    event: str
    horizon_days: float
    columns: tuple[str, ...]
    intercept: float
    weights: Vector
    highest: float

    def probability(self, query: Query, pool: Pool, scores: Vector) -> Vector | None:
        """Return each candidate's probability: float32 of shape (n,), in (0, 1).

        None for a viewer without groups: how many newcomers join nothing at all is not known.
        """
        if not len(query.groups):
            return None
        values = calibration_inputs(scores, stacked(pool, self.columns))
        odds = self.intercept + values @ self.weights
        chance = np.exp(-np.logaddexp(0, -odds))  # 1 / (1 + exp(-odds)), which would overflow
        likely: Vector = np.minimum(chance, self.highest).astype(np.float32)
        return likely


def calibration_inputs(scores: Vector, columns: np.ndarray) -> np.ndarray:
    """Return what a calibration reads of one pool: (n, 2 + c)."""
    place = np.empty(len(scores), np.float32)
    place[np.argsort(-scores, kind="stable")] = np.log1p(np.arange(len(scores)))
    return np.column_stack([scores, place, columns])
