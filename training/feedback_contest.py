"""Whether what became of suggestions makes a better ranker, and that ranker if it does.

Joins of the past are what people found, and what they found was often what had been suggested. So
what was suggested is taken out of the examples made of joins, and learned from by itself: within
each viewer's suggestions, what was taken beside what was passed over, each for as much as it was
likely seen (`training.attention`) and the more the more rarely it is served (exploration).

Only the linear model learns from suggestions. It compares within a viewer, so it does not matter
that suggestions are better than other candidates. The trees look at each candidate alone and
would take whatever is usually suggested for good; they learn from joins nobody suggested.

It is kept only where it does better on the suggestions of members it has not seen, and no worse on
the joins of theirs that nobody suggested.

Source: inverse propensities, clipped and self-normalised: Swaminathan and Joachims 2015, "The
self-normalized estimator for counterfactual learning".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.calibration import Calibration
from engine.preferences import Preferences
from engine.ranker import Weigher
from engine.types import Rows, Vector
from training.attention import Attention, fit_attention, passed_over, taking
from training.contest import LEARNED, Fitted, learned, settled
from training.examples import Examples, together
from training.scorers import ndcg_of, score_all
from training.suggested import Showings
from training.windows import FEWEST_JOINERS, Window

FEWEST_SHOWN = 200
"""Suggestions that were shown, with fewer of which nothing is learned from them."""

FEWEST_TAKEN = 20
"""Those of them that were taken, likewise."""

FEWEST_COMPARED = 20
"""Viewers who took something and passed something over, with fewer of whom nothing can be told."""

MARGIN = 1.5
"""Standard errors by which it must do better. Of twelve simulated worlds of 300 members each it was
kept in 11 where suggestions are taken by fit, and in 2 where they are taken at random."""

MOST_COUNTED = 10.0
"""For how many suggestions a rarely served one counts at most: beyond it, one would decide all."""

WITHOUT = "without"
"""What the story calls the scorer learned from joins alone."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Past:
    """What the contest is about: the same windows from two sides, the newest first.

    Attributes:
        joins: What members joined in each window.
        shown: What was suggested to them in each.
        spans: The windows.
        hand: The hand-set weights.
        wish: What the operator chose about slates.
    """

    joins: Sequence[Examples]
    shown: Sequence[Showings]
    spans: Sequence[Window]
    hand: Weigher
    wish: Preferences


def with_feedback(past: Past, fitted: Fitted) -> tuple[Fitted, dict[str, Any]]:
    """Return the scorer that what became of suggestions makes, if it is better, and the story.

    Args:
        past: Joins and suggestions.
        fitted: What was learned from joins alone; it comes back if it is not beaten.
    """
    story = _counted(past.shown)
    few = story["shown"] < FEWEST_SHOWN or story["taken"] < FEWEST_TAKEN
    if few:
        return fitted, _unused(story, "too few suggestions were shown or taken to learn from them")
    attention = attention_of(past.shown)
    story["attention"] = {
        "fading": attention.fading,
        "by_rank": attention.at(np.arange(1, 11)).round(3).tolist(),
    }
    slates = [weighed(part, attention) for part in past.shown]
    return _contest(past, slates, fitted, story)


def attention_of(shown: Sequence[Showings]) -> Attention:
    """Tell from all windows' suggestions how fast attention fades.

    The score by which each was served tells how well it fits as well: the columns are as old as
    the window, and what they do not know yet would be taken for attention.
    """
    return fit_attention(
        np.concatenate(
            [np.column_stack([part.examples.values[part.places], part.scores]) for part in shown]
        ),
        np.concatenate([part.ranks for part in shown]),
        np.concatenate([part.reacted for part in shown]),
    )


def weighed(shown: Showings, attention: Attention) -> Examples:
    """Return suggestions as examples, each counting for as much as it says.

    What was shown to a viewer several times is one example; it was seen if it was any of the
    times. What was refused was seen for certain.
    """
    examples, size = shown.examples, len(shown.refused)
    here = shown.shown
    if not here.any():
        return examples
    with np.errstate(divide="ignore"):
        unseen = np.log1p(-attention.at(shown.ranks))
    times = np.bincount(shown.places, weights=np.maximum(unseen, -50.0), minlength=size)
    looked = -np.expm1(times[here])
    chances = taking(examples.values[here], looked, examples.joined[here])
    seen = np.ones(size, np.float32)
    seen[here] = np.where(shown.refused[here], 1.0, passed_over(looked, chances))
    odds = np.zeros(size, np.float32)
    np.maximum.at(odds, shown.places, shown.odds)
    counts = np.zeros(size, np.float32)
    counts[here] = np.minimum(1 / np.maximum(odds[here], 1e-6), MOST_COUNTED)
    counts[here] /= counts[here].mean()
    return replace(examples, seen=seen, counts=counts)


