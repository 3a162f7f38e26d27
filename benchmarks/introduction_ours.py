"""Belong's introductions as the comparison asks for them: fitted on the past, whole pipeline.

`belong_people_at` is the one place that knows how a recommender of people is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.introduction_trials import Meeting
from benchmarks.slates import NOTHING, PLACES, Slates
from engine.explanations import MemberReasons
from engine.index import VectorIndex
from engine.introductions import introduction_recommender
from engine.pipeline import Pipeline
from engine.query import query_of_member
from engine.snapshot import Snapshot
from engine.types import Rows
from training.build import build_snapshot
from training.progress import SILENT, Progress
from training.texts import texts_of, vectors_of
from training.train import Workshop, introductions_of


@dataclass(frozen=True, slots=True)
class BelongPeople:
    """What was learnt before people met, and how it introduces them.

    Attributes:
        snapshot: The community at the moment.
        pipeline: The recommender.
        unpriced: The same without a price for being shown often; None if it has no prices.
        story: How what orders people was chosen.
    """

    snapshot: Snapshot
    pipeline: Pipeline
    unpriced: Pipeline | None = None
    story: Mapping[str, Any] = field(default_factory=dict)

    def slates(self, rows: Rows, progress: Progress = SILENT) -> Slates:
        """Return members' slates."""
        return _slates(self.snapshot, self.pipeline, rows, progress)

    def unpriced_slates(self, rows: Rows, progress: Progress = SILENT) -> Slates | None:
        """Return the slates of those who may be shown as often as they fit; None as above."""
        if self.unpriced is None:
            return None
        return _slates(self.snapshot, self.unpriced, rows, progress)

    def reasons(self, viewer: int, other: int) -> list[str]:
        """Return why one member is shown another, and a question to begin with."""
        query, why = query_of_member(self.snapshot, viewer), MemberReasons(self.snapshot)
        return [*(reason.text for reason in why.explain(query, other)), why.opening(query, other)]


Ours = Callable[[Meeting, Workshop, Progress], BelongPeople]
"""A meeting -> Belong as it would have been before it."""


def belong_people_at(
    meeting: Meeting, workshop: Workshop, progress: Progress = SILENT
) -> BelongPeople:
    """Return Belong as it would have been before people met.

    Args:
        meeting: What was known; its later pairs are not looked at.
        workshop: Encodes texts, and keeps the vectors.
        progress: Told of every step.
    """
    early, now = meeting.early, meeting.now
    texts = texts_of(early)
    vectors = vectors_of(texts, workshop.encoder, workshop.vectors, progress)
    # As `training.train.train` does, but for what orders groups, which nobody here is asked.
    snapshot = build_snapshot(early, texts, vectors, progress, now)
    ranker = introductions_of(early, workshop, snapshot, progress, now)
    free = replace(ranker.acquaintance, prices=np.zeros(0, np.float32))
    index = VectorIndex.build(snapshot.members.interests.vectors)
    priced, unpriced = (
        introduction_recommender(snapshot, index, ranker=one)
        for one in (ranker, replace(ranker, acquaintance=free))
    )
    return BelongPeople(snapshot, priced, unpriced, ranker.story)


def _slates(snapshot: Snapshot, pipeline: Pipeline, rows: Rows, progress: Progress) -> Slates:
    slates = np.full((len(rows), PLACES), NOTHING, dtype=np.int64)
    # Small products on several threads mostly wait for one another.
    with progress.task("asking Belong", len(rows)) as advance, threadpool_limits(1):
        for line, member in enumerate(rows.tolist()):
            found = pipeline.recommend(query_of_member(snapshot, member), PLACES).rows
            slates[line, : len(found)] = found
            advance(1)
    return slates
