"""Who may be introduced to whom in a round: the policies of introductions, and the host's wishes.

A member's own slate goes through the policies viewer by viewer, which takes half a millisecond a
member. Those that are known here are read in batch instead, from the same columns, both ways round:
who is away for everybody, and which pairs are kept apart. Whatever other policy stands in the
pipeline is asked pair by pair, so that nothing that is asked of an introduction is not asked of a
round. tests/engine/test_round_rules.py holds both against each other in random communities.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.columns import Links, contains
from engine.holds import Held
from engine.introduced import Introduced
from engine.pipeline import Pipeline
from engine.policies.fitness import NotAlreadyTied
from engine.policies.holds import NotReported, NotSetAside
from engine.policies.introduction import NotResting, RoomThisWeek, room_left
from engine.policies.privacy import Discoverable, NotBlocked, OpenToIntroductions, SameAudience
from engine.query import NOBODY_ASKS, query_of_member
from engine.recommender import Recommender
from engine.round_wishes import Pair, Why, pairs_in
from engine.snapshot import Snapshot
from engine.types import BoolVector, Rows
from engine.weeks import week_of

CLOSED = (Discoverable.name, OpenToIntroductions.name)

OF_PAIRS = (NotAlreadyTied, NotBlocked, NotSetAside, NotResting)
"""Policies that keep two apart, read into `PairRules.apart`."""

OF_MEMBERS = (Discoverable, OpenToIntroductions, SameAudience, NotReported, RoomThisWeek)
"""Policies that keep somebody from everybody, or but for their own band."""

GONE = -1
"""The row of who is not there any more."""

IN_BATCH = frozenset(policy.name for policy in (*OF_PAIRS, *OF_MEMBERS))


@dataclass(frozen=True, slots=True)
class PairRules:
    """What holds of pairs at one moment.

    Attributes:
        recommender: What answers for the community.
        pipeline: The stages of introductions, whose policies hold here as well.
        at: The moment, unix seconds.
    """

    recommender: Recommender
    pipeline: Pipeline
    at: float

    @classmethod
    def of(cls, recommender: Recommender, at: float, tied: bool = False) -> PairRules:
        """Return the rules of a community.

        Args:
            recommender: What answers for it.
            at: Unix seconds.
            tied: Whether those may meet who know each other already.
        """
        pipeline = recommender.introductions
        if tied:
            others = [one for one in pipeline.policies if one.name != NotAlreadyTied.name]
            pipeline = replace(pipeline, policies=others)
        return cls(recommender, pipeline, at)

    @property
    def snapshot(self) -> Snapshot:
        """The community's columns."""
        return self.recommender.bundle.snapshot

    def away(self, rows: Rows, others: int) -> dict[int, Why]:
        """Return who cannot meet anybody, and why.

        Args:
            rows: Member rows, ascending.
            others: How many others each is to meet; all of them count in this week.
        """
        members, found = self.snapshot.members, {}
        for band in np.unique(members.audience[rows]).tolist():
            here = rows[members.audience[rows] == band]
            asking = replace(NOBODY_ASKS, audience=band, asked_at=self.at)
            for row, name in self.pipeline.refusals(asking, here.tolist()).items():
                found[row] = _why(name)
        introduced = self.recommender.holds.introduced
        room = room_left(members, introduced, rows, self.at)
        for row in rows[~(room >= others)].tolist():  # NaN is no room
            found.setdefault(row, Why.NO_ROOM)
        return found

    def others(self) -> Pipeline | None:
        """Return the pipeline with those policies alone that are not read in batch, if any."""
        others = [policy for policy in self.pipeline.policies if policy.name not in IN_BATCH]
        return replace(self.pipeline, policies=others) if others else None

    def refused(self, circle: Sequence[int]) -> list[tuple[int, int]]:
        """Return the pairs of a circle that one of those other policies refuses, either way."""
        asked = self.others()
        return [] if asked is None else self._refused(asked, circle)

    def refused_by_any(self, circle: Sequence[int]) -> list[tuple[int, int]]:
        """Return the pairs of a circle that any policy refuses, asked one by one."""
        return self._refused(self.pipeline, circle)

    def fallen(self, circles: Sequence[Sequence[str]], tied: bool) -> set[Pair]:
        """Return the pairs of planned circles that may not meet any more, the lesser id first.

        Args:
            circles: Ids of members.
            tied: Whether those may meet who know each other already.
        """
        pairs = [pair for circle in circles for pair in pairs_in(circle)]
        ids = {one for pair in pairs for one in pair}
        row_of = {one: self._row(one) for one in ids}
        ends = np.array([[row_of[one] for one in pair] for pair in pairs], np.int64).reshape(-1, 2)
        bands, size = self.snapshot.members.audience, len(self.snapshot.members.ids)
        bad = (ends == GONE).any(axis=1) | (bands[ends[:, 0]] != bands[ends[:, 1]])
        bad |= ~may_meet(size, self.apart(tied), ends[:, 0], ends[:, 1])
        for length in {len(circle) for circle in circles}:
            these = {row_of[one] for circle in circles if len(circle) == length for one in circle}
            away = self.away(np.array(sorted(these - {GONE}), np.int64), length - 1)
            bad |= np.isin(ends, [*away]).any(axis=1)
        found = {pair for pair, no in zip(pairs, bad.tolist(), strict=True) if no}
        if self.others() is not None:
            found |= self._refused_by_others(circles, row_of)
        return found

    def _refused_by_others(
        self, circles: Iterable[Sequence[str]], row_of: Mapping[str, int]
    ) -> set[Pair]:
        id_of = {row: one for one, row in row_of.items() if row != GONE}
        refused: set[Pair] = set()
        for circle in circles:
            there = [row_of[one] for one in circle if row_of[one] != GONE]
            for one, other in self.refused(there):
                low, high = sorted((id_of[one], id_of[other]))
                refused.add((low, high))
        return refused

    def _row(self, member: str) -> int:
        row = self.recommender.members.find(member)
        return GONE if row is None else row

    def _refused(self, asked: Pipeline, circle: Sequence[int]) -> list[tuple[int, int]]:
        snapshot, version = self.snapshot, self.recommender.bundle.manifest.version
        found = set()
        for row in circle:
            query = query_of_member(snapshot, row, version, self.at)
            others = [other for other in circle if other != row]
            for other in asked.refusals(query, others):
                found.add((min(row, other), max(row, other)))
        return sorted(found)

    def apart(self, tied: bool, named: Iterable[tuple[int, int]] = ()) -> Rows:
        """Return the keys of pairs that are out of the question, ascending: see `key_of`.

        Args:
            tied: Whether those may meet who know each other already.
            named: Rows of pairs the host wants apart, or who have met.
        """
        members, size = self.snapshot.members, len(self.snapshot.members.ids)
        holds = self.recommender.holds
        parts = [_keys(members.blocks, size)]
        if not tied:
            parts.append(_keys(members.ties, size))
        pairs = [*named, *_set_aside(holds.members.items(), self.at)]
        pairs += _resting(holds.introduced, self.at)
        listed = np.array(pairs, np.int64).reshape(-1, 2)
        parts.append(key_of(size, listed[:, 0], listed[:, 1]))
        return np.unique(np.concatenate(parts))


