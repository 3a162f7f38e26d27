"""Sets of people from clusters of vectors: what k-means and HDBSCAN would call a group."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.cluster import HDBSCAN, KMeans, MiniBatchKMeans
from sklearn.decomposition import PCA

from engine.types import Matrix, Rows
from training.bridge import unit

BATCHED = 5_000
"""Vectors from which k-means works in batches."""

SQUEEZED = 25
"""Dimensions HDBSCAN works in where there are many vectors: in all of them it takes minutes and
finds hardly more."""

PEOPLE_EACH = (4, 8, 16, 32)
"""Vectors a cluster of k-means has on average."""


@dataclass(frozen=True, slots=True)
class Vectors:
    """What is clustered.

    Attributes:
        name: What the vectors are of.
        rows: Unit vectors, float32 of shape (n, d).
        owners: The vector of each link, and whose it is: int64 of shape (2, m).
    """

    name: str
    rows: Matrix
    owners: Rows


def clusters(
    vectors: Vectors, seed: int, only: Sequence[str] | None = None
) -> Iterator[tuple[str, list[Rows]]]:
    """Yield the sets of every setting that is tried, the tightest first, with its name.

    Args:
        vectors: What is clustered.
        seed: Where k-means begins.
        only: Settings to try, by name; None for all.
    """
    for name, fit in _settings(vectors, seed):
        if only is None or name in only:
            yield name, _sets(vectors, fit())


def _settings(vectors: Vectors, seed: int) -> Iterator[tuple[str, Callable[[], Rows]]]:
    """Yield every setting by name, and what labels each vector, -1 for none."""
    for each in PEOPLE_EACH:
        count = max(2, len(vectors.rows) // each)
        kind = KMeans if len(vectors.rows) < BATCHED else MiniBatchKMeans
        means = kind(count, n_init=1, random_state=seed)
        yield f"k-means, {vectors.name}, {each} a cluster", partial(means.fit_predict, vectors.rows)
    for smallest in (3, 5):
        for how in ("eom", "leaf"):
            model = HDBSCAN(
                min_cluster_size=smallest, min_samples=1, cluster_selection_method=how, copy=True
            )
            name = f"HDBSCAN, {vectors.name}, from {smallest}, {how}"
            yield name, partial(_labelled, model, vectors.rows, seed)


def _labelled(model: HDBSCAN, rows: Matrix, seed: int) -> Rows:
    labels: Rows = model.fit_predict(_narrow(rows, seed))
    return labels


def _narrow(rows: Matrix, seed: int) -> Matrix:
    if len(rows) < BATCHED or rows.shape[1] <= SQUEEZED:
        return rows
    return unit(PCA(SQUEEZED, random_state=seed).fit_transform(rows))


def _sets(vectors: Vectors, labels: Rows) -> list[Rows]:
    """Return who is in each cluster, those first whose vectors lie closest together."""
    count = int(labels.max(initial=-1)) + 1
    inside = labels >= 0
    sums = np.zeros((count, vectors.rows.shape[1]))
    np.add.at(sums, labels[inside], vectors.rows[inside])
    size = np.bincount(labels[inside], minlength=count)
    tight = np.linalg.norm(sums, axis=1) / np.maximum(size, 1)
    tight[size < 2] = 0
    link, owner = vectors.owners
    of = labels[link]
    order = np.argsort(of, kind="stable")
    bounds = np.searchsorted(of[order], np.arange(count + 1))
    sets = [np.unique(owner[order[bounds[one] : bounds[one + 1]]]) for one in range(count)]
    return [sets[one] for one in np.argsort(-tight, kind="stable").tolist()]
