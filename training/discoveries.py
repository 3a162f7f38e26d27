"""Groups that should exist: sets of people with a narrow interest that no present group serves.

Sets are proposed around every subject (`training.circles`), at several scales; a set is worth
founding a group for if it looks like the groups people here have made: a logistic regression and
boosted trees, fitted on the groups that are there and counting alike, tell which signs speak for
one in this community, where it is what people say, where it is words that few others use. Beside
that narrow sets come first everywhere. What a present public group serves already is left out, and
of sets that share most of their people the best one is kept.

Only what anybody may see is looked at: posts and profiles of people who agree to be found and to
be introduced, public groups, and one audience band at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.stats import rankdata
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from data.community import Community
from engine.columns import Links, Profiles
from engine.discoveries import SERVED, served_by, willing
from engine.snapshot import (
    FEWEST_FOUNDERS,
    MOST_FOUNDERS,
    DiscoveryColumns,
    Snapshot,
)
from engine.types import BoolVector, Matrix, Rows, Vector
from training.circles import (
    LIFT,
    ONE_TERM,
    TIGHT,
    Circles,
    Sets,
    circles_of,
    own_words,
    typical_terms,
)
from training.subjects import Subjects, subjects_of
from training.texts import TextVectors

PEOPLE_EACH = 25
"""People of a community for each discovery that is kept."""

FEWEST, MOST = 20, 500
"""Discoveries that are kept at most in a community of few, and in one of many."""

OVERLAP = 0.3
"""F1 of the people of two sets from which they are the same discovery, or a set is like a group."""

CASES = 30
"""Sets like a group, and unlike any, that it takes to learn which signs speak for one."""

TAUGHT = 20_000
"""Sets that are learned from at most."""

NARROW_TOO = 0.3
"""What it counts that a set is narrow, beside looking like the groups there are."""

SAID_BY = 0.25
"""Share of a set who must use one term, which gives the group its name."""

TERMS = 12
"""Terms kept of a discovery."""


def nothing_discovered(dimension: int) -> DiscoveryColumns:
    """Return the columns of no discoveries, for vectors of this length."""
    nothing = Links.of(0, np.zeros(0), np.zeros(0))
    return DiscoveryColumns(nothing, nothing, Profiles.of(dimension, []), np.zeros(0, np.float32))


def find_discoveries(
    community: Community,
    vectors: TextVectors,
    snapshot: Snapshot,
    seed: int = 0,
) -> DiscoveryColumns:
    """Return the groups that should exist, best first.

    Args:
        community: What is known.
        vectors: What it says.
        snapshot: What was learned of it: its terms, its groups, who agrees to what.
        seed: The same seed and data give the same discoveries.
    """
    members, dimension = snapshot.members, vectors.posts.shape[1]
    agreed = willing(members)
    limit = how_many(snapshot)
    bands = np.unique(members.audience[agreed])
    parts = [
        _of_band(
            community, vectors, snapshot, agreed & np.equal(members.audience, band), seed, limit
        )
        for band in bands.tolist()
    ]
    found = [one for part in parts for one in part]
    found.sort(key=lambda one: (-one.score, one.founders.tolist()))
    kept = found[:limit]
    if not kept:
        return nothing_discovered(dimension)
    return _columns(kept, snapshot, dimension)


def how_many(snapshot: Snapshot) -> int:
    """Return how many discoveries are kept at most, by how many people agree to be in one."""
    return min(max(FEWEST, int(willing(snapshot.members).sum()) // PEOPLE_EACH), MOST)


@dataclass(frozen=True, slots=True)
class _Found:
    """One discovery: who, how central each is, what it is about, and how good it looks."""

    founders: Rows
    central: Vector
    centre: Vector
    score: float


def _of_band(
    community: Community,
    vectors: TextVectors,
    snapshot: Snapshot,
    among: BoolVector,
    seed: int,
    limit: int,
) -> list[_Found]:
    """Return at most `limit` discoveries among some members, best first."""
    subjects = subjects_of(community, vectors, among, seed)
    if len(subjects.places) < FEWEST_FOUNDERS:
        return []
    circles = circles_of(subjects, own_words(snapshot.members, len(snapshot.vocabulary)), seed)
    alike = likeness(circles.people, _groups(snapshot, among, FEWEST_FOUNDERS, MOST_FOUNDERS))
    scores = judged(circles, alike, seed)
    free = likeness(circles.people, _groups(snapshot, among, 1, len(among))) < SERVED
    named = np.flatnonzero(free & (circles.signs[:, ONE_TERM] >= SAID_BY))
    order = named[np.lexsort((circles.seeds[named], -scores[named]))]
    chosen: list[_Found] = []
    for row in different(circles, order):
        one = _found(circles, subjects, row, float(scores[row]))
        if served_by(snapshot, one.founders, one.centre) is None:
            chosen.append(one)
        if len(chosen) == limit:
            break
    return chosen


def _groups(snapshot: Snapshot, among: BoolVector, fewest: int, most: int) -> Sets:
    """Return who of some members is in each public group that has so many of them."""
    inside = snapshot.groups.members
    shape = (len(inside), len(among))
    ones = among[inside.targets].astype(np.float32)
    sets = sparse.csr_array((ones, inside.targets, inside.offsets), shape=shape, copy=True)
    sets.eliminate_zeros()
    size = np.diff(sets.indptr)
    fit = snapshot.groups.public & (size >= fewest) & (size <= most)
    return sets[np.flatnonzero(fit)]


def likeness(sets: Sets, groups: Sets) -> NDArray[np.float64]:
    """Return for each set the best F1 between its people and those of a group, shape (sets,)."""
    both = sparse.csr_array(sets @ sparse.csc_array(groups.T))
    row = np.repeat(np.arange(sets.shape[0]), np.diff(both.indptr))
    size, other = np.diff(sets.indptr), np.diff(groups.indptr)
    best = np.zeros(sets.shape[0])
    np.maximum.at(best, row, 2 * both.data / (size[row] + other[both.indices]))
    return best


def judged(circles: Circles, alike: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Return how much each set looks like a group: larger is better, shape (sets,).

    With fewer than `CASES` sets that are like a group, or unlike any, narrowness and words count
    alike.
    """
    if not len(alike):
        return np.zeros(0)
    is_one = alike >= OVERLAP
    rows = np.random.default_rng(seed).permutation(len(alike))[:TAUGHT]
    tight = _standing(circles.signs[:, TIGHT])
    if min(is_one[rows].sum(), (~is_one[rows]).sum()) < CASES:
        return tight + _standing(circles.signs[:, LIFT])
    line = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    trees = HistGradientBoostingClassifier(
        learning_rate=0.08, max_leaf_nodes=15, l2_regularization=5, random_state=seed
    )
    with threadpool_limits(1):  # on small tables threads mostly wait for one another
        told = [
            _standing(model.fit(circles.signs[rows], is_one[rows]).decision_function(circles.signs))
            for model in (line, trees)
        ]
    return np.asarray(np.mean(told, axis=0) + NARROW_TOO * tight)


