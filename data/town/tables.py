"""The synthetic town as the tables a platform would hand over, with its policies and its gaps."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from data.town import phrases as phrases
from data.town.joins import Joins
from data.town.posts import Posts
from data.town.text import Lexicon
from data.town.truth import Groups, Truth
from data.town.writing import write_groups, write_members, write_posts
from engine.domain import Visibility
from engine.types import BoolVector, Rows

VISIBILITIES = [visibility.value for visibility in Visibility]
LANGUAGES = list(phrases.PROFILES_BY_LANGUAGE)

NO_LIMIT = 1_000_000_000
"""The capacity of a group that takes everybody: no file carries infinity, and null means full."""


@dataclass(frozen=True, slots=True)
class Ids:
    """The external id of every row."""

    members: pl.Series
    groups: pl.Series
    posts: pl.Series


def make_ids(members: int, groups: int, posts: int) -> Ids:
    """Return ids such as m000123, g0042 and p0001234, longer where a town needs it."""
    return Ids(_number("m", members, 6), _number("g", groups, 4), _number("p", posts, 7))


def member_table(
    rng: np.random.Generator, ids: Ids, lexicon: Lexicon, truth: Truth
) -> pl.DataFrame:
    """Return the members with what they say of themselves and what they allow."""
    people, count = truth.people, len(truth.people)
    place = rng.integers(len(phrases.PLACES), size=count)
    language = rng.choice(len(LANGUAGES), count, p=[0.92, 0.04, 0.02, 0.02])
    said = write_members(rng, lexicon, people, place, language)
    closed = rng.random(count) < 0.18 * (1.0 - people.openness)  # 8 % of members
    weekly = np.where(rng.random(count) < 0.5, 5, rng.integers(0, 11, size=count))
    band = _choose(["adult", "minor"], (rng.random(count) < 0.05).astype(np.int64))
    return pl.DataFrame(
        {
            "id": ids.members,
            "name": _draw_names(rng, count),
            "text": said["text"],
            "language": _choose(LANGUAGES, language),
            "place": _choose(phrases.PLACES, place),
            "audience": _with_gaps(rng, band, 0.01),
            "created_ts": people.created_ts,
            "discoverable": _with_gaps(rng, pl.Series(rng.random(count) >= 0.04), 0.002),
            "open_to_introductions": _with_gaps(rng, pl.Series(~closed), 0.002),
            "weekly_introductions": _with_gaps(rng, pl.Series(weekly), 0.002),
            "seeking": said["seeking"],
            "offering": said["offering"],
        }
    )


def group_table(
    rng: np.random.Generator, ids: Ids, lexicon: Lexicon, groups: Groups, joins: Joins
) -> pl.DataFrame:
    """Return the groups; some are private or secret, some have few places left or none."""
    count = len(groups)
    name, text = write_groups(rng, lexicon, groups)
    shown = _choose(VISIBILITIES, rng.choice(3, count, p=[0.84, 0.12, 0.04]))
    staying = np.bincount(joins.group[~joins.left], minlength=count)
    places = np.maximum(4, np.ceil(staying * np.maximum(rng.uniform(0.8, 1.8, count), 1.0)))
    capacity = np.where(rng.random(count) < 0.12, places, NO_LIMIT).astype(np.int64)
    return pl.DataFrame(
        {
            "id": ids.groups,
            "name": name,
            "text": text,
            "visibility": _with_gaps(rng, shown, 0.002),
            "capacity": _with_gaps(rng, pl.Series(capacity), 0.002),
            "created_ts": groups.created_ts,
        }
    )


def membership_table(ids: Ids, joins: Joins, posts: Posts, took_part: Rows) -> pl.DataFrame:
    """Return the memberships; ``n`` counts what the member wrote and took part in there."""
    times = np.bincount(posts.join, minlength=len(joins))
    times += np.bincount(took_part, minlength=len(joins))
    return pl.DataFrame(
        {
            "member": ids.members[joins.member],
            "group": ids.groups[joins.group],
            "first_ts": joins.first_ts,
            "n": times,
            "left_ts": pl.select(
                pl.when(pl.Series(joins.left)).then(pl.Series(joins.until_ts))
            ).to_series(),
        }
    )


def post_table(
    rng: np.random.Generator, ids: Ids, lexicon: Lexicon, joins: Joins, posts: Posts
) -> pl.DataFrame:
    """Return the posts, oldest first; each stands in one group, and one in sixteen is private."""
    title, text = write_posts(rng, lexicon, posts)
    answers = pl.Series(posts.parent >= 0)
    parent = ids.posts[np.maximum(posts.parent, 0)]
    shown = _choose(VISIBILITIES[:2], (rng.random(len(posts)) < 0.06).astype(np.int64))
    frame = pl.DataFrame(
        {
            "id": ids.posts,
            "member": ids.members[joins.member[posts.join]],
            "groups": ids.groups[joins.group[posts.join]],
            "ts": posts.ts,
            "title": title,
            "text": text,
            "parent": pl.select(pl.when(answers).then(parent)).to_series(),
            "visibility": _with_gaps(rng, shown, 0.001),
        }
    )
    return frame.with_columns(pl.concat_list("groups"))


def participation_table(ids: Ids, joins: Joins, took_part: tuple[Rows, Rows]) -> pl.DataFrame:
    """Return who took part in which post without writing it."""
    post, join = took_part
    return pl.DataFrame({"post": ids.posts[post], "member": ids.members[joins.member[join]]})


def tie_table(ids: Ids, ties: pl.DataFrame) -> pl.DataFrame:
    """Return the ties with ids in place of rows."""
    return pl.DataFrame(
        {
            "a": ids.members[ties["a"]],
            "b": ids.members[ties["b"]],
            "first_ts": ties["first_ts"],
            "weight": ties["weight"],
        }
    )


def block_table(
    rng: np.random.Generator, ids: Ids, truth: Truth, joins: Joins, ties: pl.DataFrame
) -> pl.DataFrame:
    """Return whom two members in a hundred have blocked: somebody of a group, fitting badly."""
    count = len(truth.people)
    members = np.flatnonzero(rng.random(count) < 0.025)
    first = np.searchsorted(joins.member, members)
    many = np.searchsorted(joins.member, members + 1) - first
    members, first, many = members[many > 0], first[many > 0], many[many > 0]
    group = joins.group[first + (rng.random(len(members)) * many).astype(np.int64)]
    by_group = np.argsort(joins.group, kind="stable")
    low = np.searchsorted(joins.group[by_group], group)[:, None]
    high = np.searchsorted(joins.group[by_group], group, side="right")[:, None]
    place = low + (rng.random((len(members), 3)) * (high - low)).astype(np.int64)
    met = joins.member[by_group[place]]
    worst = np.argmin(truth.pair_fit(members[:, None], met), axis=1)
    other = met[np.arange(len(members)), worst]
    pair = np.minimum(members, other) * count + np.maximum(members, other)
    tied = np.isin(pair, ties["a"].to_numpy() * count + ties["b"].to_numpy())
    kept: BoolVector = (members != other) & ~tied
    return pl.DataFrame({"member": ids.members[members[kept]], "other": ids.members[other[kept]]})


def _number(letter: str, count: int, digits: int) -> pl.Series:
    width = max(digits, len(str(count - 1)))
    numbers = pl.int_range(count, eager=True).cast(pl.String).str.zfill(width)
    return letter + numbers


def _draw_names(rng: np.random.Generator, count: int) -> pl.Series:
    names = pl.Series("name", phrases.FIRST_NAMES)
    letters = pl.Series([f" {letter}." for letter in string.ascii_uppercase])
    first = names[rng.integers(len(names), size=count)]
    return first + letters[rng.integers(len(letters), size=count)]


def _choose(words: Sequence[str], choice: Rows) -> pl.Series:
    return pl.Series(words, dtype=pl.String)[choice]


def _with_gaps(rng: np.random.Generator, values: pl.Series, share: float) -> pl.Series:
    """Return the values with a handful of nulls, as careless platforms send them."""
    missing = rng.choice(len(values), max(1, round(share * len(values))), replace=False)
    kept = np.ones(len(values), dtype=np.bool_)
    kept[missing] = False
    return pl.select(pl.when(pl.Series(kept)).then(values)).to_series()
