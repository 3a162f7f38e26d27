"""Candidates as columns, and what becomes of them: the slate and its trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from engine.types import BoolVector, Rows, Vector


@dataclass(frozen=True, slots=True)
class Pool:
    """Candidates before ranking.

    Attributes:
        rows: Candidates, ascending, each once: int64 of shape (n,).
        found_by: For each source by name, which candidates it proposed: bool of shape (n,).
        columns: For each feature by name, its measure: float32 of shape (n,).
    """

    rows: Rows
    found_by: dict[str, BoolVector] = field(default_factory=dict)
    columns: dict[str, Vector] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return how many candidates there are."""
        return len(self.rows)

    def kept(self, keep: BoolVector) -> Pool:
        """Return the candidates for which `keep` holds."""
        return Pool(
            self.rows[keep],
            {name: found[keep] for name, found in self.found_by.items()},
            {name: column[keep] for name, column in self.columns.items()},
        )


@dataclass(slots=True)
class Trace:
    """What happened to a request: for tests, logs and operators, never for the public.

    Attributes:
        failed: Sources that failed, with what they said.
        removed: For each policy, the rows it removed.
        seconds: How long each stage took.
        candidates: How many were scored.
    """

    failed: dict[str, str] = field(default_factory=dict)
    removed: dict[str, Rows] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    candidates: int = 0


@dataclass(frozen=True, slots=True)
class Slate:
    """What is returned, best first.

    Attributes:
        pool: The chosen candidates only, in ascending row order.
        order: Positions in `pool`, best first: int64 of shape (m,).
        scores: The score of each candidate of `pool`: float32 of shape (m,).
        trace: What happened on the way.
        probabilities: How likely each candidate of `pool` is to be joined for good, None unless
            calibrated: float32 of shape (m,).
        ranked_odds: With what probability each was served, best first, None if all of them are
            to whoever asks so: float32 of shape (m,).
    """

    pool: Pool
    order: Rows
    scores: Vector
    trace: Trace
    probabilities: Vector | None = None
    ranked_odds: Vector | None = None

    @property
    def rows(self) -> Rows:
        """Rows, best first."""
        return self.pool.rows[self.order]

    @property
    def ranked_scores(self) -> Vector:
        """Scores, in the order of `rows`."""
        return self.scores[self.order]

    @property
    def ranked_probabilities(self) -> list[float | None]:
        """Probabilities, in the order of `rows`; None each where they are not calibrated."""
        if self.probabilities is None:
            return [None] * len(self.order)
        ranked: list[float | None] = self.probabilities[self.order].tolist()
        return ranked


def pool_of(found: Mapping[str, Rows]) -> Pool:
    """Return all that sources have proposed, each row once; no row is below 0.

    >>> pool = pool_of({"near": np.array([7, 2, 7]), "tied": np.array([9, 2])})
    >>> pool.rows, pool.found_by["tied"]
    (array([2, 7, 9]), array([ True, False,  True]))
    """
    every = np.sort(np.concatenate([np.zeros(0, np.int64), *found.values()]))
    rows = every[np.diff(every, prepend=-1) > 0]
    # Several times as quick as np.isin: a table of which only these rows are written and read.
    place = np.empty(rows[-1] + 1 if len(rows) else 0, np.int32)
    place[rows] = np.arange(len(rows))
    found_by = {name: np.zeros(len(rows), bool) for name in found}
    for name, proposed in found.items():
        found_by[name][place[proposed]] = True
    return Pool(rows, found_by)


def best_first(rows: Rows, scores: Vector) -> Rows:
    """Return positions by score descending, then by row: the one order of pools.

    >>> best_first(np.array([4, 7, 9]), np.array([0.5, 0.9, 0.5], dtype=np.float32))
    array([1, 0, 2])
    """
    return np.lexsort((rows, -scores))


def best_few(rows: Rows, scores: Vector, k: int) -> Rows:
    """Return the first k of `best_first`, without ordering the others.

    >>> best_few(np.array([4, 7, 9]), np.array([0.5, 0.9, 0.5], dtype=np.float32), 2)
    array([1, 0])
    """
    if not 0 < k < len(rows):
        return best_first(rows, scores)[:k]
    # Whatever ties with the k-th stays in until rows decide between equals.
    near = np.flatnonzero(scores >= np.partition(scores, -k)[-k])
    return near[best_first(rows[near], scores[near])[:k]]
