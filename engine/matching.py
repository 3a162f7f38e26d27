"""Pairs of largest summed weight: everybody at most once, nearly everybody at least once.

A heaviest matching of a general graph takes cubic time. Here a matching is made
better step by step: members are put on two sides at random, the two of a pair on different ones,
and the sides are matched at their very best,
which is an assignment problem that SciPy solves fast (Jonker & Volgenant 1987, the sparse one).
What there was is one of the possible answers, so no step makes it worse. It begins with the best
fractional matching, whose weight no matching exceeds, and whose odd cycles are cut (Balinski 1965).
Large communities are put on sides part by part, in other parts each time. benchmarks/rounds.py
measures how far from the heaviest it comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from engine.odd_cycles import Leaving, best_half, cycles_of, without
from engine.pair_graph import Graph, Near, Weights
from engine.types import BoolVector, Rows

FREE = -1
"""The partner of who has none."""

BONUS = 1.0
"""What one more pair is worth beside the weights, which are in [0, 1]: coverage comes first."""

PART = 20_000
"""Members that are put on two sides together: the time of that grows faster than their number."""

IDLE = 2
"""How often in vain it is looked around those who are free."""

AROUND = 4_000
"""Members around those who are free that are looked at together."""

PASSES, MANY_PASSES = 2, 20
"""How often everybody is put on one of two sides: many times where they are few."""

_AWAY = 2.0 + BONUS
"""The cost of staying alone, above that of any pair."""


def heaviest_pairs(graph: Graph, seed: int, start: Rows | None = None, part: int = PART) -> Rows:
    """Return each member's partner in a matching of nearly the largest weight.

    Args:
        graph: Who may meet whom.
        seed: Of what is drawn; the same seed and graph give the same matching.
        start: A matching along edges of the graph to begin with: then only what is still free,
            and what is near it, is looked at again.
        part: Members that are matched together at most.

    Returns:
        Partners, int64 of shape (n,), `FREE` for who has none.
    """
    chance = np.random.default_rng(seed)
    partner = greedy(graph) if start is None else start.copy()
    if not len(graph):
        return partner
    search = _Search(graph, Near.of(graph), part, chance)
    if start is None:
        fractional = search.served(_rounded(_fractional(graph), graph))
        if _worth(graph, fractional) > _worth(graph, partner):
            partner = fractional
        for _ in range(MANY_PASSES if graph.size <= AROUND else PASSES):
            partner = search.one_pass(partner)
    return search.served(partner)


def greedy(graph: Graph) -> Rows:
    """Return partners by taking the heaviest edge between two who are free, until there is none.

    >>> line = Graph(4, np.array([0, 1, 2]), np.array([1, 2, 3]), np.array([0.5, 0.9, 0.5]))
    >>> greedy(line)
    array([-1,  2,  1, -1])
    """
    partner = np.full(graph.size, FREE, np.int64)
    order = np.argsort(-graph.weight, kind="stable")
    one, other = graph.one[order], graph.other[order]
    while len(one):
        place = np.arange(len(one))
        first = np.full(graph.size, len(one))
        np.minimum.at(first, one, place)
        np.minimum.at(first, other, place)
        best = (first[one] == place) & (first[other] == place)
        partner[one[best]], partner[other[best]] = other[best], one[best]
        left = (partner[one] == FREE) & (partner[other] == FREE)
        one, other = one[left], other[left]
    return partner


def upper_bound(graph: Graph) -> float:
    """Return a weight that no matching exceeds: that of the best fractional one.

    It takes seconds for 100,000 members, and longer where all want the same few.
    """
    bare = Graph(graph.size, graph.one, graph.other, graph.weight - BONUS)
    partner = _fractional(bare)
    there = np.flatnonzero(partner != np.arange(graph.size))
    return float(_weights(graph, there, partner[there]).sum()) / 2


def weight_of(graph: Graph, partner: Rows) -> float:
    """Return the summed weight of a matching along edges of the graph."""
    one = np.flatnonzero(partner > np.arange(graph.size))
    return float(_weights(graph, one, partner[one]).sum())


def _weights(graph: Graph, one: Rows, other: Rows) -> Weights:
    if not len(one):
        return np.zeros(0)
    return np.asarray(_table(graph)[one, other], np.float64).ravel()


def _worth(graph: Graph, partner: Rows) -> float:
    return weight_of(graph, partner) + BONUS * float((partner != FREE).sum()) / 2


def _table(graph: Graph) -> csr_matrix:
    ends = np.concatenate([graph.one, graph.other]), np.concatenate([graph.other, graph.one])
    return csr_matrix((np.tile(graph.weight, 2), ends), shape=(graph.size, graph.size))


def _fractional(graph: Graph) -> Rows:
    """Return the best assignment of members to members: pairs, cycles, and who stays alone."""
    alone = np.arange(graph.size)
    cost = _AWAY + 1 - (graph.weight + BONUS)
    rows = np.concatenate([graph.one, graph.other, alone])
    columns = np.concatenate([graph.other, graph.one, alone])
    costs = np.concatenate([cost, cost, np.full(graph.size, _AWAY + 1)])
    table = csr_matrix((costs, (rows, columns)), shape=(graph.size, graph.size))
    partner: Rows = min_weight_full_bipartite_matching(table)[1].astype(np.int64)
    return partner


def _rounded(assigned: Rows, graph: Graph) -> Rows:
    """Return a matching: each cycle of an assignment is cut into pairs.

    An odd cycle leaves one over; two odd cycles each leave the one who fits the other's best. Which
    two do so is a matching of cycles.
    """
    partner = np.full(len(assigned), FREE, np.int64)
    two = (assigned[assigned] == np.arange(len(assigned))) & (assigned != np.arange(len(assigned)))
    partner[two] = assigned[two]
    around = _weights(graph, np.arange(graph.size), assigned)  # of the edge to the next
    odd: list[Rows] = []
    for cycle in cycles_of(assigned, two):
        if len(cycle) % 2:
            odd.append(cycle)
        else:
            _pair(partner, best_half(cycle, around[cycle]))
    if not odd:
        return partner
    lefts = Leaving.of(odd, [around[cycle] for cycle in odd], graph.size)
    one, other, number, worth = lefts.between(graph.one, graph.other, graph.weight + BONUS)
    nearby = Graph(len(odd), one, other, np.clip(worth, 0, 2))
    met = heaviest_pairs(nearby, 0) if len(one) else np.full(len(odd), FREE, np.int64)
    gone = lefts.best.copy()
    chosen = met[one] == other
    for low, high, edge in zip(one[chosen], other[chosen], number[chosen], strict=True):
        ends = sorted((graph.one[edge], graph.other[edge]), key=lambda end: lefts.cycle[end] != low)
        gone[[low, high]] = ends
        _pair(partner, np.array([ends]))
    for place, cycle in enumerate(odd):
        _pair(partner, without(cycle, int(gone[place])))
    return partner


def _pair(partner: Rows, pairs: Rows) -> None:
    partner[pairs[:, 0]], partner[pairs[:, 1]] = pairs[:, 1], pairs[:, 0]


@dataclass(frozen=True, slots=True)
class _Search:
    """Improves a large matching region by region."""

    graph: Graph
    near: Near
    size: int  # of a part
    chance: np.random.Generator

    def one_pass(self, partner: Rows) -> Rows:
        """Improve parts that hold everybody."""
        partner = partner.copy()
        for members in self._parts(partner):
            self._improve(members, partner)
        return partner

    def served(self, partner: Rows) -> Rows:
        """Look around those who are still free, until nobody more finds anyone."""
        idle, partner, most = 0, partner.copy(), min(AROUND, self.size)
        while idle < IDLE and (partner == FREE).sum() > 1:
            before = int((partner == FREE).sum())
            seeds = self.chance.permutation(np.flatnonzero(partner == FREE))[: most // 20]
            left = np.ones(self.graph.size, bool)
            self._improve(self._grown(left, partner, seeds, most), partner)
            idle = 0 if int((partner == FREE).sum()) < before else idle + 1
        return partner

    def _parts(self, partner: Rows) -> Iterator[Rows]:
        """Give parts that hold everybody once, pairs together, and who is near each other."""
        left = np.ones(self.graph.size, bool)
        while left.any():
            seeds = self.chance.permutation(np.flatnonzero(left))[:1]
            members = self._grown(left, partner, seeds, self.size)
            left[members] = False
            yield members

    def _grown(self, left: BoolVector, partner: Rows, seeds: Rows, most: int) -> Rows:
        """Return about so many of those left, around some of them, ascending."""
        inside = np.zeros(len(partner), bool)
        front = _with_partners(seeds, partner)
        inside[front], size = True, len(front)
        while size < most:
            around = self.near.around(front)
            around = around[left[around] & ~inside[around]]
            if not len(around):  # nobody is near: go on with somebody else
                around = np.flatnonzero(left & ~inside)
                if not len(around):
                    break
                around = self.chance.permutation(around)[:1]
            some = max(1, (most - size) // 2)
            front = _with_partners(self.chance.permutation(around)[:some], partner)
            inside[front] = True
            size += len(front)
        return np.flatnonzero(inside)

    def _inside(self, members: Rows) -> Graph:
        """Return the graph of some members alone, by their places among them."""
        region = np.zeros(self.graph.size, bool)
        region[members] = True
        edges = self.near.within(region, members)
        ends = self.graph.one[edges], self.graph.other[edges]
        places = np.searchsorted(members, ends[0]), np.searchsorted(members, ends[1])
        return Graph(len(members), *places, self.graph.weight[edges])

    def _improve(self, members: Rows, partner: Rows) -> None:
        """Give members better partners among themselves; theirs so far are among them."""
        theirs = partner[members]
        known = np.where(theirs == FREE, FREE, np.searchsorted(members, theirs))
        found = _improved(self._inside(members), known, self.chance)
        partner[members] = np.where(found == FREE, FREE, members[found])


def _with_partners(members: Rows, partner: Rows) -> Rows:
    theirs = partner[members]
    return np.unique(np.concatenate([members, theirs[theirs != FREE]]))


def _improved(graph: Graph, partner: Rows, chance: np.random.Generator) -> Rows:
    """Return the best matching across two sides drawn at random that keep pairs apart."""
    members = np.arange(graph.size)
    right = chance.random(len(members)) < 0.5
    paired = np.flatnonzero(partner > members)
    right[partner[paired]] = ~right[paired]
    across = right[graph.one] != right[graph.other]
    one, other, weight = graph.one[across], graph.other[across], graph.weight[across]
    froms, tos = np.where(right[one], other, one), np.where(right[one], one, other)
    sides = np.cumsum(~right) - 1, np.cumsum(right) - 1
    lefts, rights = np.flatnonzero(~right), np.flatnonzero(right)
    alone = np.arange(len(lefts))
    table = csr_matrix(
        (
            np.concatenate([_AWAY + 1 - (weight + BONUS), np.full(len(lefts), _AWAY + 1)]),
            (
                np.concatenate([sides[0][froms], alone]),
                np.concatenate([sides[1][tos], len(rights) + alone]),
            ),
        ),
        shape=(len(lefts), len(rights) + len(lefts)),
    )
    result = np.full(len(members), FREE, np.int64)
    if not len(lefts):
        return result
    row, column = min_weight_full_bipartite_matching(table)
    met = column < len(rights)
    ours, theirs = lefts[row[met]], rights[column[met]]
    result[ours], result[theirs] = theirs, ours
    return result
