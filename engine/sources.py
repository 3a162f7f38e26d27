"""Where candidates come from. Each source proposes rows; none of them decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np

from engine.columns import Links
from engine.index import EXACT_BELOW, VectorIndex
from engine.pool import best_few
from engine.query import Query
from engine.snapshot import GroupColumns, MemberColumns
from engine.types import Rows

DEPTH = 200
"""Candidates a source proposes at most."""

SMALL_BAND = EXACT_BELOW
"""Interests up to which an audience band is compared by itself: each one, without a graph."""

SMALL_GROUP = 200
"""Members up to which sharing a group says that two people may have met."""


@dataclass(frozen=True, slots=True)
class NearestVectors:
    """Rows whose vectors lie nearest to any of the viewer's interests."""

    index: VectorIndex
    owners: Rows  # the row each vector belongs to
    depth: int = DEPTH
    name: ClassVar[str] = "nearest_vectors"

    def propose(self, query: Query) -> Rows:
        """Return the owners of the nearest vectors, an equal share for each interest."""
        if not len(query.interests):
            return np.zeros(0, np.int64)
        each = max(1, self.depth // len(query.interests))
        found = self.index.search(query.interests, each).rows
        return self.owners[found.ravel()]


@dataclass(frozen=True, slots=True)
class SharedMembers:
    """Groups that share members with the groups the viewer is in."""

    groups: GroupColumns
    depth: int = DEPTH
    name: ClassVar[str] = "shared_members"

    def propose(self, query: Query) -> Rows:
        """Return the groups with the largest summed similarity."""
        position, rows, weights = self.groups.neighbours.of_rows(query.groups)
        return _strongest(rows, weights * query.group_weights[position], self.depth)


@dataclass(frozen=True, slots=True)
class CompanionsThere:
    """Groups where people the viewer already talks with are."""

    members: MemberColumns
    depth: int = DEPTH
    name: ClassVar[str] = "companions_there"

    def propose(self, query: Query) -> Rows:
        """Return the groups with most companions."""
        position, rows, _ = self.members.groups.of_rows(query.companions)
        return _strongest(rows, query.companion_weights[position], self.depth)


@dataclass(frozen=True, slots=True)
class VisitedGroups:
    """Groups the viewer took part in without being in them."""

    name: ClassVar[str] = "visited_groups"

    def propose(self, query: Query) -> Rows:
        """Return all of them."""
        return query.visits


@dataclass(frozen=True, slots=True)
class LivelyGroups:
    """Groups that people have been joining lately: there for everyone, known or not."""

    ranked: Rows
    name: ClassVar[str] = "lively_groups"

    def propose(self, query: Query) -> Rows:
        """Return the liveliest groups."""
        return self.ranked


@dataclass(frozen=True, slots=True)
class NewGroups:
    """Groups founded last: there for everyone, so that one without members yet is seen at all."""

    newest: Rows
    name: ClassVar[str] = "new_groups"

    def propose(self, query: Query) -> Rows:
        """Return the newest groups."""
        return self.newest


@dataclass(frozen=True, slots=True)
class CompanionsOfCompanions:
    """People tied with someone the viewer is tied with."""

    ties: Links
    depth: int = DEPTH
    name: ClassVar[str] = "companions_of_companions"

    def propose(self, query: Query) -> Rows:
        """Return the people with most companions in common, rarely tied ones counting more."""
        position, rows, _ = self.ties.of_rows(query.companions)
        degree = np.diff(self.ties.offsets)[query.companions]
        return _strongest(rows, 1 / np.log(1 + degree[position]), self.depth)


@dataclass(frozen=True, slots=True)
class SmallGroupFellows:
    """People in the same small groups."""

    groups: GroupColumns
    depth: int = DEPTH
    name: ClassVar[str] = "small_group_fellows"

    def propose(self, query: Query) -> Rows:
        """Return the people who share most small groups, the smallest counting most."""
        size = self.groups.size[query.groups]
        small = query.groups[size <= SMALL_GROUP]
        position, rows, _ = self.groups.members.of_rows(small)
        weight = 1 / np.log(1 + self.groups.members.counts()[small])
        return _strongest(rows, weight[position], self.depth)


@dataclass(frozen=True, slots=True)
class Regulars:
    """People who took part lately and want introductions: there for everyone, known or not."""

    members: MemberColumns
    by_band: Mapping[int, Rows]
    name: ClassVar[str] = "regulars"

    @classmethod
    def of(cls, members: MemberColumns, depth: int = DEPTH) -> Self:
        """Rank those who may be introduced, each audience band by itself."""
        willing = members.discoverable & members.open_to_introductions
        willing &= members.weekly_introductions > 0
        ranked = {}
        for band in range(len(members.bands)):
            rows = np.flatnonzero(willing & (members.audience == band))
            ranked[band] = rows[best_few(rows, members.active[rows], depth)]
        return cls(members, ranked)

    def propose(self, query: Query) -> Rows:
        """Return those of the viewer's band who took part most."""
        return self.by_band.get(query.audience, np.zeros(0, np.int64))


@dataclass(frozen=True, slots=True)
class NearestInBand:
    """People of a small audience band whose interests lie nearest to the viewer's.

    Among everybody's nearest interests there may be none of a band of thirty: such bands are
    compared by themselves.
    """

    members: MemberColumns
    small: Mapping[int, int]  # interests of each small band
    depth: int = DEPTH
    name: ClassVar[str] = "nearest_in_band"
    _nearest: dict[int, NearestVectors] = field(default_factory=dict)  # as they are asked for

    @classmethod
    def of(cls, members: MemberColumns, depth: int = DEPTH) -> Self:
        """Take every band of at most `SMALL_BAND` interests, unless it is the only one."""
        owners = members.interests.owners()
        bands = members.audience[owners[owners >= 0]]
        counts = np.bincount(bands[bands >= 0], minlength=len(members.bands))
        sizes = enumerate(counts[: len(members.bands)].tolist())
        total = len(owners)
        small = {band: size for band, size in sizes if 0 < size <= SMALL_BAND and size < total}
        return cls(members, small, depth)

    def propose(self, query: Query) -> Rows:
        """Return the nearest of a small band, nobody of a large one."""
        if query.audience not in self.small:
            return np.zeros(0, np.int64)
        # Bands nobody asks for are never put together; two threads may both do it, alike.
        if query.audience not in self._nearest:
            self._nearest[query.audience] = self._of_band(query.audience)
        return self._nearest[query.audience].propose(query)

    def _of_band(self, band: int) -> NearestVectors:
        owners = self.members.interests.owners()
        mine = np.flatnonzero((self.members.audience[owners] == band) & (owners >= 0))
        vectors = np.ascontiguousarray(self.members.interests.at(mine))
        return NearestVectors(VectorIndex.build(vectors), owners[mine], self.depth)


def _strongest(
    rows: Rows, weights: np.ndarray[tuple[int], np.dtype[np.floating]], depth: int
) -> Rows:
    """Return the distinct rows of largest summed weight; of equals the lower row."""
    if not len(rows):
        return np.zeros(0, np.int64)
    distinct, position = np.unique(rows, return_inverse=True)
    total = np.bincount(position, weights=weights)
    return distinct[np.lexsort((distinct, -total))[:depth]]
