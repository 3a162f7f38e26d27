"""Columns that a plain array cannot hold: strings, and lists of different lengths.

Both are a few flat arrays, so that they are saved without pickle, mapped into memory and shared
between workers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from engine.types import Rows, Vector


@dataclass(frozen=True, slots=True)
class Strings:
    """A column of strings as UTF-8.

    Attributes:
        data: All bytes, one string after the other: uint8.
        offsets: Where each begins: int64 of shape (n + 1,).
    """

    data: NDArray[np.uint8]
    offsets: Rows

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """Return the column of these strings.

        >>> Strings.of(["rye", "", "açaí"])[2]
        'açaí'
        """
        # Ids are any strings: a lone surrogate, which JSON can carry, must survive as well.
        parts = [text.encode("utf-8", "surrogatepass") for text in texts]
        offsets = np.zeros(len(parts) + 1, dtype=np.int64)
        np.cumsum([len(part) for part in parts], out=offsets[1:])
        return cls(np.frombuffer(b"".join(parts), dtype=np.uint8), offsets)

    def __len__(self) -> int:
        """Return how many strings there are."""
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> str:
        """Return the string at a row."""
        piece = self.data[self.offsets[row] : self.offsets[row + 1]]
        return piece.tobytes().decode("utf-8", "surrogatepass")

    def with_items(self, items: Mapping[int, str], size: int) -> Self:
        """Return `size` strings in which some are replaced; new ones that are not given are ''.

        >>> Strings.of(["rye", "oat"]).with_items({0: "spelt", 3: "corn"}, 4).tolist()
        ['spelt', 'oat', '', 'corn']
        """
        given = {row: type(self).of([text]).data for row, text in items.items()}
        offsets, [data] = spliced(
            self.offsets, [self.data], {row: [text] for row, text in given.items()}, size
        )
        return type(self)(data, offsets)

    def tolist(self) -> list[str]:
        """Return all strings."""
        raw, ends = self.data.tobytes(), self.offsets.tolist()
        return [raw[start:end].decode("utf-8", "surrogatepass") for start, end in pairwise(ends)]


@dataclass(frozen=True, slots=True)
class Links:
    """Weighted links from rows to other rows; the row's targets are in ascending order.

    Attributes:
        offsets: Where each row's links begin: int64 of shape (n + 1,).
        targets: What it is linked to: int64 of shape (m,).
        weights: How strongly: float32 of shape (m,).
    """

    offsets: Rows
    targets: Rows
    weights: Vector

    @classmethod
    def of(
        cls,
        size: int,
        sources: NDArray[Any],
        targets: NDArray[Any],
        weights: NDArray[Any] | None = None,
    ) -> Self:
        """Return the links of `size` rows from parallel columns, in any order.

        Of the same link given twice, the larger weight is kept.
        """
        given = np.ones(len(sources)) if weights is None else np.asarray(weights, dtype=np.float64)
        order = np.lexsort((-given, targets, sources))
        froms, tos = np.asarray(sources, np.int64)[order], np.asarray(targets, np.int64)[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = (froms[1:] != froms[:-1]) | (tos[1:] != tos[:-1])
        offsets = np.zeros(size + 1, dtype=np.int64)
        np.cumsum(np.bincount(froms[first], minlength=size), out=offsets[1:])
        return cls(offsets, tos[first], given[order][first].astype(np.float32))

    def __len__(self) -> int:
        """Return how many rows there are, linked or not."""
        return len(self.offsets) - 1

    def of_row(self, row: int) -> tuple[Rows, Vector]:
        """Return the targets of a row and their weights."""
        here = slice(int(self.offsets[row]), int(self.offsets[row + 1]))
        return self.targets[here], self.weights[here]

    def of_rows(self, rows: Rows) -> tuple[Rows, Rows, Vector]:
        """Return all links of several rows: the position in `rows`, the target, the weight.

        >>> links = Links.of(3, np.array([0, 0, 2]), np.array([7, 5, 9]))
        >>> links.of_rows(np.array([2, 0]))[:2]
        (array([0, 1, 1]), array([9, 5, 7]))
        """
        position, flat = expand(self.offsets, rows)
        return position, self.targets[flat], self.weights[flat]

    def with_rows(self, rows: Mapping[int, tuple[Rows, Vector]], size: int) -> Links:
        """Return links of `size` rows in which some rows are replaced; new ones have none.

        Args:
            rows: For each row that is replaced its targets, ascending, and their weights.
            size: Rows there are then, at least as many as now.
        """
        offsets, [targets, weights] = spliced(
            self.offsets, [self.targets, self.weights], rows, size
        )
        return Links(offsets, targets, weights)

    def without_targets(self, gone: Rows) -> Links:
        """Return the links but for those to some targets.

        >>> Links.of(2, np.array([0, 0, 1]), np.array([7, 5, 7])).without_targets(
        ...     np.array([7])
        ... ).targets
        array([5])
        """
        keep = ~np.isin(self.targets, gone)
        before = np.concatenate([[0], np.cumsum(keep)])
        return Links(before[self.offsets], self.targets[keep], self.weights[keep])

    def counts(self) -> Rows:
        """Return how many links each row has, shape (n,)."""
        return np.diff(self.offsets)

    def reversed(self, size: int) -> Links:
        """Return the same links seen from the other side, over `size` rows."""
        sources = np.repeat(np.arange(len(self)), self.counts())
        return Links.of(size, self.targets, sources, self.weights)


def spliced(
    offsets: Rows,
    columns: Sequence[NDArray[Any]],
    rows: Mapping[int, Sequence[NDArray[Any]]],
    size: int,
) -> tuple[Rows, list[NDArray[Any]]]:
    """Return ragged columns in which some rows are replaced; the others are copied as they are.

    Args:
        offsets: Where each row begins, shape (n + 1,).
        columns: Flat columns of shape (m, ...), all cut by the same offsets.
        rows: For each row that is replaced its part of every column, all of one length.
        size: Rows there are then, at least n; new ones that are not given are empty.

    >>> spliced(np.array([0, 2, 3]), [np.array([7, 8, 9])], {0: [np.array([5])]}, 3)
    (array([0, 1, 2, 2]), [array([5, 9])])
    """
    old = len(offsets) - 1
    counts = np.zeros(size, np.int64)
    counts[:old] = np.diff(offsets)
    pieces: list[list[NDArray[Any]]] = [[] for _ in columns]
    reached = 0
    for row in sorted(rows):
        start, end = offsets[min(row, old)], offsets[min(row + 1, old)]
        for piece, column, part in zip(pieces, columns, rows[row], strict=True):
            piece += [column[reached:start], np.asarray(part, column.dtype)]
        counts[row] = len(rows[row][0])
        reached = int(end)
    result = np.zeros(size + 1, np.int64)
    np.cumsum(counts, out=result[1:])
    return result, [
        np.concatenate([*piece, column[reached:]])
        for piece, column in zip(pieces, columns, strict=True)
    ]


def expand(offsets: Rows, rows: Rows) -> tuple[Rows, Rows]:
    """Return for each item of ragged rows its position in `rows` and its flat index.

    >>> expand(np.array([0, 2, 2, 5]), np.array([2, 0]))
    (array([0, 0, 0, 1, 1]), array([2, 3, 4, 0, 1]))
    """
    starts = offsets[rows]
    counts = offsets[np.asarray(rows) + 1] - starts
    total = int(counts.sum())
    position = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    return position, np.repeat(starts, counts) + within


def contains(sorted_rows: Rows, rows: Rows) -> NDArray[np.bool_]:
    """Return which of `rows` are in `sorted_rows` (ascending), shape (n,)."""
    if not len(sorted_rows):
        return np.zeros(len(rows), dtype=bool)
    place = np.searchsorted(sorted_rows, rows)
    np.minimum(place, len(sorted_rows) - 1, out=place)
    found: NDArray[np.bool_] = sorted_rows[place] == rows
    return found


@dataclass(frozen=True, slots=True)
class Profiles:
    """Several weighted unit vectors for each row: members' interests, groups' prototypes.

    Attributes:
        offsets: Where each row's vectors begin: int64 of shape (n + 1,).
        vectors: Unit vectors: float32 of shape (m, d).
        weights: Their shares, which sum to 1 for each row that has any: float32 of shape (m,).
    """

    offsets: Rows
    vectors: NDArray[np.float32]
    weights: Vector

    @classmethod
    def of(cls, dimension: int, parts: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> Self:
        """Return the profiles of rows given as (vectors, weights)."""
        offsets = np.zeros(len(parts) + 1, dtype=np.int64)
        np.cumsum([len(weights) for _, weights in parts], out=offsets[1:])
        # At once: an overlay puts together thousands of rows again with every few changes.
        nothing = np.zeros((0, dimension), np.float32), np.zeros(0, np.float32)
        vectors, shares = zip(nothing, *parts, strict=True)
        return cls(
            offsets,
            np.concatenate(vectors, dtype=np.float32, casting="same_kind"),
            np.concatenate(shares, dtype=np.float32, casting="same_kind"),
        )

    def __len__(self) -> int:
        """Return how many rows there are, with vectors or without."""
        return len(self.offsets) - 1

    def of_row(self, row: int) -> tuple[NDArray[np.float32], Vector]:
        """Return the vectors of a row, shape (k, d), and their weights, shape (k,)."""
        here = slice(int(self.offsets[row]), int(self.offsets[row + 1]))
        return self.vectors[here], self.weights[here]

    def owners(self) -> Rows:
        """Return the row each vector belongs to, shape (m,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def at(self, places: Rows) -> NDArray[np.float32]:
        """Return vectors by their position, in the order of `owners`: shape (n, d)."""
        return self.vectors[places]

    def of_rows(self, rows: Rows) -> tuple[Rows, NDArray[np.float32], Vector]:
        """Return all vectors of several rows: the position in `rows`, ascending, vector, weight."""
        position, flat = expand(self.offsets, rows)
        return position, self.vectors[flat], self.weights[flat]

    def best_match(self, queries: NDArray[np.float32], rows: Rows) -> NDArray[np.float32]:
        """Return the best cosine of each row to each query.

        Args:
            queries: Unit vectors of shape (q, d).
            rows: Rows of shape (n,).

        Returns:
            Cosines of shape (n, q), -1 where a row has no vectors.
        """
        best = np.full((len(rows), len(queries)), -1.0, dtype=np.float32)
        if not len(queries) or not len(rows):
            return best
        position, flat = expand(self.offsets, rows)
        if len(flat):
            cosines = self.vectors[flat] @ queries.T
            starts = np.flatnonzero(np.diff(position, prepend=-1))
            best[position[starts]] = np.maximum.reduceat(cosines, starts, axis=0)
        return best
