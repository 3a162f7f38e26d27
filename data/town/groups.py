"""Which groups the synthetic town has: what they are about, how big they mean to be, who hosts."""

from __future__ import annotations

import numpy as np

from data.town.people import NOBODY, Amounts, People, Window
from data.town.truth import About, Groups
from engine.domain import DAY_S
from engine.types import BoolVector, Rows

GROUPS_PER_MEMBER = 0.09
FEWEST_GROUPS = 24
NEW_DAYS = 28
MIDDLING_SIZE = 18.0
"""The hoped size of the middle group about one interest."""


class Fans:
    """The members who hold each interest, for drawing one at random."""

    def __init__(self, people: People, interests: int) -> None:
        """Sort every (member, interest) once, by interest."""
        held = people.interests.ravel()
        order = np.argsort(held, kind="stable")
        order = order[held[order] != NOBODY]
        self.members: Rows = order // people.interests.shape[1]
        self.bounds: Rows = np.searchsorted(held[order], np.arange(interests + 1))
        self.everybody = len(people)

    def counts(self) -> Rows:
        """Return how many members hold each interest."""
        return np.diff(self.bounds)

    def draw(self, rng: np.random.Generator, interests: Rows, tries: int) -> Rows:
        """Return random fans of each interest, of shape (n, tries).

        Anybody may stand in where the interest is -1 or has no fans.
        """
        spin = rng.random((len(interests), tries))
        low = self.bounds[interests][:, None]
        count = (self.bounds[interests + 1] - self.bounds[interests])[:, None]
        fans = self.members[np.minimum(low + (spin * count).astype(np.int64), low + count - 1)]
        nobody = (interests == NOBODY)[:, None] | (count <= 0)
        return np.where(nobody, (spin * self.everybody).astype(np.int64), fans)


def draw_groups(rng: np.random.Generator, people: People, area_of: Rows, window: Window) -> Groups:
    """Return the town's groups, oldest kinds first: general, area, interest, then the new ones.

    Args:
        rng: The source of randomness.
        people: The members, among whom hosts are found.
        area_of: The area of each interest.
        window: The time the history covers; the new groups lie in its last four weeks.

    Returns:
        Groups with the size each hopes for; `joins` replaces it by the size it came to.
    """
    fans = Fans(people, len(area_of))
    about, new = _draw_kinds(len(people))
    demand = fans.counts().astype(np.float64) ** 0.8
    interest = np.full(len(about), NOBODY, dtype=np.int64)
    narrow = about == About.INTEREST
    interest[narrow] = _spread(rng, demand, int(narrow.sum()))
    area = np.where(interest == NOBODY, NOBODY, area_of[interest])
    broad = about == About.AREA
    area_demand = np.bincount(area_of, weights=demand).astype(np.float64)
    area[broad] = _spread(rng, area_demand, int(broad.sum()))
    size = _draw_hoped_sizes(rng, about, len(people))
    warmth = rng.beta(4.0, 2.0, len(about)) - 0.08 * np.log10(size / 20.0)
    warmth = np.where(about == About.GENERAL, 0.6 * warmth, warmth)

    founded = _draw_founding(rng, new, window)
    sought = np.where(broad, interest_within(rng, area, area_of), interest)
    host = _draw_hosts(rng, people, fans, sought)
    created = np.where(new, founded, np.maximum(founded, people.created_ts[host] + DAY_S))
    latest = window.end - 40 * DAY_S
    late = ~new & (created > latest)
    created[late] = np.maximum(latest, people.created_ts[host[late]])
    host[new & (people.created_ts[host] > created)] = NOBODY
    host[np.flatnonzero(new)[0]] = NOBODY
    return Groups(
        about, interest, area, size, np.clip(warmth, 0.02, 1.0), created.astype(np.int64), host, new
    )


def interest_within(rng: np.random.Generator, area: Rows, area_of: Rows) -> Rows:
    """Return a random interest of each area; -1 where the area is -1."""
    by_area = np.argsort(area_of, kind="stable")
    bounds = np.searchsorted(area_of[by_area], np.arange(area_of.max() + 2))
    low, high = bounds[area], bounds[area + 1]
    place = low + (rng.random(len(area)) * (high - low)).astype(np.int64)
    return np.where(area == NOBODY, NOBODY, by_area[np.clip(place, 0, len(area_of) - 1)])


def _draw_kinds(members: int) -> tuple[Rows, BoolVector]:
    """Return what each group is about, and whether it is one of the new ones."""
    total = max(FEWEST_GROUPS, round(GROUPS_PER_MEMBER * members))
    about = np.full(total, int(About.INTEREST), dtype=np.int64)
    # General chat grows in size more than in number: a city has few, and they are huge.
    general, broad = max(2, round(0.22 * total**0.6)), max(3, round(0.10 * total))
    about[:general] = About.GENERAL
    about[general : general + broad] = About.AREA
    new = np.zeros(total, dtype=np.bool_)
    new[-max(3, round(0.05 * total)) :] = True
    return about, new


def _spread(rng: np.random.Generator, demand: Amounts, count: int) -> Rows:
    """Return ``count`` choices in proportion to demand, spread evenly and shuffled."""
    reach = np.cumsum(demand / demand.sum())
    even = (np.arange(count) + rng.random()) / count
    places = np.minimum(np.searchsorted(reach, even, side="right"), len(demand) - 1)
    return rng.permutation(places.astype(np.int64))


def _draw_hoped_sizes(rng: np.random.Generator, about: Rows, members: int) -> Amounts:
    """Return heavy-tailed sizes; general chat is large however narrow the rest is."""
    narrow = np.maximum(3.0, rng.lognormal(np.log(MIDDLING_SIZE), 1.15, len(about)))
    size = np.where(about == About.AREA, 3.0 * narrow, narrow)
    size = np.where(about == About.GENERAL, 70.0 + 4.0 * narrow, size)
    return np.minimum(size, max(30.0, 0.15 * members))


def _draw_founding(rng: np.random.Generator, new: BoolVector, window: Window) -> Rows:
    """Return founding times: half in the first two months, some in the last four weeks."""
    early = rng.random(len(new)) < 0.5
    span = np.where(early, 60 * DAY_S, window.length - 100 * DAY_S)
    ordinary = window.start + rng.random(len(new)) * span
    recent = window.end - (1 + rng.random(len(new)) * (NEW_DAYS - 2)) * DAY_S
    return np.where(new, recent, ordinary).astype(np.int64)


def _draw_hosts(rng: np.random.Generator, people: People, fans: Fans, sought: Rows) -> Rows:
    """Return for each group a fan who writes, and who came early if one was found."""
    found = fans.draw(rng, sought, 4)
    talkers = np.flatnonzero(people.talkativeness > 0)
    stand_in = talkers[(rng.random(len(found)) * len(talkers)).astype(np.int64)]
    found = np.column_stack([found, stand_in])
    late = people.created_ts[found].astype(np.float64)
    late[people.talkativeness[found] == 0] = np.inf
    late[:, -1] += 1e11  # a stand-in who is no fan: only where no fan writes
    best = np.argmin(late, axis=1)
    return np.asarray(found[np.arange(len(found)), best])
