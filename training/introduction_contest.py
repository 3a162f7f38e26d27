"""Which scorer orders people: all compete on what none has seen, a simple one wins if in doubt.

With few examples only two compete: the hand-set weights, and their mean with a linear model of the
few columns that carried it on every community tried: what a few dozen members teach is mended by
what held elsewhere. With more come a linear model of all columns and every column by itself.

Boosted trees, asked from either side, lost to the linear model everywhere (on lastfm by a sixth),
and so did their mean with it: they cost more than all the rest and are not tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.pair_features import COLUMNS
from engine.ranker import Linear, WeightedSum
from engine.reciprocal import Reciprocal
from engine.types import Vector
from training.examples import Examples, together
from training.meeting_scorers import fit_linear, gains_of
from training.scorers import score_all, standing

FEW = (
    "mixed", "close_groups", "shared_groups", "gist_match", "seek_offer", "takes_part",
    "this_week",
)  # fmt: skip
"""Columns of the small linear model: paths, groups, words, and who is there. With a hundred viewers
every further column lost more by chance than it told."""

FEWEST = 15
"""Viewers who met somebody, from which the small model is tried."""

ENOUGH = 150
"""Viewers from which all the others are."""

PENALTY_A_VIEWER = 2.0
"""The penalty of a linear model is this over its viewers, at most `MOST_PENALTY`."""

MOST_PENALTY = 0.1

SINGLE = 5.0
"""What lies, as log-odds, between the best and the last by a single column."""

MARGIN = 0.5
"""Standard errors by which a learned scorer must beat the best simple one to be kept."""

PLACES = 10
"""Places of a slate that count."""

LEARNED = ("linear_few", "linear")
HAND = "hand_weighted"


def compete(windows: Sequence[Examples], hand: Reciprocal) -> tuple[Reciprocal, dict[str, Any]]:
    """Return the scorer that did best on what it had not seen, and the story.

    Args:
        windows: Examples of each moment, the newest first.
        hand: The hand-set weights.
    """
    windows = [part.of(part.sums(part.joined) > 0) for part in windows]
    windows = [part for part in windows if part.viewers]
    viewers = sum(part.viewers for part in windows)
    if viewers < FEWEST:
        why = f"{viewers} members who met somebody are too few to learn from: hand-set weights"
        return hand, {"kind": HAND, "why": why, "viewers": viewers, "validation": {}}
    values: dict[str, list[NDArray[np.float64]]] = {}
    for older, newer in _folds(windows, many=viewers >= ENOUGH):
        for name, scorer in _entrants(older, hand, many=viewers >= ENOUGH).items():
            values.setdefault(name, []).append(graded_ndcg(newer, score_all(scorer, newer)))
    found = {name: np.concatenate(parts) for name, parts in values.items()}
    chosen, why = _choose(found, MARGIN if viewers >= ENOUGH else 0.0)
    final = _entrants(together(windows), hand, many=viewers >= ENOUGH, only=chosen)[chosen]
    story = {
        "kind": chosen,
        "why": why,
        "viewers": viewers,
        "compared": len(found[chosen]),
        "validation": {name: float(parts.mean()) for name, parts in found.items()},
    }
    return final, story


def graded_ndcg(examples: Examples, scores: Vector) -> NDArray[np.float64]:
    """Return each viewer's NDCG@10, exchanges both ways counting double: float64 of shape (v,).

    Whom a viewer met who was no candidate counts as one who was not found, at 1.
    """
    place = standing(examples, scores)
    gains = gains_of(examples)
    discount = np.where(place < PLACES, 1 / np.log2(place + 2.0), 0.0)
    got = examples.sums(gains * discount)
    best = np.zeros(examples.viewers)
    discounts = 1 / np.log2(np.arange(PLACES) + 2.0)
    for row, (start, end) in enumerate(zip(examples.starts, examples.starts[1:], strict=False)):
        here = gains[start:end]
        worth = np.sort(here[here > 0])[::-1]
        missed = np.ones(max(int(examples.ideal[row]) - len(worth), 0))
        ideal = np.concatenate([worth, missed])[:PLACES]
        best[row] = ideal @ discounts[: len(ideal)]
    return got / np.maximum(best, 1e-9)


def _folds(windows: Sequence[Examples], *, many: bool) -> Iterator[tuple[Examples, Examples]]:
    """Yield what to fit on and what to compare on.

    With many examples the newest window is compared on, with few every one but the oldest, each
    fitted on those before it. Of a single window each half is compared on the other.
    """
    if len(windows) == 1:
        half = np.arange(windows[0].viewers) % 2 == 0
        parts = windows[0].of(half), windows[0].of(~half)
        yield parts
        yield parts[::-1]
        return
    for place in range(1 if many else len(windows) - 1):
        older = together(windows[place + 1 :])
        yield older, windows[place]


def _entrants(
    examples: Examples, hand: Reciprocal, *, many: bool, only: str | None = None
) -> dict[str, Reciprocal]:
    """Return who competes, fitted: all of them, or what it takes for one."""
    told = [name for name in COLUMNS if np.ptp(examples.column(name)) > 0]
    found = {HAND: hand}
    if many and only not in LEARNED:
        singles = [name for name in told if not name.startswith("viewer_")]
        found |= {name: _reciprocal(WeightedSum({name: SINGLE})) for name in singles}
    if only in found:
        return found
    liked = score_all(hand, examples)
    penalty = min(MOST_PENALTY, PENALTY_A_VIEWER / max(examples.viewers, 1))
    few = [name for name in told if name in FEW] or list(FEW)
    found["linear_few"] = mean_of(fit_linear(examples, few, liked, penalty), hand)
    if not many or only == "linear_few":
        return found
    of_both = [name for name in told if not name.startswith("viewer_")] or list(FEW)
    found["linear"] = _reciprocal(fit_linear(examples, of_both, liked, penalty))
    return found


def mean_of(learned: Linear, hand: Reciprocal) -> Reciprocal:
    """Return the mean of both: what hand-set weights stretch is what `beside_the_best` holds."""
    by_hand = hand.directional.weights if isinstance(hand.directional, WeightedSum) else {}
    slopes = np.array([by_hand.get(name, 0.0) for name in learned.columns], np.float32)
    both = learned.weights.copy()
    both[len(slopes) :] += slopes * learned.scales[len(slopes) :]
    return _reciprocal(replace(learned, weights=both / np.float32(2)))


def _reciprocal(directional: Linear | WeightedSum) -> Reciprocal:
    return Reciprocal(directional)


def _choose(values: dict[str, NDArray[np.float64]], margin: float) -> tuple[str, str]:
    """Return the best scorer, and why.

    A single column must beat the hand-set weights by `margin` standard errors, and what is learned
    the better of these: by none where only the small model competes, which is as simple.
    """
    singles = [name for name in values if name not in (*LEARNED, HAND)]
    simple = _better(values, HAND, singles, MARGIN)
    chosen = _better(values, simple, [name for name in LEARNED if name in values], margin)
    others = [name for name in values if name != chosen]
    second = max(others, key=lambda name: float(values[name].mean()))
    return chosen, (
        f"NDCG@10 {values[chosen].mean():.3f} for {chosen}, {values[second].mean():.3f} for "
        f"{second}, over {len(values[chosen])} members of what was not fitted to"
    )


def _better(
    values: dict[str, NDArray[np.float64]], known: str, others: Sequence[str], margin: float
) -> str:
    """Return the best of the others if it clearly beats the one that is known, else that."""
    best = max(others, key=lambda name: float(values[name].mean()), default=known)
    gain = values[best] - values[known]
    error = float(gain.std() / np.sqrt(max(len(gain), 1)))
    return best if float(gain.mean()) > margin * error else known
