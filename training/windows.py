"""Which stretches of the past a ranker learns from, and how long each is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.community import Community
from engine.domain import DAY_S
from engine.types import Rows

HORIZONS_DAYS = (91.0, 182.0, 365.0)
"""Lengths a window may have: a season, half a year, a year. In less no join can be seen to last."""

ENOUGH_JOINERS = 400
"""Members with an earlier group who join something, from which a window is long enough."""

FEWEST_JOINERS = 60
"""With fewer of them a window teaches nothing."""

MOST_WINDOWS = 5
"""Windows learned from at most, the newest ones: people change."""


@dataclass(frozen=True, slots=True)
class Window:
    """What happened from `cut` up to `end` (unix seconds)."""

    cut: float
    end: float

    @property
    def days(self) -> float:
        """Its length."""
        return (self.end - self.cut) / DAY_S


def windows_of(community: Community, asof: float) -> list[Window]:
    """Return consecutive windows up to `asof`, the newest first; none if there is too little.

    They are as short as they can be while the newest still has `ENOUGH_JOINERS`; if not even a
    year has, as long as leaves two windows with `FEWEST_JOINERS`, or one. Joiners are members
    with an earlier group; where those are too few for any window, newcomers count as well.
    """
    dated = community.memberships.drop_nulls("first_ts").sort("first_ts")
    when, who = dated["first_ts"].to_numpy(), dated["member"].to_numpy()
    first = np.full(len(community.members), np.inf)
    np.minimum.at(first, who, when)

    def newcomers(window: Window) -> int:
        before = int((first < window.cut).sum())
        inside = (when >= window.cut) & (when < window.end)
        return len(np.unique(who[inside])) if before >= FEWEST_JOINERS else 0

    return _laid_out(asof, lambda window: joiners(when, who, first, window)) or _laid_out(
        asof, newcomers
    )


def joiners(
    when: NDArray[np.float64], who: Rows, first: NDArray[np.float64], window: Window
) -> int:
    """Return how many members with an earlier group joined another one in the window.

    Args:
        when: When each join was, unix seconds.
        who: Whose it was.
        first: When each member first joined anything.
        window: Which joins count.
    """
    inside = (when >= window.cut) & (when < window.end)
    return len(np.unique(who[inside & (first[who] < window.cut)]))


def _laid_out(asof: float, count: Callable[[Window], int]) -> list[Window]:
    best: list[Window] = []
    for days in HORIZONS_DAYS:
        found = []
        for place in range(MOST_WINDOWS):
            window = Window(asof - (place + 1) * days * DAY_S, asof - place * days * DAY_S)
            if count(window) < FEWEST_JOINERS:
                break
            found.append(window)
        if found and count(found[0]) >= ENOUGH_JOINERS:
            return found
        if min(len(found), 2) >= min(len(best), 2) and found:
            best = found
    return best
