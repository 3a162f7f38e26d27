"""Kinds of members and of groups, each measured by itself: every system on the same viewers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.resampling import Draws, Samples, figure, means, ratio
from benchmarks.slates import Right, Slates, values_of
from benchmarks.spread import MEASURES, spread
from benchmarks.viewers import LARGEST, Asked, GroupFacts
from engine.types import BoolVector

OURS = "belong"

CENTRED = ("coverage", "gini")
"""Figures that samples with repeats shift."""

COMPARED = (
    "ndcg_at_10",
    "belonging_ndcg_at_10",
    "recall_at_10",
    "coverage",
    "median_size",
)
"""Metrics of which Belong's is divided by every other system's."""

KNOWN, COLD, MASKED, TRIMMED = "known", "cold_members", "cold_members_masked", "trimmed"
"""Tables of slates; the last is `KNOWN` without the largest groups."""


@dataclass(frozen=True, slots=True)
class SliceKind:
    """One slice.

    Attributes:
        name: As in the result.
        about: Which members and groups it is, for people.
        slates: Which table of slates is looked at.
        keep: Which groups count as right: bool of shape (groups,).
    """

    name: str
    about: str
    slates: str
    keep: Callable[[GroupFacts], BoolVector]


def of_size(low: float, high: float) -> Callable[[GroupFacts], BoolVector]:
    """Return what keeps the groups that had from `low` to `high` members before the cut."""

    def keep(facts: GroupFacts) -> BoolVector:
        kept: BoolVector = (facts.sizes >= low) & (facts.sizes <= high)
        return kept

    return keep


def every(facts: GroupFacts) -> BoolVector:
    """Keep all groups."""
    return np.ones(len(facts.sizes), dtype=bool)


MAIN = SliceKind(KNOWN, "members with an earlier group", KNOWN, every)

SLICES = (
    SliceKind(COLD, "without an earlier group, known by text alone", COLD, every),
    SliceKind(MASKED, "the same, names of groups masked out of the text", MASKED, every),
    SliceKind(
        "cold_groups", "joins to groups nobody had been in", KNOWN, lambda facts: facts.unheard
    ),
    SliceKind("size_1_10", "joins to groups of 1 to 10 members", KNOWN, of_size(1, 10)),
    SliceKind("size_11_50", "joins to groups of 11 to 50 members", KNOWN, of_size(11, 50)),
    SliceKind("size_51_200", "joins to groups of 51 to 200 members", KNOWN, of_size(51, 200)),
    SliceKind("size_over_200", "joins to groups of over 200 members", KNOWN, of_size(201, np.inf)),
    SliceKind(
        f"without_{LARGEST}_largest",
        f"the {LARGEST} largest groups neither suggested nor counted",
        TRIMMED,
        lambda facts: ~facts.largest,
    ),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What every system showed at one cut.

    Attributes:
        facts: Of groups.
        asked: Who was asked, for each table of slates.
        shown: For each table, each system's slates.
    """

    facts: GroupFacts
    asked: Mapping[str, Asked]
    shown: Mapping[str, Mapping[str, Slates]]


@dataclass(frozen=True, slots=True)
class Pooled:
    """One slice of several cuts, viewers side by side and groups one after the other.

    Attributes:
        owners: Which member each line belongs to: int64 of shape (lines,).
        values: For each system and metric, one value a line.
        shown: For each system, its slates.
        sizes: Of all groups.
        offered: Which of them could be shown.
    """

    owners: NDArray[np.int64]
    values: dict[str, dict[str, NDArray[np.float64]]]
    shown: dict[str, Slates]
    sizes: NDArray[np.float32]
    offered: BoolVector


