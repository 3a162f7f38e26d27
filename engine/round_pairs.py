"""Pairs of a whole community: candidates, their quality, and a matching of nearly the most."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from engine.affinities import PairQuality
from engine.matching import FREE, heaviest_pairs
from engine.pair_graph import Graph, Weights
from engine.round_candidates import Pairs, candidate_pairs, further_pairs
from engine.round_ground import Ground
from engine.round_rules import may_meet
from engine.round_wishes import PAIR, Mix, Why
from engine.types import BoolVector, Rows, Vector

MIXED = 0.5
"""What it is worth beside the quality that a newcomer meets a regular, where that is wished."""

TRIES = 8
"""How often pairs that a policy refuses are replaced before those people are left out."""

WIDER = 2
"""How often those who found nobody are given more candidates."""

CLOSE = 40
"""Of everybody's candidates the best few are matched; all of them for those who find nobody so."""


@dataclass(frozen=True, slots=True)
class Edges:
    """Pairs that may meet as far as the cheap rules say, with their quality."""

    one: Rows
    other: Rows
    quality: Vector

    def with_more(self, more: Edges, size: int) -> Edges:
        """Return both, each pair once."""
        one = np.concatenate([self.one, more.one])
        other = np.concatenate([self.other, more.other])
        first = np.unique(one * size + other, return_index=True)[1]
        quality = np.concatenate([self.quality, more.quality])[first]
        return Edges(one[first], other[first], quality)

    def kept(self, keep: BoolVector) -> Edges:
        """Return some of them."""
        return Edges(self.one[keep], self.other[keep], self.quality[keep])


