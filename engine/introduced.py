"""Who has been introduced to whom, week by week: present state, kept beside the snapshot.

A bundle knows nothing of it. Counts change with every slate somebody looks at, so a change costs
a copy of one column and of a few hundred entries, and no recommender is put together anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.facts import IntroducedFact
from engine.types import Rows
from engine.weeks import end_of_week

Find = Callable[[str], int | None]
"""An id -> its row now, None if there is nobody by that id."""

Counts = NDArray[np.int32]

TOGETHER = 512
"""Members whose introductions are copied together when those of one change."""

WEEKS_COUNTED = 2
"""The newest weeks that are counted: two, since clocks of two workers differ a little."""


@dataclass(frozen=True, slots=True)
class Met:
    """With whom one member has been introduced; an entry for each of them and week.

    Attributes:
        rows: The others, ascending: int64 of shape (n,).
        weeks: In which week, see `engine.weeks`: int64 of shape (n,).
        rests_until: After that week they are not introduced again until then, unix seconds, 0 if
            they may be: float64 of shape (n,).
    """

    rows: Rows
    weeks: Rows
    rests_until: NDArray[np.float64]


NOBODY_YET = Met(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float64))


@dataclass(frozen=True, slots=True)
class Introduced:
    """Who has been introduced to whom, by row; immutable.

    Attributes:
        counts: For each of the newest weeks how many introductions each row has had, shape (n,);
            rows beyond have had none.
        met: With whom each row has been introduced, by `row // TOGETHER` and row.
    """

    counts: Mapping[int, Counts] = field(default_factory=dict)
    met: Mapping[int, Mapping[int, Met]] = field(default_factory=dict)

    def of(self, row: int) -> Met:
        """Return with whom a member has been introduced."""
        return self.met.get(row // TOGETHER, {}).get(row, NOBODY_YET)

    def this_week(self, row: int, week: int) -> Rows:
        """Return with whom a member has been introduced this week or later, ascending."""
        met = self.of(row)
        return np.unique(met.rows[met.weeks >= week])

    def had(self, rows: Rows, week: int) -> Counts:
        """Return how many introductions each of these rows has had this week: shape as `rows`.

        Those of a later week count as well: then it is this clock that is behind.
        """
        total = np.zeros(len(rows), np.int32)
        for counted, column in self.counts.items():
            if counted >= week:
                known = rows < len(column)
                total[known] += column[rows[known]]
        return total


NONE_INTRODUCED = Introduced()
"""What holds of a bundle alone."""


class IntroducedSince:
    """The newest facts about introductions, by id. One writer."""

    def __init__(self) -> None:
        self._met: defaultdict[str, dict[str, dict[int, float]]] = defaultdict(dict)
        self._newest = 0

    def learn(self, facts: Iterable[IntroducedFact]) -> set[str]:
        """Take in facts and return whom they are about."""
        touched = set()
        for fact in facts:
            for one, other in ((fact.member, fact.other), (fact.other, fact.member)):
                self._met[one].setdefault(other, {})[fact.week] = fact.rests_until
                touched.add(one)
            if fact.week > self._newest:
                self._newest = fact.week
                self._drop_old()
        return touched

    def about(self, external: str) -> set[str]:
        """Return for whom it matters that a member is there now: they may be new."""
        known = self._met.get(external)
        return {external, *known} if known else set()

    def forget(self, external: str) -> set[str]:
        """Drop a member's introductions, and return who has had fewer by that."""
        others = set(self._met.pop(external, {}))
        for other in others:
            self._met[other].pop(external, None)
        return others

    def now(self, last: Introduced, touched: Iterable[str], find: Find, size: int) -> Introduced:
        """Return who has been introduced to whom now.

        Args:
            last: What was before.
            touched: Ids of the members to look at again.
            find: Where members are.
            size: Rows there are.
        """
        weeks = range(self._newest, self._newest - WEEKS_COUNTED, -1)
        counts = {week: _longer(last.counts.get(week), size) for week in weeks}
        copied: dict[int, dict[int, Met]] = {}
        for external in touched:
            row = find(external)
            if row is None:
                continue
            with_others = self._met.get(external, {})
            for week, column in counts.items():
                # Whoever is not known here yet has been met as well.
                column[row] = sum(week in known for known in with_others.values())
            place = row // TOGETHER
            if place not in copied:
                copied[place] = dict(last.met.get(place, {}))
            copied[place][row] = _met(with_others, find)
        return Introduced(counts, {**last.met, **copied})

    def _drop_old(self) -> None:
        """Keep the weeks that are counted, and what rests."""
        oldest = self._newest - WEEKS_COUNTED + 1
        for one, others in list(self._met.items()):
            for other, weeks in list(others.items()):
                others[other] = {
                    week: until
                    for week, until in weeks.items()
                    if week >= oldest or until > end_of_week(oldest)
                }
                if not others[other]:
                    del others[other]
            if not others:
                del self._met[one]


def _longer(column: Counts | None, size: int) -> Counts:
    longer = np.zeros(size, np.int32)
    if column is not None:
        longer[: len(column)] = column
    return longer


def _met(others: Mapping[str, Mapping[int, float]], find: Find) -> Met:
    found = sorted(
        (row, week, until)
        for other, weeks in others.items()
        if (row := find(other)) is not None
        for week, until in weeks.items()
    )
    rows, weeks, until = ([entry[place] for entry in found] for place in range(3))
    return Met(np.array(rows, np.int64), np.array(weeks, np.int64), np.array(until, np.float64))
