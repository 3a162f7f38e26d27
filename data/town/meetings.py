"""Who takes part in the synthetic town without writing, and who gets to know whom."""

from __future__ import annotations

import numpy as np
import polars as pl

from data.town.joins import Joins
from data.town.people import NOBODY
from data.town.posts import Posts, Role
from data.town.truth import Truth
from engine.types import Rows

SMALL_GATHERING = 6
"""People at a gathering, host included, up to which everyone talks with everyone."""

_LATER = 1 << 40
"""More than any time, so that group * _LATER + time orders by group, then time."""


def draw_participations(rng: np.random.Generator, joins: Joins, posts: Posts) -> tuple[Rows, Rows]:
    """Return who took part in which post without writing it.

    A join meant to last brings the member back three times or more, spread over the time they
    are active; another one once or twice, soon after joining.

    Returns:
        The post and the row of the membership, each pair once, ordered by post.
    """
    opening = np.flatnonzero(posts.parent == NOBODY)
    keys = joins.group[posts.join[opening]] * _LATER + posts.ts[opening]
    opening, keys = opening[np.argsort(keys, kind="stable")], np.sort(keys)
    low = np.searchsorted(keys, joins.group * _LATER + joins.first_ts)
    high = np.searchsorted(keys, joins.group * _LATER + joins.active_ts)
    reachable = np.searchsorted(keys, joins.group * _LATER + joins.until_ts)

    wrote = np.bincount(posts.join, minlength=len(joins))
    often = rng.geometric(0.3, len(joins)) + 2
    once_or_twice = np.maximum(rng.choice([1, 2], len(joins), p=[0.6, 0.4]) - wrote, 0)
    often = np.where(joins.lasts, often, once_or_twice)
    high = np.where(joins.lasts, high, np.minimum(np.maximum(high, low + 1), reachable))
    often = np.where(high > low, np.minimum(often, high - low), 0)

    join = np.repeat(np.arange(len(joins)), often)
    step = np.arange(len(join)) - np.repeat(np.cumsum(often) - often, often)
    share = (step + rng.random(len(join))) / often[join]
    post = opening[low[join] + (share * (high - low)[join]).astype(np.int64)]
    other = joins.member[posts.join[post]] != joins.member[join]
    pairs = np.unique(post[other] * len(joins) + join[other])
    return pairs // len(joins), pairs % len(joins)


def derive_ties(
    rng: np.random.Generator,
    truth: Truth,
    joins: Joins,
    posts: Posts,
    participations: tuple[Rows, Rows],
) -> pl.DataFrame:
    """Return the pairs who have exchanged something.

    Two members are tied once each has replied to the other, or once they have talked at a small
    gathering, which those who fit do more readily.

    Returns:
        Columns ``a b`` (member rows, a < b), ``first_ts`` and ``weight`` (how many replies and
        talks), ordered by a then b.
    """
    written = _mutual_replies(joins, posts)
    spoken = _talks(rng, truth, joins, posts, participations)
    both = pl.concat([written, spoken]).group_by("a", "b")
    ties = both.agg(pl.col("first_ts").min(), pl.col("weight").sum())
    return ties.sort("a", "b")


def _mutual_replies(joins: Joins, posts: Posts) -> pl.DataFrame:
    reply = np.flatnonzero(posts.parent != NOBODY)
    writer = joins.member[posts.join[reply]]
    other = joins.member[posts.join[posts.parent[reply]]]
    exchanged = pl.DataFrame(
        {
            "a": np.minimum(writer, other),
            "b": np.maximum(writer, other),
            "forth": writer < other,
            "ts": posts.ts[reply],
        }
    )
    forth, back = pl.col("ts").filter("forth"), pl.col("ts").filter(~pl.col("forth"))
    pairs = exchanged.group_by("a", "b").agg(
        pl.max_horizontal(forth.min(), back.min()).alias("first_ts"),
        pl.len().cast(pl.Int64).alias("weight"),
        (pl.col("forth").any() & ~pl.col("forth").all()).alias("mutual"),
    )
    return pairs.filter("mutual").drop("mutual")


def _talks(
    rng: np.random.Generator,
    truth: Truth,
    joins: Joins,
    posts: Posts,
    participations: tuple[Rows, Rows],
) -> pl.DataFrame:
    """Return who talked with whom at small gatherings, as ``a b first_ts weight``."""
    gathering = np.flatnonzero(posts.role == Role.GATHERING)
    came, join = participations
    hosts = pl.DataFrame({"post": gathering, "member": joins.member[posts.join[gathering]]})
    guests = pl.DataFrame({"post": came, "member": joins.member[join]})
    people = pl.concat([hosts, guests.filter(pl.col("post").is_in(gathering))])
    people = people.filter(pl.len().over("post") <= SMALL_GATHERING)
    pairs = people.join(people, on="post").filter(pl.col("member") < pl.col("member_right"))
    pairs = pairs.sort("post", "member", "member_right")
    first, second = pairs["member"].to_numpy(), pairs["member_right"].to_numpy()
    talked = rng.random(len(first)) < truth.pair_fit(first, second) ** 1.5
    met = pl.DataFrame(
        {"a": first, "b": second, "first_ts": posts.ts[pairs["post"].to_numpy()]}
    ).filter(pl.Series(talked))
    return met.group_by("a", "b").agg(
        pl.col("first_ts").min(), pl.len().cast(pl.Int64).alias("weight")
    )
