"""What is measured of each candidate. One small class a column; none knows the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from engine.columns import Links, Profiles
from engine.pool import Pool
from engine.query import Query
from engine.snapshot import GroupColumns, MemberColumns
from engine.types import Rows, Vector


@dataclass(frozen=True, slots=True)
class InterestMatch:
    """How near the candidate comes to what the viewer cares about.

    The best cosine to any interest, the heavier ones counting more: a group need not serve every
    interest, and one that serves a main one well should not lose to one that serves all a little.
    """

    profiles: Profiles
    name: ClassVar[str] = "interest_match"

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return the match in [0, 1]; 0 where either side has no vectors."""
        if not len(query.interests):
            return np.zeros(len(pool), dtype=np.float32)
        cosines = self.profiles.best_match(query.interests, pool.rows)
        importance = np.sqrt(query.shares / query.shares.max())
        best: Vector = (np.maximum(cosines, 0) * importance).max(axis=1)
        return best.astype(np.float32)


@dataclass(frozen=True, slots=True)
class CoMembership:
    """How many of the viewer's groups share members with this one, and how strongly."""

    groups: GroupColumns
    name: ClassVar[str] = "co_membership"

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return the summed similarity to the viewer's groups, at least 0."""
        position, rows, weights = self.groups.neighbours.of_rows(query.groups)
        return sum_at(pool.rows, rows, weights * query.group_weights[position])


@dataclass(frozen=True, slots=True)
class Companions:
    """How many people the viewer already talks with are there."""

    members: MemberColumns
    name: ClassVar[str] = "companions"

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return log(1 + companions), at least 0."""
        _, rows, _ = self.members.groups.of_rows(query.companions)
        return np.log1p(sum_at(pool.rows, rows, np.ones(len(rows), np.float32)))


@dataclass(frozen=True, slots=True)
class Liveliness:
    """How many people have been joining lately."""

    groups: GroupColumns
    name: ClassVar[str] = "liveliness"

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return log(1 + decayed recent joins), at least 0."""
        return np.log1p(self.groups.joins_decayed[pool.rows]).astype(np.float32)


@dataclass(frozen=True, slots=True)
class MutualCompanions:
    """How many people both talk with, those who talk with few counting more.

    Source: Adamic & Adar 2003, "Friends and neighbors on the Web".
    """

    ties: Links
    name: ClassVar[str] = "mutual_companions"

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return the summed 1 / log(1 + degree) of common companions, at least 0."""
        position, rows, _ = self.ties.of_rows(query.companions)
        degree = np.diff(self.ties.offsets)[query.companions]
        return sum_at(pool.rows, rows, (1 / np.log(1 + degree))[position])


@dataclass(frozen=True, slots=True)
class SharedGroups:
    """How many groups both are in, small ones counting more than large ones."""

    members: MemberColumns
    groups: GroupColumns
    name: ClassVar[str] = "shared_groups"

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return the share in [0, 1] of the two people's groups that they have in common.

        A group counts 1 / log(1 + members); the sum is divided by the root of both totals, so
        that somebody who is in everything is not near everybody.
        """
        value = 1 / np.log1p(np.maximum(self.groups.members.counts(), 1))
        position, flat_groups, _ = self.members.groups.of_rows(pool.rows)
        weight = value[flat_groups]
        total = np.bincount(position, weights=weight, minlength=len(pool))
        shared = np.isin(flat_groups, query.groups)
        common = np.bincount(position[shared], weights=weight[shared], minlength=len(pool))
        own = float(value[query.groups].sum())
        scale = np.sqrt(np.maximum(total, 1e-9) * max(own, 1e-9))
        return (common / scale).astype(np.float32)


OFTEN = 0.99
"""Share of those who take part who do so less than often: nobody is shown to more people for
writing ever more. At 0.95 a spammer stood out less still, but introductions on
stackexchange-small, where those who answer most are whom the next asker meets, lost a fifth."""


@dataclass(frozen=True, slots=True)
class TakesPart:
    """How much the candidate took part lately: someone is there to answer."""

    members: MemberColumns
    often: float
    name: ClassVar[str] = "takes_part"

    @classmethod
    def of(cls, members: MemberColumns) -> Self:
        """Take the activity of the busiest of a hundred for often: more is not told apart."""
        active = members.active[members.active > 0]
        return cls(members, float(np.quantile(active, OFTEN)) if len(active) else 1.0)

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return log(1 + decayed activity), at least 0, alike for all who take part often."""
        often = np.minimum(self.members.active[pool.rows], self.often)
        return np.log1p(often).astype(np.float32)


def sum_at(
    wanted: Rows, rows: Rows, weights: np.ndarray[tuple[int], np.dtype[np.floating]]
) -> Vector:
    """Return for each wanted row (ascending) the sum of the weights given for it."""
    total = np.zeros(len(wanted), dtype=np.float64)
    if len(wanted) and len(rows):
        place = np.searchsorted(wanted, rows).clip(max=len(wanted) - 1)
        hit = wanted[place] == rows
        total[:] = np.bincount(place[hit], weights=weights[hit], minlength=len(wanted))
    return total.astype(np.float32)
