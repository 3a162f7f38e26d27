"""Who answers what: measured from public posts that may still be answered, at the time of asking.

Nothing here is kept with a member. What a person answers is read off the posts, so an answer that
came a moment ago counts, and one that has gone does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from engine.columns import Links, Profiles
from engine.domain import DAY_S
from engine.snapshot import Snapshot
from engine.types import BoolVector, Matrix, Rows, Vector
from engine.visibility import ANYBODY, Sight

HALF_LIFE_DAYS = 10.0
"""Age at which an answer says half as much about who answers now."""

HALF_LIFE_ANSWERS = 80.0
"""Later answers after which one says half as much, where that is longer: in a quiet community it
takes months until one sees who answers."""

FURTHER = 20.0
"""Half-lives beyond which an answer counts nothing."""

LOYALTIES = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
"""Values that `loyalty_of` tries."""

MOST_FORETOLD = 5_000
"""Answers that it looks at, the latest ones."""

NEW_DAYS = 30.0
"""For how long after anything was first known of them somebody is new."""


Scores = NDArray[np.floating[Any]]


def _none() -> Rows:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and by whom.

    Attributes:
        vectors: Unit vectors of its text, of shape (k, d), k = 0 if it is not known yet.
        authors: Rows of who wrote it, ascending; none for somebody known by this text alone.
        groups: Rows of the groups it stands in, ascending.
        audience: The authors' band.
        new: Whether one of them is new.
        answered_by: Rows of who has answered it already, ascending.
        post: Its row among the posts, -1 if it is none of them.
    """

    vectors: Matrix
    authors: Rows
    groups: Rows
    audience: int
    new: bool = False
    answered_by: Rows = field(default_factory=_none)
    post: int = -1


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers to public posts, worked out once for a recommender.

    Attributes:
        snapshot: The community.
        posts: Row of the post that was answered: int64 of shape (n,).
        members: Who answered it: int64 of shape (n,).
        times: How often: float32 of shape (n,).
        latest: When a post was last added to, unix seconds.
        of_member: The posts that each member answered.
        given: How many answers each member gave: shape (members,).
        lately: The same, older ones counting less: shape (members,).
        new: Which posts somebody wrote who was new then: bool of shape (posts,).
        loyalty: How many answers anywhere weigh as much as those in a group, see `loyalty_of`.
    """

    snapshot: Snapshot
    posts: Rows
    members: Rows
    times: Vector
    latest: int
    of_member: Links
    given: Scores
    lately: Scores
    new: BoolVector
    loyalty: float

    @classmethod
    def of(cls, snapshot: Snapshot, sight: Sight) -> Self:
        """Return the answers to posts that anybody may see."""
        posts, size = snapshot.posts, len(snapshot.members.ids)
        seen = sight.posts(ANYBODY, np.arange(len(posts.ids)))
        rows = np.repeat(np.arange(len(posts.ids)), posts.answered_by.counts())
        kept = seen[rows]
        rows, members = rows[kept], posts.answered_by.targets[kept]
        times = posts.answered_by.weights[kept]
        latest = int(posts.last_at[posts.here].max(initial=0))
        answered = np.bincount(rows, times, len(seen)).astype(np.float64)
        worth = fading(posts.last_at, answered, latest)
        return cls(
            snapshot,
            rows,
            members,
            times,
            latest,
            Links.of(size, members, rows, times),
            np.bincount(members, times, size).astype(np.float64),
            np.bincount(members, worth[rows] * times, size).astype(np.float64),
            by_newcomers(snapshot, latest),
            loyalty_of(snapshot, rows, members),
        )

    def by_member(self, worth: NDArray[np.floating]) -> Scores:
        """Return for each member the sum over their answers of what each post is worth.

        Args:
            worth: Of shape (posts,).

        Returns:
            float64 of shape (members,).
        """
        size = len(self.snapshot.members.ids)
        return np.bincount(self.members, worth[self.posts] * self.times, size).astype(np.float64)

    def in_groups(self, groups: Rows) -> Scores:
        """Return how much each member answers in these groups at present: shape (members,).

        Older answers count less by the pace of these groups, which may be slower than that of all.
        """
        posts = self.snapshot.posts
        rows = np.repeat(np.arange(len(posts.ids)), posts.groups.counts())
        here = np.isin(posts.groups.targets, groups)
        stood = np.bincount(rows[here], minlength=len(posts.ids)).astype(np.float64)
        answered = np.bincount(self.posts, self.times, len(stood)).astype(np.float64)
        answered[stood == 0] = 0
        return self.by_member(stood * fading(posts.last_at, answered, self.latest))

    def mean(self, worth: NDArray[np.floating]) -> float:
        """Return what an answer is worth on average, 0 if there is none."""
        total = float(self.times.sum())
        return float((worth[self.posts] * self.times).sum()) / total if total else 0.0


def loyalty_of(snapshot: Snapshot, posts: Rows, members: Rows) -> float:
    """Return how many answers anywhere tell as much of who answers in a group as those there.

    Where groups are places whose people answer each other it is small; where they are tags that
    anybody answers it is large. Each answer is foretold from those before it, as a mixture of how
    often each person had answered in its groups and anywhere; the value that foretells best is
    returned.

    Args:
        snapshot: The community.
        posts: Rows of the posts that were answered.
        members: Who answered each.

    Source: the Dirichlet prior of Zhai & Lafferty 2004, chosen by prequential likelihood.
    """
    last = snapshot.posts.last_at[posts]
    order = np.lexsort((members, posts, last))[-MOST_FORETOLD:]
    place, groups, _ = snapshot.posts.groups.of_rows(posts[order])
    who = members[order]
    before = _times_before(who)
    there = _times_before(groups)
    both = _times_before(who[place] * len(snapshot.groups.ids) + groups)
    anywhere = (before[place] / np.maximum(place, 1)).astype(np.float64)
    known = anywhere > 0
    if not known.any():
        return LOYALTIES[-1]
    told = [
        np.log((both[known] + one * anywhere[known]) / (there[known] + one)).sum()
        for one in LOYALTIES
    ]
    return LOYALTIES[int(np.argmax(told))]


def _times_before(values: Rows) -> Rows:
    """Return how often each value came before its place.

    >>> _times_before(np.array([7, 3, 7, 7])).tolist()
    [0, 0, 1, 2]
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1))
    times = np.arange(len(values)) - np.repeat(starts, np.diff(np.append(starts, len(values))))
    before = np.empty(len(values), np.int64)
    before[order] = times
    return before


