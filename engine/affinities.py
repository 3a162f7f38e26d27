"""How glad two members would be to meet each other, for very many pairs at once.

The pipeline of introductions looks at one viewer's candidates at a time, which takes milliseconds
a member; a round looks at a dozen candidates of everybody. So this reads the same columns, pair by
pair, in batches.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from engine.columns import Links, Profiles, expand
from engine.overlay import settled
from engine.snapshot import Snapshot
from engine.types import Rows, Vector

AT_ONCE = 20_000
"""Pairs that are measured together."""

HEAVIEST = 2
"""Interests of each member that are compared: the heaviest ones."""


class PairQuality(Protocol):
    """Measures pairs."""

    @property
    def name(self) -> str:
        """What measured, in a plan's settings."""

    def of(self, one: Rows, other: Rows) -> Vector:
        """Return how good each pair is for both.

        Args:
            one: Member rows, shape (n,).
            other: Likewise.

        Returns:
            float32 of shape (n,), in [0, 1]; the same whichever of the two comes first.
        """


@dataclass(frozen=True, slots=True)
class Weights:
    """What gladness is made of; the parts sum to 1. Chosen by hand."""

    interests: float = 0.40
    companions: float = 0.25
    groups: float = 0.15
    fellows: float = 0.10
    active: float = 0.10
    needs: float = 0.40  # beside all of the above, where somebody says what they seek


USUAL = Weights()


@dataclass(frozen=True, slots=True)
class GladBoth:
    """How glad each would be to meet the other, as one number in which the lesser counts more.

    Glad is who shares an interest that weighs much with them, has companions, small groups or
    small conversations in common, meets somebody who takes part, and finds what they seek in what
    the other offers. The two directions differ by what each cares for and seeks, and by how much
    the other takes part; their harmonic mean is the quality, so one-sided interest loses.
    """

    interests: Profiles
    heaviest: NDArray[np.int64]
    importance: NDArray[np.float32]
    seeking: Profiles
    offering: Profiles
    companions: tuple[csr_matrix, csr_matrix]
    groups: tuple[csr_matrix, csr_matrix]
    fellows: csr_matrix
    active: Vector
    weights: Weights = USUAL
    name: ClassVar[str] = "glad_both"

    @classmethod
    def of_snapshot(cls, snapshot: Snapshot, weights: Weights = USUAL) -> Self:
        """Prepare the columns of a community."""
        members, count = snapshot.members, len(snapshot.members.ids)
        interests = settled(members.interests)
        heaviest, importance = _heaviest(interests)
        common = 1 / np.log(2 + members.ties.counts())
        sizes = 1 / np.log(2 + snapshot.groups.members.counts())
        return cls(
            interests,
            heaviest,
            importance,
            settled(members.seeking),
            settled(members.offering),
            _overlap(members.ties, count, common),
            _overlap(_public(members.groups, snapshot), len(snapshot.groups.ids), sizes),
            _table(snapshot.behaviour.fellows, count),
            _saturated(np.log1p(members.active)).astype(np.float32),
            weights,
        )

    def of(self, one: Rows, other: Rows) -> Vector:
        """Return how good each pair is for both: float32 of shape (n,), in [0, 1]."""
        parts = [
            self._some(one[start : start + AT_ONCE], other[start : start + AT_ONCE])
            for start in range(0, len(one), AT_ONCE)
        ]
        return np.concatenate([np.zeros(0, np.float32), *parts])

    def _some(self, one: Rows, other: Rows) -> Vector:
        low, high = np.minimum(one, other), np.maximum(one, other)
        weights = self.weights
        shared = weights.companions * _saturated(_common(self.companions, low, high))
        shared += weights.groups * _saturated(_common(self.groups, low, high))
        shared += weights.fellows * _at(self.fellows, low, high)
        match = self._interest(low, high)
        ways = []
        for match_one, viewer, item in ((match[0], low, high), (match[1], high, low)):
            glad = shared + weights.interests * match_one + weights.active * self.active[item]
            ways.append(self._with_needs(glad, viewer, item))
        glad, gladness = ways
        both: Vector = 2 * glad * gladness / np.maximum(glad + gladness, 1e-9)
        return np.clip(both, 0, 1).astype(np.float32)

    def _with_needs(self, glad: Vector, viewer: Rows, item: Rows) -> Vector:
        seeks = np.diff(self.seeking.offsets)[viewer] > 0
        if not seeks.any():
            return glad
        met = best_cosine(self.seeking, self.offering, viewer[seeks], item[seeks])
        result = glad.copy()
        result[seeks] = (1 - self.weights.needs) * glad[seeks] + self.weights.needs * met
        return result

    def _interest(self, one: Rows, other: Rows) -> tuple[Vector, Vector]:
        """Return the best cosine of any two interests, as it matters to one and to the other."""
        places = self.heaviest[one], self.heaviest[other]
        vectors = [self.interests.vectors[np.maximum(place, 0)] for place in places]
        cosines = np.maximum(np.matmul(vectors[0], vectors[1].transpose(0, 2, 1)), 0)
        mine = cosines.max(axis=2) * self.importance[one]
        theirs = cosines.max(axis=1) * self.importance[other]
        known = (places[0][:, 0] >= 0) & (places[1][:, 0] >= 0)
        return mine.max(axis=1) * known, theirs.max(axis=1) * known