def key_of(size: int, one: Rows, other: Rows) -> Rows:
    """Return a number for each pair of rows below `size`, whichever comes first."""
    keys: Rows = np.minimum(one, other) * size + np.maximum(one, other)
    return keys


def may_meet(size: int, apart: Rows, one: Rows, other: Rows) -> BoolVector:
    """Return which pairs are not among those apart."""
    return ~contains(apart, key_of(size, one, other))


def _keys(links: Links, size: int) -> Rows:
    sources = np.repeat(np.arange(len(links)), links.counts())
    return key_of(size, sources, links.targets)


def _set_aside(held: Iterable[tuple[int, Held]], at: float) -> Iterator[tuple[int, int]]:
    for row, mine in held:
        yield from ((row, other) for other in mine.rows[mine.until > at].tolist())


def _resting(introduced: Introduced, at: float) -> Iterator[tuple[int, int]]:
    for together in introduced.met.values():
        for row, met in together.items():
            rests = (met.rests_until > at) & (met.weeks < week_of(at))
            yield from ((row, other) for other in met.rows[rests].tolist())


def _why(policy: str) -> Why:
    if policy in CLOSED:
        return Why.CLOSED
    return Why.NO_ROOM if policy == RoomThisWeek.name else Why.NOBODY_ALLOWED
