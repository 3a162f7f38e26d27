"""Cycles of a fractional matching, cut into pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.types import BoolVector, Rows

Weights = NDArray[np.float64]

NOWHERE = -1
"""The cycle of who is in none."""


def cycles_of(assigned: Rows, done: BoolVector) -> Iterator[Rows]:
    """Give the cycles of an assignment of members to members, three or more in each.

    Args:
        assigned: Whom each is assigned to, a permutation: int64 of shape (n,).
        done: Who is not to be looked at.
    """
    following = assigned.tolist()
    seen = done | (assigned == np.arange(len(assigned)))
    for start in np.flatnonzero(~seen).tolist():
        cycle, at = [], start
        while not seen[at]:
            seen[at] = True
            cycle.append(at)
            at = following[at]
        if cycle:
            yield np.array(cycle, np.int64)


def best_half(cycle: Rows, weights: Weights) -> Rows:
    """Return the heavier half of an even cycle's edges as pairs, shape (n / 2, 2).

    >>> best_half(np.array([4, 5, 6, 7]), np.array([1.0, 3.0, 1.0, 3.0])).tolist()
    [[5, 6], [7, 4]]
    """
    turned = cycle if weights[::2].sum() >= weights[1::2].sum() else np.roll(cycle, -1)
    return turned.reshape(-1, 2)


def without(cycle: Rows, member: int) -> Rows:
    """Return an odd cycle but for one member as pairs, shape ((n - 1) / 2, 2).

    >>> without(np.array([4, 5, 6]), 5).tolist()
    [[6, 4]]
    """
    at = int(np.flatnonzero(cycle == member)[0])
    return np.roll(cycle, -at)[1:].reshape(-1, 2)


@dataclass(frozen=True, slots=True)
class Leaving:
    """What odd cycles are worth without one of their members.

    Attributes:
        cycle: The number of each member's cycle, `NOWHERE` for who is in none: shape (n,).
        loss: What a member's leaving costs their cycle beside the leaving of whoever leaves best,
            at least 0: float64 of shape (n,).
        best: For each cycle the member who leaves best.
    """

    cycle: Rows
    loss: Weights
    best: Rows

    @classmethod
    def of(cls, cycles: Sequence[Rows], weights: Sequence[Weights], size: int) -> Leaving:
        """Measure cycles, whose weights are those of the edges from each member to the next."""
        number, loss = np.full(size, NOWHERE, np.int64), np.zeros(size)
        best = np.zeros(len(cycles), np.int64)
        for place, (members, around) in enumerate(zip(cycles, weights, strict=True)):
            worth = _worth_without(around)
            number[members] = place
            loss[members] = worth.max() - worth
            best[place] = members[int(worth.argmax())]
        return cls(number, loss, best)

    def between(self, one: Rows, other: Rows, weight: Weights) -> tuple[Rows, Rows, Rows, Weights]:
        """Return the best edge between each two cycles.

        Args:
            one: One end of each edge of the graph.
            other: The other end.
            weight: What each is worth.

        Returns:
            Two numbers of cycles, the lesser first, the number of the edge, and what is gained by
            both cycles' leaving its ends to each other: shape (m,) each.
        """
        first, second = self.cycle[one], self.cycle[other]
        edges = np.flatnonzero((first != NOWHERE) & (second != NOWHERE) & (first != second))
        gain = weight[edges] - self.loss[one[edges]] - self.loss[other[edges]]
        edges, gain = edges[gain > 0], gain[gain > 0]
        low = np.minimum(first[edges], second[edges])
        high = np.maximum(first[edges], second[edges])
        order = np.lexsort((edges, -gain, high, low))
        low, high, edges, gain = low[order], high[order], edges[order], gain[order]
        new = np.ones(len(low), bool)
        new[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
        return low[new], high[new], edges[new], gain[new]


def _worth_without(around: Weights) -> Weights:
    """Return for each member of an odd cycle the weight of its pairs without that member."""
    size = len(around)
    worth = np.zeros(size)
    # Without the member at k the pairs are k+1 with k+2, k+3 with k+4, and so on.
    worth[0] = around[1 : size - 1 : 2].sum()
    at = 0
    for _ in range(size - 1):
        following = (at + 2) % size
        worth[following] = worth[at] - around[(at + 1) % size] + around[at]
        at = following
    return worth