def _standing(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of sets that are at most as good: in (0, 1]."""
    return np.asarray(rankdata(values) / len(values))


def different(circles: Circles, order: Rows) -> Iterator[int]:
    """Yield the sets of an order that are not like one before: rows."""
    people, inside = circles.people, sparse.csc_array(circles.people)
    size = np.diff(people.indptr)
    open_ = np.ones(people.shape[0], bool)
    for row in order.tolist():
        if not open_[row]:
            continue
        yield row
        who = people.indices[people.indptr[row] : people.indptr[row + 1]]
        both = np.asarray(inside[:, who].sum(axis=1)).ravel()
        open_[2 * both >= OVERLAP * (size + size[row])] = False


def _found(circles: Circles, subjects: Subjects, row: int, score: float) -> _Found:
    """Return a set as a discovery; those who talk of the middle of it are the most central."""
    people = circles.people
    founders = people.indices[people.indptr[row] : people.indptr[row + 1]].astype(np.int64)
    seed = int(circles.seeds[row])
    nearest = []
    for person in founders.tolist():
        spoken = subjects.of(person)
        nearest.append(int(spoken[np.argmax(subjects.texts[spoken] @ subjects.texts[seed])]))
    best = subjects.texts[nearest] @ subjects.texts[seed]
    mean = subjects.texts[nearest].mean(axis=0, dtype=np.float64)
    length = float(np.linalg.norm(mean))
    centre: Matrix = (mean / length if length > 0 else subjects.texts[seed]).astype(np.float32)
    return _Found(founders, np.clip(best, 0.01, 1).astype(np.float32), centre, score)


def _columns(found: list[_Found], snapshot: Snapshot, dimension: int) -> DiscoveryColumns:
    rows = np.repeat(np.arange(len(found)), [len(one.founders) for one in found])
    founders = Links.of(
        len(found),
        rows,
        np.concatenate([one.founders for one in found]),
        np.concatenate([one.central for one in found]),
    )
    sets = sparse.csr_array(
        (np.ones(len(rows), np.float32), founders.targets, founders.offsets),
        shape=(len(found), len(snapshot.members.ids)),
    )
    one = np.ones(1, np.float32)
    return DiscoveryColumns(
        founders,
        typical_terms(sets, own_words(snapshot.members, len(snapshot.vocabulary)), TERMS),
        Profiles.of(dimension, [(item.centre[None, :], one) for item in found]),
        np.array([item.score for item in found], np.float32),
    )
