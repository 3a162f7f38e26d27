"""Whom each of very many members might be paired with: a dozen candidates each, found in batch.

Everybody's own sources would find the same people, a member at a time. Here the vectors of all who
opted in are put into cells around vectors drawn among them, and compared within their nearest
cells (the inverted file of Jégou, Douze & Schmid 2011, all queries at once); companions of
companions and fellows of small groups are products of sparse tables. Walks through everybody, one
along the cells and some at random, make sure that whoever is like nobody has candidates as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from engine.columns import Links
from engine.overlay import settled
from engine.snapshot import Snapshot
from engine.types import Matrix, Rows, Vector

NEAREST = 6
"""Nearest vectors kept for each vector."""

CELL = 250
"""Vectors of a cell on average."""

CELLS = 3
"""Nearest cells that each vector is compared within."""

INTERESTS = 2
"""Interests of each member that are looked up: the heaviest."""

KNOWN = 4
"""Companions of companions, and fellows of small groups, for each member."""

RANDOM_WALKS = 3
"""Walks in no order."""

SMALL_GROUP = 200
"""Members up to which a group says that two may like to meet."""

AT_ONCE = 4_000
"""Rows of a sparse product that are made together; also vectors compared with all centres."""

BRIEF = 1_500
"""Members up to which everybody is everybody's candidate."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of members, the lower row first, each once: int64 of shape (n,) both."""

    one: Rows
    other: Rows

    @classmethod
    def of(cls, size: int, ends: list[tuple[Rows, Rows]]) -> Pairs:
        """Return the distinct pairs among these, in order; nobody is paired with themself."""
        one = np.concatenate([np.zeros(0, np.int64), *(low for low, _ in ends)])
        other = np.concatenate([np.zeros(0, np.int64), *(high for _, high in ends)])
        keys = np.unique(np.minimum(one, other) * size + np.maximum(one, other))
        one, other = keys // size, keys % size
        apart = one != other
        return cls(one[apart], other[apart])


def candidate_pairs(snapshot: Snapshot, rows: Rows, chance: np.random.Generator) -> Pairs:
    """Return pairs of member rows that are worth a look.

    Args:
        snapshot: The community.
        rows: Who is to be paired, ascending, all of one audience band.
        chance: Draws centres and walks.
    """
    size = len(snapshot.members.ids)
    if len(rows) <= BRIEF:
        one, other = np.triu_indices(len(rows), 1)
        return Pairs(rows[one], rows[other])
    ends = [_alike(snapshot, rows, chance), _needed(snapshot, rows, chance)]
    ends += [_known(snapshot.members.ties, rows), _together(snapshot, rows)]
    ends.append(_linked(snapshot.behaviour.fellows, rows))
    ends += [_walk(chance.permutation(rows)) for _ in range(RANDOM_WALKS)]
    return Pairs.of(size, ends)


