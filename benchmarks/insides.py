"""What only Belong has: trade-offs of its settings, its columns, its ranker, real suggestions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.ours import Belong, OurSettings
from benchmarks.slates import NOTHING, PLACES, values_of
from benchmarks.slices import KNOWN, MAIN, OURS, Outcome, pooled, section
from benchmarks.viewers import Prepared
from engine.group_reasons import GroupReasons
from engine.pool import Pool, best_first
from training.metrics import mean_with_interval, ratio_with_interval
from training.progress import SILENT, Progress


@dataclass(frozen=True, slots=True)
class Occasion:
    """A cut at which Belong was asked.

    Attributes:
        ready: The cut.
        belong: What was learnt from its past.
    """

    ready: Prepared
    belong: Belong


FAMILIES = {
    "co-membership": ("co_membership", "ease", "co_active"),
    "what was joined last": ("ease_fresh", "co_membership_last"),
    "companions and fellows": ("companions", "fellows"),
    "text: topics and interests": ("interest_match", "topic", "text_fit", "learned_match"),
    "text-to-behaviour bridge": ("place_match",),
    "joins lately": ("group_joins", "liveliness", "group_growth"),
    "age, quiet and posts": ("group_age", "group_quiet", "group_posts", "group_turnout"),
    "who returns, who is answered, room": ("group_returning", "group_answered", "group_room"),
    "size and its fit": ("group_members", "size_fit"),
    "what is true of the viewer": ("viewer_",),
}
"""Columns that say much the same, by how their names begin; the first that fits counts."""

EXAMPLES = 12
"""Members whose suggestions are shown."""

EARLIER_GROUPS = 3
"""Groups a member must be in to be shown: one can tell whether suggestions suit them."""


def insides(occasions: Sequence[Occasion], seed: int = 0) -> dict[str, Any]:
    """Return what the result says of Belong alone: ``ranker``, ``ablation``, ``suggestions``."""
    last = occasions[-1]
    return {
        "ranker": last.belong.ranker.story.get("known"),
        "newcomer_ranker": last.belong.ranker.story.get("newcomer"),
        "ablation": ablation(occasions, seed),
        "suggestions": suggestions(last, seed),
    }


def ablation(occasions: Sequence[Occasion], seed: int = 0) -> list[dict[str, Any]]:
    """Return what each family of columns brings, without fitting anything again.

    A family is silenced by shuffling each of its columns within the pool (permutation importance,
    Breiman 2001): what the ranker learned to lean on then says nothing. The order is that of
    scores; what selection does afterwards is left out.
    """
    values: dict[str, list[NDArray[np.float64]]] = {}
    for occasion in occasions:
        for name, part in _silenced(occasion, seed).items():
            values.setdefault(name, []).append(part)
    whole = np.concatenate(values.pop(""))
    lines = []
    for name, parts in values.items():
        without = np.concatenate(parts)
        lines.append(
            {
                "without": name,
                "about": ", ".join(_family(occasions[-1], name)),
                "ndcg_at_10": mean_with_interval(without, seed).as_dict(),
                "ratio": ratio_with_interval(without, whole, seed).as_dict(),
            }
        )
    return sorted(lines, key=lambda line: float(line["ndcg_at_10"]["value"]))


def _family(occasion: Occasion, name: str) -> list[str]:
    """Return the columns in use that belong to a family."""
    found = []
    for column in occasion.belong.ranker.known.columns:
        fits = (family for family, starts in FAMILIES.items() if column.startswith(starts))
        if next(fits, None) == name:
            found.append(column)
    return found


def _silenced(occasion: Occasion, seed: int) -> dict[str, NDArray[np.float64]]:
    """Return each known viewer's NDCG with every family silenced in turn, and with none: ''."""
    belong, asked = occasion.belong, occasion.ready.known
    families = {name: _family(occasion, name) for name in FAMILIES}
    kinds = {"": [], **{name: columns for name, columns in families.items() if columns}}
    lines = len(asked.ids)
    slates = {name: np.full((lines, PLACES), NOTHING, dtype=np.int64) for name in kinds}
    rng = np.random.default_rng(seed)
    with threadpool_limits(1):
        for line, query in enumerate(belong.queries(asked)):
            pool = belong.pipeline.measured(query)
            for name, columns in kinds.items():
                shuffled = {column: rng.permutation(pool.columns[column]) for column in columns}
                changed = Pool(pool.rows, pool.found_by, pool.columns | shuffled)
                scores = belong.pipeline.scorer.score(query, changed)
                rows = changed.rows[best_first(changed.rows, scores)][:PLACES]
                slates[name][line, : len(rows)] = rows
    groups = len(belong.snapshot.groups.ids)
    return {
        name: values_of(slate, asked.right, groups)["ndcg_at_10"] for name, slate in slates.items()
    }


