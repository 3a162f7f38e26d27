"""Fitting what scores: a listwise linear model and boosted trees, each from the same examples."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from engine.columns import expand
from engine.pool import Pool
from engine.query import NOBODY_ASKS
from engine.ranker import Blend, Boosted, Linear, Weigher, beside_the_best
from engine.trees import Trees
from engine.types import BoolVector, Rows, Vector
from training.examples import Examples
from training.trees_file import graph_of

HARD = 60
"""Candidates of a viewer that are all learned from, those that are liked best so far."""

EASY_SHARE = 0.1
"""Share of the other candidates that is learned from."""


SPREAD_VIEWERS = 500
"""Viewers from whom the usual spread of a score is told."""


def sampled(examples: Examples, liked: Vector, rng: np.random.Generator) -> Examples:
    """Return the viewers who joined something, with fewer of the candidates nobody would choose.

    Args:
        examples: Any.
        liked: A score of every candidate so far.
        rng: Draws the easy candidates.
    """
    keep, _ = _kept(examples, liked, rng)
    fewer = _only(examples, keep)
    return fewer.of(fewer.sums(fewer.joined) > 0)


def _kept(
    examples: Examples, liked: Vector, rng: np.random.Generator, easy_share: float = EASY_SHARE
) -> tuple[BoolVector, BoolVector]:
    """Return which candidates are learned from, and which of them are not there by a draw."""
    counted = examples.counts > 0
    near = examples.joined | (standing(examples, np.where(counted, liked, -np.inf)) < HARD)
    return counted & (near | (rng.random(len(liked)) < easy_share)), near


def _only(examples: Examples, keep: BoolVector) -> Examples:
    starts = np.concatenate([[0], np.cumsum(examples.sums(keep).astype(np.int64))])
    return Examples(
        examples.names, examples.values[keep], starts, examples.rows[keep],
        examples.joined[keep], examples.lasting[keep], examples.ideal, examples.weights,
        examples.members, examples.counts[keep], examples.seen[keep],
    )  # fmt: skip


def fit_linear(
    examples: Examples,
    columns: Sequence[str],
    liked: Vector,
    penalty: float,
    easy_share: float = EASY_SHARE,
) -> Linear:
    """Fit a linear model to tell, in each viewer's pool, what was joined from what was not.

    The loss is the cross-entropy of a softmax over the pool, the mean over viewers. Of the
    candidates nobody would choose only a share is looked at, each of which then stands for
    1 / share in the softmax's denominator. What was suggested stands for as much as it `counts`
    times how likely it was `seen`, and is aimed at for as much as it counts if it was joined.

    Args:
        examples: Viewers who joined something.
        columns: Those that are read.
        liked: A score of every candidate so far, which tells the easy ones.
        penalty: On the squared weights of standardised columns.
        easy_share: Share of the easy ones that is looked at.

    Source: Cao et al. 2007, "Learning to rank: from pairwise approach to listwise approach"
    (ListNet with the top-one probability).
    """
    places = [examples.names.index(name) for name in columns]
    keep, near = _kept(examples, liked, np.random.default_rng(0), easy_share)
    values = np.concatenate(
        [
            beside_the_best(examples.values[start:end][:, places])[keep[start:end]]
            for start, end in pairwise(examples.starts.tolist())
        ]
    )
    offset = np.where(near[keep], 0, np.log(1 / easy_share)).astype(np.float32)
    examples = _only(examples, keep)
    offset += np.log(np.maximum(examples.counts * examples.seen, 1e-6))
    means, scales = values.mean(axis=0), values.std(axis=0)
    scales[scales < 1e-6] = 1.0
    values = (values - means) / scales
    owner, starts = examples.owner(), examples.starts[:-1]
    right = examples.joined.astype(np.float32)
    found = np.maximum(np.add.reduceat(right, starts), 1)
    share = right * examples.counts / found[owner]
    mass = (np.add.reduceat(right * examples.counts, starts) / found)[owner]
    viewers = examples.viewers

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = values @ weights.astype(np.float32) + offset
        scores -= np.maximum.reduceat(scores, starts)[owner]
        odds = np.exp(scores)
        total = np.add.reduceat(odds, starts)
        chance = odds / total[owner]
        log_chance = scores - np.log(total)[owner]
        value = -float(share @ log_chance) / viewers + penalty * float(weights @ weights)
        slope = (chance * mass - share) @ values / viewers + 2 * penalty * weights
        return value, slope.astype(np.float64)

    found = minimize(
        loss, np.zeros(values.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 80}
    )
    return Linear(
        tuple(columns),
        means.astype(np.float32),
        scales.astype(np.float32),
        found.x.astype(np.float32),
    )


def fit_boosted(examples: Examples, columns: Sequence[str], seed: int = 0) -> Boosted:
    """Fit gradient-boosted trees to tell what was joined.

    Small trees, many of them and strongly held back: a few thousand joins are few. Weighing
    viewers alike, or lasting joins double, was tried and lost on validation windows; so did
    listwise boosting (LambdaMART) once blended with the linear model.

    Args:
        examples: Viewers who joined something.
        columns: Those that are read.
        seed: Draws the columns each node may choose from.

    Source: Friedman 2001; scikit-learn's histogram-based implementation.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        learning_rate=0.085, max_iter=140, max_leaf_nodes=7, l2_regularization=20.0,
        min_samples_leaf=max(20, min(300, len(examples.rows) // 500)),
        max_features=0.5, max_bins=63, early_stopping=False, random_state=seed,
    )  # fmt: skip
    places = [examples.names.index(name) for name in columns]
    model.fit(examples.values[:, places], examples.joined)
    return Boosted(tuple(columns), Trees(graph_of(model)))


def blend(parts: Sequence[Weigher], examples: Examples) -> Blend:
    """Return the mean of scorers, each by its usual spread within a pool."""
    some = np.arange(examples.viewers) < SPREAD_VIEWERS
    examples = examples.of(some)
    scales = []
    for part in parts:
        scores = score_all(part, examples)
        mean = examples.sums(scores) / np.maximum(np.diff(examples.starts), 1)
        scales.append(float(np.sqrt(np.mean((scores - mean[examples.owner()]) ** 2))) or 1.0)
    return Blend(tuple(parts), tuple(scales))


def score_all(scorer: Weigher, examples: Examples) -> Vector:
    """Return the scorer's score of every candidate: float32 of shape (n,)."""
    scores = np.zeros(len(examples.rows), np.float32)
    needed = [(name, examples.names.index(name)) for name in scorer.columns]
    bounds = examples.starts.tolist()
    for start, end in pairwise(bounds):
        columns = {name: examples.values[start:end, place] for name, place in needed}
        pool = Pool(examples.rows[start:end], columns=columns)
        scores[start:end] = scorer.score(NOBODY_ASKS, pool)
    return scores


def standing(examples: Examples, scores: Vector) -> NDArray[np.int64]:
    """Return each candidate's place in its pool by score: int64 of shape (n,).

    Equals are ordered as if at random, not by row: the order of rows in a file can tell which
    groups will be busy, and no score should profit from that.
    """
    owner = examples.owner()
    order = np.lexsort((_as_at_random(examples.rows), -scores, owner))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order)) - examples.starts[owner[order]]
    return place


def ndcg_of(examples: Examples, scores: Vector, places: int = 10) -> NDArray[np.float64]:
    """Return each viewer's NDCG of the order of scores, joins alike: float64 of shape (v,).

    Only where the joined ones stand is looked up: the rest need not be sorted.
    """
    right = np.flatnonzero(examples.joined)
    owner = examples.owner()[right]
    position, flat = expand(examples.starts, owner)
    mine, theirs = scores[right][position], scores[flat]
    tie = _as_at_random(examples.rows)
    ahead = (theirs > mine) | ((theirs == mine) & (tie[flat] < tie[right][position]))
    place = np.bincount(position, weights=ahead, minlength=len(right))
    gain = np.where(place < places, 1 / np.log2(place + 2.0), 0.0)
    got = np.bincount(owner, weights=gain, minlength=examples.viewers)
    best = np.cumsum(1 / np.log2(np.arange(places) + 2.0))
    result: NDArray[np.float64] = got / best[np.minimum(np.maximum(examples.ideal, 1), places) - 1]
    return result


def _as_at_random(rows: Rows) -> Rows:
    """Return numbers that order rows as if at random, and always alike."""
    return rows * 2_654_435_761 % 2**32
