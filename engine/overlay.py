"""Vectors that changed since a bundle was made, laid over those that did not.

The base stays as it is, mapped into memory and shared between workers: what was replaced is
passed over, what is new is compared one by one. Each change makes new columns of numbers; the
vectors themselves are only ever added to, so that a change costs as much after thousands of others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.columns import Profiles, contains, expand
from engine.index import Neighbours, VectorIndex, best_of
from engine.types import BoolVector, Matrix, Rows, Vector

REPLACED = -1
"""The owner of a vector that counts no more."""

ROOM = 1_024
"""Vectors for which there is room at first, and that may count no more before they are dropped."""


class _Pool:
    """Vectors and weights one after the other, only ever added to: readers hold how far."""

    def __init__(self, dimension: int, room: int) -> None:
        self.vectors = np.empty((room, dimension), np.float32)
        self.weights = np.empty(room, np.float32)
        self.used = 0

    def added_to(self, used: int, more: Profiles) -> _Pool:
        """Return a pool whose first `used` vectors are these, and then more."""
        needed = used + len(more.weights)
        pool = self
        if used != self.used or needed > len(self.weights):
            # Somebody else has gone on from there, or it is full: what readers hold stays.
            pool = _Pool(self.vectors.shape[1], max(ROOM, 2 * needed))
            pool.vectors[:used], pool.weights[:used] = self.vectors[:used], self.weights[:used]
        pool.vectors[used:needed], pool.weights[used:needed] = more.vectors, more.weights
        pool.used = needed
        return pool


@dataclass(frozen=True, slots=True)
class PatchedProfiles(Profiles):
    """Profiles in which some rows are replaced and some are new.

    The inherited columns are the base's. Positions of vectors go on after the base's last, in the
    order in which they came, and those of rows that were replaced again count no more.

    Attributes:
        patched: Rows that are replaced or new, ascending: shape (p,).
        starts: Where the vectors of each begin in the pool, shape (p,).
        counts: How many each has, shape (p,).
        owner: The row of each vector, the base's first: shape (m + used,).
        pool: Vectors of replaced and new rows.
        size: Rows there are.
    """

    patched: Rows
    starts: Rows
    counts: Rows
    owner: Rows
    pool: _Pool
    size: int

    @classmethod
    def over(
        cls, base: Profiles, rows: Mapping[int, tuple[Matrix, Vector]], size: int
    ) -> PatchedProfiles:
        """Return profiles with these rows (vectors, weights) in place of their own.

        Of profiles that are patched already only what is new is written: that costs as much
        whatever was patched before.
        """
        if not isinstance(base, PatchedProfiles):
            none, pool = np.zeros(0, np.int64), _Pool(base.vectors.shape[1], 0)
            columns = base.offsets, base.vectors, base.weights
            base = cls(*columns, none, none, none, base.owners(), pool, len(base))
        return base._with(rows, size)

    def _with(self, rows: Mapping[int, tuple[Matrix, Vector]], size: int) -> PatchedProfiles:
        order = np.array(sorted(rows), np.int64)
        used = len(self.owner) - len(self.vectors)
        if used > 2 * int(self.counts.sum()) + ROOM:
            return self._packed()._with(rows, size)
        more = Profiles.of(self.vectors.shape[1], [rows[row] for row in order.tolist()])
        patched = np.union1d(self.patched, order)
        starts, counts = np.zeros((2, len(patched)), np.int64)
        before, now = np.searchsorted(patched, self.patched), np.searchsorted(patched, order)
        starts[before], counts[before] = self.starts, self.counts
        starts[now], counts[now] = used + more.offsets[:-1], np.diff(more.offsets)
        owner = np.concatenate([self.owner, order[more.owners()]])
        owner[self._places(order)] = REPLACED
        columns = self.offsets, self.vectors, self.weights, patched, starts, counts, owner
        result = PatchedProfiles(*columns, self.pool.added_to(used, more), size)
        # Whoever has nothing any more may be gone: their vectors must not linger in the pool.
        emptied = (self.counts > 0) & (counts[before] == 0)
        return result._packed() if emptied.any() else result

    def _places(self, rows: Rows) -> Rows:
        """Return the positions of all vectors of these rows."""
        old = rows[rows < len(self.offsets) - 1]
        here = self._patches(rows)[0]
        parts = _ranges(self.starts[here], self.counts[here]) + len(self.vectors)
        return np.concatenate([expand(self.offsets, old)[1], parts])

    def _patches(self, rows: Rows) -> tuple[Rows, BoolVector]:
        """Return where those of these rows are that are patched, and which they are."""
        new = contains(self.patched, rows)
        return np.searchsorted(self.patched, rows[new]), new

    def _packed(self) -> PatchedProfiles:
        """Return the same without the vectors that count no more."""
        base = Profiles(self.offsets, self.vectors, self.weights)
        return PatchedProfiles.over(
            base, {row: self.of_row(row) for row in self.patched.tolist()}, self.size
        )

    def __len__(self) -> int:
        """Return how many rows there are, with vectors or without."""
        return self.size

    def of_row(self, row: int) -> tuple[NDArray[np.float32], Vector]:
        """Return the vectors of a row, shape (k, d), and their weights, shape (k,)."""
        place = int(np.searchsorted(self.patched, row))
        if place < len(self.patched) and self.patched[place] == row:
            start = int(self.starts[place])
            here = slice(start, start + int(self.counts[place]))
            return self.pool.vectors[here], self.pool.weights[here]
        start, end = (int(self.offsets[min(at, len(self.offsets) - 1)]) for at in (row, row + 1))
        return self.vectors[start:end], self.weights[start:end]

    def owners(self) -> Rows:
        """Return the row each vector belongs to, `REPLACED` for those that count no more."""
        return self.owner

    def at(self, places: Rows) -> NDArray[np.float32]:
        """Return vectors by their position, in the order of `owners`: shape (n, d)."""
        count = len(self.vectors)
        found = np.empty((len(places), self.vectors.shape[1]), np.float32)
        new = places >= count
        found[~new] = self.vectors[places[~new]]
        found[new] = self.pool.vectors[places[new] - count]
        return found

    def of_rows(self, rows: Rows) -> tuple[Rows, NDArray[np.float32], Vector]:
        """Return all vectors of several rows: the position in `rows`, ascending, vector, weight."""
        here, new = self._patches(rows)
        old = np.flatnonzero(~new & (rows < len(self.offsets) - 1))
        position, flat = expand(self.offsets, rows[old])
        counts = self.counts[here]
        places = _ranges(self.starts[here], counts)
        whose = np.concatenate([old[position], np.repeat(np.flatnonzero(new), counts)])
        vectors = np.concatenate([self.vectors[flat], self.pool.vectors[places]])
        weights = np.concatenate([self.weights[flat], self.pool.weights[places]])
        order = np.argsort(whose, kind="stable")
        return whose[order], vectors[order], weights[order]

    def best_match(self, queries: NDArray[np.float32], rows: Rows) -> NDArray[np.float32]:
        """Return the best cosine of each row to each query, -1 where a row has no vectors."""
        best = np.full((len(rows), len(queries)), -1.0, dtype=np.float32)
        here, new = self._patches(rows)
        old = ~new & (rows < len(self.offsets) - 1)
        base = Profiles(self.offsets, self.vectors, self.weights)
        best[old] = base.best_match(queries, rows[old])
        starts, counts = self.starts[here], self.counts[here]
        offsets = np.concatenate([[0], np.cumsum(counts)])
        places = _ranges(starts, counts)
        few = Profiles(offsets, self.pool.vectors[places], self.pool.weights[places])
        best[new] = few.best_match(queries, np.arange(len(here)))
        return best


def settled(profiles: Profiles) -> Profiles:
    """Return profiles as flat columns, patched or not: for what reads all of them at once."""
    if not isinstance(profiles, PatchedProfiles):
        return profiles
    owners, vectors, weights = profiles.of_rows(np.arange(len(profiles)))
    counts = np.bincount(owners, minlength=len(profiles))
    return Profiles(np.concatenate([[0], np.cumsum(counts)]), vectors, weights)


class PatchedIndex(VectorIndex):
    """An index in which some vectors count no more and some are new.

    Row i is the base's i-th vector; new ones go on after its last, as in `PatchedProfiles`.
    """

    def __init__(self, base: VectorIndex, profiles: PatchedProfiles) -> None:
        super().__init__(base.vectors, None)
        count = len(base.vectors)
        self._base = base
        self._gone = profiles.owner[:count] == REPLACED
        self._dead = int(self._gone.sum())
        added = profiles.owner[count:]
        # By owner, so that of equals the same are found whichever came first.
        alive = np.flatnonzero(added != REPLACED)
        self._places = alive[np.argsort(added[alive], kind="stable")]
        self._added = profiles.pool.vectors[: len(added)]

    def __len__(self) -> int:
        """Return how many vectors can be found."""
        return len(self._base) - self._dead + len(self._places)

    def search(self, queries: Matrix, k: int) -> Neighbours:
        """Return the nearest rows to each query by cosine, best first; see `VectorIndex`."""
        k = min(k, len(self))
        added = self._beyond(queries, k)
        if not self._dead:
            base = self._base.search(queries, k)
            return _merged([(base.rows, base.scores), added], k)
        # However many of the nearest count no more, k that do are found if there are as many.
        alive, depth = min(k, len(self._base) - self._dead), 2 * k
        while True:
            base = self._base.search(queries, depth)
            counts = ~self._gone[base.rows]
            if not len(queries) or counts.sum(axis=1).min() >= alive or depth >= len(self._base):
                break
            depth *= 4
        scores = np.where(counts, base.scores, -np.inf).astype(np.float32)
        return _merged([(base.rows, scores), added], k)

    def _beyond(self, queries: Matrix, k: int) -> tuple[Rows, Matrix]:
        """Return the k nearest of those that are new, all compared one by one."""
        scores = (queries @ self._added.T)[:, self._places]
        found = best_of(np.arange(len(self._places))[None, :], scores, min(k, len(self._places)))
        return self._places[found.rows] + len(self._base.vectors), found.scores


def _ranges(starts: Rows, counts: Rows) -> Rows:
    """Return start, start + 1, ... for each of several runs, one after the other.

    >>> _ranges(np.array([7, 2]), np.array([2, 3])).tolist()
    [7, 8, 2, 3, 4]
    """
    ends = np.cumsum(counts)
    places: Rows = np.arange(int(counts.sum())) + np.repeat(starts - (ends - counts), counts)
    return places


def _merged(parts: list[tuple[Rows, Matrix]], k: int) -> Neighbours:
    rows = np.concatenate([part[0] for part in parts], axis=1)
    scores = np.concatenate([part[1] for part in parts], axis=1)
    order = np.lexsort((rows, -scores), axis=1)[:, :k]
    return Neighbours(
        np.ascontiguousarray(np.take_along_axis(rows, order, 1)),
        np.ascontiguousarray(np.take_along_axis(scores, order, 1)),
    )
