"""Policies of introductions that change from hour to hour: how many there were, and what rests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.columns import contains
from engine.introduced import Introduced
from engine.pool import Pool
from engine.query import NOBODY, Query
from engine.snapshot import MemberColumns
from engine.types import BoolVector, Rows, Vector
from engine.weeks import week_of


def room_left(members: MemberColumns, introduced: Introduced, rows: Rows, at: float) -> Vector:
    """Return how many more introductions each member takes this week.

    Args:
        members: What they want; of two and a half introductions a week two are meant.
        introduced: What they have had.
        rows: Which members, shape (n,).
        at: The moment, unix seconds.

    Returns:
        float32 of shape (n,): below 0 if they have come to want fewer, NaN if what they want
        cannot be read.
    """
    wanted = np.floor(members.weekly_introductions[rows])
    return (wanted - introduced.had(rows, week_of(at))).astype(np.float32)


@dataclass(frozen=True, slots=True)
class RoomThisWeek:
    """Introduces only people who both have room for one more this week.

    Who has been introduced this week may be shown again: looking twice costs nothing.
    """

    members: MemberColumns
    introduced: Introduced
    name: ClassVar[str] = "room_this_week"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return who has room, or has been introduced to the viewer this week."""
        free: BoolVector = self._room(pool.rows, query) > 0  # NaN > 0 is False: unreadable is full
        if query.member == NOBODY:
            return free
        if not self._room(np.array([query.member]), query)[0] > 0:
            free = np.zeros(len(pool), bool)
        again = self.introduced.this_week(query.member, week_of(query.asked_at))
        return free | contains(again, pool.rows)

    def _room(self, rows: Rows, query: Query) -> Vector:
        return room_left(self.members, self.introduced, rows, query.asked_at)


@dataclass(frozen=True, slots=True)
class NotResting:
    """Leaves two people in peace who were introduced for weeks and neither of whom answered.

    It begins after the last of those weeks, in which they may be shown as anybody else.
    """

    introduced: Introduced
    name: ClassVar[str] = "not_resting"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return who does not rest for the viewer."""
        if query.member == NOBODY:
            return np.ones(len(pool), bool)
        met = self.introduced.of(query.member)
        rests = (met.rests_until > query.asked_at) & (met.weeks < week_of(query.asked_at))
        return ~contains(np.unique(met.rows[rests]), pool.rows)
