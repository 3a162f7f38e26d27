"""What is measured of a group for a viewer. One small class a column; none knows the others.

`GROUP_FEATURES` names them all; a ranker measures those it has weights for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from engine.columns import Links
from engine.features import CoMembership, Companions, InterestMatch, Liveliness, sum_at
from engine.pipeline import Feature
from engine.pool import Pool
from engine.query import Query
from engine.snapshot import UNKNOWN, GroupLife, MemberColumns, Snapshot
from engine.types import Matrix, Rows, Vector


@dataclass(frozen=True, slots=True)
class Ease:
    """How far the viewer's groups speak for this one, each beside all the others.

    Source: Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data".
    """

    name: str
    links: Links
    weigh: Callable[[Query], Vector]

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return the summed weights of the viewer's groups, negative where they speak against."""
        position, rows, weights = self.links.of_rows(query.groups)
        return sum_at(pool.rows, rows, weights * self.weigh(query)[position])


@dataclass(frozen=True, slots=True)
class NearestGroup:
    """The strongest similarity to any one of the viewer's groups that `weigh` admits."""

    name: str
    links: Links
    weigh: Callable[[Query], Vector]

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return the largest weighted similarity, 0 without any."""
        position, rows, weights = self.links.of_rows(query.groups)
        return _max_at(pool, rows, weights * self.weigh(query)[position])


@dataclass(frozen=True, slots=True)
class Visits:
    """How much the viewer took part there already, without being in the group."""

    name: str = "visits"

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return log(1 + times, older ones counting less), 0 for none."""
        return sum_at(pool.rows, query.visits, query.visit_weights)


