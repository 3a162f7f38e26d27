"""How well Belong suggests what happened later, beside simple recommenders, in one run.

Everything is built from the past of a cut (`training.split.past`); the later window only tells
what was right. Belong answers through the whole pipeline, policies included; the others order all
rows that are not already there. Equal scores are ordered by row for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from data.community import Community
from engine.columns import Links
from engine.group_ranker import GroupRanker
from engine.groups import group_recommender
from engine.index import VectorIndex
from engine.introduction_ranker import UNLEARNED, IntroductionRanker
from engine.introductions import introduction_recommender
from engine.pipeline import Pipeline
from engine.pool import best_first
from engine.query import query_of_member
from engine.snapshot import Snapshot
from engine.types import Rows, Vector
from training import metrics
from training.baselines import GROUP_BASELINES, MEMBER_BASELINES, Baseline
from training.progress import SILENT, Progress
from training.split import Joins, joins_between

PLACES = 10
"""Places of a slate that count."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What turned out to be right for each viewer.

    Attributes:
        viewers: Member rows, ascending: int64 of shape (v,).
        right: For each viewer, the rows that were right.
        gains: For each viewer, what each of them is worth.
        judged: For each viewer, which of them can be told to have lasted.
    """

    viewers: Rows
    right: list[Rows]
    gains: list[Vector]
    judged: list[NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Measured:
    """One system's slates for the same viewers, and what they are worth.

    Attributes:
        values: For each metric, one value a viewer; NaN where it cannot be judged.
        shown: The slates: int64 of shape (v, `PLACES`), -1 where there was nothing to show.
        eligible: How many rows could have been shown.
    """

    values: dict[str, NDArray[np.float64]]
    shown: NDArray[np.int64]
    eligible: int


Systems = dict[str, Measured]


def evaluate_groups(
    community: Community,
    snapshot: Snapshot,
    window: tuple[float, float],
    progress: Progress = SILENT,
    ranker: GroupRanker | None = None,
) -> tuple[Systems, int]:
    """Measure group suggestions for members with an earlier group.

    Args:
        community: With the later window in it.
        snapshot: Built from the past of the window.
        window: First second, and the second after the last.
        progress: Told of every viewer.
        ranker: What orders groups; hand-set weights if absent.

    Returns:
        The systems by name, and how many members were measured.
    """
    joins = joins_between(community, *window)
    known = snapshot.members.groups.counts() + snapshot.members.left.counts() > 0
    truth = _truth_of_joins(joins, known)
    index = VectorIndex.build(snapshot.groups.prototypes.vectors)
    there = _union(snapshot.members.groups, snapshot.members.left)
    baselines = {name: make(snapshot) for name, make in GROUP_BASELINES.items()}
    answers = _answers(group_recommender(snapshot, index, ranker), snapshot, baselines, there)
    return _measure(truth, answers, len(snapshot.groups.ids), progress), len(truth.viewers)


def evaluate_introductions(
    snapshot: Snapshot,
    later: pl.DataFrame,
    progress: Progress = SILENT,
    ranker: IntroductionRanker = UNLEARNED,
) -> tuple[Systems, int]:
    """Measure introductions against ties that came later (or were hidden).

    Args:
        snapshot: Built without the later ties.
        later: Ties `a b` (member rows) that are not in the snapshot.
        progress: Told of every viewer.
        ranker: What orders people, learned without the later ties.

    Returns:
        The systems by name, and how many members were measured.
    """
    size = len(snapshot.members.ids)
    one, other = later["a"].to_numpy(), later["b"].to_numpy()
    links = Links.of(size, np.concatenate([one, other]), np.concatenate([other, one]))
    viewers = np.flatnonzero(links.counts() > 0)
    right = [links.of_row(int(viewer))[0] for viewer in viewers]
    ones = [np.ones(len(rows), np.float32) for rows in right]
    truth = Truth(viewers, right, ones, [np.zeros(len(rows), bool) for rows in right])
    index = VectorIndex.build(snapshot.members.interests.vectors)
    own = Links.of(size, np.arange(size), np.arange(size))
    there = _union(snapshot.members.ties, own)
    baselines = {name: make(snapshot) for name, make in MEMBER_BASELINES.items()}
    people = introduction_recommender(snapshot, index, ranker=ranker)
    answers = _answers(people, snapshot, baselines, there)
    return _measure(truth, answers, size, progress), len(viewers)


def later_ties(community: Community, window: tuple[float, float]) -> pl.DataFrame:
    """Return the ties first dated inside the window."""
    dated = pl.col("first_ts").is_between(*window, closed="left")
    return community.ties.filter(dated).select("a", "b")


def hide_ties(community: Community, share: float, seed: int) -> tuple[Community, pl.DataFrame]:
    """Return the community without a random share of its ties, and those hidden."""
    hidden = np.random.default_rng(seed).random(len(community.ties)) < share
    kept = replace(community, ties=community.ties.filter(pl.Series(~hidden)))
    return kept, community.ties.filter(pl.Series(hidden)).select("a", "b")


def pooled(parts: Sequence[Systems]) -> Systems:
    """Return several communities' measurements as one: viewers side by side."""
    together: Systems = {}
    for name in parts[0]:
        measured = [part[name] for part in parts]
        offsets = np.cumsum([0, *[part.eligible for part in measured]])
        shown = [
            np.where(part.shown >= 0, part.shown + offset, -1)
            for part, offset in zip(measured, offsets, strict=False)
        ]
        values = {
            metric: np.concatenate([part.values[metric] for part in measured])
            for metric in measured[0].values
        }
        together[name] = Measured(values, np.concatenate(shown), int(offsets[-1]))
    return together