def best_cosine(mine: Profiles, theirs: Profiles, one: Rows, other: Rows) -> Vector:
    """Return for each pair the best cosine of a vector of one and a vector of the other.

    Returns:
        float32 of shape (n,), in [0, 1]; 0 where either has none.
    """
    best = np.zeros(len(one), np.float32)
    position, flat = expand(mine.offsets, one)
    if not len(flat):
        return best
    pair, inner = expand(theirs.offsets, other[position])
    if len(pair):
        cosines = np.einsum("nd,nd->n", mine.vectors[flat[pair]], theirs.vectors[inner])
        np.maximum.at(best, position[pair], cosines)
    capped: Vector = np.minimum(best, np.float32(1))
    return capped


def _heaviest(interests: Profiles) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the places of each member's heaviest interests, and how much each matters.

    Both of shape (n, `HEAVIEST`). One who has fewer has place -1 and importance 0 there.
    """
    owners = interests.owners()
    order = np.lexsort((-interests.weights, owners))
    counts = np.diff(interests.offsets)
    rank = np.arange(len(order)) - np.repeat(interests.offsets[:-1], counts)
    few = rank < HEAVIEST
    places = np.full((len(interests), HEAVIEST), -1, np.int64)
    places[owners[few], rank[few]] = order[few]
    shares = np.where(places >= 0, np.append(interests.weights, 0)[places], 0)
    top = np.maximum(shares.max(axis=1, keepdims=True), 1e-9)
    return places, np.sqrt(shares / top).astype(np.float32)


def _public(links: Links, snapshot: Snapshot) -> Links:
    return links.without_targets(np.flatnonzero(~snapshot.groups.public))


def _table(links: Links, columns: int) -> csr_matrix:
    return csr_matrix((links.weights, links.targets, links.offsets), shape=(len(links), columns))


def _overlap(
    links: Links, columns: int, counts_for: NDArray[np.float64]
) -> tuple[csr_matrix, csr_matrix]:
    """Return which links there are, and the same by how much each target counts."""
    shape = len(links), columns
    ones = np.ones(len(links.targets), np.float32)
    weights = counts_for[links.targets].astype(np.float32)
    plain = csr_matrix((ones, links.targets, links.offsets), shape=shape)
    return plain, csr_matrix((weights, links.targets, links.offsets), shape=shape)


def _common(tables: tuple[csr_matrix, csr_matrix], one: Rows, other: Rows) -> Vector:
    shared = tables[0][one].multiply(tables[1][other]).sum(axis=1)
    return np.asarray(shared, np.float32).ravel()


def _at(table: csr_matrix, one: Rows, other: Rows) -> Vector:
    if not table.nnz:
        return np.zeros(len(one), np.float32)
    both = np.maximum(np.asarray(table[one, other]), np.asarray(table[other, one])).ravel()
    weights: Vector = np.minimum(both, 1).astype(np.float32)
    return weights


def _saturated(values: Vector) -> Vector:
    shares: Vector = values / (1 + values)
    return shares


Measure = Callable[[Snapshot], PairQuality]
"""Makes what measures a community's pairs."""
