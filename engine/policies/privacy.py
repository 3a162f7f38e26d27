"""Policies that keep members and groups in charge of being seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.columns import contains
from engine.pool import Pool
from engine.query import NOBODY, Query
from engine.snapshot import UNREADABLE_BAND, GroupColumns, MemberColumns
from engine.types import BoolVector


@dataclass(frozen=True, slots=True)
class PublicGroup:
    """Offers only groups that anybody may see; private and secret ones are by invitation."""

    groups: GroupColumns
    name: ClassVar[str] = "public_group"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return which groups are public."""
        return self.groups.public[pool.rows]


@dataclass(frozen=True, slots=True)
class Discoverable:
    """Shows only members who agree to be found."""

    members: MemberColumns
    name: ClassVar[str] = "discoverable"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return which members are discoverable."""
        return self.members.discoverable[pool.rows]


@dataclass(frozen=True, slots=True)
class OpenToIntroductions:
    """Introduces only people who both want introductions; a quota of none a week means no."""

    members: MemberColumns
    name: ClassVar[str] = "open_to_introductions"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return which members are open, none if the viewer is not."""
        weekly = self.members.weekly_introductions
        # NaN > 0 is False: an unreadable quota is none.
        willing = query.member == NOBODY or weekly[query.member] > 0
        if not (query.open_to_introductions and willing):
            return np.zeros(len(pool), dtype=bool)
        return self.members.open_to_introductions[pool.rows] & np.greater(weekly[pool.rows], 0)


@dataclass(frozen=True, slots=True)
class NotBlocked:
    """Keeps apart two members of whom either has blocked the other."""

    members: MemberColumns
    name: ClassVar[str] = "not_blocked"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return which members have no block with the viewer, either way."""
        if query.member == NOBODY:
            return np.ones(len(pool), dtype=bool)
        return ~contains(self.members.blocks.of_row(query.member)[0], pool.rows)


@dataclass(frozen=True, slots=True)
class SameAudience:
    """Never introduces members of different audience bands, nor anyone whose band is unknown."""

    members: MemberColumns
    name: ClassVar[str] = "same_audience"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return which members are of the viewer's band."""
        if query.audience == UNREADABLE_BAND:
            return np.zeros(len(pool), dtype=bool)
        return np.equal(self.members.audience[pool.rows], query.audience)
