"""What training works out beforehand for introductions, one number or vector a member or group."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from engine.types import Matrix, Rows, Vector


def _nothing() -> Vector:
    return np.zeros(0, np.float32)


def _nowhere() -> Matrix:
    return np.zeros((0, 0), np.float32)


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """Who lies near whom, and how often each is shown. Rows beyond the last know nothing: 0.

    Attributes:
        places: Where each member lies in the space of ties and public groups: unit vectors of
            shape (members, p), zero where nothing is known.
        group_places: Where members of each group lie, of shape (groups, p): a newcomer lies
            between those of their groups.
        looking: A vector for each member as one who looks, of shape (members, f).
        met: One as somebody who is looked at: where the product with the other's is large, ties
            and public groups foretell that they meet. Of shape (members, f).
        closeness: How much likelier two people of a group are tied than any two, as log of the
            ratio, drawn to 0 and never less: shape (groups,).
        prices: What it costs to show somebody once more, as a chance: shape (members,). More than
            0 for those who would be shown to very many, less for those hardly anybody would see.
    """

    places: Matrix = field(default_factory=_nowhere)
    group_places: Matrix = field(default_factory=_nowhere)
    looking: Matrix = field(default_factory=_nowhere)
    met: Matrix = field(default_factory=_nowhere)
    closeness: Vector = field(default_factory=_nothing)
    prices: Vector = field(default_factory=_nothing)

    def fits(self, members: int, groups: int) -> bool:
        """Return whether it is of so many members and groups, or of none."""
        of_members = {len(getattr(self, name)) for name in OF_MEMBERS}
        of_groups = {len(self.group_places), len(self.closeness)}
        return of_members <= {0, members} and of_groups <= {0, groups}

    def without(self, rows: Iterable[int]) -> Self:
        """Return the same with nothing left of these members.

        >>> Acquaintance(prices=np.ones(3, np.float32)).without([1, 7]).prices.tolist()
        [1.0, 0.0, 1.0]
        """
        gone = np.array(list(rows), np.int64)
        if not len(gone):
            return self
        columns = {name: getattr(self, name).copy() for name in OF_MEMBERS}
        for column in columns.values():
            column[gone[gone < len(column)]] = 0
        return replace(self, **columns)


OF_MEMBERS = ("places", "looking", "met", "prices")
"""The columns that have a row for each member."""

NOTHING_LEARNED = Acquaintance()
"""As long as training has not looked."""


def values_at(column: Vector | Matrix, rows: Rows) -> Vector | Matrix:
    """Return what a column says of these rows, 0 of those it does not reach.

    >>> values_at(np.array([5.0, 7.0], np.float32), np.array([1, 9])).tolist()
    [7.0, 0.0]
    """
    found = np.zeros((len(rows), *column.shape[1:]), np.float32)
    known = rows < len(column)
    found[known] = column[rows[known]]
    return found
