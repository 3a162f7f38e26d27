"""Policies of invitations: whom a host may ask into a group. Here the candidates are members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.columns import contains
from engine.holds import Held
from engine.pool import Pool
from engine.query import Query
from engine.snapshot import GroupColumns, MemberColumns
from engine.types import BoolVector, Rows
from engine.visibility import of_bands


@dataclass(frozen=True, slots=True)
class NotInside:
    """Invites nobody who is in the group, nor anybody who has left it."""

    members: MemberColumns
    groups: GroupColumns
    group: int
    name: ClassVar[str] = "not_inside"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return who has never been in the group."""
        keep: BoolVector = ~contains(self.groups.members.of_row(self.group)[0], pool.rows)
        for links in (self.members.left, self.members.groups):
            position, there, _ = links.of_rows(pool.rows)
            keep[position[there == self.group]] = False
        return keep


@dataclass(frozen=True, slots=True)
class RoomForMore:
    """Invites nobody into a group without a free place."""

    groups: GroupColumns
    group: int
    name: ClassVar[str] = "room_for_more"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return everybody or nobody."""
        free = self.groups.capacity[self.group] - self.groups.size[self.group]
        return np.full(len(pool), bool(free > 0))  # NaN > 0 is False: unreadable is full


@dataclass(frozen=True, slots=True)
class GroupNotMuted:
    """Invites nobody who has muted the group or a topic it is about."""

    members: MemberColumns
    groups: GroupColumns
    group: int
    name: ClassVar[str] = "group_not_muted"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return who has not muted it."""
        keep = np.ones(len(pool), bool)
        position, muted, _ = self.members.muted.of_rows(pool.rows)
        keep[position[muted == self.group]] = False
        position, topics, _ = self.members.muted_terms.of_rows(pool.rows)
        keep[position[contains(self.groups.terms.of_row(self.group)[0], topics)]] = False
        return keep


@dataclass(frozen=True, slots=True)
class GroupNotSetAside:
    """Invites nobody who was shown the group and has set it aside, until its time is over."""

    held: Mapping[int, Held]
    group: int
    name: ClassVar[str] = "group_not_set_aside"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return who has not set it aside."""
        return np.array([not self._holds(row, query.asked_at) for row in pool.rows.tolist()], bool)

    def _holds(self, member: int, now: float) -> bool:
        held = self.held.get(member)
        return held is not None and bool((held.until[held.rows == self.group] > now).any())


@dataclass(frozen=True, slots=True)
class OfTheGroupsBand:
    """Invites only people of a band that the group is of; see `engine.visibility.of_bands`."""

    members: MemberColumns
    inside: Rows
    name: ClassVar[str] = "of_the_groups_band"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return who is of such a band."""
        return of_bands(self.members, self.inside, self.members.audience[pool.rows])
