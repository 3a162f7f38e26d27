"""Each peer at its best: every setting of its grid is tried on a validation window."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.peers.history import History
from benchmarks.peers.peer import Peer, Scorer, Settings
from engine.errors import SettingError

Measure = Callable[[Scorer], float]
"""A fitted peer -> its NDCG@10 on the validation window; higher is better."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """What tuning found.

    Attributes:
        settings: The best of those tried; of equal ones the first.
        figure: What they reached on the validation window.
        tried: Every setting with what it reached, in the order of the grid.
        seconds: What all tries took together, fitting and answering.
    """

    settings: Settings
    figure: float
    tried: tuple[tuple[Settings, float], ...]
    seconds: float

    @property
    def tries(self) -> int:
        """How many settings were tried."""
        return len(self.tried)


def tune(peer: Peer, history: History, measure: Measure, seed: int = 0) -> Tuned:
    """Try every setting of a peer.

    Args:
        peer: Which one.
        history: What happened before the validation window.
        measure: Judges a fitted peer on the validation window.
        seed: Decides what a peer leaves to chance.

    Raises:
        SettingError: The peer is left out, or there is nothing to be measured on.
    """
    start = time.perf_counter()
    tried = tuple((settings, measure(peer.fit(history, settings, seed))) for settings in peer.grid)
    figures = np.array([figure for _, figure in tried])
    if np.isnan(figures).any():
        raise SettingError(
            f"{peer.name} cannot be tuned: the validation window has nobody to measure on"
        )
    best = int(figures.argmax())
    return Tuned(tried[best][0], tried[best][1], tried, time.perf_counter() - start)
