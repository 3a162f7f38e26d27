"""How many introductions fit into a week: slates that keep to it, and why one is short.

An introduction counts for both, so a slate promises a part of two people's weeks. It never holds
more new people than the viewer has room for. And somebody with little room left is promised to
few: each viewer draws anew every day, and whoever comes first in a viewer's slate is kept far
likelier than whoever comes tenth, so that the last places go to the better pairs. What is settled
is settled in the store when somebody looks: see `data.store.introductions`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b
from typing import ClassVar

import numpy as np

from engine.columns import contains
from engine.introduced import Introduced
from engine.pipeline import Pipeline, Selector
from engine.policies.introduction import NotResting, RoomThisWeek, room_left
from engine.pool import Pool, Slate, best_first
from engine.query import NOBODY, Query
from engine.snapshot import MemberColumns
from engine.types import BoolVector, Rows, Vector
from engine.weeks import day_of, week_of

PLENTY = 5.0
"""Room from which on a member is promised to everybody they fit. Where slates are of ten and
shared out evenly everybody is in ten of them, so this is half of what is asked for."""


STEEP = 3.0
"""Places after which the share of viewers is multiplied by itself once more."""


class Because(StrEnum):
    """Why a slate of people is shorter than was asked for."""

    CLOSED = "closed"
    WEEKLY_INTRODUCTIONS = "weekly_introductions"
    NOBODY_LEFT = "nobody_left"


WORDS = {
    Because.CLOSED: "You take no introductions at present.",
    Because.WEEKLY_INTRODUCTIONS: "These are your introductions of this week. On Monday there is "
    "room for others.",
    Because.NOBODY_LEFT: "There is nobody else to introduce you to just now.",
}
"""What is said to the viewer. Why others are not there is nobody's business: they may have had
enough for a week, have blocked somebody, or not exist."""


@dataclass(frozen=True, slots=True)
class Short:
    """Why a slate is short.

    Attributes:
        because: In a word; it follows from the viewer's own choices and the slate alone, so it
            tells nothing of others.
        asked: How many were asked for.
        given: How many there are.
    """

    because: Because
    asked: int
    given: int

    @property
    def text(self) -> str:
        """The same for the viewer to read."""
        return WORDS[self.because]


def within_capacity(pipeline: Pipeline, members: MemberColumns, introduced: Introduced) -> Pipeline:
    """Return the recommender of people that knows who has been introduced to whom by now."""
    now = (RoomThisWeek(members, introduced), NotResting(introduced))
    names = {policy.name for policy in now}
    others = [policy for policy in pipeline.policies if policy.name not in names]
    return replace(pipeline, policies=(*others, *now))


@dataclass(frozen=True, slots=True)
class WithinRoom:
    """Chooses as another selector does, but no more new people than the viewer has room for.

    Attributes:
        inner: What chooses.
        members: The members.
        introduced: Who has been introduced to whom.
        shares: Whether people with little room left are kept from some viewers by lot; not where
            candidates are the caller's own.
    """

    inner: Selector
    members: MemberColumns
    introduced: Introduced
    shares: bool = True
    name: ClassVar[str] = "within_room"

    def select(self, query: Query, pool: Pool, scores: Vector, k: int) -> Rows:
        """Return the positions of at most k candidates, best first."""
        new = self._new(query, pool)
        keep = ~new | self._promised(query, pool, scores) if self.shares else np.ones_like(new)
        left = self._left(query)
        if left < min(k, int((keep & new).sum())):
            best = self._chosen(query, pool, scores, keep & new, int(left))
            keep &= ~new
            keep[best] = True
        return self._chosen(query, pool, scores, keep, k)

    def _chosen(self, query: Query, pool: Pool, scores: Vector, keep: BoolVector, k: int) -> Rows:
        """Return what the other selector chooses among some of the candidates."""
        if keep.all():
            return self.inner.select(query, pool, scores, k)
        places = np.flatnonzero(keep)
        return places[self.inner.select(query, pool.kept(keep), scores[keep], k)]

    def _new(self, query: Query, pool: Pool) -> BoolVector:
        if query.member == NOBODY:
            return np.ones(len(pool), bool)
        week = week_of(query.asked_at)
        return ~contains(self.introduced.this_week(query.member, week), pool.rows)

    def _left(self, query: Query) -> float:
        if query.member == NOBODY:
            return np.inf
        mine = np.array([query.member], np.int64)
        return max(float(room_left(self.members, self.introduced, mine, query.asked_at)[0]), 0.0)

    def _promised(self, query: Query, pool: Pool, scores: Vector) -> BoolVector:
        """Return who is promised to this viewer today: bool of shape (n,).

        With a share s of `PLENTY` left, a member is promised to this share of those in whose
        slate they come first, and to s to the power of 1 + j / `STEEP` of those where j others
        come before them. Where viewers rank as evenly as can be, so that everybody comes first
        once, second once and so on to the tenth place, that is 0.5, 1.5, 3.1 and 5.9 promises
        where there is room for 1, 2, 3 and 4: about as many as there are places.
        """
        room = room_left(self.members, self.introduced, pool.rows, query.asked_at)
        promised = np.ones(len(pool), bool)
        scarce = np.flatnonzero(room < PLENTY)
        if len(scarce):
            place = np.empty(len(pool), np.int64)
            place[best_first(pool.rows, scores)] = np.arange(len(pool))
            share = np.maximum(room[scarce], 0) / PLENTY
            chance = share ** (1 + place[scarce] / STEEP)
            promised[scarce] = self._lots(query, pool.rows[scarce]) < chance
        return promised

    def _lots(self, query: Query, rows: Rows) -> Vector:
        """Return a number in [0, 1) for each candidate: this viewer's own, another each day."""
        known = query.member != NOBODY
        viewer = self.members.ids[query.member].encode() if known else query.interests.tobytes()
        key = blake2b(viewer, digest_size=16).digest()
        day = str(day_of(query.asked_at))
        return np.array([_lot(key, f"{day}/{self.members.ids[row]}") for row in rows.tolist()],
                        np.float32)  # fmt: skip


def shortage(members: MemberColumns, query: Query, slate: Slate, asked: int) -> Short | None:
    """Return why a slate of people is shorter than was asked for; None if it is not."""
    given = len(slate.rows)
    return Short(_because(members, query, given), asked, given) if given < asked else None


def _because(members: MemberColumns, query: Query, given: int) -> Because:
    if query.member == NOBODY:
        return Because.NOBODY_LEFT
    wanted = np.floor(members.weekly_introductions[query.member])
    if not (query.open_to_introductions and wanted > 0):
        return Because.CLOSED
    # Not whether their week is full: that may be by somebody whom they are not to know of.
    return Because.WEEKLY_INTRODUCTIONS if given >= wanted else Because.NOBODY_LEFT


def _lot(key: bytes, told: str) -> float:
    digest = blake2b(told.encode("utf-8", "surrogatepass"), key=key, digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
