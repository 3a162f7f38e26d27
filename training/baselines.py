"""Simple recommenders to stand beside, each what a platform could write in an afternoon.

Every one answers with a score for all rows; the evaluation removes what is not eligible and
orders by score, then row, exactly as it does for Belong.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse

from engine.columns import Links
from engine.snapshot import Snapshot
from engine.types import Vector

Baseline = Callable[[int], Vector]
"""Member row -> a score for every group (or member) row."""

DAMPING = 50.0
"""Added to the denominator of item-kNN's cosine, against tiny overlaps; the best of 0 to 100 on
validation windows."""


def popularity(snapshot: Snapshot) -> Baseline:
    """Largest groups first."""
    size = snapshot.groups.size
    return lambda member: size


def recent_popularity(snapshot: Snapshot) -> Baseline:
    """Groups with most joins in the last 90 days first."""
    joins = snapshot.groups.joins_lately
    return lambda member: joins


def item_knn(snapshot: Snapshot) -> Baseline:
    """Sum of damped cosines between the member's groups and every group (Sarwar et al. 2001)."""
    matrix = _binary(snapshot.members.groups, len(snapshot.groups.ids))
    shared = sparse.csr_array(matrix.T @ matrix)
    root = np.sqrt(shared.diagonal())
    entries = shared.tocoo()
    scale = root[entries.row] * root[entries.col] + DAMPING
    cosine = sparse.csr_array(
        (np.where(entries.row == entries.col, 0, entries.data / scale), (entries.row, entries.col)),
        shape=shared.shape,
    )

    def score(member: int) -> Vector:
        joined, _ = snapshot.members.groups.of_row(member)
        total = np.asarray(cosine[joined].sum(axis=0)).ravel()
        return total.astype(np.float32)

    return score


def most_tied(snapshot: Snapshot) -> Baseline:
    """People with most ties first."""
    degree = snapshot.members.ties.counts().astype(np.float32)
    return lambda member: degree


def common_companions(snapshot: Snapshot) -> Baseline:
    """Adamic-Adar: people with most companions in common, rarely tied ones counting more."""
    ties = snapshot.members.ties
    degree = ties.counts()

    def score(member: int) -> Vector:
        companions, _ = ties.of_row(member)
        position, rows, _ = ties.of_rows(companions)
        weight = (1 / np.log1p(degree[companions]))[position]
        return np.bincount(rows, weights=weight, minlength=len(ties)).astype(np.float32)

    return score


def shared_groups(snapshot: Snapshot) -> Baseline:
    """People with most groups in common, by cosine."""
    matrix = _binary(snapshot.members.groups, len(snapshot.groups.ids))
    count = np.maximum(snapshot.members.groups.counts(), 1)

    def score(member: int) -> Vector:
        common = np.asarray((matrix @ matrix[[member]].T).todense()).ravel()
        cosine: Vector = (common / np.sqrt(count * count[member])).astype(np.float32)
        return cosine

    return score


GROUP_BASELINES = {
    "popularity": popularity,
    "recent_popularity": recent_popularity,
    "item_knn": item_knn,
}
"""What group suggestions are measured beside."""

MEMBER_BASELINES = {
    "popularity": most_tied,
    "adamic_adar": common_companions,
    "shared_groups": shared_groups,
}
"""What introductions are measured beside."""


def _binary(links: Links, width: int) -> sparse.csr_array:
    ones = np.ones(len(links.targets), dtype=np.float32)
    return sparse.csr_array((ones, links.targets, links.offsets), shape=(len(links), width))