def figures(systems: Systems) -> dict[str, dict[str, dict[str, float]]]:
    """Return every system's metrics with intervals, as the quality file has them."""
    return {name: _figures_of(measured) for name, measured in systems.items()}


def ratios(systems: Systems, metric: str = "ndcg_at_10") -> dict[str, dict[str, float]]:
    """Return Belong's figure over each other system's, with paired intervals."""
    ours = systems["belong"].values[metric]
    return {
        name: metrics.ratio_with_interval(ours, measured.values[metric]).as_dict()
        for name, measured in systems.items()
        if name != "belong"
    }


Answer = Callable[[int], Rows]
"""Member row -> a slate of rows, best first."""


def _answers(
    pipeline: Pipeline, snapshot: Snapshot, baselines: Mapping[str, Baseline], there: Links
) -> dict[str, Answer]:
    def belong(member: int) -> Rows:
        return pipeline.recommend(query_of_member(snapshot, member), PLACES).rows

    def ordered(baseline: Baseline) -> Answer:
        def answer(member: int) -> Rows:
            scores = np.array(baseline(member), dtype=np.float32)
            scores[there.of_row(member)[0]] = -np.inf
            # Sorting only the best keeps an evaluation of many members quick.
            floor = np.partition(scores, -min(PLACES, len(scores)))[-min(PLACES, len(scores))]
            rows = np.flatnonzero((scores >= floor) & (scores > -np.inf))
            return rows[best_first(rows, scores[rows])][:PLACES]

        return answer

    others = {name: ordered(baseline) for name, baseline in baselines.items()}
    return {"belong": belong, **others}


def _measure(
    truth: Truth, answers: Mapping[str, Answer], eligible: int, progress: Progress
) -> Systems:
    systems: Systems = {}
    asked = len(truth.viewers) * len(answers)
    # Threads would wait for each other longer than one of them computes.
    with threadpool_limits(1), progress.task("evaluate", asked) as advance:
        for name, answer in answers.items():
            shown = np.full((len(truth.viewers), PLACES), -1, dtype=np.int64)
            for line, viewer in enumerate(truth.viewers.tolist()):
                slate = answer(viewer)
                shown[line, : len(slate)] = slate
                advance(1)
            systems[name] = Measured(_values(truth, shown), shown, eligible)
    return systems


def _values(truth: Truth, shown: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    columns: dict[str, list[float]] = {
        name: []
        for name in ("ndcg_at_10", "recall_at_10", "reciprocal_rank", "belonging_ndcg_at_10")
    }
    for line, right in enumerate(truth.right):
        slate, gains, judged = shown[line], truth.gains[line], truth.judged[line]
        ones = np.ones(len(right), np.float32)
        columns["ndcg_at_10"].append(metrics.ndcg_at_k(slate, right, ones, PLACES))
        columns["recall_at_10"].append(metrics.recall_at_k(slate, right, PLACES))
        columns["reciprocal_rank"].append(metrics.reciprocal_rank(slate, right, PLACES))
        belonging = (
            metrics.ndcg_at_k(slate, right[judged], gains[judged], PLACES)
            if judged.any()
            else float("nan")
        )
        columns["belonging_ndcg_at_10"].append(belonging)
    return {name: np.array(column, dtype=np.float64) for name, column in columns.items()}


def _figures_of(measured: Measured) -> dict[str, dict[str, float]]:
    result = {}
    for name, values in measured.values.items():
        known = values[~np.isnan(values)]
        if len(known):
            result[name] = metrics.mean_with_interval(known).as_dict()
    for name, measure in (("coverage", metrics.coverage), ("gini", metrics.gini)):
        if len(measured.shown):
            result[name] = _spread(measured, measure)
    return result


def _spread(measured: Measured, measure: Callable[[Rows, int], float]) -> dict[str, float]:
    """Return a figure over all slates, with an interval from resampling viewers."""
    shown, viewers = measured.shown, len(measured.shown)
    rng = np.random.default_rng(0)

    def of(lines: NDArray[Any]) -> float:
        rows = shown[lines].ravel()
        return measure(rows[rows >= 0], measured.eligible)

    samples = [of(rng.integers(0, viewers, viewers)) for _ in range(200)]
    value = of(np.arange(viewers))
    # A sample with repeats shows fewer distinct rows than the viewers it stands for: the
    # interval is moved by that bias, so that it lies around the figure it belongs to.
    bias = float(np.mean(samples)) - value
    low, high = np.quantile(samples, [0.025, 0.975]) - bias
    return metrics.Figure(value, float(low), float(high), viewers).as_dict()


def _truth_of_joins(joins: Joins, known: NDArray[np.bool_]) -> Truth:
    measured = known[joins.members]
    members = joins.members[measured]
    viewers, starts = np.unique(members, return_index=True)

    def split(column: NDArray[Any]) -> list[NDArray[Any]]:
        return list(np.split(column[measured], starts[1:])) if len(viewers) else []

    return Truth(viewers, split(joins.groups), split(joins.gains), split(joins.judged))


def _union(one: Links, other: Links) -> Links:
    parts: Iterable[tuple[Rows, Rows]] = (
        (np.repeat(np.arange(len(links)), links.counts()), links.targets) for links in (one, other)
    )
    sources, targets = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Links.of(len(one), sources, targets)
