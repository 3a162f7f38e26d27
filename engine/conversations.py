"""Posts that wait for an answer, and conversations a member might join: an assembly of stages.

What is wanted counts, never what is liked: a post that nobody has answered comes before one with
many voices, and one by somebody new before one by somebody known.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from engine.answering import Scores, largest
from engine.columns import Links
from engine.conversation_features import (
    ByNewcomer,
    Fresh,
    InTheirGroups,
    LikeWhatTheyAnswered,
    StillWanted,
    newest_answered,
)
from engine.conversation_reasons import ConversationReasons
from engine.domain import DAY_S
from engine.explanations import Reason
from engine.features import InterestMatch
from engine.pipeline import Pipeline
from engine.policies.conversation import (
    NotAmongTheirs,
    NotOfMutedGroups,
    NotSetAsideThere,
    SeenByMember,
    StillOpen,
)
from engine.pool import Pool, Trace, best_first
from engine.query import Query, query_of_member
from engine.recommender import Recommender
from engine.responders import LogSum, Strongest
from engine.types import BoolVector, Rows, Vector
from engine.visibility import ANYBODY, Sight, Viewer

WEIGHTS = {
    InterestMatch.name: 1.0,
    LikeWhatTheyAnswered.name: 0.5,
    InTheirGroups.name: 0.5,
    StillWanted.name: 0.6,
    ByNewcomer.name: 0.3,
    Fresh.name: 0.4,
}
"""Chosen by hand: all columns lie in [0, 1]."""

OPEN_DAYS = 60.0
"""For how long after something was last added to a conversation it may be joined."""

FRESH_DAYS = 7.0
"""Days up to which whoever waits longest comes first; what is older comes after, newest first."""

COMPARED = 2_000
"""Posts that are compared with what a member cares about, those last added to."""

MOST_OF_ONE = 2
"""Posts of one author in a slate at most."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A post that may be answered.

    Attributes:
        id: External id.
        authors: Ids of who wrote it, as far as they may be seen.
        groups: Ids of the groups it stands in.
        waiting_hours: Hours since it was written.
        voices: How many people have answered it.
        by_newcomer: Whether somebody wrote it who was new then.
        score: What ordered the pool; 0 where the order is settled by other means.
        reasons: Why it is suggested; none where it waits for anybody.
    """

    id: str
    authors: tuple[str, ...]
    groups: tuple[str, ...]
    waiting_hours: float
    voices: int
    by_newcomer: bool
    score: float = 0.0
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversations:
    """Conversations, best first, and what happened on the way."""

    items: tuple[Conversation, ...]
    trace: Trace


class Listener:
    """Finds posts that want an answer, by one recommender: for one request."""

    def __init__(self, recommender: Recommender) -> None:
        self._recommender = recommender
        self._snapshot = recommender.bundle.snapshot
        self._sight = Sight(self._snapshot, recommender.holds.hidden)
        self._now = recommender.asked_at()
        self._answers = recommender.answers
        self._latest = self._answers.latest

    def unanswered(self, k: int, member: str | None = None) -> Conversations:
        """Return at most k public posts that nobody has answered: newcomers' first.

        Among either those of the last `FRESH_DAYS` days come first, the one that has waited
        longest before the others; then the older ones, the newest first.

        Args:
            k: Posts wanted at most.
            member: Who looks: what they may not see, wrote or muted is left out. If None, what
                anybody may see is there.

        Raises:
            UnknownError: No member has that id.
        """
        posts = self._snapshot.posts
        rows = np.flatnonzero(posts.here & (posts.answered_by.counts() == 0))
        viewer, pool, trace = ANYBODY, Pool(rows), Trace()
        if member is None:
            pool = pool.kept(self._sight.posts(ANYBODY, rows))
        else:
            query = self._query(member)
            viewer = Viewer(query.member)
            for policy in self._policies(viewer)[1:]:
                pool = pool.kept(policy.allows(query, pool))
        trace.candidates = len(pool)
        new = self._answers.new
        chosen = self._in_turn(pool.rows, new)[:k]
        told = tuple(self._told(viewer, row, bool(new[row])) for row in chosen.tolist())
        return Conversations(told, trace)

    def worth_joining(self, member: str, k: int) -> Conversations:
        """Return at most k conversations in which a member's voice fits and is wanted, best first.

        Raises:
            UnknownError: No member has that id.
        """
        query, snapshot = self._query(member), self._snapshot
        viewer, new = Viewer(query.member), self._answers.new
        slate = self._assembled(query, viewer, new).recommend(query, k)
        reasons = ConversationReasons(snapshot, self._sight, viewer, new, self._answered(viewer))
        items = []
        for row, score in zip(slate.rows.tolist(), slate.ranked_scores.tolist(), strict=True):
            told = self._told(viewer, row, bool(new[row]), score)
            items.append(replace(told, reasons=tuple(reasons.explain(query, row))))
        return Conversations(tuple(items), slate.trace)

    def _query(self, member: str) -> Query:
        row = self._recommender.members.row(member)
        return query_of_member(self._snapshot, row, asked_at=self._now)

    def _answered(self, viewer: Viewer) -> Rows:
        rows = newest_answered(self._answers, viewer.member)
        return rows[self._sight.posts(viewer, rows)]

    def _in_turn(self, rows: Rows, new: BoolVector) -> Rows:
        written = self._snapshot.posts.written_at[rows]
        fresh = written > self._now - FRESH_DAYS * DAY_S
        return rows[np.lexsort((rows, np.where(fresh, written, -written), ~fresh, ~new[rows]))]

    def _assembled(self, query: Query, viewer: Viewer, new: BoolVector) -> Pipeline:
        snapshot, latest = self._snapshot, self._latest
        posts = snapshot.posts
        return Pipeline(
            sources=self._sources(query),
            policies=self._policies(viewer),
            features=(
                InterestMatch(posts.texts),
                LikeWhatTheyAnswered(posts, self._answered(viewer)),
                InTheirGroups(posts),
                StillWanted(posts),
                ByNewcomer(new),
                Fresh(posts, latest),
            ),
            scorer=LogSum(WEIGHTS),
            selector=OfManyAuthors(posts.authors),
        )

    def _policies(
        self, viewer: Viewer
    ) -> tuple[StillOpen, SeenByMember, NotAmongTheirs, NotOfMutedGroups, NotSetAsideThere]:
        snapshot, holds = self._snapshot, self._recommender.holds
        return (
            StillOpen(snapshot.posts, self._latest - OPEN_DAYS * DAY_S),
            SeenByMember(self._sight, viewer),
            NotAmongTheirs(snapshot.posts, snapshot.members),
            NotOfMutedGroups(snapshot),
            NotSetAsideThere(snapshot.posts, holds.groups, holds.members),
        )

    def _sources(self, query: Query) -> tuple[Strongest, ...]:
        posts = self._snapshot.posts
        still = posts.here & (posts.last_at > self._latest - OPEN_DAYS * DAY_S)
        newest: Scores = still * (posts.last_at - posts.last_at.min(initial=0) + 1.0)
        rows = np.repeat(np.arange(len(still)), posts.groups.counts())
        inside = np.zeros(len(still), bool)
        inside[rows[np.isin(posts.groups.targets, query.groups)]] = True
        return (
            Strongest(newest * inside, "posts_in_groups"),
            Strongest(self._alike(query, largest(newest, COMPARED)), "posts_alike"),
            Strongest(newest * (posts.answered_by.counts() == 0), "posts_waiting"),
        )

    def _alike(self, query: Query, rows: Rows) -> Scores:
        """Return how near these posts come to what the viewer cares about, 0 for all others."""
        posts = self._snapshot.posts
        near = np.zeros(len(posts.ids))
        if len(query.interests):
            near[rows] = posts.texts.best_match(query.interests, rows).max(axis=1)
        return near

    def _told(self, viewer: Viewer, row: int, new: bool, score: float = 0.0) -> Conversation:
        posts, members = self._snapshot.posts, self._snapshot.members
        authors, groups = posts.authors.of_row(row)[0], posts.groups.of_row(row)[0]
        seen = authors[self._sight.members(viewer, authors)]
        voices = posts.answered_by.of_row(row)[0]
        return Conversation(
            id=posts.ids[row],
            authors=tuple(members.ids[one] for one in seen.tolist()),
            groups=tuple(self._snapshot.groups.ids[one] for one in groups.tolist()),
            waiting_hours=max(0.0, (self._now - int(posts.written_at[row])) / 3600),
            voices=int(self._sight.members(viewer, voices).sum()),
            by_newcomer=new,
            score=score,
        )


@dataclass(frozen=True, slots=True)
class OfManyAuthors:
    """The highest scores, with at most `MOST_OF_ONE` posts of one author; equal scores by row."""

    authors: Links
    name: ClassVar[str] = "of_many_authors"

    def select(self, query: Query, pool: Pool, scores: Vector, k: int) -> Rows:
        """Return the positions of at most k posts, best first."""
        chosen: list[int] = []
        times: Counter[int] = Counter()
        for place in best_first(pool.rows, scores).tolist():
            wrote = self.authors.of_row(int(pool.rows[place]))[0].tolist()
            if all(times[one] < MOST_OF_ONE for one in wrote):
                chosen.append(place)
                times.update(wrote)
            if len(chosen) == k:
                break
        return np.array(chosen, np.int64)
