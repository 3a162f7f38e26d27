"""Policies of questions: who may be asked to answer one. The candidates are members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.columns import contains
from engine.holds import Held
from engine.introduced import Introduced
from engine.policies.introduction import room_left
from engine.pool import Pool
from engine.query import Query
from engine.snapshot import GroupColumns, MemberColumns
from engine.types import BoolVector, Rows
from engine.visibility import Sight, Viewer


@dataclass(frozen=True, slots=True)
class NotTakingPart:
    """Asks nobody who wrote the question or has answered it."""

    rows: Rows
    name: ClassVar[str] = "not_taking_part"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return who has nothing to do with it yet."""
        return ~contains(self.rows, pool.rows)


@dataclass(frozen=True, slots=True)
class SeenByAuthors:
    """Asks only people whom everybody who wrote the question may see.

    That holds the discoverable, of the same audience band, between whom and the author nobody has
    blocked the other, and whom no reports hide.
    """

    sight: Sight
    viewers: tuple[Viewer, ...]
    name: ClassVar[str] = "seen_by_authors"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return whom all of them may see, nobody if nobody asks."""
        keep = np.full(len(pool), bool(self.viewers))
        for viewer in self.viewers:
            keep &= self.sight.members(viewer, pool.rows)
        return keep


@dataclass(frozen=True, slots=True)
class MayBeAsked:
    """Asks only people who are open to being introduced and have room for one more this week.

    Who asks need not be: it is they who turned to everybody.
    """

    members: MemberColumns
    introduced: Introduced
    name: ClassVar[str] = "may_be_asked"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return who may be asked; an unreadable wish is no."""
        left = room_left(self.members, self.introduced, pool.rows, query.asked_at)
        # NaN > 0 is False: unreadable is full.
        room: BoolVector = left > 0
        return self.members.open_to_introductions[pool.rows] & room


@dataclass(frozen=True, slots=True)
class HasNotMuted:
    """Asks nobody about what stands in a group they have muted, or one of a muted topic."""

    members: MemberColumns
    groups: GroupColumns
    name: ClassVar[str] = "has_not_muted"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return who has muted none of the groups in which it is asked."""
        keep = np.ones(len(pool), bool)
        place, muted, _ = self.members.muted.of_rows(pool.rows)
        keep[place[np.isin(muted, query.groups)]] = False
        _, about, _ = self.groups.terms.of_rows(query.groups)
        place, topics, _ = self.members.muted_terms.of_rows(pool.rows)
        keep[place[np.isin(topics, about)]] = False
        return keep


@dataclass(frozen=True, slots=True)
class NeitherSetAside:
    """Leaves two people in peace of whom either has set the other aside, until it is over."""

    held: Mapping[int, Held]
    authors: Rows
    name: ClassVar[str] = "neither_set_aside"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return between whom and the authors nothing is set aside."""
        keep = np.ones(len(pool), bool)
        for author in self.authors.tolist():
            keep &= ~contains(self._by(author, query), pool.rows)
        if self.held and len(self.authors):
            theirs = [np.isin(self.authors, self._by(row, query)).any() for row in pool.rows]
            keep &= ~np.array(theirs, bool)
        return keep

    def _by(self, member: int, query: Query) -> Rows:
        held = self.held.get(member)
        return np.zeros(0, np.int64) if held is None else held.rows[held.until > query.asked_at]
