"""Peers that look at companions of companions: three formulas of link prediction.

Source: Liben-Nowell & Kleinberg 2007 compare the first two; resource allocation is Zhou, Lü &
Zhang 2009. Ties may count the less the older they are, which is where their settings come from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.peers.peer import Settings, grid_of
from benchmarks.people.circle import Circle
from benchmarks.people.peer import PeopleScorer, in_blocks
from engine.types import Vector

HALF_LIVES_DAYS = (365.0, 730.0, 1095.0, 1825.0, 3650.0, 36500.0)
"""Ages at which a tie says half as much; the last is no fading at all."""

GRID: Sequence[Settings] = grid_of(half_life_days=HALF_LIVES_DAYS, normalised=[False, True])
"""With or without dividing by the root of how many the other has met (Salton's cosine)."""


@dataclass(frozen=True, slots=True)
class CommonNeighbours:
    """How many people both have met."""

    name: ClassVar[str] = "common_neighbours"
    package: ClassVar[str] = "scipy"
    grid: ClassVar[Sequence[Settings]] = GRID

    def fit(self, circle: Circle, settings: Settings, seed: int) -> PeopleScorer:
        """Weigh each of them 1."""
        return _through(circle, settings, np.ones_like)


@dataclass(frozen=True, slots=True)
class AdamicAdar:
    """The same, each person in between counting 1 / log(people they have met)."""

    name: ClassVar[str] = "adamic_adar"
    package: ClassVar[str] = "scipy"
    grid: ClassVar[Sequence[Settings]] = GRID

    def fit(self, circle: Circle, settings: Settings, seed: int) -> PeopleScorer:
        """Weigh them (Adamic & Adar 2003)."""
        return _through(circle, settings, lambda met: 1 / np.log(np.maximum(met, 2)))


@dataclass(frozen=True, slots=True)
class ResourceAllocation:
    """The same, each person in between counting 1 / people they have met."""

    name: ClassVar[str] = "resource_allocation"
    package: ClassVar[str] = "scipy"
    grid: ClassVar[Sequence[Settings]] = GRID

    def fit(self, circle: Circle, settings: Settings, seed: int) -> PeopleScorer:
        """Weigh them (Zhou, Lü & Zhang 2009)."""
        return _through(circle, settings, lambda met: 1 / np.maximum(met, 1))


def _through(
    circle: Circle, settings: Settings, worth: Callable[[Vector], NDArray[Any]]
) -> PeopleScorer:
    """Return the sum over people in between of what each is worth by how many they have met."""
    ties = circle.ties(float(settings["half_life_days"]))
    met = circle.degrees()
    onward = sparse.diags_array(worth(met)).astype(np.float32) @ ties
    if settings["normalised"]:
        onward = onward @ sparse.diags_array(1 / np.sqrt(np.maximum(met, 1))).astype(np.float32)
    return in_blocks(lambda rows: (ties[rows] @ onward).toarray(), circle.members)
