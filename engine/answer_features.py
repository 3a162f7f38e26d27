"""What is measured of somebody who might answer a question.

Each of the first three is a logarithm, so that their sum is that of one estimate: how many answers
somebody gives lately, times how much more often than others they answer what is like this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.answering import Answers
from engine.introduced import Introduced
from engine.policies.introduction import room_left
from engine.pool import Pool
from engine.query import Query
from engine.snapshot import MemberColumns
from engine.types import Vector

SILENT = 0.05
"""Answers that somebody is taken to give who has given none."""

SUBJECT_DOUBT = 10.0
"""Answers to anything that are added to somebody's own before it is told what they answer: whoever
has given two answers is not yet an expert on what those were about."""

NEWCOMER_DOUBT = 10.0
"""The same for answers to newcomers."""

SHARPNESS = 2
"""Power of the cosine by which a question speaks for those who answered another one."""


@dataclass(frozen=True, slots=True)
class AnswersLately:
    """How much somebody answers at present."""

    answers: Answers
    name: ClassVar[str] = "answers_lately"

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return log(answers, older ones counting less): at least log(`SILENT`)."""
        given = self.answers.lately[pool.rows]
        column: Vector = np.log(given + SILENT).astype(np.float32)
        return column


@dataclass(frozen=True, slots=True)
class KnowsSubject:
    """How much more somebody answers what is like this than others do.

    Attributes:
        answers: What was answered by whom.
        near: How near each post is to the question: shape (posts,).
    """

    answers: Answers
    near: Vector
    name: ClassVar[str] = "knows_subject"

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return the logarithm of the ratio, 0 for whoever answers as all others do."""
        return _lift(self.answers, self.near**SHARPNESS, SUBJECT_DOUBT, pool)


@dataclass(frozen=True, slots=True)
class KnowsGroup:
    """How much more often somebody answers in these groups than anywhere.

    Drawn to 0 the more, the less groups tell in this community: see `engine.answering.loyalty_of`.
    """

    answers: Answers
    name: ClassVar[str] = "knows_group"

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return the logarithm of the ratio, 0 for all if nothing was answered there."""
        answers, there = self.answers, self.answers.in_groups(query.groups)
        total, every = float(there.sum()), max(float(answers.lately.sum()), 1.0)
        # Whoever has never answered anything is taken to answer as everybody does.
        usual = (answers.lately[pool.rows] + SILENT) / every
        found = (there[pool.rows] / usual + answers.loyalty) / (total + answers.loyalty)
        return np.log(found).astype(np.float32)


@dataclass(frozen=True, slots=True)
class WelcomesNewcomers:
    """How much more somebody answers newcomers than others do; for a newcomer's question alone."""

    answers: Answers
    new: bool
    name: ClassVar[str] = "welcomes_newcomers"

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return the logarithm of the ratio, 0 for all if nobody here is new."""
        if not self.new:
            return np.zeros(len(pool), np.float32)
        worth = self.answers.new.astype(np.float64)
        return _lift(self.answers, worth, NEWCOMER_DOUBT, pool)


@dataclass(frozen=True, slots=True)
class OfTheGroup:
    """Whether somebody is in one of the groups in which it is asked."""

    members: MemberColumns
    name: ClassVar[str] = "of_the_group"

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return 1 for those who are, else 0."""
        place, there, _ = self.members.groups.of_rows(pool.rows)
        column = np.zeros(len(pool), np.float32)
        column[place[np.isin(there, query.groups)]] = 1
        return column


@dataclass(frozen=True, slots=True)
class RoomShare:
    """How much of this week somebody has left: who was asked often lately falls back."""

    members: MemberColumns
    introduced: Introduced
    name: ClassVar[str] = "room_share"

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return the logarithm of the share of their week that is left, at most 0."""
        wanted = self.members.weekly_introductions[pool.rows]
        left = room_left(self.members, self.introduced, pool.rows, query.asked_at)
        share = np.ones(len(pool))
        finite = np.isfinite(wanted)
        share[finite] = left[finite] / np.maximum(wanted[finite], 1)
        return np.log(np.clip(share, 0.05, 1.0)).astype(np.float32)


def _lift(answers: Answers, worth: NDArray[np.floating], doubt: float, pool: Pool) -> Vector:
    """Return log(their mean worth an answer / everybody's), drawn to 0 where answers are few."""
    mean = answers.mean(worth)
    if mean <= 0:
        return np.zeros(len(pool), np.float32)
    given, like = answers.given[pool.rows], answers.by_member(worth)[pool.rows]
    return np.log((like / mean + doubt) / (given + doubt)).astype(np.float32)
