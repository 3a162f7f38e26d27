"""What orders groups, learned from earlier windows; kept only where it beats what is simple.

1. Stretches of the past are laid out (`training.windows`); for each, the community is rebuilt as
   it was at its start, and members' candidates are measured and labelled by what came next.
2. Scorers are fitted on the older windows and compared on the newest: every single column (which
   is what simple recommenders order by), the hand-set weights, a linear model, boosted trees, the
   mean of these two and, where labels are few, of all three. The best wins, a simple one unless
   beaten clearly.
3. The winner is fitted again on all windows, calibrated on the newest, and asked for many members
   to see which groups are seldom shown.

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
from engine.calibration import Calibration
from engine.group_ranker import GroupRanker
from engine.groups import group_recommender
from engine.index import VectorIndex
from engine.preferences import Preferences
from engine.query import query_of_member
from engine.ranker import Weigher, WeightedSum
from engine.snapshot import Snapshot
from engine.types import BoolVector, Vector
from training.activity import last_of
from training.build import build_snapshot
from training.calibrate import calibrate
from training.examples import (
    MOST_IDLE,
    Encode,
    Examples,
    known_examples,
    newcomer_examples,
    together,
)
from training.progress import SILENT, Progress
from training.scorers import blend, fit_boosted, fit_linear, ndcg_of, sampled, score_all, standing
from training.split import past
from training.texts import TextVectors, texts_of
from training.windows import ENOUGH_JOINERS, FEWEST_JOINERS, Window, windows_of

PENALTY = 1e-3
"""On the linear model's squared weights; 1e-4 to 1e-2 gave the same on validation windows."""

MARGIN = 0.5
"""Standard errors by which a learned scorer must beat the best simple one to be kept."""

MOST_NEW_GROUPS = 2
"""Places of ten that may be kept for groups nobody has joined yet."""

BOUND = 0.01
"""Share of the NDCG that keeping places for them may cost."""

MOST_CANDIDATES = 3_000_000
"""Candidates that are learned from at most."""

INTIMACY_BOUND = 0.02
"""Share of the NDCG that preferring small groups may cost."""

SIMULATED = 1_500
"""Members asked to see which groups are seldom shown."""

SELDOM = 0.2
"""Share of the mean exposure below which a group is seldom shown."""

ALIVE_DAYS = 180.0
"""Days without a post or a join after which a group is taken to be asleep."""


def learn_ranker(
    community: Community,
    vectors: TextVectors,
    snapshot: Snapshot,
    encode: Encode,
    preferences: Preferences | None = None,
    progress: Progress = SILENT,
) -> GroupRanker:
    """Return what orders groups, learned from the community's past.

    Args:
        community: What is known until now.
        vectors: The same as vectors, of all its texts.
        snapshot: Built from it, for the exposure of groups.
        encode: Texts -> unit vectors, for what newcomers say.
        preferences: What the operator chose about slates.
        progress: Told of every step.
    """
    asof = last_of(community)
    windows = windows_of(community, asof + 1) if asof is not None else []
    known, new = _examples(community, vectors, windows, encode, progress)
    hand = GroupRanker(preferences=preferences or Preferences())
    with progress.task("learn", 2) as advance:
        scorer, calibration, story = _contest(known, hand.known, windows, hand.preferences)
        advance(1)
        # No probability for newcomers: how many look around and join nothing is not known.
        newcomer, _, newcomer_story = _contest(new, hand.newcomer, windows, hand.preferences)
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
        },
    )
    return replace(ranker, seldom=seldom_shown(snapshot, ranker, progress))


def vectors_before(community: Community, vectors: TextVectors, cut: float) -> TextVectors:
    """Return the vectors of what `training.split.past` keeps of a community."""
    kept = community.posts.select((pl.col("ts") < cut).fill_null(value=False)).to_series()
    return TextVectors(vectors.posts[kept.to_numpy()], vectors.members, vectors.groups)


