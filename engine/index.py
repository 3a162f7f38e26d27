"""Nearest rows by cosine; the one door to faiss.

Up to `EXACT_BELOW` vectors are compared one by one. Beyond, a graph (HNSW: Malkov & Yashunin 2018)
over vectors of one byte a dimension proposes, and the exact vectors, mapped into memory, order
what it proposed. benchmarks/retrieval.py measures what that loses.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import faiss as _typed_faiss
import numpy as np

from engine.errors import BundleError, NotUnitNormError
from engine.types import UNIT_TOLERANCE, Matrix, Rows

# faiss declares its types for a part of its interface only.
faiss: Any = _typed_faiss

EXACT_BELOW = 5_000
"""Vectors up to which every one is compared."""

LINKS = 32
"""Neighbours each vector keeps in the graph."""

BUILD_EFFORT = 100
"""Candidates looked at while the graph is built."""

AT_ONCE = 256
"""Queries answered at a time: what each is compared with is copied, so that memory is bounded."""

OVERFETCH = 2
"""How many times `k` the graph proposes, for the exact vectors to order."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Nearest rows to each query, best first: `rows` int64 and `scores` float32, both (q, m)."""

    rows: Rows
    scores: Matrix


class VectorIndex:
    """An index over unit vectors; row i is the i-th vector."""

    def __init__(self, vectors: Matrix, graph: Any | None) -> None:  # noqa: ANN401
        self.vectors = vectors
        self._graph = graph

    @classmethod
    def build(cls, vectors: Matrix, exact_below: int = EXACT_BELOW) -> Self:
        """Index unit vectors, float32 of shape (n, d).

        Raises:
            NotUnitNormError: A vector is further than 1e-3 from length 1.
        """
        _check_unit(vectors)
        if len(vectors) <= exact_below:
            return cls(vectors, None)
        kind = faiss.ScalarQuantizer.QT_8bit
        graph = faiss.IndexHNSWSQ(vectors.shape[1], kind, LINKS, faiss.METRIC_INNER_PRODUCT)
        graph.hnsw.efConstruction = BUILD_EFFORT
        graph.train(vectors)
        graph.add(vectors)
        return cls(vectors, graph)

    def save(self, path: Path) -> bool:
        """Write the graph, if there is one; the caller keeps the vectors. Return whether."""
        if self._graph is None:
            return False
        faiss.write_index(self._graph, str(path))
        return True

    @classmethod
    def load(cls, vectors: Matrix, path: Path) -> Self:
        """Open an index over the vectors it was built from; without a file it compares all.

        Raises:
            BundleError: The file is no index of these vectors.
        """
        if not path.exists():
            return cls(vectors, None)
        try:
            graph = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise BundleError(f"{path.name} is not an index ({error}): train again") from error
        if graph.ntotal != len(vectors) or graph.d != vectors.shape[1]:
            raise BundleError(
                f"{path.name} indexes {graph.ntotal} vectors of {graph.d} dimensions, "
                f"expected {len(vectors)} of {vectors.shape[1]}: train again"
            )
        return cls(vectors, graph)

    def __len__(self) -> int:
        """Return how many vectors are indexed."""
        return len(self.vectors)

    def search(self, queries: Matrix, k: int) -> Neighbours:
        """Return the nearest rows to each query by cosine, best first.

        Args:
            queries: Unit vectors, float32, of shape (q, d).
            k: Neighbours wanted, at least 1.

        Returns:
            `rows` int64 and `scores` float32 in [-1, 1], both of shape (q, m),
            m = min(k, len(self)). Equal scores are ordered by row.

        Raises:
            NotUnitNormError: A query is further than 1e-3 from length 1.

        Source: exact inner product; approximate recall in benchmarks/retrieval.py.
        """
        _check_unit(queries)
        k = min(k, len(self))
        if k == 0 or not len(queries):
            shape = (len(queries), k)
            return Neighbours(np.zeros(shape, np.int64), np.zeros(shape, np.float32))
        if len(queries) <= AT_ONCE:
            return self._found(queries, k)
        starts = range(0, len(queries), AT_ONCE)
        parts = [self._found(queries[start : start + AT_ONCE], k) for start in starts]
        return Neighbours(
            np.concatenate([part.rows for part in parts]),
            np.concatenate([part.scores for part in parts]),
        )

    def _found(self, queries: Matrix, k: int) -> Neighbours:
        if self._graph is None:
            return best_of(np.arange(len(self))[None, :], queries @ self.vectors.T, k)
        depth = min(len(self), OVERFETCH * k)
        effort = faiss.SearchParametersHNSW(efSearch=max(64, 2 * depth))
        _, proposed = self._graph.search(queries, depth, params=effort)
        known = np.maximum(proposed, 0)
        scores = np.einsum("qd,qkd->qk", queries, self.vectors[known])
        # The graph may find fewer than asked for, and says so with -1.
        scores[proposed < 0] = -np.inf
        if (np.isfinite(scores).sum(axis=1) < k).any():
            return best_of(np.arange(len(self))[None, :], queries @ self.vectors.T, k)
        return best_of(known, scores, k)


def use_threads(count: int) -> None:
    """Let searches use at most this many threads in this process."""
    faiss.omp_set_num_threads(count)


def best_of(rows: Rows, scores: Matrix, k: int) -> Neighbours:
    """Return the k best of each line, best first; equal scores by row.

    Args:
        rows: What the scores are of, ascending: shape (q, n) or (1, n).
        scores: Larger is better, shape (q, n).
        k: How many, at most n.
    """
    if not k:
        return Neighbours(
            np.zeros((len(scores), 0), np.int64), np.zeros((len(scores), 0), np.float32)
        )
    rows = np.broadcast_to(rows, scores.shape)
    if k < scores.shape[1]:
        # Whatever ties with the k-th must stay in until rows decide between equals.
        floor = np.partition(scores, scores.shape[1] - k, axis=1)[:, scores.shape[1] - k]
        width = int((scores >= floor[:, None]).sum(axis=1).max())
        part = np.argpartition(-scores, width - 1, axis=1)[:, :width]
        rows, scores = np.take_along_axis(rows, part, 1), np.take_along_axis(scores, part, 1)
    order = np.lexsort((rows, -scores), axis=1)[:, :k]
    best_rows = np.take_along_axis(rows, order, 1)
    best_scores = np.take_along_axis(scores, order, 1).clip(-1, 1)
    return Neighbours(np.ascontiguousarray(best_rows), best_scores.astype(np.float32))


def _check_unit(vectors: Matrix) -> None:
    norms = np.linalg.norm(vectors, axis=-1)
    off = np.flatnonzero(~(np.abs(norms - 1) < UNIT_TOLERANCE))
    if len(off):
        raise NotUnitNormError(
            f"expected unit vectors, vector {off[0]} has length {norms[off[0]]:.4f}: normalise it"
        )
