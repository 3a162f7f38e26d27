"""Which of the scored candidates become the slate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.pool import Pool, best_first
from engine.query import Query
from engine.types import Rows, Vector


@dataclass(frozen=True, slots=True)
class TopK:
    """The k highest scores; equal scores by row."""

    name: ClassVar[str] = "top_k"

    def select(self, query: Query, pool: Pool, scores: Vector, k: int) -> Rows:
        """Return the positions of the k best, best first."""
        return best_first(pool.rows, scores)[:k]
