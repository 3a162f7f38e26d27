"""What a peer may know of a community: who was where before a cut, and what was said there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from data.community import Community
from engine.domain import DAY_S
from engine.types import Matrix, Rows, Vector
from training.activity import in_groups
from training.texts import TextVectors

TEXT_ALONE = -1
"""The row of a viewer who is no member and known by a text alone."""


@dataclass(frozen=True, slots=True)
class History:
    """Everything that happened before a cut, and nothing that happened after it.

    Attributes:
        members: How many members there are.
        groups: How many groups there are.
        member: Who was in a group, each pair once: int64 of shape (n,).
        group: In which: int64 of shape (n,).
        ts: When they joined, unix seconds, NaN if undated: float64 of shape (n,).
        n: How often they took part in it before the cut, at least 1: float32 of shape (n,).
        asof: The cut, unix seconds.
        member_texts: The direction of the mean of each member's unit vectors (profile and own
            posts), zero for those who said nothing: float32 of shape (members, d).
        group_texts: The same of each group's name, description and posts: (groups, d).
    """

    members: int
    groups: int
    member: Rows
    group: Rows
    ts: NDArray[np.float64]
    n: Vector
    asof: float
    member_texts: Matrix
    group_texts: Matrix

    def matrix(self, weights: Vector | None = None) -> sparse.csr_matrix:
        """Return memberships as a sparse float32 matrix of shape (members, groups).

        Args:
            weights: One value a membership, of shape (n,); ones if absent.
        """
        values = np.ones(len(self.member)) if weights is None else weights
        # The packages want int32 indices and the older kind of matrix; both follow from this.
        pairs = (self.member.astype(np.int32), self.group.astype(np.int32))
        shape = (self.members, self.groups)
        return sparse.csr_matrix((values.astype(np.float32), pairs), shape=shape)

    def fading(self, half_life_days: float) -> Vector:
        """Return 1 for a membership that begins at the cut, 1/2 for one a half-life older.

        One without a date counts as four half-lives old; where nothing has a date, all count 1.
        """
        return faded(self.ts, self.asof, half_life_days)

    def strength(self, half_life_days: float) -> Vector:
        """Return how much each membership says about what a member would join next.

        Taking part often counts more, with diminishing returns (once 1, three times 2, seven
        times 3), and what is old counts less: float32 of shape (n,).
        """
        return (np.log2(1 + self.n) * self.fading(half_life_days)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Viewers:
    """Those who are to be answered.

    Attributes:
        rows: Member rows, `TEXT_ALONE` for someone known by a text alone: int64 of shape (v,).
        texts: The unit vector of that text, for a member their row of `History.member_texts`:
            float32 of shape (v, d).
    """

    rows: Rows
    texts: Matrix

    def __len__(self) -> int:
        """How many there are."""
        return len(self.rows)

    def part(self, start: int, end: int) -> Viewers:
        """Return the viewers from place `start` up to `end`."""
        return Viewers(self.rows[start:end], self.texts[start:end])


def faded(ts: NDArray[np.float64], asof: float, half_life_days: float) -> Vector:
    """Return 1 for what happened at `asof`, 1/2 for what is a half-life older, and so on.

    What has no date counts as four half-lives old; where nothing has a date, all count 1.

    >>> faded(np.array([0.0, np.nan]), asof=86_400.0, half_life_days=1).tolist()
    [0.5, 0.0625]
    """
    dated = np.isfinite(ts)
    if not dated.any():
        return np.ones(len(ts), dtype=np.float32)
    age = np.maximum(asof - np.where(dated, ts, 0), 0) / DAY_S / half_life_days
    weights: Vector = (0.5 ** np.where(dated, age, 4)).astype(np.float32)
    return weights


def viewers_of(history: History, rows: Rows) -> Viewers:
    """Return members as viewers."""
    return Viewers(rows, history.member_texts[rows])


def history_of(early: Community, vectors: TextVectors, asof: float) -> History:
    """Return what a peer may know.

    Args:
        early: The community as it was at the cut (`training.split.past`).
        vectors: Of the texts of `early`.
        asof: The cut, unix seconds.
    """
    times = in_groups(early).group_by("member", "group").agg(times=pl.len())
    pairs = (
        early.memberships.group_by("member", "group")
        .agg(first_ts=pl.col("first_ts").min())
        .join(times, on=["member", "group"], how="left")
        .sort("member", "group")
    )
    return History(
        members=len(early.members),
        groups=len(early.groups),
        member=pairs["member"].to_numpy().astype(np.int64),
        group=pairs["group"].to_numpy().astype(np.int64),
        ts=pairs["first_ts"].cast(pl.Float64).fill_null(float("nan")).to_numpy(),
        n=pairs["times"].fill_null(1).to_numpy().astype(np.float32),
        asof=asof,
        member_texts=_directions(early.authors, "member", vectors.members, vectors.posts),
        group_texts=_directions(early.post_groups, "group", vectors.groups, vectors.posts),
    )


def unit_rows(vectors: Matrix) -> Matrix:
    """Return each row at length 1; a zero row stays zero."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Matrix = (vectors / np.where(length > 0, length, 1)).astype(np.float32)
    return unit


def _directions(links: pl.DataFrame, owner: str, own: Matrix, posts: Matrix) -> Matrix:
    """Return the direction of the mean of an owner's own vector and those of their posts."""
    ones = np.ones(len(links), dtype=np.float32)
    by_owner = sparse.csr_array(
        (ones, (links[owner].to_numpy(), links["post"].to_numpy())), shape=(len(own), len(posts))
    )
    return unit_rows(own + np.asarray(by_owner @ posts, dtype=np.float32))
