"""One index beside exact search: recall, time a query, bytes a vector."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import faiss as _typed_faiss
import numpy as np
import threadpoolctl
from numpy.typing import NDArray

from benchmarks.timing import summary
from engine.index import VectorIndex, use_threads
from engine.types import Matrix, Rows
from training.metrics import mean_with_interval

# faiss declares its types for a part of its interface only.
faiss: Any = _typed_faiss

DEPTHS = (10, 100)
"""Neighbours asked for."""

EQUAL = 1e-5
"""Scores nearer than this are equal: two ways to add up 384 float32 products differ by that."""

WARM_UP = 20
"""Queries that are not counted."""

NOBODY = -1

Search = Callable[[Matrix, int], Rows]
"""One query, shape (1, d), and k -> rows, best first, shape (m,)."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured.

    Attributes:
        name: What it is called.
        index: The index as a server has it.
        file: The index's file; where there is none, every vector is compared.
        queries: Unit vectors, float32 of shape (q, d).
        own: For each query, the row it was taken from, which must not count; None if from none.
    """

    name: str
    index: VectorIndex
    file: Path
    queries: Matrix
    own: Rows | None = None

    @classmethod
    def built(
        cls, name: str, vectors: Matrix, file: Path, queries: Matrix, exact_below: int
    ) -> Self:
        """Return a case whose index is built, written and opened again, as a bundle's is."""
        file.unlink(missing_ok=True)
        VectorIndex.build(vectors, exact_below).save(file)
        return cls(name, VectorIndex.load(vectors, file), file, queries)


def compare(case: Case) -> dict[str, Any]:
    """Return an index's figures beside those of exact search over the same vectors.

    Returns:
        `case`, `kind` (graph or compared), `vectors`, `dimension`, `queries`, `build_s`,
        `bytes_per_vector`, and under `at` for each k: `recall` with its interval over queries,
        and for `search` and `exact` the `queries_per_s` and the latency a query in ms. A k
        larger than what there is to find is taken down to that.
    """
    vectors = np.ascontiguousarray(case.index.vectors)
    graph_bytes = case.file.stat().st_size if case.file.exists() else 0
    started = time.perf_counter()
    VectorIndex.build(vectors, 0 if graph_bytes else len(vectors))
    build_s = time.perf_counter() - started
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    searches: dict[str, Search] = {
        "search": lambda query, k: case.index.search(query, k).rows[0],
        "exact": lambda query, k: flat.search(query, k)[1][0],
    }
    threads = faiss.omp_get_max_threads()
    use_threads(1)
    try:
        with threadpoolctl.threadpool_limits(1):
            at = {str(k): _at(case, vectors, searches, k) for k in DEPTHS}
    finally:
        use_threads(threads)
    return {
        "case": case.name,
        "kind": "graph" if graph_bytes else "compared",
        "vectors": len(vectors),
        "dimension": vectors.shape[1],
        "queries": len(case.queries),
        "build_s": round(build_s, 4),
        "bytes_per_vector": {
            "index": round(graph_bytes / len(vectors), 1),
            "vectors": vectors.nbytes / len(vectors),
            "total": round((graph_bytes + vectors.nbytes) / len(vectors), 1),
        },
        "at": at,
    }


def recall(found: Rows, exact: Rows, query: Matrix, vectors: Matrix) -> float:
    """Return the share of the best that was found.

    A found row counts if it is as near as the last of the best: between equals, as members with
    one and the same text are, no choice is a mistake.

    Args:
        found: Rows that were found, each once; of shape (m,).
        exact: The best rows; of shape (k,), at least one.
        query: Unit vector of shape (1, d).
        vectors: What was searched, of shape (n, d).
    """
    floor = float((vectors[exact] @ query[0]).min())
    distinct = np.unique(found)
    hits = int((vectors[distinct] @ query[0] >= floor - EQUAL).sum())
    return min(hits, len(exact)) / len(exact)


def _at(case: Case, vectors: Matrix, searches: dict[str, Search], k: int) -> dict[str, Any]:
    own = np.full(len(case.queries), NOBODY) if case.own is None else case.own
    spare = 0 if case.own is None else 1
    depth = min(k + spare, len(vectors))
    rows: dict[str, list[Rows]] = {}
    figures: dict[str, Any] = {}
    for name, search in searches.items():
        found, seconds = _timed(search, case.queries, depth)
        rows[name] = [
            line[line != mine][: depth - spare] for line, mine in zip(found, own, strict=True)
        ]
        figures[name] = {
            "queries_per_s": round(len(seconds) / float(seconds.sum()), 1),
            "latency_ms": summary(seconds * 1e3, np.arange(len(seconds), dtype=np.float64)),
        }
    recalls = [
        recall(found, exact, query[None, :], vectors)
        for found, exact, query in zip(rows["search"], rows["exact"], case.queries, strict=True)
    ]
    return {
        "k": depth - spare,
        "recall": mean_with_interval(np.array(recalls)).as_dict(),
        **figures,
    }


def _timed(search: Search, queries: Matrix, depth: int) -> tuple[list[Rows], NDArray[np.float64]]:
    for query in queries[:WARM_UP]:
        search(query[None, :], depth)
    found, seconds = [], np.zeros(len(queries))
    for place, query in enumerate(queries):
        start = time.perf_counter()
        rows = search(query[None, :], depth)
        seconds[place] = time.perf_counter() - start
        found.append(rows)
    return found, seconds
