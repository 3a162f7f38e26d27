"""Which groups speak for which: EASE, exact while that is affordable, sparse above.

Source: Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data". Above `EXACT_BELOW`
groups each column is solved among its nearest groups only, which costs O(groups * neighbours);
`benchmarks/ranking.py` reports what that loses.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from engine.columns import Links

EXACT_BELOW = 10_000
"""Groups below which the whole matrix is inverted."""

KEPT = 200
"""Weights kept for each group, the largest by size."""

NEAR = 64
"""Groups a column is solved among, above `EXACT_BELOW`."""


def ease(memberships: sparse.csr_array, exact_below: int = EXACT_BELOW, kept: int = KEPT) -> Links:
    """Return for each group which others being in it speaks for or against.

    The penalty is half the mean size of a group, between 5 and 500: enough to hold on the data it
    was looked at on, and it grows with the counts it has to hold against.

    Args:
        memberships: Members x groups, weights at least 0.
        exact_below: Groups below which the whole matrix is inverted.
        kept: Weights kept for each group.

    Returns:
        Links from groups to groups with signed weights.
    """
    shared = sparse.csc_array(memberships.T @ memberships)
    groups = shared.shape[0]
    sizes = np.asarray(shared.diagonal(), dtype=np.float64)
    penalty = float(np.clip(sizes[sizes > 0].mean() / 2 if sizes.any() else 5.0, 5.0, 500.0))
    if groups < exact_below:
        weights = _exact(shared.toarray().astype(np.float64), penalty)
        sources, targets = np.nonzero(weights)
        return _largest(groups, sources, targets, weights[sources, targets], kept)
    return _largest(groups, *_sparse(shared, penalty), kept)


def _exact(shared: NDArray[np.float64], penalty: float) -> NDArray[np.float64]:
    shared[np.diag_indices_from(shared)] += penalty
    inverse = np.linalg.inv(shared)
    weights: NDArray[np.float64] = -inverse / np.diag(inverse)[None, :]
    np.fill_diagonal(weights, 0)
    weights[np.abs(weights) < 1e-6] = 0
    return weights


def _sparse(
    shared: sparse.csc_array, penalty: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Solve each column among the `NEAR` groups that share most members with it, by cosine."""
    groups = shared.shape[0]
    diagonal = np.maximum(np.asarray(shared.diagonal(), dtype=np.float64), 1e-9)
    near = np.full((groups, NEAR), -1, dtype=np.int64)
    for column in range(groups):
        here = slice(int(shared.indptr[column]), int(shared.indptr[column + 1]))
        rows, counts = shared.indices[here], shared.data[here]
        rows, counts = rows[rows != column], counts[rows != column]
        cosine = counts / np.sqrt(diagonal[rows] * diagonal[column])
        best = np.argsort(-cosine, kind="stable")[:NEAR]
        near[column, : len(best)] = rows[best]
    lookup = sparse.csr_array(shared)
    parts = []
    for column in range(groups):
        rows = near[column][near[column] >= 0]
        if len(rows):
            block = lookup[rows][:, rows].toarray().astype(np.float64)
            block[np.diag_indices_from(block)] += penalty
            right = lookup[rows][:, [column]].toarray().ravel().astype(np.float64)
            parts.append((rows, np.full(len(rows), column), np.linalg.solve(block, right)))
    if not parts:
        nothing = np.zeros(0, np.int64)
        return nothing, nothing, np.zeros(0)
    sources, targets, weights = (np.concatenate(column) for column in zip(*parts, strict=True))
    return sources, targets, weights


def _largest(
    groups: int,
    sources: NDArray[np.int64],
    targets: NDArray[np.int64],
    weights: NDArray[np.float64],
    kept: int,
) -> Links:
    order = np.lexsort((targets, -np.abs(weights), sources))
    sources, targets, weights = sources[order], targets[order], weights[order]
    begins = np.flatnonzero(np.diff(sources, prepend=-1))
    rank = np.arange(len(sources)) - np.repeat(begins, np.diff(np.append(begins, len(sources))))
    strong = rank < kept
    return Links.of(groups, sources[strong], targets[strong], weights[strong])
