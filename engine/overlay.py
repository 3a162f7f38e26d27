"""Vectors that changed since a bundle was made, laid over those that did not.

The base stays as it is, mapped into memory and shared between workers: what was replaced is
passed over, what is new is compared one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from engine.columns import Profiles
from engine.index import Neighbours, VectorIndex
from engine.types import BoolVector, Matrix, Rows, Vector

REPLACED = -1
"""The owner of a vector that counts no more."""


@dataclass(frozen=True, slots=True)
class PatchedProfiles(Profiles):
    """Profiles in which some rows are replaced and some are new.

    The inherited columns are the base's. Positions of vectors go on after the base's last.

    Attributes:
        patched: Rows that are replaced or new, ascending: shape (p,).
        patch: What they hold now, one row for each of them.
        size: Rows there are.
    """

    patched: Rows
    patch: Profiles
    size: int

    @classmethod
    def over(
        cls, base: Profiles, rows: Mapping[int, tuple[Matrix, Vector]], size: int
    ) -> PatchedProfiles:
        """Return the base with these rows (vectors, weights) in place of its own."""
        order = sorted(rows)
        patch = Profiles.of(base.vectors.shape[1], [rows[row] for row in order])
        return cls(base.offsets, base.vectors, base.weights, np.array(order, np.int64), patch, size)

    def __len__(self) -> int:
        """Return how many rows there are, with vectors or without."""
        return self.size

    def of_row(self, row: int) -> tuple[NDArray[np.float32], Vector]:
        """Return the vectors of a row, shape (k, d), and their weights, shape (k,)."""
        place = int(np.searchsorted(self.patched, row))
        if place < len(self.patched) and self.patched[place] == row:
            return self.patch.of_row(place)
        start, end = (int(self.offsets[min(at, len(self.offsets) - 1)]) for at in (row, row + 1))
        return self.vectors[start:end], self.weights[start:end]

    def owners(self) -> Rows:
        """Return the row each vector belongs to, `REPLACED` for those that count no more."""
        base = np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))
        base[np.isin(base, self.patched)] = REPLACED
        return np.concatenate([base, self.patched[self.patch.owners()]])

    def at(self, places: Rows) -> NDArray[np.float32]:
        """Return vectors by their position, in the order of `owners`: shape (n, d)."""
        count = len(self.vectors)
        found = np.empty((len(places), self.vectors.shape[1]), np.float32)
        new = places >= count
        found[~new], found[new] = (
            self.vectors[places[~new]],
            self.patch.vectors[places[new] - count],
        )
        return found

    def best_match(self, queries: NDArray[np.float32], rows: Rows) -> NDArray[np.float32]:
        """Return the best cosine of each row to each query, -1 where a row has no vectors."""
        best = np.full((len(rows), len(queries)), -1.0, dtype=np.float32)
        new = np.isin(rows, self.patched)
        old = ~new & (rows < len(self.offsets) - 1)
        base = Profiles(self.offsets, self.vectors, self.weights)
        best[old] = base.best_match(queries, rows[old])
        best[new] = self.patch.best_match(queries, np.searchsorted(self.patched, rows[new]))
        return best


class PatchedIndex(VectorIndex):
    """An index in which some vectors count no more and some are new.

    Row i is the base's i-th vector; new ones go on after its last, as in `PatchedProfiles`.
    """

    def __init__(self, base: VectorIndex, gone: BoolVector, added: Matrix) -> None:
        super().__init__(base.vectors, None)
        self._base = base
        self._gone = gone
        self._added = VectorIndex(added, None)
        self._dead = int(gone.sum())

    @classmethod
    def over(cls, base: VectorIndex, profiles: PatchedProfiles) -> Self:
        """Return the index of patched profiles, given that of their base."""
        gone = profiles.owners()[: len(base.vectors)] == REPLACED
        return cls(base, gone, profiles.patch.vectors)

    def __len__(self) -> int:
        """Return how many vectors can be found."""
        return len(self._base) - self._dead + len(self._added)

    def search(self, queries: Matrix, k: int) -> Neighbours:
        """Return the nearest rows to each query by cosine, best first; see `VectorIndex`."""
        k = min(k, len(self))
        added = self._added.search(queries, k)
        if not self._dead:
            base = self._base.search(queries, k)
            return _merged([(base.rows, base.scores), self._beyond(added)], k)
        # However many of the nearest count no more, k that do are found if there are as many.
        alive, depth = min(k, len(self._base) - self._dead), 2 * k
        while True:
            base = self._base.search(queries, depth)
            counts = ~self._gone[base.rows]
            if not len(queries) or counts.sum(axis=1).min() >= alive or depth >= len(self._base):
                break
            depth *= 4
        scores = np.where(counts, base.scores, -np.inf).astype(np.float32)
        return _merged([(base.rows, scores), self._beyond(added)], k)

    def _beyond(self, added: Neighbours) -> tuple[Rows, Matrix]:
        return added.rows + len(self._base), added.scores


def _merged(parts: list[tuple[Rows, Matrix]], k: int) -> Neighbours:
    rows = np.concatenate([part[0] for part in parts], axis=1)
    scores = np.concatenate([part[1] for part in parts], axis=1)
    order = np.lexsort((rows, -scores), axis=1)[:, :k]
    return Neighbours(
        np.ascontiguousarray(np.take_along_axis(rows, order, 1)),
        np.ascontiguousarray(np.take_along_axis(scores, order, 1)),
    )
