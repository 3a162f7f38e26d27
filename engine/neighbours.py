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


K1, B = 2.0, 0.1
"""BM25's saturation of repeated visits and its correction for the size of groups."""


def bm25_membership(habits: sparse.csr_array, neighbours: int = 2 * NEIGHBOURS) -> Links:
    """Return each group's nearest groups by what their members do in both.

    A membership counts the more the more the member took part, with diminishing returns, and the
    less the more groups the member is in.

    Args:
        habits: Members x groups, how much each took part there.
        neighbours: Neighbours kept for each group, the strongest; of equals the lower row.

    Returns:
        Links from groups to groups, positive weights.

    Source: Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond".
    """
    entries = habits.tocoo()
    groups = habits.shape[1]
    sizes = np.bincount(entries.col, weights=entries.data, minlength=groups)
    length = 1 - B + B * sizes / max(float(sizes.mean()), 1e-9)
    rare = np.log(groups) - np.log1p(np.bincount(entries.row, minlength=habits.shape[0]))
    told = np.maximum(rare[entries.row], 0)
    data = entries.data * (K1 + 1) / (K1 * length[entries.col] + entries.data) * told
    shape = habits.shape
    weighed = sparse.csc_array((data.astype(np.float32), (entries.row, entries.col)), shape=shape)
    found = [
        _strongest(
            sparse.csr_array(weighed[:, start : start + BLOCK].T @ weighed), start, neighbours
        )
        for start in range(0, groups, BLOCK)
    ]
    if not found:
        nothing = np.zeros(0, np.int64)
        return Links.of(0, nothing, nothing)
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
