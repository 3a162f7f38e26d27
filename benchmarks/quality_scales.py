"""Where a value stands in a picture, and which values are written beside its axes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise

BETWEEN_TICKS = 32.0
"""Room that the label of a tick needs."""


class Curve(Enum):
    """How an axis is stretched."""

    LINEAR = auto()
    ROOT = auto()
    LOG = auto()


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps values to places.

    Attributes:
        low: The value at the start.
        high: The value at the end, above `low`.
        start: A place.
        end: A place, before or after the start.
        curve: How it is stretched; LOG needs values above 0, ROOT none below.
    """

    low: float
    high: float
    start: float
    end: float
    curve: Curve = Curve.LINEAR

    def place(self, value: float) -> float:
        """Return where a value stands; one beyond the ends stands at the end.

        >>> Scale(0, 10, 100, 200).place(2.5), Scale(1, 100, 0, 1, Curve.LOG).place(10)
        (125.0, 0.5)
        """
        held = min(max(value, self.low), self.high)
        low, high, at = (_bent(self.curve, one) for one in (self.low, self.high, held))
        return self.start + (self.end - self.start) * (at - low) / (high - low)

    def ticks(self) -> list[float]:
        """Return round values that have room for their labels, in order.

        >>> Scale(0, 0.4, 0, 300).ticks(), Scale(8, 300, 0, 300, Curve.LOG).ticks()
        ([0.0, 0.1, 0.2, 0.3, 0.4], [10.0, 20.0, 50.0, 100.0, 200.0])
        """
        if self.curve is not Curve.LINEAR:
            found = [tick for tick in _one_two_five(self.low, self.high) if tick <= self.high]
            kept = self._with_room(found)
            if len(kept) > 1:
                return kept
        return _even(self.low, self.high, max(2, int(abs(self.end - self.start) / 60)))

    def _with_room(self, ticks: list[float]) -> list[float]:
        kept = [0.0] if self.low == 0 else []
        for tick in reversed(ticks):
            places = (self.place(other) for other in kept)
            if all(abs(place - self.place(tick)) >= BETWEEN_TICKS for place in places):
                kept.append(tick)
        return sorted(kept)


def around(values: Iterable[float], start: float, end: float) -> Scale:
    """Return a linear scale with a little air on both sides of some values, never below 0."""
    found = list(values) or [0.0, 1.0]
    low, high = min(found), max(found)
    air = (high - low) * 0.12 or abs(high) * 0.1 or 1.0
    return Scale(max(0.0, low - air) if low >= 0 else low - air, high + air, start, end)


def log_around(values: Iterable[float], start: float, end: float) -> Scale:
    """Return a logarithmic scale around values above 0; a linear one if some are not."""
    found = list(values)
    if not found or min(found) <= 0:
        return around(found, start, end)
    air = max((max(found) / min(found)) ** 0.1, 1.04)
    return Scale(min(found) / air, max(found) * air, start, end, Curve.LOG)


def from_zero(values: Iterable[float], start: float, end: float) -> Scale:
    """Return a linear scale from 0 to the highest value: a bar's length is then its value."""
    return Scale(0.0, max((value for value in values if value > 0), default=1.0), start, end)


def digits(ticks: list[float]) -> int:
    """Return how many digits after the point tell ticks apart.

    >>> digits([0.0, 0.05, 0.1]), digits([10.0, 20.0])
    (2, 0)
    """
    gap = min((after - before for before, after in pairwise(ticks)), default=1.0)
    return max(0, math.ceil(-math.log10(gap) - 1e-9)) if gap > 0 else 0


def _bent(curve: Curve, value: float) -> float:
    if curve is Curve.LOG:
        return math.log(value)
    return math.sqrt(value) if curve is Curve.ROOT else value


def _one_two_five(low: float, high: float) -> list[float]:
    least = low if low > 0 else high / 1000
    powers = range(math.floor(math.log10(least)), math.ceil(math.log10(high)) + 1)
    found = [float(f"{step}e{power}") for power in powers for step in (1, 2, 5)]
    return [tick for tick in found if least <= tick]


def _even(low: float, high: float, most: int) -> list[float]:
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(nice * power for nice in (1, 2, 5, 10) if nice * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{place * step:.10g}") for place in range(first, last + 1)]
