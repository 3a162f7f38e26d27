"""Who took part in what, when, and what follows for memberships and for the life of groups."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from data.community import Community
from data.exchanges import MOST_AUTHORS
from engine.columns import Links
from engine.domain import DAY_S
from engine.snapshot import A_DAY, LATELY_DAYS
from engine.types import Vector
from training.in_the_open import in_the_open, open_parents, open_posts, seen

MEMBERSHIP_HALF_LIFE_DAYS = 180.0
"""Age at which taking part in a group says half as much about what a member would join next."""

JOINS_HALVED_DAYS = 90.0
"""Age at which a join says half as much about how lively a group is. The weight falls as
1 / (1 + age / 90 days), which suits weekly meetings and yearly conferences alike: measured beside
half-lives of 60 and 365 days, it lost to neither on the kind of community the other is made for."""

ENOUGH = 5
"""Cases from which a share is told."""


def taking_part(community: Community) -> pl.DataFrame:
    """Return every time a member took part in a post, as author or otherwise.

    Columns `member post` (rows), `ts` (float or null) and `wrote` (bool). Posts that are not
    public are there too; `in_public` leaves them out.
    """
    wrote = community.authors.select("member", "post", wrote=pl.lit(value=True))
    joined_in = community.participations.select("member", "post", wrote=pl.lit(value=False))
    when = community.posts.select(ts="ts").with_row_index("post").cast({"post": pl.Int64})
    return pl.concat([wrote, joined_in]).join(when, on="post", how="left")


def in_public(community: Community, events: pl.DataFrame) -> pl.DataFrame:
    """Return the events whose post is public: only those may shape a count others are told."""
    public = pl.Series(community.posts["public"].arg_true()).cast(pl.Int64)
    return events.filter(pl.col("post").is_in(public.implode()))


def in_groups(community: Community) -> pl.DataFrame:
    """Return every time a member took part in a group: `member group post ts wrote`."""
    return taking_part(community).join(community.post_groups, on="post", how="inner")


def known_by(community: Community, now: float) -> Community:
    """Return the community without joins and leaves that are announced for after `now`."""
    joined = community.memberships.filter(
        pl.col("first_ts").is_null() | (pl.col("first_ts") <= now)
    )
    left = pl.when(pl.col("left_ts") <= now).then("left_ts")
    return replace(community, memberships=joined.with_columns(left_ts=left))


def present(community: Community) -> pl.DataFrame:
    """Return the memberships that have not ended."""
    return community.memberships.filter(pl.col("left_ts").is_null())


def last_of(community: Community) -> float | None:
    """Return the latest second anything in the community is dated, None if nothing is."""
    dates = [community.memberships["first_ts"].max(), community.posts["ts"].max()]
    known = [float(date) for date in dates if isinstance(date, (int, float))]
    return max(known) if known else None


def first_of(community: Community) -> float | None:
    """Return the earliest second anything in the community is dated, None if nothing is."""
    dates = [community.memberships["first_ts"].min(), community.posts["ts"].min()]
    known = [float(date) for date in dates if isinstance(date, (int, float))]
    return min(known) if known else None


def decay(age_days: pl.Expr, half_life_days: float) -> pl.Expr:
    """Return how much something still counts at an age; undated things count as old."""
    return 0.5 ** (age_days.fill_null(4 * half_life_days).clip(lower_bound=0) / half_life_days)


def membership_weights(community: Community, asof: float) -> pl.DataFrame:
    """Return `member group weight`: how much each present membership says about the member.

    Every time of taking part counts, the less the older it is, with diminishing returns: one
    keen month does not outweigh all other groups. A membership without any counts by its join.
    """
    age = (asof - pl.col("ts")) / DAY_S
    counted = (
        in_groups(community)
        .group_by("member", "group")
        .agg(amount=decay(age, MEMBERSHIP_HALF_LIFE_DAYS).sum())
    )
    joined = (asof - pl.col("first_ts")) / DAY_S
    undated = community.memberships["first_ts"].null_count() == len(community.memberships)
    start = pl.lit(1.0) if undated else decay(joined, MEMBERSHIP_HALF_LIFE_DAYS)
    amount = pl.max_horizontal(pl.col("amount").fill_null(0.0), start)
    return (
        present(community)
        .join(counted, on=["member", "group"], how="left")
        .select("member", "group", weight=amount.log1p())
        .sort("member", "group")
    )


def joins_decayed(community: Community, asof: float) -> Vector:
    """Return each group's joins, older ones counting less: float32 of shape (groups,)."""
    age = ((asof - pl.col("first_ts")) / DAY_S).clip(lower_bound=0)
    weight = (1 / (1 + age / JOINS_HALVED_DAYS)).fill_null(0.1)  # an undated join is an old one
    return _sum_by_group(community, community.memberships.select("group", weight=weight))


def joins_lately(community: Community, asof: float) -> Vector:
    """Return each group's joins in the last `LATELY_DAYS` days: float32 of shape (groups,)."""
    recent = present(community).filter(pl.col("first_ts") > asof - LATELY_DAYS * DAY_S)
    return _sum_by_group(community, recent.select("group", weight=pl.lit(1.0)))