def suggestions(occasion: Occasion, seed: int = 0) -> list[dict[str, Any]]:
    """Return what a dozen members would have been shown, why, and what they joined indeed."""
    belong, asked = occasion.belong, occasion.ready.known
    snapshot = belong.snapshot
    counts = snapshot.members.groups.counts()[asked.viewers.rows]
    lines = np.flatnonzero(counts >= EARLIER_GROUPS)
    drawn = np.sort(np.random.default_rng(seed).permutation(lines)[:EXAMPLES])
    names, reasons = snapshot.groups.names, GroupReasons(snapshot)
    queries = belong.queries(asked)
    shown = []
    for line in drawn.tolist():
        query = queries[line]
        slate = belong.pipeline.recommend(query, PLACES)
        joined = set(asked.right.groups[asked.right.lines == line].tolist())
        items = [
            {
                "name": names[row],
                "size": int(snapshot.groups.size[row]),
                "probability": likely,
                "joined": row in joined,
                "reasons": [reason.text for reason in reasons.explain(query, row)],
            }
            for row, likely in zip(slate.rows.tolist(), slate.ranked_probabilities, strict=True)
        ]
        known_by = [names[row] for row in query.groups.tolist()]
        shown.append({"member": asked.ids[line], "known_by": known_by, "items": items})
    return shown


def curves(
    occasions: Sequence[Occasion], settings: Sequence[OurSettings], progress: Progress = SILENT
) -> dict[str, list[dict[str, Any]]]:
    """Return Belong's figures under other settings, learnt once.

    Args:
        occasions: The cuts, at least one.
        settings: What to try, one setting each.
        progress: Told of every viewer.

    Returns:
        For each setting by name, a line for each value and one for the default, by value: the
        value, whether it is the default, and every figure.
    """
    usual = asdict(occasions[0].belong.ranker.preferences)
    tried: dict[str, set[float]] = {}
    for one in settings:
        for name, value in asdict(one).items():
            if value is not None:
                tried.setdefault(name, {float(usual[name])}).add(value)
    return {
        name: [
            {
                name: value,
                "default": value == usual[name],
                **figures_under(occasions, OurSettings(**{name: value}), progress),
            }
            for value in sorted(values)
        ]
        for name, values in tried.items()
    }


def figures_under(
    occasions: Sequence[Occasion], settings: OurSettings, progress: Progress = SILENT
) -> dict[str, dict[str, float]]:
    """Return Belong's figures for members with an earlier group, under some settings."""
    outcomes = []
    for occasion in occasions:
        ready = occasion.ready
        answers = occasion.belong.changed(settings).answers(ready.known, PLACES, progress)
        shown = {KNOWN: {OURS: answers.slates}}
        outcomes.append(Outcome(ready.facts, {KNOWN: ready.known}, shown))
    found = pooled(outcomes, MAIN)
    figures: dict[str, dict[str, float]] = {}
    return figures if found is None else section(found, MAIN.about)["systems"][OURS]
