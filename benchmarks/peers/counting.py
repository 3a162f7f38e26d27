"""Peers that give everybody the same list: the groups most are in, or that most joined lately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.history import History
from benchmarks.peers.peer import Scorer, Settings, grid_of, in_blocks
from engine.types import BoolVector, Vector


@dataclass(frozen=True, slots=True)
class Popularity:
    """Groups with most members first, or with those who took part most."""

    name: ClassVar[str] = "popularity"
    package: ClassVar[str] = "numpy"
    serves_text: ClassVar[bool] = True
    grid: ClassVar[Sequence[Settings]] = grid_of(counted=["members", "log_times", "times"])

    def fit(self, history: History, settings: Settings, seed: int) -> Scorer:
        """Count."""
        counted: dict[str, NDArray[np.float32]] = {
            "members": np.ones_like(history.n),
            "log_times": np.log2(1 + history.n),
            "times": history.n,
        }
        return same_for_all(history, counted[str(settings["counted"])])


@dataclass(frozen=True, slots=True)
class RecentPopularity:
    """Groups most joined lately first, by those who already were in another.

    Suggestions are for people who are in a group, and what they join next is not what newcomers
    join first. Where nobody is known to have joined a second group, all joins count.
    """

    name: ClassVar[str] = "recent_popularity"
    package: ClassVar[str] = "numpy"
    serves_text: ClassVar[bool] = True
    grid: ClassVar[Sequence[Settings]] = grid_of(
        half_life_days=[7, 14, 21, 30, 45, 60, 75, 90, 120, 180, 365, 730]
    )

    def fit(self, history: History, settings: Settings, seed: int) -> Scorer:
        """Count joins, each the less the older it is."""
        fading = history.fading(float(settings["half_life_days"]))
        further = _further(history)
        return same_for_all(history, np.where(further, fading, 0) if further.any() else fading)


def same_for_all(history: History, weights: Vector) -> Scorer:
    """Return a scorer that gives every viewer the sum of the weights of a group's memberships."""
    total = np.bincount(history.group, weights=weights, minlength=history.groups)
    return in_blocks(lambda viewers: np.tile(total, (len(viewers), 1)), history.groups)


def _further(history: History) -> BoolVector:
    """Return which memberships came after the member's first one."""
    first = np.full(history.members, np.inf)
    np.fmin.at(first, history.member, history.ts)
    further: BoolVector = history.ts > first[history.member]
    return further