def members_active(community: Community, asof: float) -> Vector:
    """Return how much each member took part, older times counting less: float32 (members,).

    Only what is public counts, as far as the member may see it. Of one day `A_DAY` times count:
    nobody is more there for writing all day.
    """
    age = (asof - pl.col("ts")) / DAY_S
    times = pl.len().over("member", pl.col("ts") // DAY_S)
    amount = decay(age, MEMBERSHIP_HALF_LIFE_DAYS) * pl.min_horizontal(A_DAY / times, 1.0)
    events = seen(community, in_public(community, taking_part(community)))
    events = events.select("member", weight=amount)
    total = np.bincount(events["member"], weights=events["weight"], minlength=_members(community))
    return total.astype(np.float32)


def answered_whom(community: Community, asof: float) -> Links:
    """Return the members whose public posts each member answered, older answers counting less.

    Posts of more than `data.exchanges.MOST_AUTHORS` count neither as an answer nor as answered.
    """
    few = community.authors.filter(pl.len().over("post") <= MOST_AUTHORS)
    answers = community.posts.select("ts", "parent", "public").with_row_index("post")
    answers = answers.filter(pl.col("parent").is_not_null() & pl.col("public"))
    age = (asof - pl.col("ts")) / DAY_S
    found = (
        answers.cast({"post": pl.Int64})
        .join(few, on="post")
        .join(few.rename({"member": "asker"}), left_on="parent", right_on="post")
        .filter(pl.col("member") != pl.col("asker"))
        .group_by("member", "asker")
        .agg(weight=decay(age, MEMBERSHIP_HALF_LIFE_DAYS).sum())
    )
    columns = (found[name].to_numpy() for name in ("member", "asker", "weight"))
    return Links.of(_members(community), *columns)


def known_days(community: Community, asof: float) -> Vector:
    """Return the days since anything was first known of each member, NaN if undated: (members,).

    That is the earliest of when they came, when they joined a group and when they took part.
    """
    first = pl.concat(
        [
            community.members.select("created_ts")
            .with_row_index("member")
            .select(pl.col("member").cast(pl.Int64), ts="created_ts"),
            community.memberships.select("member", ts="first_ts"),
            taking_part(community).select("member", "ts"),
        ]
    )
    first = first.filter(pl.col("ts") <= asof).group_by("member").agg(pl.col("ts").min())
    days = np.full(_members(community), np.nan, np.float32)
    days[first["member"].to_numpy()] = (asof - first["ts"].to_numpy()) / DAY_S
    return days


def returning(community: Community) -> Vector:
    """Return each group's share of members who took part on two days or more.

    NaN with fewer than `ENOUGH` members who ever took part: float32 of shape (groups,). What not
    all may see does not count.
    """
    days = (
        in_the_open(community, in_groups(community))
        .filter(pl.col("ts").is_not_null())
        .group_by("member", "group")
        .agg(days=(pl.col("ts") // DAY_S).n_unique())
    )
    shares = days.group_by("group").agg(share=(pl.col("days") >= 2).mean(), cases=pl.len())
    return _share_by_group(community, shares)


def answered(community: Community) -> Vector:
    """Return each group's share of newcomers' first posts that somebody else answered.

    A newcomer's first post is their first in the group that is no reply. NaN with fewer than
    `ENOUGH` of them, or where the community has no replies: float32 of shape (groups,). What not
    all may see does not count.
    """
    posts = community.posts.with_row_index("post").cast({"post": pl.Int64})
    posts = posts.with_columns(parent=open_parents(community))
    posts = posts.filter(pl.Series(open_posts(community)))
    replies = posts.filter(pl.col("parent").is_not_null()).select("post", "parent")
    if not len(replies):
        return np.full(len(community.groups), np.nan, dtype=np.float32)
    writers = community.authors
    cross = (
        replies.join(writers, on="post")
        .join(writers.rename({"member": "asker"}), left_on="parent", right_on="post")
        .join(writers, left_on=["parent", "member"], right_on=["post", "member"], how="anti")
    )
    firsts = (
        posts.filter(pl.col("parent").is_null() & pl.col("ts").is_not_null())
        .select("post", "ts")
        .join(writers, on="post")
        .join(community.post_groups, on="post")
        .sort("ts", "post")
        .group_by("member", "group", maintain_order=True)
        .first()
    )
    met = firsts.with_columns(met=pl.col("post").is_in(cross["parent"].implode()))
    shares = met.group_by("group").agg(share=pl.col("met").mean(), cases=pl.len())
    return _share_by_group(community, shares)


def _sum_by_group(community: Community, weights: pl.DataFrame) -> Vector:
    total = np.bincount(
        weights["group"], weights=weights["weight"], minlength=len(community.groups)
    )
    return total.astype(np.float32)


def _share_by_group(community: Community, shares: pl.DataFrame) -> Vector:
    column = np.full(len(community.groups), np.nan, dtype=np.float32)
    known = shares.filter(pl.col("cases") >= ENOUGH)
    column[known["group"].to_numpy()] = known["share"].to_numpy()
    return column


def _members(community: Community) -> int:
    return len(community.members)
