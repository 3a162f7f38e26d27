"""Who joins which group in the synthetic town, when, for how long, and whether it lasts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from data.town.groups import Fans
from data.town.people import NOBODY, Amounts, People, Window
from data.town.truth import About, Groups, Truth
from engine.domain import DAY_S
from engine.types import BoolVector, Rows

SMALLEST = 3
"""Members of the smallest group that is not new."""

WANTED = 6.5
"""Joins a member makes who was there from the start, on average."""

SIZE_BINS = 8


class Way(IntEnum):
    """How a member comes to a group."""

    INTEREST = 0  # it is about an interest of theirs
    AREA = 1  # it is about an area of theirs
    CROWD = 2  # everybody is in it
    CHANCE = 3  # a friend took them along; large groups have more friends


@dataclass(frozen=True, slots=True)
class Joins:
    """Memberships as columns, each (member, group) once, ordered by member then group.

    Attributes:
        member: The member's row.
        group: The group's row.
        first_ts: When the member joined.
        active_ts: Until when the member takes part, at most ``until_ts``.
        until_ts: When the member left, or the end of the window.
        left: Whether the member left.
        lasts: Whether the member meant to stay.
        host: Whether the member founded the group.
    """

    member: Rows
    group: Rows
    first_ts: Rows
    active_ts: Rows
    until_ts: Rows
    left: BoolVector
    lasts: BoolVector
    host: BoolVector

    def __len__(self) -> int:
        """Return the number of memberships."""
        return len(self.member)


def draw_joins(rng: np.random.Generator, truth: Truth, window: Window) -> tuple[Joins, Groups]:
    """Return the memberships, and the groups with the sizes they came to."""
    people, groups = truth.people, truth.groups
    fans = Fans(people, len(truth.vocabulary.interests))
    pairs = [_hosts(groups), _joins_of_new_groups(rng, fans, groups)]
    pairs.append(_draw_pairs(rng, people, groups, window))
    keys = np.unique(np.concatenate(pairs))
    keys = _fill_small_groups(rng, keys, fans, groups)
    member, group = keys // len(groups), keys % len(groups)
    came_to = np.bincount(group, minlength=len(groups)).astype(np.float64)
    groups = replace(groups, size=np.where(groups.new, groups.size, came_to))
    settled = replace(truth, groups=groups)
    return _draw_dates(rng, settled, member, group, window), groups


def _hosts(groups: Groups) -> Rows:
    hosted = np.flatnonzero(groups.host != NOBODY)
    return np.asarray(groups.host[hosted] * len(groups) + hosted)


def _joins_of_new_groups(rng: np.random.Generator, fans: Fans, groups: Groups) -> Rows:
    """Return the few fans who found a new group at once; one without a host has nobody."""
    young = np.flatnonzero(groups.new & (groups.host != NOBODY))
    drawn = fans.draw(rng, groups.interest[young], 4)
    wanted = np.arange(4) < rng.integers(0, 5, len(young))[:, None]
    return np.asarray((drawn * len(groups) + young[:, None])[wanted])


class _Choices:
    """Groups under keys (an interest, an area, or one key for all), drawn by weight."""

    def __init__(self, groups: Rows, keys: Rows, key_count: int, weights: Amounts) -> None:
        """Order the groups by key; ``weights`` has shape (bins, len(groups))."""
        order = np.argsort(keys, kind="stable")
        self.groups = groups[order]
        self.bounds = np.searchsorted(keys[order], np.arange(key_count + 1))
        nothing = np.zeros((len(weights), 1))
        self.reach = np.concatenate([nothing, np.cumsum(weights[:, order], axis=1)], axis=1)

    def draw(self, rng: np.random.Generator, keys: Rows, bins: Rows) -> Rows:
        """Return a group under each key, weighted by the row of its bin; -1 if there is none."""
        spin = rng.random(len(keys))
        drawn = np.full(len(keys), NOBODY, dtype=np.int64)
        for row, reach in enumerate(self.reach):
            mine = np.flatnonzero((bins == row) & (keys != NOBODY))
            low, high = self.bounds[keys[mine]], self.bounds[keys[mine] + 1]
            target = reach[low] + spin[mine] * (reach[high] - reach[low])
            place = np.searchsorted(reach, target, side="right") - 1
            found = self.groups[np.clip(place, low, np.maximum(high - 1, low)) % len(self.groups)]
            drawn[mine] = np.where(high > low, found, NOBODY)
        return drawn


def _draw_pairs(rng: np.random.Generator, people: People, groups: Groups, window: Window) -> Rows:
    """Return joins as keys: two thirds by interest, the rest by area, for the crowd, by chance."""
    wanted = _draw_wanted(rng, people, window)
    member = np.repeat(np.arange(len(people)), wanted)
    way = rng.choice(len(Way), len(member), p=[0.68, 0.10, 0.10, 0.12])
    reach = np.cumsum(people.weights, axis=1)[member]
    slot = np.minimum((rng.random(len(member))[:, None] > reach).sum(axis=1), reach.shape[1] - 1)
    one_key, no_reason = np.zeros(len(groups), dtype=np.int64), np.zeros_like(member)
    tables = {
        Way.INTEREST: (groups.about == About.INTEREST, groups.interest, people.interests),
        Way.AREA: (groups.about == About.AREA, groups.area, people.areas),
        Way.CROWD: (groups.about == About.GENERAL, one_key, None),
        Way.CHANCE: (groups.size > 0, one_key, None),
    }
    bins, liked = _size_tastes(people, groups)
    group = np.full(len(member), NOBODY, dtype=np.int64)
    for kind, (offered, held, reasons) in tables.items():
        chosen = np.flatnonzero(offered & ~groups.new)
        mine = np.flatnonzero(way == kind)
        keys = no_reason if reasons is None else reasons[member, slot]
        key_count = int(max(keys.max(initial=0), held.max())) + 1
        choices = _Choices(chosen, held[chosen], key_count, liked[:, chosen])
        group[mine] = choices.draw(rng, keys[mine], bins[member[mine]])
    group[(way == Way.INTEREST) & ~_welcome(rng, group, groups, way)] = NOBODY
    found = group != NOBODY
    return np.asarray(member[found] * len(groups) + group[found])


def _draw_wanted(rng: np.random.Generator, people: People, window: Window) -> Rows:
    """Return how many joins each member would make; those who came late make fewer."""
    since = np.maximum(people.created_ts, window.start)
    tenure = (window.end - since) / window.length
    mean = WANTED * (0.3 + 0.7 * tenure)
    wanted = np.clip(rng.lognormal(np.log(mean), 0.6), 0, 24).round().astype(np.int64)
    wanted[rng.random(len(people)) < 0.03] = 0
    return wanted


def _size_tastes(people: People, groups: Groups) -> tuple[Rows, Amounts]:
    """Return each member's bin of preferred size, and how each bin is drawn to each group."""
    edges = np.geomspace(5.0, 400.0, SIZE_BINS + 1)
    bins = np.searchsorted(edges[1:-1], people.preferred_size)
    middle = np.log(np.sqrt(edges[1:] * edges[:-1]))[:, None]
    nearness = np.exp(-0.5 * ((np.log(groups.size) - middle) / 1.2) ** 2)
    return bins, groups.size * (0.2 + 0.8 * nearness)


