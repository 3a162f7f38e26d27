"""What is measured of two people: how glad the viewer would be to meet the candidate, and back.

Every column has a name and says something of one who looks and one who is looked at. Where it is
not the same from both sides it is measured twice: `x` as the viewer looks, `x_back` as the
candidate does (`mirrored`). A column whose name begins with `viewer_` tells of the one who looks.

A group that is not public counts only between those who are in it both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from engine.acquaintance import Acquaintance, values_at
from engine.columns import Profiles
from engine.features import sum_at
from engine.paths import Paths, Walks
from engine.people_sources import place_of
from engine.pool import Pool
from engine.query import Query
from engine.snapshot import UNKNOWN, MemberColumns, Snapshot
from engine.standing import Standing
from engine.types import Matrix, Rows, Vector

Both = tuple[Vector, Vector]
"""A column from the viewer's side and from the candidate's: float32 of shape (n,) each."""

ALIKE = (
    "adamic_adar", "common_companions", "shared_groups", "shared_weights", "small_groups",
    "close_groups", "closest_group", "place_match", "fellows", "alike", "gist_match",
    "same_language", "same_place",
)  # fmt: skip
"""Columns that are the same from both sides."""

EITHER_WAY = (
    "second", "by_ties", "by_alike", "mixed", "foretold", "interest_match", "seek_offer",
    "answers_like", "answers", "companions", "takes_part", "this_week", "this_month", "asks",
    "could_answer", "busy", "new", "viewer_companions", "viewer_groups", "viewer_takes_part",
    "viewer_new",
)  # fmt: skip
"""Columns that are measured from either side."""

COLUMNS = (*ALIKE, *EITHER_WAY)

OF_ONE = ("companions", "takes_part", "this_week", "this_month", "asks", "busy", "answers", "new")
"""Columns of `engine.standing` that are told of whoever is looked at."""


def mirrored(name: str) -> str:
    """Return the name of a column as the candidate looks; a symmetric one has one name only."""
    return f"{name}_back" if name in EITHER_WAY else name


@dataclass(frozen=True, slots=True)
class PairFeatures:
    """Measures every column at once: most of them share their work."""

    snapshot: Snapshot
    learned: Acquaintance
    paths: Paths
    standing: Standing
    lengths: Vector  # of what each says taken together, NaN until somebody asks
    name: ClassVar[str] = "pair_features"

    @classmethod
    def of(cls, snapshot: Snapshot, learned: Acquaintance) -> Self:
        """Return what measures pairs of a community."""
        unknown = np.full(len(snapshot.members.ids), np.nan, np.float32)
        return cls(snapshot, learned, Paths.of(snapshot), Standing.of(snapshot), unknown)

    def measure_all(self, query: Query, pool: Pool) -> Mapping[str, Vector]:
        """Return `COLUMNS`, and those of either side mirrored: float32 of shape (n,) each."""
        pair = Pair(self, query, pool.rows)
        columns = pair.of_groups() | pair.of_people()
        both = (
            pair.of_walks()
            | pair.of_factors()
            | pair.of_words()
            | pair.of_answers()
            | pair.of_standing()
        )
        for name, (ahead, back) in both.items():
            columns[name], columns[mirrored(name)] = ahead, back
        return {name: column.astype(np.float32) for name, column in columns.items()}


@dataclass(frozen=True, slots=True)
class Pair:
    """One viewer beside each candidate."""

    features: PairFeatures
    query: Query
    rows: Rows

    @property
    def members(self) -> MemberColumns:
        """The community's members."""
        return self.features.snapshot.members

    def none(self) -> Vector:
        """Return a column that says nothing."""
        return np.zeros(len(self.rows), np.float32)

    def of_groups(self) -> dict[str, Vector]:
        """Return what the groups say that both are in, small ones more than large."""
        query, standing = self.query, self.features.standing
        crowd = self.features.snapshot.groups.members
        position, people, weights = crowd.of_rows(query.groups)
        telling, sizes = standing.telling[query.groups], crowd.counts()[query.groups]
        mine = telling * query.group_weights
        closeness = values_at(self.features.learned.closeness, query.groups)
        closest = np.zeros(len(standing.telling_length), np.float32)
        np.maximum.at(closest, people, closeness[position])

        def total(values: np.ndarray) -> Vector:
            return np.bincount(people, values, len(closest))[self.rows].astype(np.float32)

        seen = self.features.snapshot.groups.public[query.groups]  # as of every candidate
        plain = float(np.linalg.norm(telling * seen)) * standing.telling_length[self.rows]
        heavy = float(np.linalg.norm(mine * seen)) * standing.weighed_length[self.rows]
        return {
            "shared_groups": total((telling**2)[position]) / np.maximum(plain, 1e-6),
            "shared_weights": total((telling * mine)[position] * weights) / np.maximum(heavy, 1e-6),
            "small_groups": total((1 / np.maximum(sizes, 1))[position]),
            "close_groups": total(closeness[position]),
            "closest_group": closest[self.rows],
        }

    def of_people(self) -> dict[str, Vector]:
        """Return whom both know, and how near they lie."""
        query, members, paths = self.query, self.members, self.features.paths
        position, reached, _ = members.ties.of_rows(query.companions)
        degree = paths.ties_of[query.companions]
        rare = 1 / np.log(1 + np.maximum(degree, 1))
        common = sum_at(self.rows, reached, np.ones(len(reached), np.float32))
        scale = np.sqrt(np.maximum(paths.ties_of[self.rows], 1) * max(len(query.companions), 1))
        acts = self.features.snapshot.behaviour
        learned = self.features.learned
        places = values_at(learned.places, self.rows)
        return {
            "adamic_adar": sum_at(self.rows, reached, rare[position]),
            "common_companions": common / scale,
            "place_match": places @ place_of(self.features.learned, self.query)
            if places.size
            else self.none(),
            "fellows": sum_at(self.rows, query.fellows, query.fellow_weights),
            "same_language": _same(acts.languages[self.rows], query.language),
            "same_place": _same(acts.homes[self.rows], query.home),
        }

    def of_walks(self) -> dict[str, Both]:
        """Return how likely short walks lead from one to the other.

        Back from the candidate a walk over ties is as likely times the ratio of both numbers of
        ties, since every step goes to any tie alike; over groups and ties together nearly so.
        """
        paths, rows = self.features.paths, self.rows
        walks = paths.walks(self.query)
        ties = paths.ties_of[rows]
        by_ties = len(self.query.companions) / np.maximum(ties, 1)
        ways = ties + paths.groups_of[rows]
        mine = len(self.query.companions) + len(self.query.groups)
        alike = walks.alike[rows] * np.sqrt(
            len(self.query.groups) / np.maximum(paths.groups_of[rows], 1)
        )
        return {
            "second": (walks.second[rows], walks.second[rows] * by_ties),
            "by_ties": (walks.by_ties[rows], walks.by_ties[rows] * by_ties),
            "by_alike": (walks.by_alike[rows], self._alike_to_viewer(walks)),
            "mixed": (walks.mixed[rows], walks.mixed[rows] * (mine / np.maximum(ways, 1))),
            "alike": (alike, alike),
        }

    def _alike_to_viewer(self, walks: Walks) -> Vector:
        """Return how likely the candidate comes to the viewer over a tie and then a group."""
        paths = self.features.paths
        near = walks.alike * len(self.query.groups) / np.maximum(paths.groups_of, 1)
        position, theirs, _ = self.members.ties.of_rows(self.rows)
        found = np.bincount(position, near[theirs], len(self.rows))
        back: Vector = (found / np.maximum(paths.ties_of[self.rows], 1)).astype(np.float32)
        return back

    def of_factors(self) -> dict[str, Both]:
        """Return how far the ties and groups of either foretell that they meet."""
        learned, viewer = self.features.learned, self.query.member
        if not 0 <= viewer < len(learned.looking):
            return {"foretold": (self.none(), self.none())}
        ahead = values_at(learned.met, self.rows) @ learned.looking[viewer]
        back = values_at(learned.looking, self.rows) @ learned.met[viewer]
        return {"foretold": (ahead, back)}

    def of_words(self) -> dict[str, Both]:
        """Return how far each finds in the other what they care about, and what they seek."""
        query, members = self.query, self.members
        seeking, offering = _said(members.seeking, query), _said(members.offering, query)
        match, gist = self._interests()
        return {
            "interest_match": match,
            "gist_match": (gist, gist),
            "seek_offer": (
                _best(members.offering, seeking, self.rows),
                _best(members.seeking, offering, self.rows),
            ),
        }

    def _interests(self) -> tuple[Both, Vector]:
        """Return the best cosine to any interest of either, and that of all that both say.

        Of the best the heavier ones count more; of all each counts by its share.
        """
        query, ahead, back, gist = self.query, self.none(), self.none(), self.none()
        position, vectors, shares = self.members.interests.of_rows(self.rows)
        if not len(query.interests) or not len(position):
            return (ahead, back), gist
        products = vectors @ query.interests.T
        cosines = np.maximum(products, 0)
        starts = np.flatnonzero(np.diff(position, prepend=-1))
        whose = position[starts]
        mine = np.sqrt(query.shares / query.shares.max())
        ahead[whose] = np.maximum.reduceat((cosines * mine).max(axis=1), starts)
        heaviest = self.none()
        heaviest[whose] = np.maximum.reduceat(shares, starts)
        theirs = np.sqrt(shares / heaviest[position])
        back[whose] = np.maximum.reduceat(cosines.max(axis=1) * theirs, starts)
        own = max(float(np.linalg.norm(query.shares @ query.interests)), 1e-9)
        both = np.add.reduceat(products @ query.shares * shares, starts)
        gist[whose] = both / (own * self._lengths(position, vectors, shares)[whose])
        return (ahead, back), gist

    def _lengths(self, position: Rows, vectors: Matrix, shares: Vector) -> Vector:
        """Return how long the mean of each candidate's interests is, 1 for those without.

        Worked out once for each member: it takes longer than all cosines.
        """
        known = self.features.lengths
        new = np.isnan(known[self.rows])
        if new.any():
            here = np.flatnonzero(new[position])
            found = np.ones(len(self.rows), np.float32)
            if len(here):
                starts = np.flatnonzero(np.diff(position[here], prepend=-1))
                sums = np.add.reduceat(vectors[here] * shares[here, None], starts)
                lengths = np.sqrt(np.einsum("ij,ij->i", sums, sums))
                found[position[here][starts]] = np.maximum(lengths, 1e-9)
            known[self.rows[new]] = found[new]
        return known[self.rows]

    def of_answers(self) -> dict[str, Both]:
        """Return how far each is like those whom the other answers."""
        learned, answered = self.features.learned, self.members.answered
        if not learned.places.size or self.query.member < 0:
            return {"answers_like": (self.none(), self.none())}
        mine, weights = answered.of_row(self.query.member)
        liked = (values_at(learned.places, mine) * weights[:, None]).sum(axis=0)
        liked /= max(float(weights.sum()), 1e-9)
        position, theirs, amounts = answered.of_rows(self.rows)
        near = values_at(learned.places, theirs) @ place_of(self.features.learned, self.query)
        total = np.maximum(np.bincount(position, amounts, len(self.rows)), 1e-9)
        back = np.bincount(position, near * amounts, len(self.rows)) / total
        ahead = values_at(learned.places, self.rows) @ liked
        return {"answers_like": (ahead, back.astype(np.float32))}

    def of_standing(self) -> dict[str, Both]:
        """Return what is true of each, whoever looks."""
        standing = self.features.standing
        found: dict[str, Both] = {}
        helps, asks = self._theirs_and_mine(standing.helps), self._theirs_and_mine(standing.asks)
        found["could_answer"] = helps[1] * asks[0], helps[0] * asks[1]
        for name in OF_ONE:
            found[name] = self._theirs_and_mine(getattr(standing, name))
        for name in ("companions", "groups", "takes_part", "new"):
            theirs, mine = self._theirs_and_mine(getattr(standing, name))
            found[f"viewer_{name}"] = mine, theirs
        return found

    def _theirs_and_mine(self, column: Vector) -> Both:
        # A viewer who asks for fewer groups or companions than they have is a newcomer to us.
        own = float(column[self.query.member]) if self.query.member >= 0 else 0.0
        return column[self.rows], np.full(len(self.rows), own, np.float32)


def _same(theirs: Rows, mine: int) -> Vector:
    told = (theirs != UNKNOWN) & (mine != UNKNOWN)
    return np.where(told, theirs == mine, 0.5).astype(np.float32)


def _said(profiles: Profiles, query: Query) -> Matrix:
    """Return what the viewer says of it, shape (k, d)."""
    if query.member < 0:
        return np.zeros((0, 1), np.float32)
    return profiles.of_row(query.member)[0]


def _best(profiles: Profiles, wanted: Matrix, rows: Rows) -> Vector:
    if not len(wanted):
        return np.zeros(len(rows), np.float32)
    best: Vector = np.maximum(profiles.best_match(wanted, rows), 0).max(axis=1)
    return best


Measure = Callable[[Query, Pool], Mapping[str, Vector]]


def lonely(query: Query) -> Query:
    """Return the query as if the viewer had no ties: for training, to learn of newcomers."""
    none, weightless = np.zeros(0, np.int64), np.zeros(0, np.float32)
    return replace(query, companions=none, companion_weights=weightless)