def unsuggested(joins: Examples, shown: Showings) -> Examples:
    """Return a window's joins without what was suggested, joined or not: it is told of elsewhere.

    It stays in the pools, beside whose best a candidate is measured, and counts for nothing.
    """
    size = 1 + max(joins.rows.max(initial=0), shown.examples.rows.max(initial=0))
    keys = joins.members[joins.owner()] * size + joins.rows
    theirs = shown.examples.members[shown.examples.owner()] * size + shown.examples.rows
    free = ~np.isin(keys, theirs[shown.shown])
    lost = joins.sums(joins.joined & ~free).astype(np.int64)
    return replace(
        joins, joined=joins.joined & free, lasting=joins.lasting & free,
        ideal=joins.ideal - lost, counts=joins.counts * free,
    )  # fmt: skip


def in_order(slates: Examples, scores: Vector) -> Floats:
    """Return how far each viewer's scores put what they took before what they passed over.

    A pair counts for as much as both of it count and as the latter was likely seen. Of two groups
    it is then as likely that the first is taken and the second passed over, or the other way
    round, wherever they stood: their order on the slate is no advantage.

    Returns:
        Float64 of shape (v,), NaN for viewers without any pair. The mean of the others is the
        share of all pairs that are in order: who has more of them counts for more.
    """
    right, pairs = np.zeros(slates.viewers), np.zeros(slates.viewers)
    for viewer, (start, end) in enumerate(pairwise(slates.starts.tolist())):
        here = np.flatnonzero(slates.counts[start:end] > 0) + start
        took, rest = here[slates.joined[here]], here[~slates.joined[here]]
        weights = np.outer(slates.counts[took], slates.counts[rest] * slates.seen[rest])
        order = (np.sign(scores[took][:, None] - scores[rest]) + 1) / 2
        right[viewer], pairs[viewer] = (weights * order).sum(), weights.sum()
    some = pairs > 0
    if not some.any():
        return np.full(slates.viewers, np.nan)
    shares: Floats = np.where(some, right / pairs[some].mean(), np.nan)
    return shares


@dataclass(frozen=True, slots=True)
class Trial:
    """With and without what became of suggestions, on members that neither has seen.

    Attributes:
        slates: For each kind, and `WITHOUT`, `in_order` of each viewer of suggestions.
        joins: Likewise the NDCG of each viewer who joined something nobody suggested.
        halves: What was fitted on the first half of the members, and on the second.
    """

    slates: Mapping[str, Floats]
    joins: Mapping[str, Floats]
    halves: Sequence[Mapping[str, Weigher]]


def _contest(
    past: Past, slates: Sequence[Examples], fitted: Fitted, story: dict[str, Any]
) -> tuple[Fitted, dict[str, Any]]:
    joins = [unsuggested(*both) for both in zip(past.joins, past.shown, strict=True)]
    if _fewest(slates) < FEWEST_COMPARED / 2 or _fewest(past.joins) < FEWEST_COMPARED / 2:
        return fitted, _unused(
            story, "too few members took or joined anything to compare by halves"
        )
    trial = _trial(past, joins, slates, fitted)
    compared = len(trial.slates[WITHOUT])
    if compared < FEWEST_COMPARED:
        return fitted, _unused(story, f"{compared} viewers are too few to compare by")
    kind = max(_kinds(trial, fitted), key=lambda name: float(trial.slates[name].mean()))
    story |= {
        "kind": kind,
        "compared": compared,
        "in_order": _pair(trial.slates, kind),
        "compared_joins": len(trial.joins[WITHOUT]),
        "ndcg_of_unsuggested": _pair(trial.joins, kind),
    }
    figures = (
        f"{trial.slates[kind].mean():.3f} of what was taken or passed over in order, "
        f"{trial.slates[WITHOUT].mean():.3f} without, over {compared} members"
    )
    if not _is_better(trial.slates, kind):
        return fitted, _unused(story, f"{figures}: not clearly better")
    if _is_worse(trial.joins, kind):
        return fitted, _unused(story, f"{figures}: but worse for joins that nobody suggested")
    final = learned(together(joins), past.hand, together(slates))[kind]
    calibration, settings = _settled(past, trial, kind) if "intimacy" in fitted[2] else (None, {})
    why = f"{fitted[2]['why']}; what became of suggestions counts: {figures}"
    told = {**fitted[2], "kind": kind, "why": why, **settings}
    return (final, calibration, told), {**story, "used": True, "why": figures}


