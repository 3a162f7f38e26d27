"""The peer that shows everybody the same people: those who have met, or said, most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from benchmarks.peers.history import faded
from benchmarks.peers.peer import HALF_LIVES_DAYS, Settings, grid_of
from benchmarks.people.circle import Circle
from benchmarks.people.peer import PeopleScorer, in_blocks


@dataclass(frozen=True, slots=True)
class MostKnown:
    """People with most ties first, or with most posts and answers, older ones counting less."""

    name: ClassVar[str] = "popularity"
    package: ClassVar[str] = "numpy"
    grid: ClassVar[Sequence[Settings]] = grid_of(
        counted=["ties", "took_part"], half_life_days=HALF_LIVES_DAYS
    )

    def fit(self, circle: Circle, settings: Settings, seed: int) -> PeopleScorer:
        """Count."""
        half_life = float(settings["half_life_days"])
        if settings["counted"] == "ties":
            total = np.asarray(circle.ties(half_life).sum(axis=1)).ravel()
        else:
            weights = faded(circle.active_at, circle.history.asof, half_life)
            total = np.bincount(circle.active, weights=weights, minlength=circle.members)
        return in_blocks(lambda rows: np.tile(total, (len(rows), 1)), circle.members)