def further_pairs(size: int, rows: Rows, among: Rows, chance: np.random.Generator) -> Pairs:
    """Return more pairs for those who found nobody: with each other, and with any of the others.

    Args:
        size: Members there are.
        rows: Who found nobody, ascending.
        among: Everybody who takes part, ascending.
        chance: Draws whom.
    """
    each = 40
    drawn = among[chance.integers(len(among), size=len(rows) * each)]
    ends = [(np.repeat(rows, each), drawn)]
    for _ in range(max(1, 200_000 // max(len(rows), 1)) if len(rows) > BRIEF else 1):
        ends.append(_walk(chance.permutation(rows)))
    if len(rows) <= BRIEF:
        one, other = np.triu_indices(len(rows), 1)
        ends.append((rows[one], rows[other]))
    return Pairs.of(size, ends)


def in_neighbourhoods(
    snapshot: Snapshot, rows: Rows, size: int, chance: np.random.Generator
) -> list[Rows]:
    """Return members in parts of about one size, those of like interests together.

    Args:
        snapshot: The community.
        rows: Who, ascending.
        size: Of each part.
        chance: Draws centres; those without interests are spread at random.
    """
    profiles = settled(snapshot.members.interests)
    heaviest = _heaviest_places(snapshot, rows, 1)
    owners = profiles.owners()[heaviest]
    centres = profiles.at(chance.permutation(heaviest)[: max(1, len(rows) // size)])
    along = chance.random(len(rows))
    if len(centres):
        near = _nearest_cells(profiles.at(heaviest), centres, 1)[:, 0]
        line = np.argsort(np.argsort(centres @ centres[0], kind="stable"))
        along[np.searchsorted(rows, owners)] += line[near]
        blank = ~np.isin(rows, owners)
        along[blank] *= len(centres)
    parts = np.array_split(rows[np.argsort(along, kind="stable")], max(1, len(rows) // size))
    return [np.sort(part) for part in parts]


def _walk(rows: Rows) -> tuple[Rows, Rows]:
    return rows, np.roll(rows, -1)


def _alike(snapshot: Snapshot, rows: Rows, chance: np.random.Generator) -> tuple[Rows, Rows]:
    profiles = settled(snapshot.members.interests)
    owners = profiles.owners()
    places = _heaviest_places(snapshot, rows, INTERESTS)
    vectors = profiles.at(places)
    one, other = nearest_in_cells(vectors, vectors, chance)
    return owners[places[one]], owners[places[other]]


def _heaviest_places(snapshot: Snapshot, rows: Rows, few: int) -> Rows:
    """Return where the heaviest interests of some members stand among all vectors."""
    profiles = settled(snapshot.members.interests)
    owners = profiles.owners()
    order = np.lexsort((-profiles.weights, owners))
    rank = np.arange(len(order)) - np.repeat(profiles.offsets[:-1], np.diff(profiles.offsets))
    chosen = np.zeros(len(profiles), bool)
    chosen[rows] = True
    places: Rows = order[(rank < few) & chosen[owners[order]]]
    return places


def _needed(snapshot: Snapshot, rows: Rows, chance: np.random.Generator) -> tuple[Rows, Rows]:
    """Return who seeks something with who offers the like."""
    sides = []
    for profiles in (snapshot.members.seeking, snapshot.members.offering):
        owners = profiles.owners()
        places = np.flatnonzero(np.isin(owners, rows))
        sides.append((owners[places], profiles.at(places)))
    (seekers, sought), (givers, offered) = sides
    if not len(seekers) or not len(givers):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    one, other = nearest_in_cells(sought, offered, chance)
    return seekers[one], givers[other]


def nearest_in_cells(
    queries: Matrix, vectors: Matrix, chance: np.random.Generator
) -> tuple[Rows, Rows]:
    """Return for each query the nearest few vectors of its nearest cells.

    Args:
        queries: Unit vectors of shape (q, d).
        vectors: Unit vectors of shape (n, d).
        chance: Draws the centres.

    Returns:
        Numbers of queries and of vectors, int64 of shape (m,) both.
    """
    if not len(vectors) or not len(queries):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    count = max(1, len(vectors) // CELL)
    centres = vectors[np.sort(chance.choice(len(vectors), count, replace=False))]
    home = _nearest_cells(vectors, centres, 1)[:, 0]
    looked = _nearest_cells(queries, centres, min(CELLS, count))
    inside = np.argsort(home, kind="stable")
    starts = np.searchsorted(home[inside], np.arange(count + 1))
    asking = np.argsort(looked.ravel(), kind="stable")
    asked = np.searchsorted(looked.ravel()[asking], np.arange(count + 1))
    nearest = np.full((len(queries), looked.shape[1], NEAREST + 1), -1, np.int64)
    scores = np.full(nearest.shape, -np.inf, np.float32)
    for cell in range(count):
        there = inside[starts[cell] : starts[cell + 1]]
        for start in range(asked[cell], asked[cell + 1], AT_ONCE):
            part = asking[start : min(start + AT_ONCE, asked[cell + 1])]
            who, turn = part // looked.shape[1], part % looked.shape[1]
            best, score = _best_in(queries[who], vectors, there)
            nearest[who, turn, : best.shape[1]] = best
            scores[who, turn, : best.shape[1]] = score
    flat = scores.reshape(len(queries), -1)
    few = np.argpartition(-flat, NEAREST, axis=1)[:, : NEAREST + 1]
    chosen = np.take_along_axis(nearest.reshape(len(queries), -1), few, 1)
    found = chosen >= 0
    return np.nonzero(found)[0], chosen[found]


def _best_in(queries: Matrix, vectors: Matrix, there: Rows) -> tuple[Rows, Matrix]:
    """Return the best few of some vectors for each query, and how near: both (q, few)."""
    depth = min(NEAREST + 1, len(there))  # one of them may be the query itself
    scores = queries @ vectors[there].T
    best = np.argpartition(-scores, depth - 1, axis=1)[:, :depth] if depth else scores.astype(int)
    return there[best], np.take_along_axis(scores, best, 1)


def _nearest_cells(vectors: Matrix, centres: Matrix, depth: int) -> Rows:
    parts = []
    for start in range(0, len(vectors), AT_ONCE):
        scores = vectors[start : start + AT_ONCE] @ centres.T
        if depth == 1:
            parts.append(scores.argmax(axis=1)[:, None])
        elif depth < len(centres):
            parts.append(np.argpartition(-scores, depth - 1, axis=1)[:, :depth])
        else:
            parts.append(np.tile(np.arange(len(centres)), (len(scores), 1)))
    return np.concatenate(parts)


def _known(ties: Links, rows: Rows) -> tuple[Rows, Rows]:
    """Return who has most companions in common, rarely tied ones counting more."""
    degree = ties.counts()
    weights = (1 / np.log(2 + degree)) * (degree <= SMALL_GROUP)
    return _through(ties, weights, rows)


def _together(snapshot: Snapshot, rows: Rows) -> tuple[Rows, Rows]:
    """Return who shares most small public groups, the smallest counting most."""
    groups = snapshot.groups
    sizes = groups.members.counts()
    weights = (1 / np.log(2 + sizes)) * ((sizes <= SMALL_GROUP) & groups.public)
    return _through(snapshot.members.groups, weights, rows)


def _through(links: Links, weights: Any, rows: Rows) -> tuple[Rows, Rows]:  # noqa: ANN401
    """Return who shares the most weight of targets with whom."""
    position, targets, _ = links.of_rows(rows)
    kept = weights[targets] > 0
    position, targets = position[kept], targets[kept]
    shape = len(rows), len(weights)
    plain = csr_matrix((np.ones(len(targets), np.float32), (position, targets)), shape=shape)
    shares = weights[targets].astype(np.float32)
    weighted = csr_matrix((shares, (position, targets)), shape=shape)
    across = weighted.T.tocsr()
    found: list[tuple[Rows, Rows]] = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
    for start in range(0, len(rows), AT_ONCE):
        product = (plain[start : start + AT_ONCE] @ across).tocoo()
        one, other = _strongest(product.row + start, product.col, product.data)
        found.append((rows[one], rows[other]))
    ones, others = zip(*found, strict=True)
    return np.concatenate(ones), np.concatenate(others)


def _strongest(one: Rows, other: Rows, values: Vector) -> tuple[Rows, Rows]:
    apart = one != other
    one, other, values = one[apart], other[apart], values[apart]
    order = np.lexsort((other, -values, one))
    one, other = one[order], other[order]
    first = np.searchsorted(one, one)
    few = np.arange(len(one)) - first < KNOWN
    return one[few].astype(np.int64), other[few].astype(np.int64)


def _linked(links: Links, rows: Rows) -> tuple[Rows, Rows]:
    position, targets, weights = links.of_rows(rows)
    chosen = np.zeros(len(links), bool)
    chosen[rows] = True
    inside = chosen[targets]
    one, other = _strongest(position[inside], targets[inside], weights[inside])
    return rows[one], other
