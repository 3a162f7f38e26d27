"""Who lives in the synthetic town: each member's true interests, tastes and temper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.town.interests import Vocabulary
from engine.domain import DAY_S
from engine.types import Rows

Amounts = NDArray[np.float64]
"""Numbers, float64, usually one a row."""

MOST_INTERESTS = 4
SILENT_SHARE = 1 / 3
NOBODY = -1
"""Stands where an interest, an area, a parent or a time is absent."""


@dataclass(frozen=True, slots=True)
class Window:
    """The time the town's history covers, in unix seconds; ``end`` is excluded."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """Seconds from the first moment to the last."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class People:
    """What is true of the members, whether or not the tables show it.

    Attributes:
        interests: Interest rows, int64 of shape (members, 4), dearest first, -1 if absent.
        weights: How dear each is, float64 of shape (members, 4); a row sums to 1, 0 if absent.
        areas: The area of each interest, of shape (members, 4), -1 if absent.
        preferred_size: How many members a group should have for this one to feel at home.
        talkativeness: How readily a member writes; 0 for the third that never does.
        openness: How gladly a member takes to people, in [0, 1].
        created_ts: When the member came, unix seconds; may lie before the window.
    """

    interests: Rows
    weights: Amounts
    areas: Rows
    preferred_size: Amounts
    talkativeness: Amounts
    openness: Amounts
    created_ts: Rows

    def __len__(self) -> int:
        """Return the number of members."""
        return len(self.interests)


def draw_people(
    rng: np.random.Generator, count: int, vocabulary: Vocabulary, window: Window
) -> People:
    """Return ``count`` members: interests, tastes and when they came."""
    interests = _draw_interests(rng, count, vocabulary)
    weights = rng.standard_gamma(1.2, interests.shape) + 1e-9
    weights[interests == NOBODY] = 0.0
    weights /= weights.sum(axis=1, keepdims=True)
    dearest_first = np.argsort(-weights, axis=1, kind="stable")
    interests = np.take_along_axis(interests, dearest_first, axis=1)
    talk = rng.lognormal(0.0, 1.1, count)
    talk[rng.random(count) < SILENT_SHARE] = 0.0
    return People(
        interests=interests,
        weights=np.take_along_axis(weights, dearest_first, axis=1),
        areas=areas_of(interests, vocabulary),
        preferred_size=np.clip(rng.lognormal(np.log(28.0), 1.0, count), 5.0, 400.0),
        talkativeness=talk,
        openness=rng.beta(2.5, 2.0, count),
        created_ts=_draw_arrivals(rng, count, window),
    )


def areas_of(interests: Rows, vocabulary: Vocabulary) -> Rows:
    """Return the area of each interest, -1 where the interest is -1; same shape."""
    return np.where(interests == NOBODY, NOBODY, vocabulary.area_of[interests])


def _draw_interests(rng: np.random.Generator, count: int, vocabulary: Vocabulary) -> Rows:
    """Return distinct interests; the second to fourth lie in the first one's area more often."""
    popularity = rng.lognormal(0.0, 0.7, len(vocabulary.interests))
    by_area = np.argsort(vocabulary.area_of, kind="stable")
    reach = np.concatenate([[0.0], np.cumsum(popularity[by_area])])
    first_place = np.searchsorted(vocabulary.area_of[by_area], np.arange(len(vocabulary.areas)))
    bounds = np.append(first_place, len(by_area))

    spin = rng.random((count, MOST_INTERESTS))
    anywhere = spin * reach[-1]
    first = by_area[_place(reach, anywhere[:, 0])]
    area = vocabulary.area_of[first]
    low, high = reach[bounds[area]][:, None], reach[bounds[area + 1]][:, None]
    near = rng.random((count, MOST_INTERESTS)) < 0.3
    near[:, 0] = False
    drawn = by_area[_place(reach, np.where(near, low + spin * (high - low), anywhere))]

    many = rng.choice(np.arange(1, MOST_INTERESTS + 1), count, p=[0.22, 0.38, 0.27, 0.13])
    drawn[np.arange(MOST_INTERESTS) >= many[:, None]] = NOBODY
    for slot in range(1, MOST_INTERESTS):
        repeated = (drawn[:, :slot] == drawn[:, [slot]]).any(axis=1)
        drawn[repeated, slot] = NOBODY
    return drawn


def _place(reach: Amounts, spin: Amounts) -> Rows:
    """Return which interval of ``reach`` each number falls into."""
    places = np.searchsorted(reach, spin, side="right") - 1
    return np.clip(places, 0, len(reach) - 2).astype(np.int64)


def _draw_arrivals(rng: np.random.Generator, count: int, window: Window) -> Rows:
    """Return when members came: a third in the year before the window, the others during it."""
    before = window.start - rng.random(count) * 365 * DAY_S
    during = window.start + rng.random(count) ** 0.9 * (window.length - DAY_S)
    return np.where(rng.random(count) < 0.3, before, during).astype(np.int64)
