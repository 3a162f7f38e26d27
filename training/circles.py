"""Sets of people who talk about the same narrow thing, and what speaks for each set.

Around each subject lie the subjects nearest to it, and the people of those: five, eight, and so
on up to thirty of them. This finds sets of any shape, that overlap, at every scale, in a time
that grows with the number of subjects; which of them are worth anything is another question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from engine.columns import Links
from engine.index import VectorIndex
from engine.snapshot import MOST_FOUNDERS, OWN_WORDS, MemberColumns
from engine.types import Rows
from training.subjects import Subjects

SIZES = (5, 8, 12, 20, 30)
"""People after whom a set is complete: one for each size is tried around each subject."""

NEAREST = 60
"""Subjects around another that are looked at."""

ALIKE = 0.2
"""Cosine below which a subject is no longer about the same, however few people there are yet."""

MOST_SEEDS = 30_000
"""Subjects around which sets are looked for: of more, as many at random."""

ONE_VOICE = 0.5
"""Share of a set's people who may be of one conversation: they have met already."""

VOICES = 3
"""Conversations a set must be of, each with somebody who is in none of the others nearer."""

TOLD_BY = 2
"""Voices of a set that must use a term before it is said to be typical of it."""

ROUNDED = 1e-3
"""What thirds may lack to a whole."""

Sets: TypeAlias = sparse.csr_array
"""Who is in each set: CSR, ones, of shape (sets, members)."""


@dataclass(frozen=True, slots=True)
class Circles:
    """Sets of people, one a row.

    Attributes:
        people: Who is in each.
        seeds: The subject in its middle: int64 of shape (n,).
        depths: How many of the nearest subjects it took: int64 of shape (n,).
        signs: What speaks for it, see `SIGNS`: float64 of shape (n, signs).
    """

    people: Sets
    seeds: Rows
    depths: Rows
    signs: NDArray[np.float64]

    def only(self, rows: Rows) -> Circles:
        """Return some of them."""
        return Circles(self.people[rows], self.seeds[rows], self.depths[rows], self.signs[rows])


SIGNS = (
    "tight",  # mean cosine of the subjects in it to the one in the middle
    "edge",  # cosine of the last of them
    "apart",  # mean cosine inside less that of the subject as far out again
    "own_term",  # best F1 between the set and those who use a term
    "lift",  # most of: share of it who use a term x log(that share over everybody's)
    "one_term",  # largest share of it who use one term
    "subjects",  # log of the subjects in it
    "size",  # log of the people in it
    "each",  # log of the subjects a person
)
TIGHT, LIFT, ONE_TERM = (SIGNS.index(name) for name in ("tight", "lift", "one_term"))


def circles_of(subjects: Subjects, used: sparse.csr_array, seed: int) -> Circles:
    """Return the sets around subjects.

    Args:
        subjects: What people talk about.
        used: Which terms each member uses, see `own_words`.
        seed: Decides which subjects are looked at where there are too many.
    """
    count = len(subjects.places)
    seeds = np.arange(count)
    if count > MOST_SEEDS:
        seeds = np.sort(np.random.default_rng(seed).choice(count, MOST_SEEDS, replace=False))
    index = VectorIndex.build(subjects.places)
    found = index.search(subjects.places[seeds], NEAREST)
    people: list[list[int]] = []
    measured: list[tuple[int, int, float, float, float]] = []
    for place, seed_row in enumerate(seeds.tolist()):
        near, cosines = found.rows[place].tolist(), found.scores[place]
        sums = np.cumsum(cosines, dtype=np.float64)
        reach = int((cosines >= ALIKE).sum())
        for depth, inside in _growing(subjects.people, near[:reach]):
            people.append(inside)
            tight = float(sums[depth - 1] - sums[0]) / max(depth - 1, 1)
            edge, out = cosines[depth - 1], cosines[min(2 * depth - 1, len(near) - 1)]
            measured.append((seed_row, depth, tight, float(edge), float(tight - out)))
    sets = sets_of(people, subjects.people.shape[1])
    table = np.array(measured, np.float64).reshape(-1, 5)
    sizes, depths = np.diff(sets.indptr), table[:, 1]
    signs = [table[:, 2:], terms_used(sets, used)]
    signs.append(np.log(np.stack([depths, sizes, depths / np.maximum(sizes, 1)], axis=1)))
    return Circles(
        sets,
        table[:, 0].astype(np.int64),
        depths.astype(np.int64),
        np.concatenate(signs, axis=1),
    )


