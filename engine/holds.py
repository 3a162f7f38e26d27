"""Whom and what somebody is not to be shown for a time, by what they have said of suggestions.

A bundle knows nothing of it: it is present state, kept beside the snapshot and swapped with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from engine.facts import HiddenFact, SetAsideFact, Written
from engine.introduced import NONE_INTRODUCED, Introduced
from engine.types import Rows

Find = Callable[[str], int | None]
"""An id -> its row now, None if there is nothing by that id."""


@dataclass(frozen=True, slots=True)
class Held:
    """What one member is not to be shown.

    Attributes:
        rows: Rows of groups, or of members, ascending: int64 of shape (n,).
        until: Until when, unix seconds: float64 of shape (n,).
    """

    rows: Rows
    until: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Holds:
    """What is set aside now, by row; immutable.

    Attributes:
        groups: For a member's row, the groups.
        members: For a member's row, the members.
        hidden: Rows of members who are shown to nobody, ascending.
        introduced: Who has been introduced to whom.
    """

    groups: Mapping[int, Held] = field(default_factory=dict)
    members: Mapping[int, Held] = field(default_factory=dict)
    hidden: Rows = field(default_factory=lambda: np.zeros(0, np.int64))
    introduced: Introduced = NONE_INTRODUCED


NOTHING_HELD = Holds()
"""What holds of a bundle alone."""


class HoldsSince:
    """The newest facts about what is set aside, by id. One writer."""

    def __init__(self) -> None:
        self._until: defaultdict[str, dict[tuple[Written, str], float]] = defaultdict(dict)
        self._holders: defaultdict[tuple[Written, str], set[str]] = defaultdict(set)
        self._hidden: set[str] = set()

    def learn(self, set_aside: Iterable[SetAsideFact], hidden: Iterable[HiddenFact]) -> set[str]:
        """Take in facts and return whom they are about."""
        touched = set()
        for fact in set_aside:
            item = fact.kind, fact.item
            if fact.until > 0:
                self._until[fact.member][item] = fact.until
                self._holders[item].add(fact.member)
            else:
                self._drop(fact.member, item)
            touched.add(fact.member)
        for told in hidden:
            (self._hidden.add if told.hidden else self._hidden.discard)(told.member)
            touched.add(told.member)
        return touched

    def about(self, kind: Written, external: str) -> set[str]:
        """Return for whom it matters that a group or a member is there now: they may be new."""
        themself = kind is Written.MEMBER and (external in self._until or external in self._hidden)
        return self._holders.get((kind, external), set()) | ({external} if themself else set())

    def forget(self, member: str) -> None:
        """Drop what somebody set aside, and that they were."""
        for item in list(self._until.get(member, ())):
            self._drop(member, item)
        for holder in self._holders.pop((Written.MEMBER, member), set()):
            self._until[holder].pop((Written.MEMBER, member), None)
        self._hidden.discard(member)

    def now(self, last: Holds, touched: Iterable[str], members: Find, groups: Find) -> Holds:
        """Return what is set aside now.

        Args:
            last: What was before.
            touched: Ids of the members to look at again.
            members: Where members are.
            groups: Where groups are.
        """
        kinds = {Written.GROUP: dict(last.groups), Written.MEMBER: dict(last.members)}
        finds = {Written.GROUP: groups, Written.MEMBER: members}
        for member in touched:
            row = members(member)
            if row is None:
                continue
            for kind, held in kinds.items():
                mine = self._held(member, kind, finds[kind])
                if len(mine.rows):
                    held[row] = mine
                else:
                    held.pop(row, None)
        hidden = {row for one in self._hidden if (row := members(one)) is not None}
        return replace(
            last,
            groups=kinds[Written.GROUP],
            members=kinds[Written.MEMBER],
            hidden=np.array(sorted(hidden), np.int64),
        )

    def _held(self, member: str, kind: Written, find: Find) -> Held:
        there = {
            row: until
            for (of, item), until in self._until.get(member, {}).items()
            if of is kind and (row := find(item)) is not None
        }
        rows = sorted(there)
        return Held(np.array(rows, np.int64), np.array([there[row] for row in rows], np.float64))

    def _drop(self, member: str, item: tuple[Written, str]) -> None:
        self._until[member].pop(item, None)
        if not self._until[member]:
            del self._until[member]
        self._holders[item].discard(member)
        if not self._holders[item]:
            del self._holders[item]
