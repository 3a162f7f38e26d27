"""Who takes part in a round, and what is settled before anybody is matched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from engine.errors import DataError, UnknownReferenceError
from engine.recommender import Recommender
from engine.round_rules import PairRules
from engine.round_wishes import PAIR, Pair, Why, Wishes
from engine.snapshot import Snapshot
from engine.types import BoolVector, Rows

NEW_DAYS = 60.0
"""Days for which somebody is a newcomer. Of whom nobody knows since when they are here is none."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a round is planned on.

    Attributes:
        wishes: What the host wants.
        rules: What holds of pairs.
        pool: Rows of those who are still to be matched, ascending.
        together: Rows of those who must meet: in a round of pairs not in the pool, in one of
            circles they are.
        away: Who cannot meet anybody, and why.
        apart: Keys of pairs that are out of the question, ascending.
        newcomers: Who is new, for every member row.
    """

    wishes: Wishes
    rules: PairRules
    pool: Rows
    together: tuple[Rows, ...]
    away: dict[int, Why]
    apart: Rows
    newcomers: BoolVector

    @property
    def snapshot(self) -> Snapshot:
        """The community's columns."""
        return self.rules.snapshot

    def by_band(self) -> list[Rows]:
        """Return the pool by audience band: different ones never meet."""
        bands = self.snapshot.members.audience[self.pool]
        return [self.pool[bands == band] for band in np.unique(bands)]


def ground_of(recommender: Recommender, wishes: Wishes, at: float) -> Ground:
    """Return what a round is planned on.

    Raises:
        DataError: What must be may not be.
        UnknownReferenceError: Somebody is not there.
    """
    rules = PairRules.of(recommender, at, wishes.tied)
    opted = _opted(recommender, wishes)
    away = rules.away(opted, wishes.size - 1)
    must = _rows_of(recommender, wishes.must, "must")
    never = _rows_of(recommender, wishes.never, "never")
    together = _groups(must)
    _check_must(rules, wishes, together, set(opted.tolist()) - set(away))
    fixed = {row for group in together for row in group}
    pool = np.array(sorted(set(opted.tolist()) - set(away)), np.int64)
    if wishes.size == PAIR:
        pool = pool[~np.isin(pool, sorted(fixed))]
    met = [pair for pair in _known(recommender, wishes.met) if frozenset(pair) not in must]
    known_days = rules.snapshot.members.known_days
    return Ground(
        wishes,
        rules,
        pool,
        tuple(np.array(group, np.int64) for group in together),
        away,
        rules.apart(wishes.tied, [*((min(pair), max(pair)) for pair in never), *met]),
        np.less_equal(known_days, NEW_DAYS),
    )


def _opted(recommender: Recommender, wishes: Wishes) -> Rows:
    members = recommender.bundle.snapshot.members
    if wishes.members is None:
        open_ones = members.discoverable & members.open_to_introductions
        there = np.diff(members.ids.offsets) > 0
        rows: Rows = np.flatnonzero(open_ones & (members.weekly_introductions > 0) & there)
        return rows
    found = [_row(recommender, one, "members") for one in wishes.members]
    return np.array(sorted(found), np.int64)


def _row(recommender: Recommender, member: str, where: str) -> int:
    row = recommender.members.find(member)
    if row is None:
        raise UnknownReferenceError(f"{where}: no member has the id {member!r}")
    return row


def _rows_of(
    recommender: Recommender, pairs: Iterable[Pair], where: str
) -> dict[frozenset[int], Pair]:
    return {
        frozenset((_row(recommender, one, where), _row(recommender, other, where))): (one, other)
        for one, other in pairs
    }


def _known(recommender: Recommender, pairs: Iterable[Pair]) -> list[tuple[int, int]]:
    """Return pairs of which both are still there."""
    find = recommender.members.find
    rows = ((find(one), find(other)) for one, other in pairs)
    return [(one, other) for one, other in rows if one is not None and other is not None]


def _groups(must: Iterable[frozenset[int]]) -> list[list[int]]:
    """Return who must be together with whom, each member in one group."""
    group: dict[int, set[int]] = {}
    for pair in must:
        joined = set(pair).union(*(group.get(row, set()) for row in pair))
        group.update(dict.fromkeys(joined, joined))
    distinct = {min(members): sorted(members) for members in group.values()}
    return [distinct[first] for first in sorted(distinct)]


def _check_must(
    rules: PairRules, wishes: Wishes, together: list[list[int]], ready: set[int]
) -> None:
    """Refuse what must be and may not; without a word on which of the two is against it."""
    ids = rules.snapshot.members.ids
    never = [{one, other} for one, other in wishes.never]
    for group in together:
        names = [ids[row] for row in group]
        if len(group) > wishes.size:
            raise DataError(
                f"must: {', '.join(map(repr, names))} would meet all together, and {wishes.size} "
                "meet in this round: take a pair out or let more meet"
            )
        if any(pair <= set(names) for pair in never):
            raise DataError(f"must and never contradict each other: {', '.join(names)}")
        for name in (ids[row] for row in group if row not in ready):
            raise DataError(
                f"must: {name!r} has not opted in, is closed to introductions or has no room for "
                "so many this week"
            )
        for one, other in rules.refused_by_any(group):
            raise DataError(f"must: {ids[one]!r} and {ids[other]!r} may not be introduced")
