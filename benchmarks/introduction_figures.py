"""What introductions are worth over several meetings: figures with intervals, paired ratios."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.introduction_contenders import Ready
from benchmarks.resampling import Draws, Samples, figure, means, ratio
from benchmarks.slates import Slates
from benchmarks.spread import coverage, exposure, gini
from engine.types import BoolVector, Rows

OURS, UNPRICED = "belong", "belong_unpriced"

METRICS = ("ndcg_at_10", "recall_at_10")
"""Measured for whoever met somebody."""

SPREAD = ("coverage", "gini")
"""Measured over the slates of everybody who may be introduced, whether they met somebody or not."""

Sampled = dict[str, dict[str, tuple[float, Samples]]]
"""For each system and metric, the figure and what it is in every resample of people."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What every system showed before one meeting.

    Attributes:
        ready: The meeting.
        rows: Who was asked, ascending.
        shown: Each system's slates, a line for each of `rows`.
    """

    ready: Ready
    rows: Rows
    shown: Mapping[str, Slates]


@dataclass(frozen=True, slots=True)
class Kind:
    """Some of those who met somebody.

    Attributes:
        about: Who it is, for people.
        keep: Which members it is: bool of shape (members,).
    """

    about: str
    keep: Callable[[Ready], BoolVector]


MAIN = Kind("members who met somebody new", lambda ready: np.ones(ready.circle.members, dtype=bool))
KINDS = {
    "with_ties": Kind("with an earlier tie", lambda ready: ~ready.untied),
    "without_ties": Kind("without any earlier tie", lambda ready: ready.untied),
}
WITHOUT = KINDS["without_ties"]


def section(
    outcomes: Sequence[Outcome], kind: Kind, seed: int = 0, *, exposure: bool = False
) -> dict[str, Any] | None:
    """Return a slice as the result has it, or None if nobody is in it.

    Args:
        outcomes: Of all meetings; a member who is asked several times is resampled as one.
        kind: Whose slates count.
        seed: Draws the resamples.
        exposure: Whether to say as well how evenly people are shown, over everybody's slates.
    """
    found = sampled(outcomes, kind, seed)
    if found is None:
        return None
    metrics, people = found
    spreads = spread_of(outcomes, seed) if exposure else {}
    systems: dict[str, Any] = {}
    ratios: dict[str, Any] = {}
    for name, one in metrics.items():
        shown = {key: figure(*pair, people).as_dict() for key, pair in one.items()}
        over = {key: ratio(metrics[OURS][key], pair, people).as_dict() for key, pair in one.items()}
        for key, (value, samples) in spreads.get(name, {}).items():
            asked = sum(len(outcome.rows) for outcome in outcomes)
            shown[key] = figure(value, samples, asked, centred=True).as_dict()
            ours = spreads[OURS][key]
            over[key] = ratio(ours, (value, samples), asked, centred=True).as_dict()
        systems[name] = shown
        if name != OURS:
            ratios[name] = over
    return {
        "about": kind.about,
        "members": people,
        "pairs": sum(pairs_of(outcome, kind) for outcome in outcomes),
        "systems": systems,
        "ratios": ratios,
    }


def pairs_of(outcome: Outcome, kind: Kind) -> int:
    """Return how many pairs are to be found in the slates of a slice, each once."""
    right, asked = outcome.ready.right, np.zeros(outcome.ready.circle.members, dtype=bool)
    asked[outcome.rows] = True
    kept = right.kept((asked & kind.keep(outcome.ready))[right.lines])
    ends = np.sort(np.stack([kept.lines, kept.groups]), axis=0)
    return len(np.unique(ends, axis=1).T)


def sampled(outcomes: Sequence[Outcome], kind: Kind, seed: int) -> tuple[Sampled, int] | None:
    """Return every system's metrics in every resample, and over how many slates they are."""
    owners: list[NDArray[np.str_]] = []
    columns: dict[tuple[str, str], list[NDArray[np.float64]]] = {}
    for outcome in outcomes:
        ready = outcome.ready
        kept = np.isin(outcome.rows, ready.measured) & kind.keep(ready)[outcome.rows]
        owners.append(np.array(ready.ids, dtype=np.str_)[outcome.rows[kept]])
        for name, slates in outcome.shown.items():
            for metric, values in ready.values(slates, outcome.rows).items():
                columns.setdefault((name, metric), []).append(values[kept])
    people = np.concatenate(owners)
    if not len(people):
        return None
    draws = Draws(np.unique(people, return_inverse=True)[1].astype(np.int64), seed)
    table = np.stack([np.concatenate(parts) for parts in columns.values()], axis=1)
    whole, samples = means(table, draws)
    found: Sampled = {name: {} for name, _ in columns}
    for place, (name, metric) in enumerate(columns):
        found[name][metric] = (float(whole[place]), samples[:, place])
    return found, len(people)


def spread_of(outcomes: Sequence[Outcome], seed: int) -> Sampled:
    """Return how evenly every system shows people: `SPREAD`, over everybody's slates.

    A person at two cuts is two people who may be shown; those never shown count.
    """
    eligible = [int((one.ready.rules.asks & one.ready.rules.found).sum()) for one in outcomes]
    offsets = np.cumsum([0, *[one.ready.circle.members for one in outcomes]])
    people = [np.array(one.ready.ids, dtype=np.str_)[one.rows] for one in outcomes]
    owners = np.unique(np.concatenate(people), return_inverse=True)[1].astype(np.int64)
    draws = Draws(owners, seed)
    found: Sampled = {}
    for name in outcomes[0].shown:
        slates = np.concatenate(
            [
                np.where(one.shown[name] >= 0, one.shown[name] + offset, -1)
                for one, offset in zip(outcomes, offsets, strict=False)
            ]
        )
        counts = exposure(slates, draws)[0]
        figures = (coverage(counts, sum(eligible)), gini(counts, sum(eligible)))
        pairs = [(float(values[0]), values[1:]) for values in figures]
        found[name] = dict(zip(SPREAD, pairs, strict=True))
    return found


def best_peer(found: Mapping[str, Any], metric: str = "ndcg_at_10") -> str | None:
    """Return the peer with the highest figure in a section, None without peers."""
    figures = {
        name: float(one[metric]["value"])
        for name, one in found["systems"].items()
        if name not in {OURS, UNPRICED} and metric in one
    }
    return max(figures, key=lambda name: figures[name]) if figures else None
