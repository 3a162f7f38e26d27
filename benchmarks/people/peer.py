"""What every peer of people is: a name, the settings worth trying, and a way to be fitted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.peer import Settings
from benchmarks.people.circle import Circle
from engine.types import Matrix, Rows

PeopleScorer = Callable[[Rows], Matrix]
"""Viewers' rows -> a finite score for every member, higher is better: float32 (v, members)."""

BLOCK = 512
"""Viewers answered at a time, so that what lies between stays small."""


class PeoplePeer(Protocol):
    """A way of finding people that others maintain, or that is made in an afternoon.

    Attributes:
        name: As in tables.
        package: The distribution it comes from, whose installed version the caller looks up.
        grid: The settings tried, `benchmarks.peers.peer.TRIES` at most, all with the same keys.
    """

    name: ClassVar[str]
    package: ClassVar[str]
    grid: ClassVar[Sequence[Settings]]

    def fit(self, circle: Circle, settings: Settings, seed: int) -> PeopleScorer:
        """Learn from what happened before a cut; the same seed gives the same scores.

        Raises:
            SettingError: Its package is not installed, or the community is too large for it.
        """
        ...


def in_blocks(scores_of: Callable[[Rows], NDArray[Any]], members: int) -> PeopleScorer:
    """Return a scorer that answers a block of viewers at a time."""

    def score(rows: Rows) -> Matrix:
        scores = np.zeros((len(rows), members), dtype=np.float32)
        for start in range(0, len(rows), BLOCK):
            part = rows[start : start + BLOCK]
            scores[start : start + BLOCK] = scores_of(part)
        return scores

    return score
