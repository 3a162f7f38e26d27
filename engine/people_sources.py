"""Where people to meet come from beside nearest interests and companions' companions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from engine.acquaintance import Acquaintance, values_at
from engine.paths import Paths
from engine.pool import best_few
from engine.query import Query
from engine.snapshot import MemberColumns
from engine.sources import DEPTH
from engine.types import BoolVector, Rows, Vector

EVERYBODY = 3_000
"""Members who may be introduced up to which everyone is a candidate: that is cheap enough."""

MOST_OFFERS = 20_000
"""Things said to be sought or offered that are compared for one request at most."""

MOST_PLACES = 200_000
"""Members up to whom all are compared by where they lie."""


@dataclass(frozen=True, slots=True)
class Everybody:
    """Everyone who may be introduced, where they are few; nobody where they are many."""

    rows: Rows
    name: ClassVar[str] = "everybody"

    @classmethod
    def of(cls, members: MemberColumns) -> Self:
        """Take those who want introductions, unless they are more than `EVERYBODY`."""
        rows = np.flatnonzero(willing(members))
        return cls(rows if len(rows) <= EVERYBODY else rows[:0])

    def propose(self, query: Query) -> Rows:
        """Return all of them."""
        return self.rows


@dataclass(frozen=True, slots=True)
class ShortWalks:
    """Those to whom most short walks lead over ties and groups.

    For somebody without ties these are people of the same groups and the companions of such.
    """

    paths: Paths
    depth: int = DEPTH
    name: ClassVar[str] = "short_walks"

    def propose(self, query: Query) -> Rows:
        """Return the likeliest ends."""
        mass = self.paths.walks(query).mixed
        rows = np.flatnonzero(mass)
        return rows[best_few(rows, mass[rows], self.depth)]


@dataclass(frozen=True, slots=True)
class SameThread:
    """People who took part in the same small conversations."""

    depth: int = DEPTH
    name: ClassVar[str] = "same_thread"

    def propose(self, query: Query) -> Rows:
        """Return those with most of them in common."""
        order = np.lexsort((query.fellows, -query.fellow_weights))
        return query.fellows[order[: self.depth]]


@dataclass(frozen=True, slots=True)
class Complementary:
    """People who offer what the viewer seeks, or seek what the viewer offers."""

    members: MemberColumns
    depth: int = DEPTH
    name: ClassVar[str] = "complementary"

    def propose(self, query: Query) -> Rows:
        """Return those whose words fit best, from either side."""
        if query.member < 0:
            return np.zeros(0, np.int64)
        found = []
        both = (self.members.seeking, self.members.offering)
        for mine, theirs in (both, both[::-1]):
            wanted = mine.of_row(query.member)[0]
            places = np.flatnonzero(theirs.owners() >= 0)[:MOST_OFFERS]
            if len(wanted) and len(places):
                best = (theirs.at(places) @ wanted.T).max(axis=1)
                found.append(theirs.owners()[places[np.argsort(-best, kind="stable")]])
        each = self.depth // max(len(found), 1)
        return np.concatenate([np.zeros(0, np.int64), *(rows[:each] for rows in found)])


@dataclass(frozen=True, slots=True)
class NearestPlaces:
    """People who lie nearest to the viewer in the space of ties and groups."""

    learned: Acquaintance
    depth: int = DEPTH
    name: ClassVar[str] = "nearest_places"

    def propose(self, query: Query) -> Rows:
        """Return the nearest; nobody where training has placed nobody, or too many."""
        places = self.learned.places
        if not places.size or len(places) > MOST_PLACES:
            return np.zeros(0, np.int64)
        near = places @ place_of(self.learned, query)
        rows = np.flatnonzero(near > 0)
        return rows[best_few(rows, near[rows], self.depth)]


def place_of(learned: Acquaintance, query: Query) -> Vector:
    """Return where the viewer lies; a newcomer lies where the people of their groups do."""
    if 0 <= query.member < len(learned.places) and learned.places[query.member].any():
        own: Vector = learned.places[query.member]
        return own
    mean = values_at(learned.group_places, query.groups).sum(axis=0)
    length = float(np.linalg.norm(mean))
    place: Vector = mean / np.float32(length) if length > 0 else mean
    return place


def willing(members: MemberColumns) -> BoolVector:
    """Return who may be introduced to somebody: bool of shape (members,)."""
    wants: BoolVector = members.discoverable & members.open_to_introductions
    return wants & (members.weekly_introductions > 0)
