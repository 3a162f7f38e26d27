"""Columns -> one score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.errors import StageError
from engine.pool import Pool
from engine.query import Query
from engine.types import Vector


@dataclass(frozen=True, slots=True)
class ByAcquaintance:
    """Scores newcomers, who are in no group yet, by other weights than everyone else.

    Attributes:
        newcomer: For a viewer without groups.
        known: For the others.
    """

    newcomer: WeightedSum
    known: WeightedSum
    name: ClassVar[str] = "by_acquaintance"

    def score(self, query: Query, pool: Pool) -> Vector:
        """Return one score a candidate: float32 of shape (n,)."""
        scorer = self.known if len(query.groups) else self.newcomer
        return scorer.score(query, pool)


@dataclass(frozen=True, slots=True)
class WeightedSum:
    """A weighted sum of columns, each stretched to [0, 1] over the pool to be comparable.

    Attributes:
        weights: For each feature by name, its weight; all of them must have been measured.
    """

    weights: Mapping[str, float]
    name: ClassVar[str] = "weighted_sum"

    def score(self, query: Query, pool: Pool) -> Vector:
        """Return one score a candidate: float32 of shape (n,).

        Raises:
            StageError: A column the weights name was not measured.
        """
        total = np.zeros(len(pool), dtype=np.float32)
        for feature, weight in self.weights.items():
            if feature not in pool.columns:
                raise StageError(f"the ranker weighs {feature!r}, which no feature measures")
            column = pool.columns[feature]
            if len(column) and column.max() > column.min():
                total += np.float32(weight) * (column - column.min()) / np.ptp(column)
        return total