def fading(last: Rows, answered: NDArray[np.floating], latest: int) -> Scores:
    """Return what each post's answers count by their age, at most 1: shape (posts,).

    Args:
        last: When each was last added to, unix seconds.
        answered: How many answers each has.
        latest: The moment to which ages are counted, unix seconds.
    """
    by_age: Scores = 0.5 ** ((latest - last) / (HALF_LIFE_DAYS * DAY_S))
    rows = largest(np.where(answered > 0, last, 0), int(FURTHER * HALF_LIFE_ANSWERS))
    rows = rows[np.lexsort((rows, -last[rows]))]
    later = np.cumsum(answered[rows]) - answered[rows]
    by_place = np.zeros(len(last))
    by_place[rows] = 0.5 ** (later / HALF_LIFE_ANSWERS)
    return np.maximum(by_age, by_place)


def by_newcomers(snapshot: Snapshot, latest: float) -> BoolVector:
    """Return which posts somebody wrote who was new then: bool of shape (posts,).

    Args:
        snapshot: The community.
        latest: The moment to which its days are counted, unix seconds.
    """
    posts, known = snapshot.posts, snapshot.members.known_days
    rows = np.repeat(np.arange(len(posts.ids)), posts.authors.counts())
    age = (latest - posts.written_at[rows]) / DAY_S
    new = np.zeros(len(posts.ids), bool)
    # NaN <= x is False: somebody undated is not called new.
    new[rows[known[posts.authors.targets] - age <= NEW_DAYS]] = True
    return new


def nearness(profiles: Profiles, queries: Matrix) -> Vector:
    """Return the best cosine of each row to any of the queries: float32 of shape (rows,).

    It is 0 where a row has no vectors, where there is no query, and where the best is below 0.
    """
    best = np.zeros(len(profiles), np.float32)
    owners = profiles.owners()
    base = min(len(profiles.vectors), len(owners))
    parts = [profiles.vectors[:base]]
    if base < len(owners):
        parts.append(profiles.at(np.arange(base, len(owners))))
    here = owners >= 0
    for query in queries:
        cosines = np.concatenate([part @ query for part in parts])
        np.maximum.at(best, owners[here], cosines[here])
    return best


def largest(worth: NDArray[Any], count: int) -> Rows:
    """Return the rows of the largest numbers above 0, at most `count`; of equals the first.

    >>> largest(np.array([2.0, 0.0, 3.0, 3.0, 1.0]), 3)
    array([2, 3, 0])
    """
    rows = np.flatnonzero(worth > 0)
    if len(rows) > count:
        least = np.partition(worth[rows], -count)[-count]
        above, level = rows[worth[rows] > least], rows[worth[rows] == least]
        rows = np.concatenate([above, level[: count - len(above)]])
    return rows
