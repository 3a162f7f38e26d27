"""What orders groups, learned from earlier windows; kept only where it beats what is simple.

1. Stretches of the past are laid out (`training.windows`); for each, the community is rebuilt as
   it was at its start, and members' candidates are measured and labelled by what came next.
2. Scorers are fitted on the older windows and compared on the newest: every single column (which
   is what simple recommenders order by), the hand-set weights, a linear model, boosted trees, the
   mean of these two and, where labels are few, of all three. The best wins, a simple one unless
   beaten clearly.
3. The winner is fitted again on all windows, calibrated on the newest, and asked for many members
   to see which groups are seldom shown.
4. Where a store knows what was suggested and what became of it, a scorer that learns from that as
   well takes the winner's place if it does better: see `training.feedback_contest`.

A community with too little to learn from keeps the hand-set weights, and the story says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from data.community import Community
from engine.group_ranker import GroupRanker
from engine.groups import group_recommender
from engine.index import VectorIndex
from engine.preferences import Preferences
from engine.query import query_of_member
from engine.snapshot import Snapshot
from engine.types import BoolVector
from training.activity import last_of
from training.build import build_snapshot
from training.contest import Fitted, contest
from training.examples import MOST_IDLE, Encode, Examples, known_examples, newcomer_examples
from training.feedback_contest import Past, with_feedback
from training.progress import SILENT, Progress
from training.split import past
from training.suggested import Showings, Suggested, resolved, shown_in
from training.texts import TextVectors
from training.windows import Window, windows_of

SIMULATED = 1_500
"""Members asked to see which groups are seldom shown."""

SELDOM = 0.2
"""Share of the mean exposure below which a group is seldom shown."""

ALIVE_DAYS = 180.0
"""Days without a post or a join after which a group is taken to be asleep."""


@dataclass(frozen=True, slots=True)
class Lessons:
    """What is learned from.

    Attributes:
        community: What is known until now.
        vectors: The same as vectors, of all its texts.
        encode: Texts -> unit vectors, for what newcomers say.
        suggested: What was suggested and what became of it; None without a store.
    """

    community: Community
    vectors: TextVectors
    encode: Encode
    suggested: Suggested | None = None


def learn_ranker(
    lessons: Lessons,
    snapshot: Snapshot,
    preferences: Preferences | None = None,
    progress: Progress = SILENT,
) -> GroupRanker:
    """Return what orders groups, learned from the community's past.

    Args:
        lessons: What is learned from.
        snapshot: Built from the community, for the exposure of groups.
        preferences: What the operator chose about slates.
        progress: Told of every step.
    """
    asof = last_of(lessons.community)
    windows = windows_of(lessons.community, asof + 1) if asof is not None else []
    found = _examples(lessons, windows, progress)
    hand = GroupRanker(preferences=preferences or Preferences())
    with progress.task("learn", 2) as advance:
        fitted = contest(found.known, hand.known, windows, hand.preferences)
        (scorer, calibration, story), feedback = _with_feedback(found, windows, hand, fitted)
        advance(1)
        # No probability for newcomers: how many look around and join nothing is not known.
        newcomer, _, newcomer_story = contest(found.new, hand.newcomer, windows, hand.preferences)
        advance(1)
    # A place is kept for a new group where that costs next to nothing, and never by guess.
    places = min(story.get("new_group_places", 0), hand.preferences.new_groups)
    ranker = replace(
        hand,
        preferences=replace(
            hand.preferences,
            new_groups=places,
            intimacy=story.get("intimacy", hand.preferences.intimacy),
        ),
        known=scorer,
        newcomer=newcomer,
        calibration=calibration,
        story={
            "windows": [{"cut": window.cut, "days": window.days} for window in windows],
            "known": story,
            "newcomer": newcomer_story,
            **feedback,
        },
    )
    return replace(ranker, seldom=seldom_shown(snapshot, ranker, progress))


def vectors_before(community: Community, vectors: TextVectors, cut: float) -> TextVectors:
    """Return the vectors of what `training.split.past` keeps of a community."""
    kept = community.posts.select((pl.col("ts") < cut).fill_null(value=False)).to_series()
    return replace(vectors, posts=vectors.posts[kept.to_numpy()])


@dataclass(frozen=True, slots=True)
class Found:
    """The examples of each window, the newest first.

    Attributes:
        known: What members with a group joined.
        new: What newcomers joined.
        shown: What was suggested to members with a group; none without a store.
        left_out: Suggestions that could not be used, by why; None without a store.
    """

    known: list[Examples]
    new: list[Examples]
    shown: list[Showings]
    left_out: dict[str, int] | None = None


def _examples(lessons: Lessons, windows: Sequence[Window], progress: Progress) -> Found:
    found, community, showings = Found([], [], []), lessons.community, None
    if lessons.suggested is not None:
        left_out: dict[str, int] = {}
        showings = resolved(lessons.suggested, community, left_out)
        oldest = windows[-1].cut if windows else np.inf
        left_out["before the first window"] = int((showings["ts"] < oldest).sum())
        found = replace(found, left_out=left_out)
    with progress.task("windows", max(len(windows), 1)) as advance:
        for place, window in enumerate(windows):
            early = past(community, window.cut)
            before = vectors_before(community, lessons.vectors, window.cut)
            snapshot = build_snapshot(early, None, before)
            rng = np.random.default_rng(place)
            # Those who joined nothing are looked at for calibration, on the newest window.
            idle = MOST_IDLE if place == 0 else 0
            found.known.append(known_examples(community, snapshot, window, idle, rng))
            found.new.append(newcomer_examples(community, snapshot, window, lessons.encode, rng))
            if showings is not None and found.left_out is not None:
                # What was suggested after the last thing on record belongs to the newest window.
                span = window if place else replace(window, end=np.inf)
                found.shown.append(shown_in(showings, snapshot, span, rng, found.left_out))
            advance(1)
    return found


def _with_feedback(
    found: Found, windows: Sequence[Window], hand: GroupRanker, fitted: Fitted
) -> tuple[Fitted, dict[str, Any]]:
    """Return what is learned of suggestions as well, and a story if there is a store."""
    if found.left_out is None:
        return fitted, {}
    both = Past(found.known, found.shown, windows, hand.known, hand.preferences)
    fitted, story = with_feedback(both, fitted)
    left_out = {why: count for why, count in found.left_out.items() if count}
    return fitted, {"feedback": {**story, "left_out": left_out}}


def seldom_shown(
    snapshot: Snapshot, ranker: GroupRanker, progress: Progress = SILENT
) -> BoolVector:
    """Return which groups are alive and hardly ever on a slate: bool of shape (groups,)."""
    groups = len(snapshot.groups.ids)
    index = VectorIndex.build(snapshot.groups.prototypes.vectors)
    quiet = replace(ranker, preferences=replace(ranker.preferences, exploration=0.0))
    pipeline = group_recommender(snapshot, index, quiet)
    known = np.flatnonzero(snapshot.members.groups.counts() > 0)
    if not len(known):
        return np.zeros(groups, bool)
    asked = np.random.default_rng(0).choice(known, min(SIMULATED, len(known)), replace=False)
    shown = np.zeros(groups)
    with threadpool_limits(1), progress.task("exposure", len(asked)) as advance:
        for member in asked.tolist():
            shown[pipeline.recommend(query_of_member(snapshot, member), 10).rows] += 1
            advance(1)
    awake = snapshot.behaviour.life.quiet < np.log1p(ALIVE_DAYS)
    fresh = snapshot.behaviour.life.members == 0
    seldom: BoolVector = (shown < SELDOM * shown.mean()) & (awake | fresh)
    return seldom
