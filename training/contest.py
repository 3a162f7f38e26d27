"""Which scorer orders groups: all compete on what none has seen, a simple one wins if in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.calibration import Calibration
from engine.preferences import Preferences
from engine.ranker import Weigher, WeightedSum
from engine.types import Vector
from training.calibrate import calibrate
from training.examples import Examples, together
from training.scorers import blend, fit_boosted, fit_linear, ndcg_of, sampled, score_all, standing
from training.windows import ENOUGH_JOINERS, FEWEST_JOINERS, Window

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

Fitted = tuple[Weigher, Calibration | None, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Fold:
    """Examples to fit on and examples to compare on, which have no viewer-window in common."""

    fit: Examples
    compare: Examples


def contest(
    windows: Sequence[Examples], hand: Weigher, spans: Sequence[Window], wish: Preferences
) -> Fitted:
    """Return the scorer that did best on what it had not seen, its calibration and the story.

    Args:
        windows: Examples of each window, the newest first.
        hand: The hand-set weights.
        spans: The windows.
        wish: What the operator chose about slates.
    """
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
        scorers.append(simple | learned(fold.fit, hand))
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
    calibration, settings = settled(compare, best, spans[0].days if newest else None, wish)
    final = simple[chosen] if chosen in simple else learned(together(windows), hand)[chosen]
    story = {
        "kind": chosen,
        "why": why,
        "validation": means,
        "viewers": joiners,
        "compared": sum(map(len, values[chosen])),
        **settings,
    }
    return final, calibration, story


def settled(
    examples: Examples, scores: Vector, days: float | None, wish: Preferences
) -> tuple[Calibration | None, dict[str, Any]]:
    """Return what follows from scores of examples the scorer has not seen.

    Args:
        examples: Of the newest window.
        scores: The scorer's.
        days: The window's length; None if nothing can be calibrated there.
        wish: What the operator chose about slates.

    Returns:
        The calibration, and how many places new groups get at what cost, and the intimacy.
    """
    calibration = None if days is None else calibrate(examples, scores, days)
    places, cost = _new_group_places(examples, scores)
    return calibration, {
        "new_group_places": places,
        "ndcg_by_new_group_places": cost,
        "intimacy": _bounded_intimacy(examples, scores, wish),
    }


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


def learned(
    examples: Examples, hand: Weigher, slates: Examples | None = None
) -> dict[str, Weigher]:
    """Return what is learned, by kind; the hand-set weights tell the easy candidates.

    Args:
        examples: What was joined.
        hand: The hand-set weights.
        slates: What was suggested besides: of what was taken, the linear model learns. With it
            there may be too few joins for trees, and then there are no other kinds.
    """
    found = examples.sums(examples.joined) > 0
    share = MOST_CANDIDATES / max(len(examples.rows), 1)
    if share < 1:  # fewer viewers, so that memory stays bounded
        found &= np.random.default_rng(0).random(len(found)) < share
    joiners = lessons = examples.of(found)
    if slates is not None:
        lessons = together([joiners, slates.of(slates.sums(slates.joined) > 0)])
    told = _telling(lessons)
    of_group = [name for name in told if not name.startswith("viewer_")]
    linear = fit_linear(lessons, of_group, score_all(hand, lessons), PENALTY)
    if slates is not None and joiners.viewers < FEWEST_JOINERS / 2:
        return {"linear": linear}
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