class Pairing:
    """Finds pairs."""

    def __init__(self, ground: Ground, quality: PairQuality) -> None:
        self.ground, self.quality = ground, quality
        self.chance = np.random.default_rng(ground.wishes.seed)
        self.size = len(ground.snapshot.members.ids)
        self.place = np.full(self.size, FREE, np.int64)
        self.place[ground.pool] = np.arange(len(ground.pool))
        self.passed: set[tuple[int, int]] = set()

    def plan(self) -> tuple[list[Rows], dict[int, Why]]:
        """Return pairs of rows, and why others are left out."""
        ground = self.ground
        edges, partner = self.matched()
        lower = np.flatnonzero(partner > np.arange(len(partner)))
        matches = list(ground.together)
        matches += list(np.stack([ground.pool[lower], ground.pool[partner[lower]]], axis=1))
        out = self._left_out(edges, ground.pool[partner == FREE])
        if ground.wishes.threes:
            self._as_thirds(matches, out)
        return matches, out

    def matched(self) -> tuple[Edges, Rows]:
        """Return all pairs that were looked at, and the partner of each in the pool."""
        ground, snapshot = self.ground, self.ground.snapshot
        pairs = [candidate_pairs(snapshot, rows, self.chance) for rows in ground.by_band()]
        edges, partner = self._passing(self._measured(pairs), None)
        for _ in range(WIDER):
            further = self._further(ground.pool[partner == FREE])
            if not further:
                break
            edges = edges.with_more(self._measured(further), self.size)
            edges, partner = self._passing(edges, partner)
        return edges, partner

    def _further(self, free: Rows) -> list[Pairs]:
        """Return more pairs for those who found nobody, where there are two in one band."""
        bands = self.ground.snapshot.members.audience
        found = []
        for rows in self.ground.by_band():
            alone = free[bands[free] == bands[rows[0]]]
            if len(alone) > 1:
                found.append(further_pairs(self.size, alone, rows, self.chance))
        return found

    def _measured(self, pairs: Iterable[Pairs]) -> Edges:
        nothing = np.zeros(0, np.int64)
        ones, others = [nothing], [nothing]
        for some in pairs:
            keep = may_meet(self.size, self.ground.apart, some.one, some.other)
            ones.append(some.one[keep])
            others.append(some.other[keep])
        one, other = np.concatenate(ones), np.concatenate(others)
        return Edges(one, other, self.quality.of(one, other))

    def _passing(self, edges: Edges, partner: Rows | None) -> tuple[Edges, Rows]:
        """Return the edges no policy refuses, as far as they were looked at, and a matching."""
        seed = self.ground.wishes.seed
        for _ in range(TRIES):
            partner = heaviest_pairs(self.graph(edges, partner), seed, partner)
            refused = self._refused(partner)
            if not len(refused):
                break
            edges = edges.kept(~np.isin(edges.one * self.size + edges.other, refused))
        assert partner is not None
        return edges, partner

    def graph(self, edges: Edges, partner: Rows | None = None) -> Graph:
        """Return who might meet whom: everybody's best few, and all of who is free now."""
        wishes, one, other = self.ground.wishes, self.place[edges.one], self.place[edges.other]
        weight = edges.quality.astype(np.float64)
        if wishes.mix is Mix.NEWCOMERS_WITH_REGULARS:
            new = self.ground.newcomers
            weight += MIXED * (new[edges.one] != new[edges.other])
        keep = _best_of_either(len(self.ground.pool), one, other, weight)
        if partner is not None:
            keep |= (partner[one] == FREE) | (partner[other] == FREE) | (partner[one] == other)
        keep &= edges.quality >= wishes.minimum_quality
        return Graph(len(self.ground.pool), one, other, weight).kept(keep)

    def _refused(self, partner: Rows) -> Rows:
        """Free those whom a policy keeps apart, and return the keys of their pairs."""
        pool, refused = self.ground.pool, []
        if self.ground.rules.others() is None:
            return np.zeros(0, np.int64)
        for low in np.flatnonzero(partner > np.arange(len(partner))).tolist():
            pair = int(pool[low]), int(pool[partner[low]])
            if pair in self.passed:
                continue
            if self.ground.rules.refused(pair):
                refused.append(pair[0] * self.size + pair[1])
                partner[[low, partner[low]]] = FREE
            else:
                self.passed.add(pair)
        return np.array(sorted(refused), np.int64)

    def _left_out(self, edges: Edges, free: Rows) -> dict[int, Why]:
        ends = np.concatenate([edges.one, edges.other])
        enough = np.tile(edges.quality >= self.ground.wishes.minimum_quality, 2)
        allowed = np.bincount(ends, minlength=self.size)
        good = np.bincount(ends[enough], minlength=self.size)
        why = {}
        for row in free.tolist():
            if good[row]:
                why[row] = Why.ODD_ONE_OUT
            else:
                why[row] = Why.BELOW_MINIMUM if allowed[row] else Why.NOBODY_ALLOWED
        return why

    def _as_thirds(self, matches: list[Rows], out: dict[int, Why]) -> None:
        """Let those left out join the pair they fit best, if all three have room for two."""
        bands = self.ground.snapshot.members.audience
        for row in [row for row, why in sorted(out.items()) if why is Why.ODD_ONE_OUT]:
            pairs = [
                place
                for place, pair in enumerate(matches)
                if len(pair) == PAIR and bands[pair[0]] == bands[row]
            ]
            if pairs and self._joins(row, matches, pairs):
                del out[row]

    def _joins(self, row: int, matches: list[Rows], pairs: list[int]) -> bool:
        ends = np.array([matches[place] for place in pairs])
        fit = np.minimum(*(self.quality.of(np.full(len(ends), row), side) for side in ends.T))
        for side in ends.T:
            fit[~may_meet(self.size, self.ground.apart, np.full(len(ends), row), side)] = -1
        for best in np.argsort(-fit, kind="stable")[:TRIES].tolist():
            three = np.sort(np.append(ends[best], row))
            if fit[best] < self.ground.wishes.minimum_quality or fit[best] < 0:
                return False
            room = not self.ground.rules.away(three, len(three) - 1)
            if room and not self.ground.rules.refused(three.tolist()):
                matches[pairs[best]] = three
                return True
        return False


def _best_of_either(size: int, one: Rows, other: Rows, weight: Weights) -> BoolVector:
    """Return which edges are among the best `CLOSE` of one of their ends."""
    if len(one) <= CLOSE * size // 2:
        return np.ones(len(one), bool)
    ends = np.concatenate([one, other])
    order = np.lexsort((-np.tile(weight, 2), ends))
    counts = np.bincount(ends, minlength=size)
    rank = np.arange(len(ends)) - np.repeat(np.cumsum(counts) - counts, counts)
    best = np.zeros(len(one), bool)
    best[order[rank < CLOSE] % len(one)] = True
    return best
