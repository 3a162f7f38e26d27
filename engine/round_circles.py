"""Circles of a whole community: each audience band by itself, a large one part by part."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.affinities import PairQuality
from engine.circles import APART, NOWHERE, Table, circle_sizes, form_circles, mean_worth
from engine.round_candidates import in_neighbourhoods
from engine.round_ground import Ground
from engine.round_rules import may_meet
from engine.round_wishes import SMALLEST, Mix, Why
from engine.types import Rows

WHOLE = 1_200
"""Members up to which a band is divided as a whole."""

NEIGHBOURHOOD = 240
"""Members of a larger band that are divided together."""

LIKE = 0.25
"""What it costs that two newcomers are in one circle, where they are to be mixed."""

TRIES = 6
"""How often circles in which a policy refuses a pair are formed anew."""


def circles_of(ground: Ground, quality: PairQuality) -> tuple[list[Rows], dict[int, Why]]:
    """Return circles of rows, and why others are left out."""
    chance = np.random.default_rng(ground.wishes.seed)
    found: list[Rows] = []
    out: dict[int, Why] = {}
    for rows in ground.by_band():
        parts = [rows]
        if len(rows) > WHOLE:
            parts = in_neighbourhoods(ground.snapshot, rows, NEIGHBOURHOOD, chance)
            parts = _kept_together(parts, ground.together)
        for part in parts:
            circles, left = _Division(ground, quality, part).circles(chance)
            found += circles
            out.update(left)
    return found, out


class _Division:
    """Divides some members."""

    def __init__(self, ground: Ground, quality: PairQuality, rows: Rows) -> None:
        self.ground, self.rows = ground, rows
        one, other = np.triu_indices(len(rows), 1)
        self.measured = _square(len(rows), one, other, quality.of(rows[one], rows[other]))
        size = len(ground.snapshot.members.ids)
        allowed = may_meet(size, ground.apart, rows[one], rows[other])
        self.apart = _square(len(rows), one, other, ~allowed) > 0
        groups = (np.flatnonzero(np.isin(rows, group)) for group in ground.together)
        self.together = [group for group in groups if len(group)]
        for group in self.together:  # they must, whatever else speaks against it
            self.apart[np.ix_(group, group)] = False

    def circles(self, chance: np.random.Generator) -> tuple[list[Rows], dict[int, Why]]:
        """Return circles that every policy lets through, and who is in none."""
        sizes = circle_sizes(len(self.rows), self.ground.wishes.size)
        if not sizes:
            return self._settled(np.full(len(self.rows), NOWHERE, np.int64))
        for _ in range(TRIES):
            circle = form_circles(self._worth(), sizes, self.together, chance)
            refused = self._refused(circle)
            if not refused:
                break
            for one, other in refused:
                self.apart[[one, other], [other, one]] = True
        return self._settled(circle)

    def _worth(self) -> Table:
        worth = self.measured.copy()
        if self.ground.wishes.mix is Mix.NEWCOMERS_WITH_REGULARS:
            new = self.ground.newcomers[self.rows]
            worth -= LIKE * np.outer(new, new)
        worth[self.apart] = APART
        np.fill_diagonal(worth, 0)
        return worth

    def _refused(self, circle: Rows) -> list[tuple[int, int]]:
        found = []
        for number in np.unique(circle[circle != NOWHERE]).tolist():
            places = np.flatnonzero(circle == number)
            for one, other in self.ground.rules.refused(self.rows[places].tolist()):
                pair = np.searchsorted(self.rows, [one, other])
                found.append((int(pair[0]), int(pair[1])))
        return found

    def _settled(self, circle: Rows) -> tuple[list[Rows], dict[int, Why]]:
        """Return the circles that are large and good enough, and pass every policy."""
        found, out = [], {}
        for number in range(int(circle.max(initial=NOWHERE)) + 1):
            places = np.flatnonzero(circle == number)
            places = self._without_refused(places)
            good = mean_worth(self.measured, places) >= self.ground.wishes.minimum_quality
            if len(places) >= SMALLEST and good:
                found.append(self.rows[places])
            elif len(places) >= SMALLEST:
                out.update(dict.fromkeys(self.rows[places].tolist(), Why.BELOW_MINIMUM))
        inside = {row for rows in found for row in rows.tolist()}
        for place, row in enumerate(self.rows.tolist()):
            if row not in inside and row not in out:
                alone = self.apart[place].sum() >= len(self.rows) - 1
                out[row] = Why.NOBODY_ALLOWED if alone else Why.ODD_ONE_OUT
        return found, out

    def _without_refused(self, places: Rows) -> Rows:
        while len(places) >= SMALLEST:
            bad = self.apart[np.ix_(places, places)].sum(axis=1)
            if not bad.any():
                break
            places = np.delete(places, int(np.argmax(bad)))
        return places


def _kept_together(parts: list[Rows], together: tuple[Rows, ...]) -> list[Rows]:
    """Return the parts with those who must meet moved to where the first of them is."""
    home = {row: number for number, part in enumerate(parts) for row in part.tolist()}
    for group in together:
        there = [row for row in group.tolist() if row in home]
        home.update(dict.fromkeys(there, home[there[0]]) if there else {})
    numbers = np.array(sorted(home.items()), np.int64)
    return [numbers[numbers[:, 1] == number, 0] for number in range(len(parts))]


def _square(size: int, one: Rows, other: Rows, values: NDArray[Any]) -> Table:
    table = np.zeros((size, size))
    table[one, other] = values
    table[other, one] = values
    return table
