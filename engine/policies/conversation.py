"""Policies of conversations: which posts a member is led to. The candidates are posts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.columns import contains
from engine.holds import Held
from engine.pool import Pool
from engine.query import Query
from engine.snapshot import MemberColumns, PostColumns, Snapshot
from engine.types import BoolVector, Rows
from engine.visibility import Sight, Viewer


@dataclass(frozen=True, slots=True)
class StillOpen:
    """Leads to posts to which something was added not long ago."""

    posts: PostColumns
    since: float
    name: ClassVar[str] = "still_open"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return which posts there are that were added to after `since`, unix seconds."""
        late: BoolVector = self.posts.last_at[pool.rows] > self.since
        return late & self.posts.here[pool.rows]


@dataclass(frozen=True, slots=True)
class SeenByMember:
    """Leads only to posts the viewer may see, all of whose authors they may see."""

    sight: Sight
    viewer: Viewer
    name: ClassVar[str] = "seen_by_member"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return which posts they may see."""
        return self.sight.posts(self.viewer, pool.rows)


@dataclass(frozen=True, slots=True)
class NotAmongTheirs:
    """Leads nobody to what they wrote or answered, nor to where somebody is they are apart from."""

    posts: PostColumns
    members: MemberColumns
    name: ClassVar[str] = "not_among_theirs"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return which posts neither the viewer nor anybody blocked, either way, took part in."""
        apart = self.members.blocks.of_row(query.member)[0]
        unwanted = np.union1d(apart, [query.member])
        keep = np.ones(len(pool), bool)
        for links in (self.posts.authors, self.posts.answered_by):
            place, people, _ = links.of_rows(pool.rows)
            keep[place[contains(unwanted, people)]] = False
        return keep


@dataclass(frozen=True, slots=True)
class NotOfMutedGroups:
    """Leads nobody to a post in a group they have muted, or one of a topic they have muted."""

    snapshot: Snapshot
    name: ClassVar[str] = "not_of_muted_groups"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return which posts stand in no such group."""
        members, groups = self.snapshot.members, self.snapshot.groups
        muted = members.muted.of_row(query.member)[0]
        topics = members.muted_terms.of_row(query.member)[0]
        place, stands, _ = self.snapshot.posts.groups.of_rows(pool.rows)
        keep = np.ones(len(pool), bool)
        keep[place[contains(muted, stands)]] = False
        if len(topics):
            at, terms, _ = groups.terms.of_rows(stands)
            keep[place[at[contains(topics, terms)]]] = False
        return keep


@dataclass(frozen=True, slots=True)
class NotSetAsideThere:
    """Leads nobody to a post by whom, or in what group, they have set aside, until it is over."""

    posts: PostColumns
    groups: Mapping[int, Held]
    members: Mapping[int, Held]
    name: ClassVar[str] = "not_set_aside_there"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return which posts have nothing to do with what is set aside."""
        keep = np.ones(len(pool), bool)
        for links, held in ((self.posts.groups, self.groups), (self.posts.authors, self.members)):
            place, targets, _ = links.of_rows(pool.rows)
            keep[place[np.isin(targets, _held(held, query))]] = False
        return keep


def _held(held: Mapping[int, Held], query: Query) -> Rows:
    mine = held.get(query.member)
    return np.zeros(0, np.int64) if mine is None else mine.rows[mine.until > query.asked_at]
