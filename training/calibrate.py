"""Scores of an earlier window and what came of them -> honest probabilities."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from engine.calibration import Calibration, calibration_inputs
from engine.types import Vector
from training.examples import Examples
from training.scorers import standing

COLUMNS = ("viewer_groups", "viewer_freshness", "viewer_activity", "group_joins_fortnight")
"""What tells how likely somebody is to join anything, beside the score."""

DEEP = 30
"""Places of each pool that are looked at: deeper ones are not shown."""

ENOUGH = 40
"""Cases from which a probability is calibrated."""


def calibrate(examples: Examples, scores: Vector, horizon_days: float) -> Calibration | None:
    """Fit P(the member joins and stays within the horizon), over joiners and others alike.

    Each viewer counts for as many members as they stand for, so that it does not matter how many
    of those who joined nothing were looked at. The event is a lasting join where the window has
    `ENOUGH` of them, else any join.

    Args:
        examples: Of a window that the scorer has not seen.
        scores: The scorer's.
        horizon_days: The window's length.

    Returns:
        The calibration, or None where there are too few cases.

    Source: Platt 1999.
    """
    from sklearn.linear_model import LogisticRegression

    shown = standing(examples, scores) < DEEP
    owner = examples.owner()
    events = {"lasting_join": examples.lasting, "join": examples.joined}
    event = next((name for name, cases in events.items() if cases[shown].sum() >= ENOUGH), None)
    if event is None:
        return None
    happened = events[event]
    if happened[shown].all():  # nothing to tell it from
        return None
    columns = [name for name in COLUMNS if name in examples.names]
    places = [examples.names.index(name) for name in columns]
    bounds = examples.starts.tolist()
    values = np.concatenate(
        [
            calibration_inputs(scores[start:end], examples.values[start:end][:, places])
            for start, end in pairwise(bounds)
        ]
    )[shown]
    centre, spread = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-6)
    model = LogisticRegression(C=1.0, max_iter=500)
    model.fit((values - centre) / spread, happened[shown], examples.weights[owner][shown])
    weights = model.coef_[0] / spread
    intercept = float(model.intercept_[0] - weights @ centre)
    odds = intercept + values @ weights
    return Calibration(
        event, horizon_days, tuple(columns), intercept, weights.astype(np.float32),
        highest=float(1 / (1 + np.exp(-odds.max()))),
    )  # fmt: skip
