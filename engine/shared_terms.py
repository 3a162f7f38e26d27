"""Which terms two sides have in common, and the posts that show it to those who may see them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from engine.columns import Links, contains
from engine.query import NOBODY, Query
from engine.snapshot import OWN_WORDS, Snapshot
from engine.types import BoolVector, Rows, Vector

MAX_TERMS = 2
"""Shared terms named in one reason."""

CLOSE = 0.5
"""Cosine between a term's texts and one of the viewer's interests from which it is called close."""

NO_POST = -1
"""Stands for a post where a profile, a description or what somebody says shows a term."""

Seen = Callable[[Rows], BoolVector]
"""Rows of posts that serve as evidence -> which of them may be seen."""


@dataclass(frozen=True, slots=True)
class Used:
    """Terms that somebody or a group uses, as far as what shows it may be seen.

    Attributes:
        terms: Rows of terms, ascending: int64 of shape (n,).
        weights: See `MemberColumns.terms` and `GroupColumns.terms`: shape (n,).
        posts: For each the post that shows it, or `NO_POST`: shape (n,).
    """

    terms: Rows
    weights: Vector
    posts: Rows

    @property
    def own(self) -> BoolVector:
        """Return which of them a member's own texts use, shape (n,)."""
        return np.greater_equal(self.weights, OWN_WORDS)

    def at(self, terms: Sequence[int]) -> Self:
        """Return these terms, which must be among them, in this order."""
        return self._of(np.searchsorted(self.terms, np.array(terms, np.int64)))

    def also(self, other: Used) -> Self:
        """Return those that another uses too."""
        return self._of(np.flatnonzero(contains(other.terms, self.terms)))

    def seen_by(self, seen: Seen) -> Self:
        """Return those that a profile shows, or a post that may be seen."""
        shown = self.posts == NO_POST
        if shown.all():
            return self
        shown[~shown] = seen(self.posts[~shown])
        return self._of(np.flatnonzero(shown))

    def _of(self, places: Rows) -> Self:
        return type(self)(self.terms[places], self.weights[places], self.posts[places])


def used_by(terms: Links, posts: Rows, row: int) -> Used:
    """Return what a row of members or groups uses, given its columns `terms` and `term_posts`."""
    found, weights = terms.of_row(row)
    start = int(terms.offsets[row])
    return Used(found, weights, posts[start : start + len(found)])


def used_by_viewer(snapshot: Snapshot, query: Query) -> Used:
    """Return what the viewer uses; of what somebody new has just said every word is their own."""
    if query.member != NOBODY:
        return used_by(snapshot.members.terms, snapshot.members.term_posts, query.member)
    count = len(query.terms)
    return Used(
        query.terms, np.full(count, OWN_WORDS, np.float32), np.full(count, NO_POST, np.int64)
    )


def rarest(snapshot: Snapshot, terms: Rows) -> list[int]:
    """Return up to `MAX_TERMS` terms, rarest first, none of which is part of another."""
    return _without_overlap(snapshot, terms[np.lexsort((terms, -snapshot.rarity[terms]))])


def closest(snapshot: Snapshot, query: Query, terms: Rows) -> list[int]:
    """Return up to `MAX_TERMS` terms nearest to any of the viewer's interests, if near enough."""
    if not len(terms) or not len(query.interests):
        return []
    cosines = (snapshot.term_vectors[terms] @ query.interests.T).max(axis=1)
    near = np.flatnonzero(cosines >= CLOSE)
    order = near[np.lexsort((terms[near], -cosines[near]))]
    return _without_overlap(snapshot, terms[order])


def _without_overlap(snapshot: Snapshot, terms: Rows) -> list[int]:
    """Return the first `MAX_TERMS` terms of which none shares a word with another."""
    chosen: list[int] = []
    words: list[str] = []
    for term in terms.tolist():
        text = snapshot.vocabulary[term]
        if not any(_overlap(text, other) for other in words):
            chosen.append(term)
            words.append(text)
        if len(chosen) == MAX_TERMS:
            break
    return chosen


def alike(terms: list[int], said: Callable[[int], object]) -> list[int]:
    """Return the terms of which the same can be said as of the first: one sentence names all."""
    return [term for term in terms if said(term) == said(terms[0])]


def _overlap(one: str, other: str) -> bool:
    """Return whether two terms share a word, endings aside."""
    return any(first[:5] == second[:5] for first in one.split() for second in other.split())


def post_ids(snapshot: Snapshot, posts: Iterable[int]) -> tuple[str, ...]:
    """Return the ids of posts that serve as evidence, each once; `NO_POST` has none."""
    distinct = dict.fromkeys(post for post in posts if post != NO_POST)
    return tuple(snapshot.post_ids[post] for post in distinct)


def quoted(snapshot: Snapshot, terms: Sequence[int]) -> str:
    """Return terms as they stand in a sentence."""
    return " and ".join(f"“{snapshot.vocabulary[term]}”" for term in terms)
