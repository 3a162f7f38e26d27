"""Who is likely to answer a post well: an assembly of stages.

A question is asked to a few who answer such questions, answer at present, and have room for it this
week. What people answer is read off public posts that may still be answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np

from engine.answer_features import (
    AnswersLately,
    KnowsGroup,
    KnowsSubject,
    OfTheGroup,
    RoomShare,
    WelcomesNewcomers,
)
from engine.answer_reasons import ResponderReasons
from engine.answering import NEW_DAYS, Answers, Question, Scores, largest, nearness
from engine.answers import Answer, answer_of
from engine.columns import Strings
from engine.errors import UnknownError
from engine.features import InterestMatch
from engine.index import VectorIndex
from engine.pipeline import Pipeline
from engine.policies.answering import (
    HasNotMuted,
    MayBeAsked,
    NeitherSetAside,
    NotTakingPart,
    SeenByAuthors,
)
from engine.policies.privacy import SameAudience
from engine.pool import Pool
from engine.query import NOBODY, NOBODY_ASKS, Query
from engine.recommender import Recommender
from engine.selection import TopK
from engine.snapshot import UNREADABLE_BAND, Snapshot
from engine.sources import NearestVectors
from engine.types import Rows, Vector
from engine.visibility import ANYBODY, Sight, Viewer

WEIGHTS = {
    AnswersLately.name: 1.0,
    KnowsSubject.name: 0.25,
    KnowsGroup.name: 1.0,
    WelcomesNewcomers.name: 0.25,
    OfTheGroup.name: 0.3,
    InterestMatch.name: 0.25,
    RoomShare.name: 0.5,
}
"""Chosen on windows before the last fifth of stackexchange-small; see docs/responders.md."""

DEPTH = 100
"""Rows that each source proposes at most."""

NEAREST = 50
"""Nearest interests looked at."""


@dataclass(frozen=True, slots=True)
class Strongest:
    """Rows by a number that was measured before: the larger, the sooner."""

    worth: Scores  # one a row
    name: str

    def propose(self, query: Query) -> Rows:
        """Return those with the largest numbers above 0."""
        return largest(self.worth, DEPTH)


@dataclass(frozen=True, slots=True)
class LogSum:
    """A weighted sum of columns as they are; of logarithms it is that of a product.

    Attributes:
        weights: For each feature by name, its weight.
    """

    weights: Mapping[str, float]
    name: ClassVar[str] = "log_sum"

    def score(self, query: Query, pool: Pool) -> Vector:
        """Return one score a candidate: float32 of shape (n,)."""
        total = np.zeros(len(pool), np.float32)
        for feature, weight in self.weights.items():
            total += np.float32(weight) * pool.columns[feature]
        return total


class Responders:
    """Finds who might answer, by one recommender: for one request."""

    def __init__(self, recommender: Recommender) -> None:
        self._recommender = recommender
        self._snapshot = recommender.bundle.snapshot
        self._sight = Sight(self._snapshot, recommender.holds.hidden)

    def to_post(self, post: str, k: int) -> Answer:
        """Return at most k members who are likely to answer a post well, best first.

        Raises:
            UnknownError: No post that begins a conversation, is public and may still be answered
                has that id.
        """
        posts = self._snapshot.posts
        row = row_of(posts.ids, post)
        if row is None or not self._is_public(row):
            raise UnknownError(f"no public post that may still be answered has the id {post!r}")
        authors = posts.authors.of_row(row)[0]
        bands = np.unique(self._snapshot.members.audience[authors])
        days = self._snapshot.members.known_days[authors]
        question = Question(
            vectors=posts.texts.of_row(row)[0],
            authors=authors,
            groups=posts.groups.of_row(row)[0],
            # People of two bands can be answered by nobody whom both may see.
            audience=int(bands[0]) if len(bands) == 1 else UNREADABLE_BAND,
            new=bool((days <= NEW_DAYS).any()),
            answered_by=posts.answered_by.of_row(row)[0],
            post=row,
        )
        return self.answering(question, k)

    def to_text(
        self,
        text: str,
        k: int,
        groups: Sequence[str] = (),
        member: str | None = None,
        audience: str | None = None,
    ) -> Answer:
        """Return at most k members who are likely to answer a text well, best first.

        Args:
            text: What is asked.
            k: Members wanted at most.
            groups: Public groups in which it is to be asked.
            member: Who asks, if they are a member; their band is known then.
            audience: The band of somebody who is none.

        Raises:
            UnknownError: There is no such member, or no such public group.
        """
        found, members = self._recommender, self._snapshot.members
        stands = [self._public_group(group) for group in groups]
        asker = None if member is None else found.members.row(member)
        band = found.band(audience) if asker is None else int(members.audience[asker])
        encoder = found.bundle.encoder
        said = [text] if text.strip() else []
        vectors = encoder.encode(said) if said else np.zeros((0, encoder.dimension), np.float32)
        new = asker is None or bool(members.known_days[asker] <= NEW_DAYS)
        authors = np.array([] if asker is None else [asker], np.int64)
        rows = np.array(sorted(set(stands)), np.int64)
        return self.answering(Question(vectors, authors, rows, band, new), k)

    def answering(self, question: Question, k: int) -> Answer:
        """Return at most k members who are likely to answer a question well, best first."""
        snapshot, found = self._snapshot, self._recommender
        authors = question.authors.tolist()
        viewers = tuple(Viewer(author) for author in authors)
        viewers = viewers or (Viewer(NOBODY, None, question.audience),)
        answers = found.answers
        near = nearness(snapshot.posts.texts, question.vectors)
        asked = _Asked(question, viewers, answers, near)
        pipeline = _assembled(found, self._sight, asked)
        query = _query(question, found.asked_at())
        told = ResponderReasons(snapshot, self._sight, viewers, question, answers, near)
        members = snapshot.members
        explain = partial(told.explain, query)
        return answer_of(pipeline.recommend(query, k), members.ids, members.names, explain)

    def _is_public(self, row: int) -> bool:
        # The author may be one who is not to be found: it is their post that is asked about.
        posts, groups = self._snapshot.posts, self._snapshot.groups
        return bool(posts.here[row] and groups.public[posts.groups.of_row(row)[0]].all())

    def _public_group(self, group: str) -> int:
        row = self._recommender.groups.row(group)
        if not self._sight.groups(ANYBODY, np.array([row]))[0]:
            raise UnknownError(f"no group has the id {group!r}")
        return row


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question, who asks it, and what is known of answers to others."""

    question: Question
    viewers: tuple[Viewer, ...]
    answers: Answers
    near: Vector


