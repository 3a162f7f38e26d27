"""A synthetic town: a community of any size whose right answers are known.

`make_town` draws members with true interests, the groups they founded, the joins that lasted and
those that did not, what was written and who answered, and lays it out as the tables a platform
would hand over. The demonstration runs on it, and tests ask its `Truth` who fits whom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import numpy as np
import polars as pl

from data.town.groups import draw_groups
from data.town.interests import draw_vocabulary
from data.town.joins import Joins, draw_joins
from data.town.meetings import derive_ties, draw_participations
from data.town.people import Window, draw_people
from data.town.posts import Posts, draw_posts
from data.town.tables import (
    block_table,
    group_table,
    make_ids,
    member_table,
    membership_table,
    participation_table,
    post_table,
    tie_table,
)
from data.town.text import Lexicon
from data.town.truth import Truth
from engine.domain import DAY_S
from engine.errors import SettingError

FEWEST, MOST = 200, 1_000_000
"""Members a town may have."""

SHORTEST_DAYS = 180
"""Days a history needs for some joins to last and some groups to be new."""

START = date(2024, 7, 1)
DAYS = 730
"""The default history: two years, the last day being 2026-06-30."""


@dataclass(frozen=True, slots=True)
class Town:
    """A synthetic community.

    Attributes:
        tables: Frames as `engine.domain.TABLES` names them, columns as a folder holds them:
            ids are strings, ``posts.groups`` is a list of strings, times are unix seconds,
            ``groups.capacity`` is `tables.NO_LIMIT` without a limit. The row order is that
            of `Truth`.
        truth: The right answers.
    """

    tables: dict[str, pl.DataFrame]
    truth: Truth


def make_town(members: int, seed: int, *, start: date = START, days: int = DAYS) -> Town:
    """Return a synthetic town; the same arguments always give the same bytes.

    Args:
        members: How many people live there, 200 to 1,000,000.
        seed: Where randomness starts, at least 0.
        start: The first day of its history (UTC).
        days: The days its history covers, at least 180.

    Returns:
        The tables and the truth behind them. Everything happens from ``start`` until ``days``
        later; only members may have come up to a year before.

    Raises:
        SettingError: An argument is out of range.

    >>> town = make_town(200, seed=1)
    >>> town.tables["members"].height
    200
    >>> town.truth.group_fit(np.array([0, 1]), np.array([5, 5])).shape
    (2,)
    """
    _check(members, seed, days)
    opening = int(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp())
    window = Window(opening, opening + days * DAY_S)
    # One stream a step, so that a change to one step leaves the draws of the others alone.
    streams = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(11)]
    vocabulary = draw_vocabulary(streams[0], max(24, members // 12))
    people = draw_people(streams[1], members, vocabulary, window)
    groups = draw_groups(streams[2], people, vocabulary.area_of, window)
    unwritten = np.zeros(0, dtype=np.int64)
    truth = Truth(vocabulary, people, groups, unwritten, unwritten.astype(np.bool_))
    joins, groups = draw_joins(streams[3], truth, window)
    truth = replace(truth, groups=groups, lasts=joins.lasts)
    posts = draw_posts(streams[4], truth, joins, window)
    truth = replace(truth, post_interests=posts.interest)
    return Town(_lay_out(streams[5:], truth, joins, posts), truth)


def _lay_out(
    streams: Sequence[np.random.Generator], truth: Truth, joins: Joins, posts: Posts
) -> dict[str, pl.DataFrame]:
    """Return the tables of a town that has been drawn; takes six streams."""
    took_part = draw_participations(streams[0], joins, posts)
    ties = derive_ties(streams[1], truth, joins, posts, took_part)
    ids = make_ids(len(truth.people), len(truth.groups), len(posts))
    lexicon = Lexicon(truth.vocabulary)
    return {
        "members": member_table(streams[2], ids, lexicon, truth),
        "groups": group_table(streams[3], ids, lexicon, truth.groups, joins),
        "memberships": membership_table(ids, joins, posts, took_part[1]),
        "posts": post_table(streams[4], ids, lexicon, joins, posts),
        "participations": participation_table(ids, joins, took_part),
        "ties": tie_table(ids, ties),
        "blocks": block_table(streams[5], ids, truth, joins, ties),
    }


def _check(members: int, seed: int, days: int) -> None:
    if not FEWEST <= members <= MOST:
        raise SettingError(
            f"a town has {FEWEST:,} to {MOST:,} members, not {members:,}; choose a number between"
        )
    if seed < 0:
        raise SettingError(f"a seed is 0 or more, not {seed}; choose another")
    if days < SHORTEST_DAYS:
        raise SettingError(
            f"a town's history covers at least {SHORTEST_DAYS} days, not {days}; ask for more"
        )
