"""The shapes of arrays: what each alias holds, in one place.

Shapes are written (n, d): n rows, d dimensions. They are checked where a stage hands a column on
(`engine.pipeline`), not by the type checker.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
"""Vectors, one a row: float32 of shape (n, d)."""

Vector = NDArray[np.float32]
"""One number a row: float32 of shape (n,)."""

Rows = NDArray[np.int64]
"""Internal positions of members, groups or posts: int64 of shape (n,)."""

BoolVector = NDArray[np.bool_]
"""A yes or no a row: bool of shape (n,)."""

UNIT_TOLERANCE = 1e-3
"""How far the length of a unit vector may be from 1."""
