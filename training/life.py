"""How each group lives: who joins, who returns, how much is said, and for how long."""

from __future__ import annotations

import numpy as np
import polars as pl

from data.community import Community
from engine.domain import DAY_S
from engine.snapshot import GroupLife
from engine.types import Vector
from training.activity import answered, in_groups, in_public

LATELY_DAYS = 45.0
"""Age at which taking part counts half towards who is active lately."""

TABLE = 12.0
"""People active lately at which there is half the room for one more voice: a table full."""

UNDATED_DAYS = 3_650.0
"""The age of what has no date."""

RETURNING = (1.0, 5.0)
"""Returning members out of members that every group is taken to have had before its first."""


def group_life(community: Community, asof: float) -> GroupLife:
    """Return how each group lives, as of `asof` (unix seconds)."""
    groups = len(community.groups)
    joins = _aged(community.memberships.select("member", "group", ts="first_ts"), asof)
    shown = in_public(community, in_groups(community))
    events = _aged(shown.select("member", "group", "post", "ts"), asof)
    when = community.posts.select("public", "parent", ts="ts").with_row_index("post")
    when = when.filter("public")
    when = when.cast({"post": pl.Int64})
    posts = _aged(community.post_groups.join(when, on="post"), asof)
    founded = _aged(community.groups.with_row_index("group").select("group", ts="created_ts"), asof)
    founded = founded.drop_nulls("ts").cast({"group": pl.Int64})

    def halved(table: pl.DataFrame, days: float) -> Vector:
        return _total(table, groups, 0.5 ** (pl.col("age") / days))

    first_join = pl.col("age").max().over("member")
    further = joins.filter(pl.col("age") < first_join)

    fortnight, month, season = (halved(joins, days) for days in (14, 30, 120))
    members = _total(joins, groups, pl.lit(1.0))
    back = (
        events.group_by("member", "group").agg(n=pl.col("post").n_unique()).filter(pl.col("n") > 1)
    )
    seen = pl.concat([table.select("group", "age") for table in (joins, posts)])
    oldest = pl.concat([seen, founded.select("group", "age")])
    first, last = _extreme(oldest, groups, "max"), _extreme(seen, groups, "min")
    count = _total(posts, groups, pl.lit(1.0))
    answers = posts.filter(pl.col("parent").is_not_null())
    replies = _total(answers, groups, pl.lit(1.0))
    known = answered(community)
    # As many rows as people active lately: each counts at most once.
    lately = events.group_by("member", "group").agg(age=pl.col("age").min())
    return GroupLife(
        joins_fortnight=np.log1p(fortnight),
        joins_season=np.log1p(halved(joins, 90)),
        joins_year=np.log1p(halved(joins, 365)),
        joins_further=np.log1p(halved(further, 90)),
        growth=np.log((month + 1) / (season / 3 + 1)),
        members=np.log1p(members),
        age=np.log1p(first),
        quiet=np.log1p(last),
        posts=np.log1p(halved(posts, 30)),
        turnout=np.log1p(_total(events, groups, pl.lit(1.0)) / np.maximum(count, 1)),
        replies=np.log1p(replies / np.maximum(count - replies, 1)),
        returning=np.minimum(
            (_total(back, groups, pl.lit(1.0)) + RETURNING[0]) / (members + RETURNING[1]), 1
        ),
        answered=np.where(np.isnan(known), 0.5, known).astype(np.float32),
        room=(1 / (1 + halved(lately, LATELY_DAYS) / TABLE)).astype(np.float32),
    )


def _aged(table: pl.DataFrame, asof: float) -> pl.DataFrame:
    age = ((asof - pl.col("ts")) / DAY_S).fill_null(UNDATED_DAYS).clip(lower_bound=0)
    return table.with_columns(age=age)


def _total(table: pl.DataFrame, groups: int, weight: pl.Expr) -> Vector:
    rows = table.select("group", w=weight)
    total = np.bincount(rows["group"].to_numpy(), weights=rows["w"].to_numpy(), minlength=groups)
    return total.astype(np.float32)


def _extreme(table: pl.DataFrame, groups: int, which: str) -> Vector:
    """Return the largest or smallest age by group; 0 days, or an undated age, for none at all."""
    found = table.group_by("group").agg(
        age=pl.col("age").max() if which == "max" else pl.col("age").min()
    )
    result = np.full(groups, 0.0 if which == "max" else UNDATED_DAYS, np.float32)
    result[found["group"].to_numpy()] = found["age"].to_numpy()
    return result