def row_of(ids: Strings, external: str) -> int | None:
    """Return the row of an id, None if there is none; it looks at all of them at once.

    >>> row_of(Strings.of(["rye", "", "oat"]), "oat")
    2
    """
    raw = Strings.of([external]).data
    if not len(raw):
        return None
    alike = np.flatnonzero(np.diff(ids.offsets) == len(raw))
    spelt = ids.data[ids.offsets[alike][:, None] + np.arange(len(raw))]
    rows = alike[(spelt == raw).all(axis=1)]
    return int(rows[0]) if len(rows) else None


def _assembled(found: Recommender, sight: Sight, asked: _Asked) -> Pipeline:
    """Return the recommender of people to ask; rows of its slates are member rows."""
    snapshot, question, answers = found.bundle.snapshot, asked.question, asked.answers
    members, groups, holds = snapshot.members, snapshot.groups, found.holds
    return Pipeline(
        sources=_sources(snapshot, found.bundle.members, asked),
        policies=(
            NotTakingPart(np.union1d(question.authors, question.answered_by)),
            SameAudience(members),
            SeenByAuthors(sight, asked.viewers),
            MayBeAsked(members, holds.introduced),
            HasNotMuted(members, groups),
            NeitherSetAside(holds.members, question.authors),
        ),
        features=(
            AnswersLately(answers),
            KnowsSubject(answers, asked.near),
            KnowsGroup(answers),
            WelcomesNewcomers(answers, question.new),
            OfTheGroup(members),
            InterestMatch(members.interests),
            RoomShare(members, holds.introduced),
        ),
        scorer=LogSum(WEIGHTS),
        selector=TopK(),
    )


def _sources(
    snapshot: Snapshot, interests: VectorIndex, asked: _Asked
) -> tuple[Strongest | NearestVectors, ...]:
    members, answers, near = snapshot.members, asked.answers, asked.near
    inside = snapshot.groups.members.of_rows(asked.question.groups)[1]
    fellows = np.zeros(len(members.ids))
    fellows[inside] = 1e-6 + members.active[inside]
    alike = np.zeros(len(members.ids))
    place, there, _ = snapshot.posts.answered_by.of_rows(nearest := largest(near, DEPTH))
    np.add.at(alike, there, near[nearest[place]])
    return (
        Strongest(answers.lately, "busy_answerers"),
        Strongest(alike, "answered_alike"),
        Strongest(answers.in_groups(asked.question.groups), "answered_there"),
        Strongest(fellows, "group_fellows"),
        NearestVectors(interests, members.interests.owners(), NEAREST),
    )


def _query(question: Question, asked_at: float) -> Query:
    count = len(question.vectors)
    return replace(
        NOBODY_ASKS,
        interests=question.vectors,
        shares=np.full(count, 1 / max(count, 1), np.float32),
        groups=question.groups,
        group_weights=np.ones(len(question.groups), np.float32),
        audience=question.audience,
        asked_at=asked_at,
    )