def pooled(outcomes: Sequence[Outcome], kind: SliceKind) -> Pooled | None:
    """Return a slice of all cuts, or None if nobody is in it."""
    parts = [_part(outcome, kind) for outcome in outcomes if kind.slates in outcome.asked]
    parts = [part for part in parts if len(part.owners)]
    if not parts:
        return None
    offsets = np.cumsum([0, *[len(part.sizes) for part in parts]])
    systems = list(parts[0].shown)
    shown = {
        name: np.concatenate(
            [
                np.where(part.shown[name] >= 0, part.shown[name] + offset, part.shown[name])
                for part, offset in zip(parts, offsets, strict=False)
            ]
        )
        for name in systems
    }
    values = {
        name: {
            metric: np.concatenate([part.values[name][metric] for part in parts])
            for metric in parts[0].values[name]
        }
        for name in systems
    }
    ids = np.concatenate([part.owners for part in parts])
    owners = np.unique(ids, return_inverse=True)[1].astype(np.int64)
    sizes = np.concatenate([part.sizes for part in parts])
    return Pooled(owners, values, shown, sizes, np.concatenate([part.offered for part in parts]))


def section(found: Pooled, about: str, seed: int = 0) -> dict[str, Any]:
    """Return a slice as the result has it: figures with intervals, and paired ratios."""
    draws = Draws(found.owners, seed)
    people = len(found.owners)
    sampled = _sampled(found, draws)
    systems = {
        name: {
            metric: figure(*one, people, centred=metric in CENTRED).as_dict()
            for metric, one in metrics.items()
        }
        for name, metrics in sampled.items()
    }
    ours = sampled.get(OURS, {})
    ratios = {
        name: {
            metric: ratio(
                ours[metric], metrics[metric], people, centred=metric in CENTRED
            ).as_dict()
            for metric in COMPARED
            if ours
        }
        for name, metrics in sampled.items()
        if name != OURS
    }
    return {"about": about, "members": people, "systems": systems, "ratios": ratios}


def mean_ndcg(slates: Slates, asked: Asked, groups: int) -> float:
    """Return the plain figure by which settings are chosen."""
    return float(np.nanmean(values_of(slates, asked.right, groups)["ndcg_at_10"]))


def _sampled(found: Pooled, draws: Draws) -> dict[str, dict[str, tuple[float, Samples]]]:
    """Return every system's metrics, and each of them in every resample."""
    columns = [
        (name, metric, values)
        for name, metrics in found.values.items()
        for metric, values in metrics.items()
    ]
    whole, samples = means(np.stack([values for _, _, values in columns], axis=1), draws)
    sampled: dict[str, dict[str, tuple[float, Samples]]] = {name: {} for name in found.values}
    for place, (name, metric, _) in enumerate(columns):
        sampled[name][metric] = (float(whole[place]), samples[:, place])
    for name, slates in found.shown.items():
        spreads = spread(slates, found.sizes, int(found.offered.sum()), draws)
        sampled[name] |= dict(zip(MEASURES, spreads, strict=True))
    return sampled


@dataclass(frozen=True, slots=True)
class _Part:
    owners: NDArray[np.str_]
    values: dict[str, dict[str, NDArray[np.float64]]]
    shown: dict[str, Slates]
    sizes: NDArray[np.float32]
    offered: BoolVector


def _part(outcome: Outcome, kind: SliceKind) -> _Part:
    facts, asked = outcome.facts, outcome.asked[kind.slates]
    keep = kind.keep(facts)
    right: Right = asked.right.kept(keep[asked.right.groups])
    lines = np.unique(right.lines)
    shown = outcome.shown[kind.slates]
    values = {
        name: {
            metric: column[lines]
            for metric, column in values_of(slates, right, len(facts.sizes)).items()
        }
        for name, slates in shown.items()
    }
    offered = facts.offered & ~facts.largest if kind.slates == TRIMMED else facts.offered
    return _Part(
        np.array(asked.ids, dtype=np.str_)[lines],
        values,
        {name: slates[lines] for name, slates in shown.items()},
        facts.sizes,
        offered,
    )
