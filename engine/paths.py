"""Short walks from one member to others, over ties and over groups they share.

A walk goes to somebody with the chance that the steps before it give: from a member to one of
those tied with them, all alike, or to one of their groups and from there to one of its people. Two
people are near if many short walks lead from one to the other: few steps reach the companions of
companions, and for somebody without ties the companions of those who are in the same groups.

Only the viewer's own groups may be private: everybody else is known by public ones alone.

Source: personalised PageRank, cut off after three steps: Liben-Nowell & Kleinberg 2007, "The
link-prediction problem for social networks"; Fouss et al. 2007 walk over people and items alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np

from engine.columns import Links
from engine.pool import best_few
from engine.query import Query
from engine.snapshot import Snapshot
from engine.types import Rows, Vector

FROM = 200
"""People from whom a walk goes on at most, the likeliest: what a request costs is bounded."""

CROWD = 30_000
"""People reached over groups in one step at most, those of the likeliest groups first."""

BY_GROUPS = 0.3
"""Share of the steps that lead over a group, for somebody with ties as well."""

GOES_ON = 0.7
"""Chance that a walk goes on after a step; from 0.6 to 0.9 it made no difference."""

Mass = Vector
"""How likely a walk is at each member: float32 of shape (members,)."""


@dataclass(frozen=True, slots=True)
class Walks:
    """How likely short walks from one viewer end at each member: shape (members,) each.

    Attributes:
        second: After two ties: at companions of companions.
        by_ties: After two or three ties.
        alike: After one group: at those who share groups with the viewer.
        by_alike: After one group and one tie: at companions of those.
        mixed: After up to three steps of either kind.
    """

    second: Mass
    by_ties: Mass
    alike: Mass
    by_alike: Mass
    mixed: Mass


@dataclass(frozen=True, slots=True)
class Paths:
    """The ways between members.

    Attributes:
        ties: Who is tied with whom.
        inside: The groups each member is in.
        crowd: The members of each group.
        open_to_all: For each group 1 if it is public, else 0.
        ties_of: How many ties each member has.
        groups_of: How many public groups each member is in.
    """

    ties: Links
    inside: Links
    crowd: Links
    open_to_all: Vector
    ties_of: Vector
    groups_of: Vector
    # The last viewer's: a source and the features ask for the same. Two threads may both walk.
    _last: dict[str, tuple[Query, Walks]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, snapshot: Snapshot) -> Self:
        """Return the ways of a community."""
        members, groups = snapshot.members, snapshot.groups
        public = groups.public.astype(np.float32)
        inside = members.groups
        seen = np.concatenate([[0], np.cumsum(public[inside.targets])])
        return cls(
            ties=members.ties,
            inside=inside,
            crowd=groups.members,
            open_to_all=public,
            ties_of=members.ties.counts().astype(np.float32),
            groups_of=np.diff(seen[inside.offsets]).astype(np.float32),
        )

    def walks(self, query: Query) -> Walks:
        """Return how likely short walks from the viewer end at each member."""
        last = self._last.get("last")
        if last is None or last[0] is not query:
            last = self._last["last"] = query, self._walked(query)
        return last[1]

    def _walked(self, query: Query) -> Walks:
        first = self._spread(query.companions, np.ones(len(query.companions)))
        second = self.over_ties(first)
        third = self.over_ties(second)
        alike = self._crowd_of(query.groups, np.ones(len(query.groups)))
        if 0 <= query.member < len(alike):
            alike[query.member] = 0
        alike = _whole(alike)
        by_alike = self.over_ties(alike)
        share = BY_GROUPS if len(query.companions) and len(query.groups) else 0.5
        # Somebody with only one of the two takes that.
        step = first * (1 - share) + alike * share
        mixed = step.copy()
        for away in (GOES_ON, GOES_ON**2):
            step = self._over_either(step)
            mixed += np.float32(away) * step
        return Walks(second, second + np.float32(GOES_ON) * third, alike, by_alike, mixed)

    def over_ties(self, mass: Mass) -> Mass:
        """Return where a walk is that was here and takes a tie."""
        rows, weights = _likeliest(mass, FROM)
        position, reached, _ = self.ties.of_rows(rows)
        share = weights / np.maximum(self.ties_of[rows], 1)
        return self._spread(reached, share[position], whole=False)

    def _over_either(self, mass: Mass) -> Mass:
        rows, weights = _likeliest(mass, FROM)
        tied, grouped = self.ties_of[rows] > 0, self.groups_of[rows] > 0
        share = np.where(tied & grouped, BY_GROUPS, grouped).astype(np.float32)
        return self._tied(rows, weights * (1 - share)) + self._grouped(rows, weights * share)

    def _tied(self, rows: Rows, weights: Vector) -> Mass:
        position, reached, _ = self.ties.of_rows(rows)
        share = weights / np.maximum(self.ties_of[rows], 1)
        return self._spread(reached, share[position], whole=False)

    def _grouped(self, rows: Rows, weights: Vector) -> Mass:
        position, groups, _ = self.inside.of_rows(rows)
        share = (weights / np.maximum(self.groups_of[rows], 1))[position]
        at = np.bincount(groups, share * self.open_to_all[groups], len(self.open_to_all))
        there = np.flatnonzero(at)
        return self._crowd_of(there, at[there])

    def _crowd_of(self, groups: Rows, weights: np.ndarray) -> Mass:
        """Return the people of groups, each group's weight in equal parts."""
        sizes = np.diff(self.crowd.offsets)[groups]
        order = np.lexsort((groups, -weights))
        order = order[np.cumsum(sizes[order]) <= CROWD]
        groups, weights, sizes = groups[order], weights[order], sizes[order]
        position, reached, _ = self.crowd.of_rows(groups)
        return self._spread(reached, (weights / np.maximum(sizes, 1))[position], whole=False)

    def _spread(self, rows: Rows, weights: np.ndarray, *, whole: bool = True) -> Mass:
        mass = np.bincount(rows, weights, len(self.ties_of)).astype(np.float32)
        return _whole(mass) if whole else mass


def _whole(mass: Mass) -> Mass:
    total = float(mass.sum())
    return mass / np.float32(total) if total > 0 else mass


def _likeliest(mass: Mass, most: int) -> tuple[Rows, Vector]:
    """Return the rows of the largest masses, ascending, of equals the lower row; and the masses."""
    rows = np.flatnonzero(mass)
    if len(rows) > most:
        rows = np.sort(rows[best_few(rows, mass[rows], most)])
    return rows, mass[rows]