def _growing(people: sparse.csr_array, near: Sequence[int]) -> list[tuple[int, list[int]]]:
    """Return the sets around a subject: how many of the nearest subjects, and whose they are."""
    inside: dict[int, None] = {}
    crowd = brought = 0  # people of the largest conversation; conversations with somebody new
    found: list[tuple[int, list[int]]] = []
    wanted = iter(SIZES)
    size = next(wanted)
    indptr, indices = people.indptr, people.indices
    for depth, row in enumerate(near, 1):
        before = len(inside)
        inside.update(dict.fromkeys(indices[indptr[row] : indptr[row + 1]].tolist()))
        brought += len(inside) > before
        crowd = max(crowd, int(indptr[row + 1] - indptr[row]))
        if len(inside) > MOST_FOUNDERS:
            break
        if len(inside) < size or brought < VOICES or crowd > ONE_VOICE * len(inside):
            continue
        found.append((depth, list(inside)))
        size = next((larger for larger in wanted if larger > len(inside)), 0)
        if not size:
            break
    return found


def sets_of(people: Sequence[Sequence[int]], members: int) -> Sets:
    """Return lists of members' rows as sets."""
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in people], dtype=np.int64)])
    flat = np.fromiter((row for part in people for row in part), np.int64, int(offsets[-1]))
    ones = np.ones(len(flat), np.float32)
    found = sparse.csr_array((ones, flat, offsets), shape=(len(people), members))
    found.sort_indices()
    return found


def own_words(members: MemberColumns, vocabulary: int) -> sparse.csr_array:
    """Return which terms each member's own texts use: CSR of shape (members, terms).

    The authors of one post are one voice: of three who used a term in it each counts a third.
    """
    terms = members.terms
    own, profile = np.greater_equal(terms.weights, OWN_WORDS), members.term_posts < 0
    voices = np.stack([terms.targets, members.term_posts])
    _, voice, counts = np.unique(voices[:, own], axis=1, return_inverse=True, return_counts=True)
    used = np.zeros(len(own), np.float32)
    used[own] = 1 / counts[voice.ravel()]
    used[own & profile] = 1
    shape = (len(terms), vocabulary)
    found = sparse.csr_array((used, terms.targets, terms.offsets), shape=shape, copy=True)
    found.eliminate_zeros()
    return found


def terms_used(sets: Sets, used: sparse.csr_array) -> NDArray[np.float64]:
    """Return the three signs that are about terms, of shape (sets, 3), given `own_words`."""
    signs = np.zeros((sets.shape[0], 3))
    both = sparse.csr_array(sets @ used)
    if not both.nnz:
        return signs
    sizes = np.diff(sets.indptr).astype(np.float64)
    row = np.repeat(np.arange(sets.shape[0]), np.diff(both.indptr))
    users = np.asarray(used.sum(axis=0), np.float64).ravel()[both.indices]
    counts = both.data.astype(np.float64)
    told = counts >= TOLD_BY - ROUNDED
    fits = np.where(told, 2 * counts / (users + sizes[row]), 0)
    share = counts / sizes[row]
    people = int((np.diff(used.indptr) > 0).sum())
    lift = np.where(told, share * np.log(np.maximum(share * people / users, 1)), 0)
    for column, values in enumerate((fits, lift, np.where(told, share, 0))):
        np.maximum.at(signs[:, column], row, values)
    return signs


def typical_terms(sets: Sets, used: sparse.csr_array, most: int) -> Links:
    """Return the terms most typical of each set: used by several in it, and more than elsewhere.

    The weight is the share of the set who use it times the log of that share over everybody's.
    """
    both = sparse.csr_array(sets @ used)
    sizes = np.diff(sets.indptr).astype(np.float64)
    row = np.repeat(np.arange(sets.shape[0]), np.diff(both.indptr))
    users = np.asarray(used.sum(axis=0), np.float64).ravel()[both.indices]
    share = both.data / sizes[row]
    people = int((np.diff(used.indptr) > 0).sum())
    lift = share * np.log(np.maximum(share * people / users, 1))
    kept = np.flatnonzero((both.data >= TOLD_BY - ROUNDED) & (lift > 0))
    order = kept[np.lexsort((both.indices[kept], -lift[kept], row[kept]))]
    starts = np.searchsorted(row[order], np.arange(sets.shape[0]))
    strongest = order[np.arange(len(order)) - starts[row[order]] < most]
    return Links.of(sets.shape[0], row[strongest], both.indices[strongest], lift[strongest])