@dataclass(frozen=True, slots=True)
class Fellows:
    """The share of those the viewer took part with who are in the group."""

    members: MemberColumns
    name: str = "fellows"

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return a share in [0, 1], those who shared more conversations counting more."""
        position, rows, _ = self.members.groups.of_rows(query.fellows)
        total = max(float(query.fellow_weights.sum()), 1e-9)
        return sum_at(pool.rows, rows, query.fellow_weights[position] / total)


@dataclass(frozen=True, slots=True)
class PlaceMatch:
    """How near the group lies to the viewer in the space of co-membership.

    Someone without groups lies where the bridge puts their text; a group without members
    likewise.
    """

    places: Matrix
    bridge: Matrix
    name: str = "place_match"

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return a cosine, 0 where nothing is known of either."""
        if len(query.groups):
            place = query.group_weights @ self.places[query.groups]
        else:
            place = query.direction @ self.bridge
        length = float(np.linalg.norm(place))
        if length == 0:
            return np.zeros(len(pool), np.float32)
        return (self.places[pool.rows] @ (place / length)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class InterestMean:
    """How near the group's topic comes to the main direction of the viewer's interests."""

    topics: Matrix
    name: str = "interest_mean"

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return a cosine, 0 without interests."""
        if not len(query.interests):
            return np.zeros(len(pool), np.float32)
        return (self.topics[pool.rows] @ query.direction).astype(np.float32)


@dataclass(frozen=True, slots=True)
class TopicBest:
    """How near the group's topic comes to that of any one of the viewer's groups."""

    topics: Matrix
    name: str = "topic_best"

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return the best cosine, 0 without groups."""
        if not len(query.groups):
            return np.zeros(len(pool), np.float32)
        best: Vector = (self.topics[pool.rows] @ self.topics[query.groups].T).max(axis=1)
        return best


@dataclass(frozen=True, slots=True)
class TopicMean:
    """How near the group's topic comes to the mean of the viewer's groups'."""

    topics: Matrix
    name: str = "topic_mean"

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return a cosine, 0 without groups."""
        mean = query.group_weights @ self.topics[query.groups]
        length = max(float(np.linalg.norm(mean)), 1e-9)
        return (self.topics[pool.rows] @ (mean / length)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class TextFit:
    """How far texts like the viewer's have been found in the group."""

    text_weights: Matrix
    name: str = "text_fit"

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return a fitted share, about 0 to 1, the interests' best."""
        if not len(query.interests):
            return np.zeros(len(pool), np.float32)
        each = self.text_weights[pool.rows] @ query.interests.T
        best: Vector = each.max(axis=1)
        return best


@dataclass(frozen=True, slots=True)
class LearnedMatch:
    """How near the group's topic comes to where groups lie that welcome such texts."""

    topics: Matrix
    meaning: Matrix
    name: str = "learned_match"

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return the best cosine of any interest, 0 without interests."""
        if not len(query.interests):
            return np.zeros(len(pool), np.float32)
        wanted = query.interests @ self.meaning
        wanted /= np.maximum(np.linalg.norm(wanted, axis=1, keepdims=True), 1e-9)
        best: Vector = (self.topics[pool.rows] @ wanted.T).max(axis=1)
        return best.astype(np.float32)


@dataclass(frozen=True, slots=True)
class SizeFit:
    """How far the group's size is from that of the groups the viewer is active in."""

    sizes: Vector
    name: str = "size_fit"

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return the absolute difference of log sizes, 0 for someone without groups."""
        if not len(query.groups):
            return np.zeros(len(pool), np.float32)
        gap: Vector = np.abs(self.sizes[pool.rows] - _typical_size(query, self.sizes))
        return gap


@dataclass(frozen=True, slots=True)
class Same:
    """Whether the group has the viewer's language, or is where the viewer is."""

    name: str
    values: Rows
    of_viewer: Callable[[Query], int]

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return 1 if so, 0 if not, and one half where either is not told."""
        mine, theirs = self.of_viewer(query), self.values[pool.rows]
        told = (theirs != UNKNOWN) & (mine != UNKNOWN)
        return np.where(told, theirs == mine, 0.5).astype(np.float32)


@dataclass(frozen=True, slots=True)
class OfGroup:
    """Something true of the group, whoever asks."""

    name: str
    values: Vector

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return each candidate's value."""
        return self.values[pool.rows]


@dataclass(frozen=True, slots=True)
class OfViewer:
    """Something true of the viewer, whichever group: it tells the others how far to be trusted."""

    name: str
    value: Callable[[Query], float]

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return the same value for every candidate."""
        return np.full(len(pool), self.value(query), np.float32)


def group_features(snapshot: Snapshot) -> Mapping[str, Feature]:
    """Return every column that can be measured of a group, by name."""
    members, groups, acts = snapshot.members, snapshot.groups, snapshot.behaviour
    sizes = acts.life.members
    features: list[Feature] = [
        CoMembership(groups),
        NearestGroup("co_membership_best", groups.neighbours, _equally),
        NearestGroup("co_membership_last", groups.neighbours, _last),
        Ease("ease", acts.ease, _equally),
        Ease("ease_fresh", acts.ease, lambda query: query.joined_weights),
        Ease("ease_active", acts.ease_active, lambda query: query.habit_weights),
        Ease("co_active", acts.co_active, lambda query: query.habit_weights),
        NearestGroup("co_active_best", acts.co_active, lambda query: query.habit_weights),
        Companions(members),
        Fellows(members),
        Visits(),
        PlaceMatch(acts.places, acts.bridge),
        InterestMatch(groups.prototypes),
        InterestMean(acts.topics),
        TopicBest(acts.topics),
        TopicMean(acts.topics),
        TextFit(acts.text_weights),
        LearnedMatch(acts.topics, acts.meaning),
        Liveliness(groups),
        SizeFit(sizes),
        Same("same_language", acts.group_languages, lambda query: query.language),
        Same("same_place", acts.group_homes, lambda query: query.home),
        *(OfGroup(f"group_{name}", getattr(acts.life, name)) for name in GroupLife.__slots__),
        OfViewer("viewer_groups", lambda query: float(np.log1p(len(query.groups)))),
        OfViewer("viewer_freshness", lambda query: float(query.joined_weights.max(initial=0))),
        OfViewer("viewer_activity", lambda query: float(query.group_weights.sum())),
        OfViewer("viewer_size", lambda query: _typical_size(query, sizes)),
    ]
    return {feature.name: feature for feature in features}


def _equally(query: Query) -> Vector:
    return np.ones(len(query.groups), np.float32)


def _last(query: Query) -> Vector:
    """Return 1 for the group joined last (for all of them, where several were), else 0."""
    lately = query.joined_weights
    last: Vector = (lately >= lately.max(initial=0)).astype(np.float32)
    return last


def _typical_size(query: Query, sizes: Vector) -> float:
    total = float(query.group_weights.sum())
    return float(query.group_weights @ sizes[query.groups]) / total if total > 0 else 0.0


def _max_at(pool: Pool, rows: Rows, weights: Vector) -> Vector:
    best = np.zeros(len(pool), np.float32)
    if len(pool) and len(rows):
        place = np.searchsorted(pool.rows, rows).clip(max=len(pool) - 1)
        hit = pool.rows[place] == rows
        np.maximum.at(best, place[hit], weights[hit])
    return best
