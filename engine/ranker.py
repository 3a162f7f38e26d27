"""Columns -> one score, by hand-set weights or by what was learnt from earlier windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from engine.errors import StageError
from engine.pool import Pool
from engine.query import Query
from engine.trees import Trees
from engine.types import Matrix, Vector


class Weigher(Protocol):
    """A scorer that says which columns it needs."""

    @property
    def name(self) -> str:
        """Its kind, as a stage's name and in a bundle."""

    @property
    def columns(self) -> Sequence[str]:
        """The features it reads."""

    def score(self, query: Query, pool: Pool) -> Vector:
        """Return one score a candidate: float32 of shape (n,)."""


@dataclass(frozen=True, slots=True)
class ByAcquaintance:
    """Scores newcomers, who are in no group yet, otherwise than everyone else.

    Attributes:
        newcomer: For a viewer without groups.
        known: For the others.
    """

    newcomer: Weigher
    known: Weigher
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

    @property
    def columns(self) -> Sequence[str]:
        """The features it reads."""
        return tuple(self.weights)

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


@dataclass(frozen=True, slots=True)
class Linear:
    """A learned weighted sum: each column as it is, and beside the best of the pool.

    Attributes:
        columns: The features it reads.
        means: Subtracted, of shape (2 c,): float32.
        scales: Divided by, of shape (2 c,): float32.
        weights: Of shape (2 c,): float32.
    """

    columns: tuple[str, ...]
    means: Vector
    scales: Vector
    weights: Vector
    name: ClassVar[str] = "linear"

    def score(self, query: Query, pool: Pool) -> Vector:
        """Return one score a candidate: float32 of shape (n,)."""
        values = beside_the_best(stacked(pool, self.columns))
        slopes = self.weights / self.scales
        return (values @ slopes - self.means @ slopes).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Boosted:
    """Gradient-boosted trees.

    Attributes:
        columns: The features the trees read.
        trees: The ensemble.
    """

    columns: tuple[str, ...]
    trees: Trees
    name: ClassVar[str] = "boosted"

    def score(self, query: Query, pool: Pool) -> Vector:
        """Return one score a candidate: float32 of shape (n,)."""
        return self.trees.predict(stacked(pool, self.columns))


@dataclass(frozen=True, slots=True)
class Blend:
    """The mean of two learned scores, each divided by its usual spread within a pool.

    Attributes:
        parts: The scorers.
        scales: The usual spread of each.
    """

    parts: tuple[Weigher, ...]
    scales: tuple[float, ...]
    name: ClassVar[str] = "blend"

    @property
    def columns(self) -> Sequence[str]:
        """The features it reads."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.columns))

    def score(self, query: Query, pool: Pool) -> Vector:
        """Return one score a candidate: float32 of shape (n,)."""
        total = np.zeros(len(pool), np.float32)
        for part, scale in zip(self.parts, self.scales, strict=True):
            total += part.score(query, pool) / np.float32(scale * len(self.parts))
        return total


def stacked(pool: Pool, columns: Sequence[str]) -> Matrix:
    """Return the named columns side by side: float32 of shape (n, c).

    Raises:
        StageError: One was not measured.
    """
    missing = [name for name in columns if name not in pool.columns]
    if missing:
        raise StageError(f"the ranker weighs {missing[0]!r}, which no feature measures")
    if not columns:
        return np.zeros((len(pool), 0), np.float32)
    return np.stack([pool.columns[name] for name in columns], axis=1)


def beside_the_best(values: Matrix) -> Matrix:
    """Return the columns, signed roots of them, and each minus its best in the pool: (n, 2 c).

    A root, since one more shared member says less than the first; the best of the pool, since
    what counts is who is nearest here, not how near that is.
    """
    rooted = np.sign(values) * np.sqrt(np.abs(values))
    best = values.max(axis=0, initial=-np.inf) if len(values) else np.zeros(values.shape[1])
    spread = np.ptp(values, axis=0) if len(values) else np.ones(values.shape[1])
    beside = (values - best) / np.maximum(spread, 1e-6)
    return np.concatenate([rooted, beside], axis=1).astype(np.float32)
