"""What is measured of a conversation that somebody might join; every column lies in [0, 1]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.answering import Answers
from engine.domain import DAY_S
from engine.pool import Pool
from engine.query import Query
from engine.snapshot import PostColumns
from engine.types import BoolVector, Rows, Vector

MOST_ANSWERED = 50
"""Posts somebody has answered that others are compared with, the newest ones."""

HALF_LIFE_DAYS = 7.0
"""Age at which a conversation is half as fresh."""


@dataclass(frozen=True, slots=True)
class LikeWhatTheyAnswered:
    """How near a post comes to one that the viewer has answered.

    Attributes:
        posts: The posts.
        answered: Rows of those the viewer has answered, see `newest_answered`.
    """

    posts: PostColumns
    answered: Rows
    name: ClassVar[str] = "like_what_they_answered"

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return the best cosine in [0, 1]; 0 where either side has no vectors."""
        said = [self.posts.texts.of_row(row)[0] for row in self.answered.tolist()]
        if not sum(map(len, said)):
            return np.zeros(len(pool), np.float32)
        best: Vector = self.posts.texts.best_match(np.concatenate(said), pool.rows).max(axis=1)
        return np.maximum(best, 0).astype(np.float32)


@dataclass(frozen=True, slots=True)
class InTheirGroups:
    """Whether a post stands in a group the viewer is in."""

    posts: PostColumns
    name: ClassVar[str] = "in_their_groups"

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return 1 for those, else 0."""
        place, groups, _ = self.posts.groups.of_rows(pool.rows)
        column = np.zeros(len(pool), np.float32)
        column[place[np.isin(groups, query.groups)]] = 1
        return column


@dataclass(frozen=True, slots=True)
class StillWanted:
    """How much one more voice is wanted: the fewer there are, the more."""

    posts: PostColumns
    name: ClassVar[str] = "still_wanted"

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return 1 / (1 + people who answered)."""
        return (1 / (1 + self.posts.answered_by.counts()[pool.rows])).astype(np.float32)


@dataclass(frozen=True, slots=True)
class ByNewcomer:
    """Whether somebody wrote it who was new then."""

    new: BoolVector  # of shape (posts,)
    name: ClassVar[str] = "by_newcomer"

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return 1 for those, else 0."""
        return self.new[pool.rows].astype(np.float32)


@dataclass(frozen=True, slots=True)
class Fresh:
    """How lately something was added, counted from the latest thing that was."""

    posts: PostColumns
    latest: int
    name: ClassVar[str] = "fresh"

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return 1 for the latest, halved every `HALF_LIFE_DAYS` days."""
        age = (self.latest - self.posts.last_at[pool.rows]) / DAY_S
        return (0.5 ** (np.maximum(age, 0) / HALF_LIFE_DAYS)).astype(np.float32)


def newest_answered(answers: Answers, member: int) -> Rows:
    """Return the posts that somebody has answered, at most `MOST_ANSWERED`, the newest first."""
    rows = answers.of_member.of_row(member)[0]
    last = answers.snapshot.posts.last_at[rows]
    newest: Rows = rows[np.lexsort((rows, -last))][:MOST_ANSWERED]
    return newest
