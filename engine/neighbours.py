"""Which groups share members: a sparse co-membership model.

Source: item-based collaborative filtering with cosine similarity and significance weighting
(Sarwar et al. 2001; Herlocker et al. 1999 for the damping of small overlaps).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from engine.columns import Links

NEIGHBOURS = 100
"""Neighbours a group keeps."""

DAMPING = 5.0
"""Shared members an overlap is short of before it counts half."""

BLOCK = 2_000
"""Groups compared at a time, so that memory stays proportional to what is kept."""


def co_membership(
    members: int,
    groups: int,
    links: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.floating]],
    *,
    neighbours: int = NEIGHBOURS,
    damping: float = DAMPING,
) -> Links:
    """Return each group's nearest groups by shared members.

    Args:
        members: How many members there are.
        groups: How many groups there are.
        links: Memberships as (member rows, group rows, weights).
        neighbours: Neighbours kept for each group, the strongest; of equals the lower row.
        damping: An overlap of s members counts s / (s + damping).

    Returns:
        Links from groups to groups with weights in (0, 1].
    """
    rows, columns, weights = links
    matrix = sparse.csr_array((weights, (rows, columns)), shape=(members, groups), dtype=np.float32)
    ones = sparse.csr_array((np.ones(len(rows), np.float32), (rows, columns)), shape=matrix.shape)
    norms = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=0)).ravel())
    scaled = sparse.csc_array(matrix.multiply(1 / np.maximum(norms, 1e-12)))
    counted = sparse.csc_array(ones)
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]] = []
    for start in range(0, groups, BLOCK):
        block = slice(start, min(start + BLOCK, groups))
        cosine = sparse.csr_array(scaled[:, block].T @ scaled)
        shared = sparse.csr_array(counted[:, block].T @ counted)
        shared.data = shared.data / (shared.data + damping)
        found.append(_strongest(sparse.csr_array(cosine.multiply(shared)), start, neighbours))
    sources, targets, strengths = (np.concatenate(column) for column in zip(*found, strict=True))
    return Links.of(groups, sources, targets, strengths)


def _strongest(
    similarity: sparse.csr_array, start: int, neighbours: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Return the strongest off-diagonal entries of each line as columns."""
    entries = similarity.tocoo()
    rows, columns = entries.row.astype(np.int64) + start, entries.col.astype(np.int64)
    keep = (rows != columns) & (entries.data > 0)
    rows, columns, data = rows[keep], columns[keep], entries.data[keep]
    order = np.lexsort((columns, -data, rows))
    rows, columns, data = rows[order], columns[order], data[order]
    begins = np.flatnonzero(np.diff(rows, prepend=-1))
    rank = np.arange(len(rows)) - np.repeat(begins, np.diff(np.append(begins, len(rows))))
    strong = rank < neighbours
    return rows[strong], columns[strong], data[strong].astype(np.float32)
