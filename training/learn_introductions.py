"""What orders people, learned from who met whom; kept only where it beats what is simple.

1. Moments of the past are laid out (`training.introduction_windows`), and the candidates of those
   who then met somebody are measured and labelled.
2. Scorers are fitted and compared (`training.introduction_contest`), for members who know people
   here, for those who do not, and for those known by what they say alone.
3. It is worked out where everybody lies, and what it costs to show each once more, so that the
   popular are not flooded (`training.exposure`).

A community with too few ties keeps the hand-set weights, and the story says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.community import Community
from engine.acquaintance import values_at
from engine.index import VectorIndex
from engine.introduction_ranker import WHO, IntroductionRanker
from engine.introductions import introduction_recommender
from engine.people_sources import willing
from engine.pipeline import Pipeline
from engine.reciprocal import priced
from engine.snapshot import Snapshot
from engine.types import Vector
from training.exposure import bounded, prices_of, slates_of
from training.introduction_contest import compete, graded_ndcg
from training.introduction_windows import Lesson, lessons_of, there
from training.meetings import acquaintance_of
from training.progress import SILENT, Progress
from training.scorers import score_all
from training.texts import TextVectors

USUAL_FLOOR = 0.4
"""Times the mean that everybody is shown at least where nothing tells what fairness costs."""

FEWEST_PRICED = 50
"""Members who may be shown from which prices are set: few are all shown to each other."""


def learn_introductions(
    community: Community,
    vectors: TextVectors,
    snapshot: Snapshot,
    progress: Progress = SILENT,
) -> IntroductionRanker:
    """Return what orders people, learned from the community's past.

    Args:
        community: What is known until now.
        vectors: Its texts.
        snapshot: Built from it.
        progress: Told of every step.
    """
    with progress.task("meetings", 1) as advance:
        lessons = list(lessons_of(community, vectors, snapshot))
        advance(1)
    ranker = IntroductionRanker()
    scorers: dict[str, Any] = {}
    story: dict[str, Any] = {}
    with progress.task("learn introductions", len(WHO)) as advance:
        for who in WHO:
            examples = [getattr(lesson, who) for lesson in lessons]
            scorers[who], story[who] = compete(examples, getattr(ranker, who))
            advance(1)
    ranker = replace(ranker, **scorers, acquaintance=acquaintance_of(snapshot))
    floor, told = _floor(lessons, ranker)
    told |= {"floor": floor}
    ranker = replace(ranker, story=story | {"exposure": told})
    if floor is None:
        return ranker
    prices = _prices(snapshot, ranker, floor, progress)
    return replace(ranker, acquaintance=replace(ranker.acquaintance, prices=prices))


def _prices(
    snapshot: Snapshot, ranker: IntroductionRanker, floor: float, progress: Progress
) -> Vector:
    viewers = np.flatnonzero(willing(snapshot.members) & there(snapshot))
    if len(viewers) < FEWEST_PRICED:
        return np.zeros(len(snapshot.members.ids), np.float32)
    slates = slates_of(_pipeline(snapshot, ranker), snapshot, viewers, progress)
    return prices_of(slates, len(snapshot.members.ids), floor)


def _pipeline(snapshot: Snapshot, ranker: IntroductionRanker) -> Pipeline:
    index = VectorIndex.build(snapshot.members.interests.vectors)
    return introduction_recommender(snapshot, index, ranker=ranker)


def _floor(
    lessons: Sequence[Lesson], ranker: IntroductionRanker
) -> tuple[float | None, dict[str, Any]]:
    """Return how often everybody is to be shown at least, and what each floor would have cost."""
    lesson = next((one for one in lessons if one.known.viewers >= FEWEST_PRICED), None)
    if lesson is None or lesson.there.sum() < FEWEST_PRICED:
        return USUAL_FLOOR, {"why": "too few met somebody to tell what fairness costs"}
    then = replace(ranker, acquaintance=lesson.ranker.acquaintance)
    viewers = np.flatnonzero(willing(lesson.snapshot.members) & lesson.there)
    slates = slates_of(_pipeline(lesson.snapshot, then), lesson.snapshot, viewers)
    examples = lesson.known.of(lesson.known.ideal > 0)
    scores = score_all(ranker.known, examples)
    bounds = list(pairwise(examples.starts.tolist()))

    def ndcg(prices: Vector) -> NDArray[np.float64]:
        paid = values_at(prices, examples.rows)
        parts = [priced(scores[start:end], paid[start:end]) for start, end in bounds]
        return graded_ndcg(examples, np.concatenate(parts))

    return bounded(slates, len(lesson.snapshot.members.ids), ndcg)
