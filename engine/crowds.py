"""How many people of a group a viewer may see, told without looking at each of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from engine.columns import contains
from engine.query import NOBODY
from engine.snapshot import JOINED_HALF_LIFE_DAYS, LATELY_DAYS, UNREADABLE_BAND
from engine.types import BoolVector, Rows
from engine.visibility import Sight, Viewer

LATELY = 0.5 ** (LATELY_DAYS / JOINED_HALF_LIFE_DAYS)
"""What a join of `LATELY_DAYS` ago is worth in `Behaviour.joined`."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """Some people, and how many of each audience band may be seen by others.

    Attributes:
        rows: Who they are, ascending.
        by_band: How many of them anybody of their band may see who has no block with them.
    """

    rows: Rows
    by_band: Rows


@dataclass(frozen=True, slots=True)
class Crowds:
    """The people of groups, looked through once for all viewers."""

    sight: Sight
    _inside: dict[int, Crowd] = field(default_factory=dict)  # as groups are asked for
    _lately: dict[int, Crowd] = field(default_factory=dict)

    def seen_by(self, *viewers: Viewer) -> Counts:
        """Return what counts people whom all these viewers may see."""
        members, sight = self.sight.snapshot.members, self.sight
        bands = np.arange(len(members.bands))
        for viewer in viewers:
            bands = bands[sight.bands(viewer, bands)]
        rows = [viewer.member for viewer in viewers if viewer.member != NOBODY]
        blocks = [members.blocks.of_row(row)[0] for row in rows]
        apart = np.unique(np.concatenate([np.array(rows, np.int64), *blocks]))
        seen = np.ones(len(apart), bool)
        for viewer in viewers:
            seen &= sight.members(viewer, apart)
        counted = self._is_shown(apart) & np.isin(members.audience[apart], bands)
        return Counts(self, bands, apart, seen.astype(np.int64) - counted.astype(np.int64))

    def inside(self, group: int) -> Crowd:
        """Return the people of a group."""
        # Two threads may both look through a group, alike.
        if group not in self._inside:
            self._inside[group] = self._of(self._members(group))
        return self._inside[group]

    def joined_lately(self, group: int) -> Crowd:
        """Return those of them who have joined in the last `LATELY_DAYS` days."""
        if group not in self._lately:
            here = self._members(group)
            place, there, lately = self.sight.snapshot.behaviour.joined.of_rows(here)
            self._lately[group] = self._of(here[place[(there == group) & (lately > LATELY)]])
        return self._lately[group]

    def _members(self, group: int) -> Rows:
        return self.sight.snapshot.groups.members.of_row(group)[0]

    def _of(self, rows: Rows) -> Crowd:
        bands = self.sight.snapshot.members.audience[rows[self._is_shown(rows)]]
        size = len(self.sight.snapshot.members.bands)
        return Crowd(rows, np.bincount(bands, minlength=size).astype(np.int64))

    def _is_shown(self, rows: Rows) -> BoolVector:
        """Return who may be seen by somebody."""
        members = self.sight.snapshot.members
        shown = members.discoverable[rows] & (members.audience[rows] != UNREADABLE_BAND)
        return np.asarray(shown & ~contains(self.sight.hidden, rows), bool)


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts people whom some viewers all may see: by bands, and then those one by one who differ.

    Attributes:
        crowds: The people.
        bands: The bands of which all viewers may see people.
        apart: The viewers themselves and whom they have a block with: rows, ascending.
        more: By how much each of these counts more than their band says: -1, 0 or 1.
    """

    crowds: Crowds
    bands: Rows
    apart: Rows
    more: Rows

    def inside(self, group: int) -> int:
        """Return how many people of a group they all may see."""
        return self._of(self.crowds.inside(group))

    def joined_lately(self, group: int) -> int:
        """Return how many of those have joined in the last `LATELY_DAYS` days."""
        return self._of(self.crowds.joined_lately(group))

    def smallest(self, groups: Rows) -> tuple[int, int]:
        """Return the group with fewest people whom they all may see, the first of equals.

        Args:
            groups: Rows, at least one.

        Returns:
            How many there are in it, and its row.
        """
        rough = [(self._by_bands(self.crowds.inside(row)), row) for row in groups.tolist()]
        most = min(rough)[0] + 2 * len(self.apart)
        return min((self.inside(row), row) for count, row in rough if count <= most)

    def _of(self, crowd: Crowd) -> int:
        return self._by_bands(crowd) + int(self.more[contains(crowd.rows, self.apart)].sum())

    def _by_bands(self, crowd: Crowd) -> int:
        return int(crowd.by_band[self.bands].sum())