def _trial(
    past: Past, joins: Sequence[Examples], slates: Sequence[Examples], fitted: Fitted
) -> Trial:
    """Fit on one half of the members and compare on the other, then the other way round."""
    newest = next(place for place, part in enumerate(past.shown) if part.shown.any())
    by_slates: defaultdict[str, list[Floats]] = defaultdict(list)
    by_joins: defaultdict[str, list[Floats]] = defaultdict(list)
    halves = []
    for half in (0, 1):
        scorers = learned(_of(joins, half), past.hand, _of(slates, half))
        halves.append(scorers)
        without = fitted[0]
        if fitted[2]["kind"] in LEARNED:
            without = learned(_of(past.joins, half), past.hand)[fitted[2]["kind"]]
        unseen = _of([slates[newest]], 1 - half), _of([joins[newest]], 1 - half)
        for name, scorer in {**scorers, WITHOUT: without}.items():
            by_slates[name].append(in_order(unseen[0], score_all(scorer, unseen[0])))
            by_joins[name].append(_ndcg(unseen[1], score_all(scorer, unseen[1])))
    return Trial(_whole(by_slates), _whole(by_joins), halves)


def _kinds(trial: Trial, fitted: Fitted) -> list[str]:
    """Return what could be fitted on both halves, and has a figure without suggestions, if any."""
    known = fitted[2]["validation"] or LEARNED
    return [name for name in LEARNED if name in known and all(name in one for one in trial.halves)]


def _is_better(values: Mapping[str, Floats], kind: str) -> bool:
    gain = values[kind] - values[WITHOUT]
    return float(gain.mean()) > MARGIN * float(gain.std()) / sqrt(len(gain))


def _is_worse(values: Mapping[str, Floats], kind: str) -> bool:
    loss = values[WITHOUT] - values[kind]
    if len(loss) < FEWEST_JOINERS / 2:  # nothing can be told
        return False
    return float(loss.mean()) > float(loss.std()) / sqrt(len(loss))


def _settled(past: Past, trial: Trial, kind: str) -> tuple[Calibration | None, dict[str, Any]]:
    """Calibrate, and choose what slates are like, by scores of members not learned from."""
    place = next(
        place
        for place, part in enumerate(past.joins)
        if (part.sums(part.joined) > 0).sum() >= FEWEST_JOINERS / 2
    )
    compare = past.joins[place]
    first = np.repeat(_half_of(compare.members) == 0, np.diff(compare.starts))
    ours = [score_all(one[kind], compare) for one in trial.halves]
    scores = np.where(first, ours[1], ours[0])
    return settled(compare, scores, past.spans[0].days if place == 0 else None, past.wish)


def _of(parts: Sequence[Examples], half: int) -> Examples:
    return together([part.of(_half_of(part.members) == half) for part in parts])


def _half_of(members: Rows) -> Rows:
    """Return 0 or 1 for each member, as if at random and always alike: int64 of shape (v,)."""
    return (members * 2_654_435_761 >> 16) % 2


def _fewest(parts: Sequence[Examples]) -> int:
    """Return how many viewers of the smaller half took or joined anything."""
    return min(int((half.sums(half.joined) > 0).sum()) for half in (_of(parts, 0), _of(parts, 1)))


def _whole(parts: Mapping[str, list[Floats]]) -> dict[str, Floats]:
    both = {name: np.concatenate(found) for name, found in parts.items()}
    return {name: values[~np.isnan(values)] for name, values in both.items()}


def _ndcg(joins: Examples, scores: Vector) -> Floats:
    """Return the NDCG of what nobody suggested among the same, NaN for who joined none: (v,)."""
    free = np.where(joins.counts > 0, scores, -np.inf).astype(np.float32)
    return np.where(joins.ideal > 0, ndcg_of(joins, free), np.nan)


def _pair(values: Mapping[str, Floats], kind: str) -> dict[str, float | None]:
    found = {"with": values[kind], "without": values[WITHOUT]}
    return {name: float(part.mean()) if len(part) else None for name, part in found.items()}


def _counted(shown: Sequence[Showings]) -> dict[str, Any]:
    return {
        "slates": len(np.unique(np.concatenate([np.zeros(0, int), *(s.slates for s in shown)]))),
        "shown": sum(len(part.places) for part in shown),
        "explored": sum(int((part.odds < 1).sum()) for part in shown),
        "taken": sum(int(part.examples.joined.sum()) for part in shown),
        "refused": sum(int(part.refused.sum()) for part in shown),
    }


def _unused(story: dict[str, Any], why: str) -> dict[str, Any]:
    return {**story, "used": False, "why": f"{why}: joins alone are learned from"}