def _examples(
    community: Community,
    vectors: TextVectors,
    windows: Sequence[Window],
    encode: Encode,
    progress: Progress,
) -> tuple[list[Examples], list[Examples]]:
    known, new = [], []
    with progress.task("windows", max(len(windows), 1)) as advance:
        for place, window in enumerate(windows):
            early = past(community, window.cut)
            before = vectors_before(community, vectors, window.cut)
            snapshot = build_snapshot(early, texts_of(early), before, terms=False)
            rng = np.random.default_rng(place)
            # Those who joined nothing are looked at for calibration, on the newest window.
            idle = MOST_IDLE if place == 0 else 0
            known.append(known_examples(community, snapshot, window, idle, rng))
            new.append(newcomer_examples(community, snapshot, window, encode, rng))
            advance(1)
    return known, new


Fitted = tuple[Weigher, Calibration | None, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Fold:
    """Examples to fit on and examples to compare on, which have no viewer-window in common."""

    fit: Examples
    compare: Examples


def _contest(
    windows: Sequence[Examples], hand: Weigher, spans: Sequence[Window], wish: Preferences
) -> Fitted:
    """Return the scorer that did best on what it had not seen, its calibration and the story."""
    # Who joined only what nobody may be offered, such as private groups, teaches nothing.
    taught = [int((part.sums(part.joined) > 0).sum()) for part in windows]
    windows = [
        part for part, count in zip(windows, taught, strict=True) if count >= FEWEST_JOINERS / 2
    ]
    joiners = sum(int((part.ideal > 0).sum()) for part in windows)
    if joiners < FEWEST_JOINERS:
        why = f"{joiners} joins in the past are too few to learn from: the hand-set weights stay"
        return hand, None, {"kind": "hand_weighted", "why": why, "validation": {}}
    folds = _folds(windows)
    simple = _simple(windows[0].names, hand)
    values: dict[str, list[np.ndarray]] = {}
    scorers: list[dict[str, Weigher]] = []
    for fold in folds:
        joined = fold.compare.of(fold.compare.ideal > 0)
        scorers.append(simple | _learned(fold.fit, hand))
        for name, scorer in scorers[-1].items():
            values.setdefault(name, []).append(ndcg_of(joined, score_all(scorer, joined)))
    if sum(len(part) for part in values["blend_with_hand"]) >= ENOUGH_JOINERS:
        del values["blend_with_hand"]  # with that many labels the hand-set weights only dilute
    means = {name: float(np.concatenate(parts).mean()) for name, parts in values.items()}
    chosen, why = _choose({name: np.concatenate(parts) for name, parts in values.items()})
    compare = together([fold.compare for fold in folds])
    # Only the newest window has those who joined nothing in it.
    newest = taught[0] >= FEWEST_JOINERS / 2
    best = np.concatenate(
        [
            score_all(fitted[chosen], fold.compare)
            for fitted, fold in zip(scorers, folds, strict=True)
        ]
    )
    calibration = calibrate(compare, best, spans[0].days) if newest else None
    final = simple[chosen] if chosen in simple else _learned(together(windows), hand)[chosen]
    places, cost = _new_group_places(compare, best)
    story = {
        "kind": chosen,
        "why": why,
        "validation": means,
        "viewers": joiners,
        "compared": sum(map(len, values[chosen])),
        "new_group_places": places,
        "ndcg_by_new_group_places": cost,
        "intimacy": _bounded_intimacy(compare, best, wish),
    }
    return final, calibration, story


def _folds(windows: Sequence[Examples]) -> list[Fold]:
    """Return the newest window against the older ones; where there is but one, halves of it."""
    if len(windows) > 1:
        return [Fold(together(windows[1:]), windows[0])]
    half = np.arange(windows[0].viewers) % 2 == 0
    parts = windows[0].of(half), windows[0].of(~half)
    return [Fold(parts[0], parts[1]), Fold(parts[1], parts[0])]


LEARNED = ("linear", "boosted", "blend", "blend_with_hand")
"""What is fitted; the others order by one column or by the hand-set weights."""


def _simple(names: Sequence[str], hand: Weigher) -> dict[str, Weigher]:
    """Return what needs no fitting: every single column, and the hand-set weights."""
    columns = [name for name in names if not name.startswith("viewer_")]
    return {name: WeightedSum({name: 1.0}) for name in columns} | {"hand_weighted": hand}


def _learned(examples: Examples, hand: Weigher) -> dict[str, Weigher]:
    """Return what is learned from the examples; the hand-set weights tell the easy candidates."""
    found = examples.sums(examples.joined) > 0
    share = MOST_CANDIDATES / max(len(examples.rows), 1)
    if share < 1:  # fewer viewers, so that memory stays bounded
        found &= np.random.default_rng(0).random(len(found)) < share
    joiners = examples.of(found)
    told = _telling(joiners)
    of_group = [name for name in told if not name.startswith("viewer_")]
    linear = fit_linear(joiners, of_group, score_all(hand, joiners), PENALTY)
    fewer = sampled(joiners, score_all(linear, joiners), np.random.default_rng(0))
    boosted = fit_boosted(fewer, told)
    return {
        "linear": linear,
        "boosted": boosted,
        "blend": blend((linear, boosted), fewer),
        "blend_with_hand": blend((linear, boosted, hand), fewer),
    }


def _telling(examples: Examples) -> list[str]:
    """Return the columns that vary: language does not where nobody tells theirs.

    Where no column of groups varies, all are returned: what is fitted to them then loses the
    contest against what is simple.
    """
    varied = np.ptp(examples.values, axis=0) > 0
    told = [name for name, varies in zip(examples.names, varied, strict=True) if varies]
    nothing = all(name.startswith("viewer_") for name in told)
    return list(examples.names) if nothing else told


def _choose(values: dict[str, np.ndarray]) -> tuple[str, str]:
    """Return the best scorer, and why: a learned one must beat the best simple one clearly."""
    best = {
        learned: max(
            (name for name in values if (name in LEARNED) == learned),
            key=lambda name: float(values[name].mean()),
        )
        for learned in (True, False)
    }
    gain = values[best[True]] - values[best[False]]
    error = float(gain.std() / np.sqrt(len(gain)))
    simple, learned = best[False], best[True]
    figures = (
        f"NDCG@10 {values[learned].mean():.3f} for {learned}, {values[simple].mean():.3f} for "
        f"{simple}, over {len(gain)} members of the validation window"
    )
    if float(gain.mean()) > MARGIN * error:
        return learned, figures
    return simple, f"{figures}: nothing learned did clearly better"


def _new_group_places(examples: Examples, scores: Vector) -> tuple[int, list[float]]:
    """Return how many places of ten to keep for groups nobody has joined yet, and what each costs.

    As many as leave the NDCG within `BOUND` of the best, looked up on examples the scorer has not
    seen. What is learned of older windows says little of new groups, which are different each
    time; so they are compared with each other, not with the rest.
    """
    joined = examples.ideal > 0
    fresh = examples.column("group_members") == 0
    among = standing(examples, np.where(fresh, scores, -np.inf).astype(np.float32))
    place = standing(examples, scores).astype(np.float32)
    figures = []
    for kept in range(MOST_NEW_GROUPS + 1):
        welcomed = fresh & (among < kept) & (place >= 10 - kept)
        moved = np.where(welcomed, 10 - kept - 0.5 + among * 0.01, place)
        figures.append(float(ndcg_of(examples, -moved.astype(np.float32))[joined].mean()))
    good = [kept for kept, value in enumerate(figures) if value >= (1 - BOUND) * max(figures)]
    return max(good), figures


def _bounded_intimacy(examples: Examples, scores: Vector, wish: Preferences) -> float:
    """Return as much of the wished intimacy as costs at most `INTIMACY_BOUND` of the NDCG."""
    examples = examples.of(np.diff(examples.starts) > 0)  # an empty pool has no spread
    sizes = np.expm1(examples.column("group_members"))
    excess = np.log10(np.maximum(sizes / wish.preferred_size, 1))
    near = standing(examples, scores) < 50
    bounds = examples.starts[:-1]
    top = np.maximum.reduceat(np.where(near, scores, -np.inf), bounds)
    spread = top - np.minimum.reduceat(np.where(near, scores, np.inf), bounds)
    joined = examples.ideal > 0

    def ndcg(intimacy: float) -> float:
        moved = scores - intimacy * spread[examples.owner()] * excess
        return float(ndcg_of(examples, moved.astype(np.float32))[joined].mean())

    floor = (1 - INTIMACY_BOUND) * ndcg(0)
    shares = (1.0, 0.75, 0.5, 0.25)
    affordable = (wish.intimacy * share for share in shares if ndcg(wish.intimacy * share) >= floor)
    return next(affordable, 0.0)


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
