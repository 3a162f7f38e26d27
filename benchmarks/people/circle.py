"""What a peer may know of people: who has met whom before a cut, beside where they were."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.peers.history import History, faded, history_of
from data.community import Community
from engine.types import Rows, Vector
from training.activity import taking_part
from training.texts import TextVectors


@dataclass(frozen=True, slots=True)
class Circle:
    """Everything that happened between people before a cut, and nothing that happened after it.

    Attributes:
        history: Where they were and what they said.
        one: One end of every tie, each pair once: int64 of shape (t,).
        other: The other end: int64 of shape (t,).
        met: When the two first exchanged something, NaN if undated: float64 of shape (t,).
        active: Whoever took part in a post, once for every time: int64 of shape (p,).
        active_at: When, NaN if undated: float64 of shape (p,).
    """

    history: History
    one: Rows
    other: Rows
    met: NDArray[np.float64]
    active: Rows
    active_at: NDArray[np.float64]

    @property
    def members(self) -> int:
        """How many members there are."""
        return self.history.members

    def ties(self, half_life_days: float | None = None) -> sparse.csr_matrix:
        """Return ties both ways as a sparse float32 matrix of shape (members, members).

        Args:
            half_life_days: Age at which a tie counts half as much; None counts all alike.
        """
        weights = np.ones(len(self.one), dtype=np.float32)
        if half_life_days is not None:
            weights = faded(self.met, self.history.asof, half_life_days)
        one, other = self.one.astype(np.int32), self.other.astype(np.int32)
        ends = (np.concatenate([one, other]), np.concatenate([other, one]))
        shape = (self.members, self.members)
        return sparse.csr_matrix((np.concatenate([weights, weights]), ends), shape=shape)

    def degrees(self) -> Vector:
        """Return how many people each member has met: float32 of shape (members,)."""
        both = np.concatenate([self.one, self.other])
        return np.bincount(both, minlength=self.members).astype(np.float32)


def circle_of(early: Community, vectors: TextVectors, asof: float) -> Circle:
    """Return what a peer may know.

    Args:
        early: The community as it was at the cut.
        vectors: Of the texts of `early`.
        asof: The cut, unix seconds.
    """
    events = taking_part(early).sort("member", "post")
    return Circle(
        history=history_of(early, vectors, asof),
        one=early.ties["a"].to_numpy().astype(np.int64),
        other=early.ties["b"].to_numpy().astype(np.int64),
        met=_seconds(early.ties["first_ts"]),
        active=events["member"].to_numpy().astype(np.int64),
        active_at=_seconds(events["ts"]),
    )


def _seconds(column: pl.Series) -> NDArray[np.float64]:
    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
