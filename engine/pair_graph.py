"""Members and the pairs they may be, and who is near whom by the heaviest of these."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.columns import expand
from engine.types import BoolVector, Rows

Weights = NDArray[np.float64]

CLOSEST = 6
"""Parts grow along the edges that are among the heaviest few of either end."""


@dataclass(frozen=True, slots=True)
class Graph:
    """Members and the pairs they may be.

    Attributes:
        size: Members, n.
        one: One end of each edge, the lower: int64 of shape (m,).
        other: The other end: int64 of shape (m,).
        weight: How good the pair is, in [0, 1], with any bonus of its own in [0, 2]: float64 of
            shape (m,). No edge is there twice.
    """

    size: int
    one: Rows
    other: Rows
    weight: Weights

    def __len__(self) -> int:
        """Return how many edges there are."""
        return len(self.one)

    def kept(self, keep: BoolVector) -> Graph:
        """Return the graph of some of its edges."""
        return Graph(self.size, self.one[keep], self.other[keep], self.weight[keep])


@dataclass(frozen=True, slots=True)
class Near:
    """Edges by member, and the heaviest few of each.

    Attributes:
        offsets: Where each member's edges begin, shape (n + 1,).
        edges: Numbers of edges, heaviest first for each member.
        ends: Whom each leads to.
        close_offsets: As `offsets`, of the heaviest few alone.
        close_ends: Whom those lead to.
    """

    offsets: Rows
    edges: Rows
    ends: Rows
    close_offsets: Rows
    close_ends: Rows

    @classmethod
    def of(cls, graph: Graph) -> Near:
        """Sort the edges of a graph."""
        froms = np.concatenate([graph.one, graph.other])
        ends = np.concatenate([graph.other, graph.one])
        edges = np.tile(np.arange(len(graph)), 2)
        order = np.lexsort((edges, -graph.weight[edges], froms))
        counts = np.bincount(froms, minlength=graph.size)
        offsets = np.concatenate([[0], np.cumsum(counts)])
        rank = np.arange(len(order)) - np.repeat(offsets[:-1], counts)
        close = np.zeros(len(graph), bool)
        close[edges[order][rank < CLOSEST]] = True  # of either end
        some = close[edges[order]]
        before = np.concatenate([[0], np.cumsum(some)])
        return cls(offsets, edges[order], ends[order], before[offsets], ends[order][some])

    def within(self, region: BoolVector, members: Rows) -> Rows:
        """Return the numbers of the edges between members of a region, each once."""
        position, flat = expand(self.offsets, members)
        inside = region[self.ends[flat]] & (members[position] < self.ends[flat])
        return self.edges[flat[inside]]

    def around(self, members: Rows) -> Rows:
        """Return whom the heaviest edges of members lead to, each once, ascending."""
        return np.unique(self.close_ends[expand(self.close_offsets, members)[1]])
