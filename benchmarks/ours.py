"""Belong as the comparison asks it: fitted on the past of a cut, through its whole pipeline.

`belong_at` is the one place that knows how a recommender of groups is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.slates import NOTHING, Slates
from benchmarks.viewers import Asked
from data.community import Community
from engine.calibration import Calibration
from engine.group_ranker import GroupRanker
from engine.groups import group_recommender
from engine.index import VectorIndex
from engine.newcomers import interests_of_all
from engine.pipeline import Pipeline
from engine.query import Query, query_of_member, query_of_text
from engine.snapshot import Snapshot
from engine.terms import analyze
from engine.types import Matrix, Rows, Vector
from training.embed import embed
from training.progress import SILENT, Progress
from training.train import Workshop, model_of


@dataclass(frozen=True, slots=True)
class OurSettings:
    """What an operator may set, as `engine.selection.Preferences` names it; None is the default."""

    intimacy: float | None = None
    exploration: float | None = None


DEFAULT = OurSettings()


@dataclass(frozen=True, slots=True)
class Answered:
    """A slate as the comparison needs it, best first.

    Attributes:
        rows: Groups: int64 of shape (m,).
        scores: What ordered the pool: float32 of shape (m,).
        probabilities: The chance that each is joined, NaN where none is stated: float32 (m,).
    """

    rows: Rows
    scores: Vector
    probabilities: Vector


@dataclass(frozen=True, slots=True)
class Answers:
    """Everybody's slates.

    Attributes:
        slates: Of shape (v, k).
        probabilities: The same shape, NaN where none is stated: float32.
    """

    slates: Slates
    probabilities: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Belong:
    """What was learnt from the past of a cut, and how it answers.

    Attributes:
        snapshot: The community at the cut.
        index: Of groups' prototypes.
        ranker: What orders groups.
        pipeline: The recommender made of these.
        workshop: Encodes what newcomers say.
    """

    snapshot: Snapshot
    index: VectorIndex
    ranker: GroupRanker
    pipeline: Pipeline
    workshop: Workshop

    @property
    def stated(self) -> Calibration | None:
        """What chances are stated to members with a group, None if none are."""
        return self.ranker.calibration

    def answer(self, query: Query, k: int) -> Answered:
        """Return at most k groups."""
        slate = self.pipeline.recommend(query, k)
        chances = np.array(slate.ranked_probabilities, dtype=np.float32)  # None becomes NaN
        return Answered(slate.rows, slate.ranked_scores, chances)

    def answers(self, asked: Asked, k: int, progress: Progress = SILENT) -> Answers:
        """Return everybody's slates, each of k places."""
        slates = np.full((len(asked.ids), k), NOTHING, dtype=np.int64)
        chances = np.full((len(asked.ids), k), np.nan, dtype=np.float32)
        # Small products on several threads mostly wait for one another.
        with progress.task("asking Belong", len(asked.ids)) as advance, threadpool_limits(1):
            for line, query in enumerate(self.queries(asked)):
                found = self.answer(query, k)
                slates[line, : len(found.rows)] = found.rows
                chances[line, : len(found.rows)] = found.probabilities
                advance(1)
        return Answers(slates, chances)

    def queries(self, asked: Asked) -> list[Query]:
        """Return everybody's query: by row, or by what they say."""
        by_text = iter(self._queries_of_texts([text for text in asked.texts if text]))
        return [
            next(by_text) if text else query_of_member(self.snapshot, row)
            for row, text in zip(asked.viewers.rows.tolist(), asked.texts, strict=True)
        ]

    def changed(self, settings: OurSettings) -> Belong:
        """Return the same, learnt once, with other settings."""
        ranker = set_to(self.ranker, settings)
        pipeline = group_recommender(self.snapshot, self.index, ranker)
        return replace(self, ranker=ranker, pipeline=pipeline)

    def _queries_of_texts(self, texts: Sequence[str]) -> list[Query]:
        """Return newcomers' queries, made as `engine.recommender` makes them."""
        terms = {term: row for row, term in enumerate(self.snapshot.vocabulary.tolist())}
        queries = []
        for text, found in zip(texts, interests_of_all(texts, self._encoded), strict=True):
            known = sorted({terms[term] for term in analyze(text) if term in terms})
            queries.append(query_of_text(found.vectors, found.weights, np.array(known, np.int64)))
        return queries

    def _encoded(self, parts: Sequence[str]) -> Matrix:
        return embed(parts, self.workshop.encoder, self.workshop.vectors)


def belong_at(
    early: Community,
    cut: float,
    workshop: Workshop,
    progress: Progress = SILENT,
    settings: OurSettings = DEFAULT,
) -> Belong:
    """Return Belong as it would have been at a cut.

    Args:
        early: The past of the cut; nothing else is looked at.
        cut: Unix seconds.
        workshop: Encodes texts, and keeps the vectors.
        progress: Told of every step.
        settings: What an operator may set.
    """
    snapshot, learned = model_of(early, workshop, progress=progress, now=cut)
    ranker = set_to(learned, settings)
    index = VectorIndex.build(snapshot.groups.prototypes.vectors)
    return Belong(snapshot, index, ranker, group_recommender(snapshot, index, ranker), workshop)


def set_to(ranker: GroupRanker, settings: OurSettings) -> GroupRanker:
    """Return a ranker that prefers what an operator has set."""
    wish = ranker.preferences
    intimacy = wish.intimacy if settings.intimacy is None else settings.intimacy
    exploration = wish.exploration if settings.exploration is None else settings.exploration
    return replace(ranker, preferences=replace(wish, intimacy=intimacy, exploration=exploration))