def _welcome(rng: np.random.Generator, group: Rows, groups: Groups, way: Rows) -> BoolVector:
    """Return which joins by interest go through, so that groups come near the hoped size."""
    mine = group[(way == Way.INTEREST) & (group != NOBODY)]
    asked = np.bincount(mine, minlength=len(groups))
    share = groups.size / np.maximum(asked, 1)
    return np.asarray(rng.random(len(group)) < share[group])


def _fill_small_groups(rng: np.random.Generator, keys: Rows, fans: Fans, groups: Groups) -> Rows:
    """Return the joins with those added that bring every settled group to three members."""
    while True:
        size = np.bincount(keys % len(groups), minlength=len(groups))
        short = np.flatnonzero(~groups.new & (size < SMALLEST))
        if len(short) == 0:
            return keys
        # Half the time anybody is asked: an interest may have fewer than three fans.
        anybody = rng.random(len(short)) < 0.5
        interest = np.where(anybody, NOBODY, groups.interest[short])
        added = fans.draw(rng, interest, 1)[:, 0] * len(groups) + short
        keys = np.unique(np.concatenate([keys, added]))


def _draw_dates(
    rng: np.random.Generator, truth: Truth, member: Rows, group: Rows, window: Window
) -> Joins:
    """Return when each join happened, whether it was meant to last, and until when it ran."""
    groups, count = truth.groups, len(member)
    host = groups.host[group] == member
    since = np.maximum(truth.people.created_ts[member], groups.created_ts[group])
    since = np.maximum(since, window.start)
    wait = rng.beta(1.0, 1.6, count) * (window.end - since - 3600)
    first = np.where(host, groups.created_ts[group], since + wait).astype(np.int64)

    room = window.end - first
    chance = 1.0 / (1.0 + np.exp(-10.0 * (truth.group_fit(member, group) - 0.40)))
    lasts = host | ((rng.random(count) < chance) & (room > 35 * DAY_S))
    fades = lasts & ~host & (rng.random(count) < 0.3) & (room > 60 * DAY_S)
    stay = np.where(fades, 45 * DAY_S + rng.random(count) * (room - 45 * DAY_S), room)
    stay = np.where(lasts, stay, np.minimum(room, 20 * DAY_S))
    leaves = np.where(lasts, fades & (rng.random(count) < 0.3), rng.random(count) < 0.35)
    gone = first + stay + rng.integers(DAY_S, 60 * DAY_S, count)
    left = leaves & (gone < window.end)
    until = np.where(left, gone, window.end).astype(np.int64)
    active = (first + stay).astype(np.int64)
    return Joins(member, group, first, active, until, left, lasts, host)
