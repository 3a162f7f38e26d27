"""Who may be introduced to whom, read from a community's tables and from nothing of the engine's.

Peers get these rules as a mask, so that no place of theirs is wasted, and Belong's slates are
checked by them: whoever they forbid and Belong shows is a policy that was broken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import sparse

from benchmarks.slates import Slates
from data.community import Community
from engine.types import BoolVector, Matrix, Rows

NO_BAND = -1
"""The band of a member whose band is unreadable."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may be introduced.

    Attributes:
        asks: Who is open to introductions and takes any in a week: bool of shape (members,).
        found: Who besides may be found: bool of shape (members,).
        bands: Audience band, `NO_BAND` if unreadable: int64 of shape (members,).
        tied: Who has met whom: a sparse matrix of shape (members, members).
        blocked: Who has a block with whom, either way, likewise.
    """

    asks: BoolVector
    found: BoolVector
    bands: Rows
    tied: sparse.csr_array
    blocked: sparse.csr_array

    def forbidden(self, rows: Rows) -> dict[str, np.ndarray[tuple[int, int], np.dtype[np.bool_]]]:
        """Return by rule whom members may not be shown: bool of shape (v, members) each."""
        members = len(self.asks)
        theirs = self.bands[rows][:, None]
        return {
            "themselves": rows[:, None] == np.arange(members),
            "already_tied": self.tied[rows].toarray() > 0,
            "blocked": self.blocked[rows].toarray() > 0,
            "not_both_willing": ~(self.asks[rows][:, None] & self.asks),
            "not_discoverable": np.broadcast_to(~self.found, (len(rows), members)),
            "another_audience": (self.bands != theirs) | (theirs == NO_BAND),
        }

    def masked(self, scores: Matrix, rows: Rows) -> Matrix:
        """Return scores of shape (v, members) with -inf where a rule forbids it."""
        result = np.array(scores, dtype=np.float32)
        for wrong in self.forbidden(rows).values():
            result[wrong] = -np.inf
        return result

    def broken(self, slates: Slates, rows: Rows) -> dict[str, int]:
        """Return how many places of slates break each rule."""
        shown = slates >= 0
        columns = np.maximum(slates, 0)
        return {
            name: int((np.take_along_axis(wrong, columns, axis=1) & shown).sum())
            for name, wrong in self.forbidden(rows).items()
        }


def rules_of(community: Community) -> Rules:
    """Return the rules as the tables of a community say them."""
    members = community.members
    weekly = members["weekly_introductions"].to_numpy().astype(np.float64)
    asks = members["open_to_introductions"].to_numpy() & (weekly > 0)  # NaN > 0 is False
    size = len(members)
    return Rules(
        asks=asks,
        found=members["discoverable"].to_numpy(),
        bands=_bands(members["audience"]),
        tied=_both_ways(community.ties, ("a", "b"), size),
        blocked=_both_ways(community.blocks, ("member", "other"), size),
    )


def _bands(audience: pl.Series) -> Rows:
    names = {name: row for row, name in enumerate(audience.drop_nulls().unique().sort())}
    codes = [NO_BAND if band is None else names[band] for band in audience.to_list()]
    return np.array(codes, dtype=np.int64)


def _both_ways(pairs: pl.DataFrame, ends: tuple[str, str], size: int) -> sparse.csr_array:
    one, other = (pairs[end].to_numpy().astype(np.int64) for end in ends)
    places = (np.concatenate([one, other]), np.concatenate([other, one]))
    ones = np.ones(2 * len(one), dtype=np.float32)
    return sparse.csr_array((ones, places), shape=(size, size))
