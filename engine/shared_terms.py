"""Which terms two sides have in common, and the posts that show it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from engine.columns import Links, contains
from engine.query import NOBODY, Query
from engine.snapshot import OWN_WORDS, Snapshot
from engine.types import Rows

MAX_TERMS = 2
"""Shared terms named in one reason."""

CLOSE = 0.5
"""Cosine between a term's texts and one of the viewer's interests from which it is called close."""


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


def shared_terms(mine: Rows, theirs: Rows) -> Rows:
    """Return the terms that are in both, both ascending."""
    return mine[contains(theirs, mine)]


def post_of(terms: Links, posts: Rows, row: int, term: int) -> int:
    """Return the post that shows that a row uses a term, -1 if it is not a post."""
    start, end = int(terms.offsets[row]), int(terms.offsets[row + 1])
    place = start + int(np.searchsorted(terms.targets[start:end], term))
    return int(posts[place])


def has_own_words(terms: Links, row: int, wanted: Sequence[int]) -> bool:
    """Return whether a member's own texts use all of the terms, which they must be linked to."""
    targets, weights = terms.of_row(row)
    return bool((weights[np.searchsorted(targets, np.array(wanted))] >= OWN_WORDS).all())


def own_posts(snapshot: Snapshot, query: Query, terms: Sequence[int]) -> tuple[list[int], bool]:
    """Return the viewer's own posts that show the terms, and whether the words are their own."""
    if query.member == NOBODY:
        return [], True
    members = snapshot.members
    posts = [post_of(members.terms, members.term_posts, query.member, term) for term in terms]
    return posts, has_own_words(members.terms, query.member, terms)


def post_ids(snapshot: Snapshot, query: Query, posts: Iterable[int]) -> tuple[str, ...]:
    """Return the ids of the posts that the viewer may see, each once; -1 stands for none."""
    distinct = dict.fromkeys(post for post in posts if post >= 0)
    return tuple(snapshot.post_ids[post] for post in distinct if _may_see(snapshot, query, post))


def _may_see(snapshot: Snapshot, query: Query, post: int) -> bool:
    """Return whether every author of a public post is someone the viewer may be pointed to."""
    authors = snapshot.post_authors.of_row(post)[0]
    others = authors[authors != query.member]
    return len(visible(snapshot, query, others)) == len(others)


def visible(snapshot: Snapshot, query: Query, rows: Rows) -> Rows:
    """Return the members among `rows` whom the viewer may see named."""
    rows = rows[snapshot.members.discoverable[rows]]
    if query.member == NOBODY:
        return rows
    return rows[~contains(snapshot.members.blocks.of_row(query.member)[0], rows)]
