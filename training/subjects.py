"""What people talk about, a conversation or a profile each, and where each lies beside the others.

A conversation is a post that anybody may see with its direct replies, a profile of one person.
Two of them are near if their texts are, and nearer if they stand in the same public groups: the
same words said in two circles that never meet stay two subjects.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import sparse
from scipy.sparse.linalg import svds

from data.community import Community
from engine.domain import Visibility
from engine.snapshot import MOST_FOUNDERS
from engine.types import BoolVector, Matrix, Rows
from training.activity import taking_part
from training.bridge import unit
from training.in_the_open import in_the_open, open_posts
from training.texts import TextVectors

REPLY = 0.3
"""What a reply weighs beside the post that began the conversation."""

CIRCLES = 64
"""Directions in which subjects are told apart by the groups they stand in."""

CIRCLE_WEIGHT = 0.6
"""What those weigh beside the texts."""

DIRECTIONS = 128
"""Dimensions in which subjects are compared: looking for the nearest is most of the work."""

MOST_SUBJECTS = 100_000
"""Subjects that are looked at, the last ones: more would cost time and tell of the past."""


@dataclass(frozen=True, slots=True)
class Subjects:
    """What some people talk about, one a row.

    Attributes:
        texts: What it is about: unit vectors, float32 of shape (n, d).
        places: Where it lies, by texts and groups: unit vectors, float32 of shape (n, p).
        people: Who took part: CSR, ones, of shape (n, members).
        by_person: The same, by member: CSC.
    """

    texts: Matrix
    places: Matrix
    people: sparse.csr_array
    by_person: sparse.csc_array

    def of(self, member: int) -> Rows:
        """Return the subjects of a member: rows."""
        start, end = self.by_person.indptr[member : member + 2]
        found: Rows = self.by_person.indices[start:end]
        return found


def subjects_of(
    community: Community, vectors: TextVectors, among: BoolVector, seed: int
) -> Subjects:
    """Return what some members talk about in public.

    Conversations of more than `MOST_FOUNDERS` of them say little about each and are left out.

    Args:
        community: What is known.
        vectors: What it says.
        among: Whose subjects are wanted, of shape (members,).
        seed: Decides where the search for directions begins.
    """
    posts, members = len(community.posts), len(community.members)
    parents = community.posts["parent"].fill_null(-1).to_numpy()
    roots = np.where(parents < 0, np.arange(posts), parents)
    events = in_the_open(community, taking_part(community))
    rows = np.concatenate([roots[events["post"].to_numpy()], posts + np.arange(members)])
    who = np.concatenate([events["member"].to_numpy(), np.arange(members)])
    people = _ones(rows[among[who]], who[among[who]], (posts + members, members))
    told = open_posts(community)
    texts = _texts(vectors, roots, told)
    count = np.diff(people.indptr)
    kept = np.flatnonzero((count > 0) & (count <= MOST_FOUNDERS) & texts.any(axis=1))
    kept = _last(community, kept)
    stands = community.post_groups
    public = (community.groups["visibility"] == Visibility.PUBLIC.value).to_numpy()
    seen = public[stands["group"].to_numpy()] & told[stands["post"].to_numpy()]
    groups = _ones(
        roots[stands["post"].to_numpy()[seen]],
        stands["group"].to_numpy()[seen],
        (posts + members, len(public)),
    )[kept]
    texts = unit(texts[kept])
    theirs = people[kept]
    return Subjects(texts, _places(texts, groups, seed), theirs, sparse.csc_array(theirs))


def _texts(vectors: TextVectors, roots: Rows, told: BoolVector) -> Matrix:
    """Return a direction for each post that begins a conversation, then for each profile."""
    share = np.where(roots == np.arange(len(roots)), 1.0, REPLY).astype(np.float32) * told
    weigh = sparse.csr_array(
        (share, (roots, np.arange(len(roots)))), shape=(len(roots), len(roots))
    )
    return np.concatenate([np.asarray(weigh @ vectors.posts, np.float32), vectors.members])


def _last(community: Community, rows: Rows) -> Rows:
    """Return at most `MOST_SUBJECTS`, the latest first to stay; profiles are of now."""
    if len(rows) <= MOST_SUBJECTS:
        return rows
    when = community.posts.select(pl.col("ts").fill_null(0.0)).to_series().to_numpy()
    moments = np.concatenate([when, np.full(len(community.members), np.inf)])[rows]
    return np.sort(rows[np.lexsort((rows, -moments))[:MOST_SUBJECTS]])


def _places(texts: Matrix, groups: sparse.csr_array, seed: int) -> Matrix:
    """Return where subjects lie, by what is said less what everybody says, and by groups."""
    if not len(texts):
        return texts
    alone = unit(texts - texts.mean(axis=0))
    alone[~alone.any(axis=1)] = texts[~alone.any(axis=1)]
    busy = np.flatnonzero(np.diff(sparse.csc_array(groups).indptr) > 0)
    directions = min(CIRCLES, min(len(texts), len(busy)) - 1)
    if directions < 2:
        return _narrowed(alone)
    inside = sparse.csr_array(groups[:, busy])
    rarity = np.log(len(texts) / np.asarray(inside.sum(axis=0)).ravel())
    weighed = sparse.csr_array(inside * rarity[None, :])
    first = np.random.default_rng(seed).normal(size=min(weighed.shape))
    left, strength, _ = svds(weighed.astype(np.float64), k=directions, v0=first)
    circles = unit((left * strength).astype(np.float32))
    return _narrowed(np.concatenate([alone, CIRCLE_WEIGHT * circles], axis=1))


def _narrowed(vectors: Matrix) -> Matrix:
    """Return unit vectors in at most `DIRECTIONS` dimensions, those in which they differ most."""
    _, axes = np.linalg.eigh(vectors.T @ vectors)  # ascending
    narrow = vectors @ axes[:, -DIRECTIONS:]
    lost = ~narrow.any(axis=1)
    narrow[lost, 0] = 1
    return unit(narrow)


def _ones(rows: Rows, columns: Rows, shape: tuple[int, int]) -> sparse.csr_array:
    found = sparse.csr_array((np.ones(len(rows), np.float32), (rows, columns)), shape=shape)
    found.data[:] = 1
    return found
