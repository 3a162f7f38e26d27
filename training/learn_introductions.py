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

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.community import Community
from engine.acquaintance import values_at
from engine.fairness import settled_places, shared_out
from engine.index import VectorIndex
from engine.introduction_ranker import WHO, IntroductionRanker
from engine.introductions import introduction_recommender
from engine.people_sources import willing
from engine.pipeline import Pipeline
from engine.snapshot import Snapshot
from engine.types import BoolVector, Rows, Vector
from training.exposure import (
    PLACES,
    REHEARSED,
    SIMULATED,
    Moment,
    cheapest,
    prices_of,
    slates_of,
)
from training.introduction_contest import compete, graded_ndcg
from training.introduction_windows import Lesson, lessons_of, there
from training.meetings import acquaintance_of
from training.progress import SILENT, Progress
from training.scorers import score_all
from training.texts import TextVectors

USUAL = 0.7
"""Share of the places that go to who fits best where nothing tells what sharing out costs."""

FEWEST_PRICED = 50
"""Members who may be shown from which prices are set: few are all shown to each other."""

FEWEST_JUDGES = 50
"""Members who met somebody, over all windows, from which it is told what sharing out costs."""


def learn_introductions(
    community: Community,
    vectors: TextVectors,
    built: Callable[[], Snapshot],
    progress: Progress = SILENT,
) -> IntroductionRanker:
    """Return what orders people, learned from the community's past.

    Args:
        community: What is known until now.
        vectors: Its texts.
        built: Waits for the snapshot that is built from it, which is not needed to look back.
        progress: Told of every step.
    """
    with progress.task("meetings", 1) as advance:
        lessons = list(lessons_of(community, vectors, built))
        advance(1)
    snapshot = built()
    ranker = IntroductionRanker()
    scorers: dict[str, Any] = {}
    story: dict[str, Any] = {}
    with progress.task("learn introductions", len(WHO)) as advance:
        for who in WHO:
            examples = [getattr(lesson, who) for lesson in lessons]
            scorers[who], story[who] = compete(examples, getattr(ranker, who))
            advance(1)
    ranker = replace(ranker, **scorers, acquaintance=acquaintance_of(snapshot))
    settled, told = _settled(lessons, ranker, progress)
    ranker = replace(ranker, story=story | {"exposure": told | {"settled": settled}})
    prices = _prices(snapshot, ranker, settled, progress)
    acquaintance = replace(ranker.acquaintance, prices=prices)
    return replace(ranker, acquaintance=acquaintance, settled=settled)


def _prices(
    snapshot: Snapshot, ranker: IntroductionRanker, settled: float, progress: Progress
) -> Vector:
    viewers = _shown(snapshot, there(snapshot))
    if len(viewers) < FEWEST_PRICED:
        return np.zeros(len(snapshot.members.ids), np.float32)
    slates = slates_of(_pipeline(snapshot, ranker), snapshot, viewers, SIMULATED, progress)
    return prices_of(slates, len(snapshot.members.ids), settled_places(PLACES, settled))


def _shown(snapshot: Snapshot, known: BoolVector) -> Rows:
    """Return who of those who were known may be introduced."""
    return np.flatnonzero(willing(snapshot.members) & known)


def _pipeline(snapshot: Snapshot, ranker: IntroductionRanker) -> Pipeline:
    index = VectorIndex.build(snapshot.members.interests.vectors)
    return introduction_recommender(snapshot, index, ranker=ranker)


def _settled(
    lessons: Sequence[Lesson], ranker: IntroductionRanker, progress: Progress
) -> tuple[float, dict[str, Any]]:
    """Return the share of places that go to who fits best, and what each would have cost."""
    told = [
        one
        for one in lessons
        if one.known.viewers and len(_shown(one.snapshot, one.there)) >= FEWEST_PRICED
    ]
    if sum(one.known.viewers for one in told) < FEWEST_JUDGES:
        return USUAL, {"why": "too few met somebody to tell what sharing out costs"}
    with progress.task("cost of sharing out", len(told)) as advance:
        moments = []
        for lesson in told:
            moments.append(_moment(lesson, ranker))
            advance(1)
        return cheapest(moments)


def _moment(lesson: Lesson, ranker: IntroductionRanker) -> Moment:
    then = replace(ranker, acquaintance=lesson.ranker.acquaintance)
    viewers = _shown(lesson.snapshot, lesson.there)
    slates = slates_of(_pipeline(lesson.snapshot, then), lesson.snapshot, viewers, REHEARSED)
    examples = lesson.known.of(lesson.known.ideal > 0)
    scores = score_all(ranker.known, examples)
    bounds = list(pairwise(examples.starts.tolist()))

    def ndcg(prices: Vector, first: int) -> NDArray[np.float64]:
        paid, placed = values_at(prices, examples.rows), np.zeros(len(scores), np.float32)
        for start, end in bounds:
            here = slice(start, end)
            order = shared_out(examples.rows[here], scores[here], paid[here], first)
            placed[start + order] = -np.arange(len(order), dtype=np.float32)
        return graded_ndcg(examples, placed)

    return Moment(slates, len(lesson.snapshot.members.ids), ndcg)
