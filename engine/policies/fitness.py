"""Policies that keep suggestions useful: nobody is sent where they are, or cannot go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.columns import contains
from engine.pool import Pool
from engine.query import NOBODY, Query
from engine.snapshot import GroupColumns, MemberColumns
from engine.types import BoolVector


@dataclass(frozen=True, slots=True)
class NotAlreadyThere:
    """Offers no group the viewer is in, or has left."""

    members: MemberColumns
    name: ClassVar[str] = "not_already_there"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return which groups are new to the viewer."""
        if query.member == NOBODY:
            return np.ones(len(pool), dtype=bool)
        left = self.members.left.of_row(query.member)[0]
        there: BoolVector = contains(query.groups, pool.rows) | contains(left, pool.rows)
        return ~there


@dataclass(frozen=True, slots=True)
class NotMuted:
    """Offers no group the viewer has muted, nor one about a topic they have muted."""

    members: MemberColumns
    groups: GroupColumns
    name: ClassVar[str] = "not_muted"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return which groups the viewer has not muted."""
        if query.member == NOBODY:
            return np.ones(len(pool), dtype=bool)
        keep: BoolVector = ~contains(self.members.muted.of_row(query.member)[0], pool.rows)
        topics = self.members.muted_terms.of_row(query.member)[0]
        if len(topics):
            position, terms, _ = self.groups.terms.of_rows(pool.rows)
            keep[position[contains(topics, terms)]] = False
        return keep


@dataclass(frozen=True, slots=True)
class NotAlreadyTied:
    """Introduces nobody to themselves or to someone they already know."""

    name: ClassVar[str] = "not_already_tied"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return which members are new to the viewer."""
        themselves: BoolVector = np.equal(pool.rows, query.member)
        return ~(contains(query.companions, pool.rows) | themselves)


@dataclass(frozen=True, slots=True)
class RoomLeft:
    """Offers a group only while it has a free place."""

    groups: GroupColumns
    name: ClassVar[str] = "room_left"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return which groups take another member."""
        free = self.groups.capacity[pool.rows] - self.groups.size[pool.rows]
        room: BoolVector = free > 0  # NaN > 0 is False: unreadable is not offered
        return room
