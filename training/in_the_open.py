"""What anybody may see of a community, and what a member may: the same rules as when serving.

Statistics that reasons rest on, such as how rare a term is, are drawn from what anybody may see;
what a member took part in counts for them as far as they may see it. See `engine.visibility`.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from data.community import Community
from engine.domain import Visibility
from engine.types import BoolVector


def shown_members(community: Community) -> BoolVector:
    """Return who may be shown to others: they agree, and their audience band is known."""
    shown = community.members.select(pl.col("discoverable") & pl.col("audience").is_not_null())
    return shown.to_series().to_numpy()


def open_posts(community: Community) -> BoolVector:
    """Return which posts anybody may see: public ones by people who may be shown."""
    wrote = community.authors
    open_ = community.posts["public"].to_numpy().copy()
    hidden = ~shown_members(community)[wrote["member"].to_numpy()]
    open_[wrote["post"].to_numpy()[hidden]] = False
    return open_


def open_parents(community: Community) -> pl.Series:
    """Return which post each answers, null if it begins a conversation or not all may see that."""
    parents, told = community.posts["parent"], open_posts(community)
    hidden = (~pl.Series(told)).arg_true().cast(pl.Int64)
    return parents.set(parents.is_in(hidden.implode()), None)


def in_the_open(community: Community, events: pl.DataFrame) -> pl.DataFrame:
    """Return the events of people who may be shown in posts that anybody may see.

    Args:
        community: What is known.
        events: With `member` and `post`, rows.
    """
    told = open_posts(community)[events["post"].to_numpy()]
    told &= shown_members(community)[events["member"].to_numpy()]
    return events.filter(pl.Series(told))


def seen(community: Community, events: pl.DataFrame, *, own: bool = False) -> pl.DataFrame:
    """Return the events in posts of which a member may see every other author.

    Args:
        community: What is known.
        events: With `member`, `post` (rows) and `wrote`.
        own: Keep what the member wrote, whoever else did.
    """
    shown, bands = shown_members(community), community.members["audience"]
    if shown.all() and bands.n_unique() <= 1 and not len(community.blocks):
        return events
    people = pl.DataFrame({"band": bands, "shown": shown}).with_row_index("row")
    people = people.cast({"row": pl.Int64})
    others = community.authors.select("post", author="member")
    met = events.select("member", "post").unique().join(others, on="post")
    met = met.filter(pl.col("member") != pl.col("author"))
    met = met.join(people.select(member="row", mine="band"), on="member")
    met = met.join(people.rename({"row": "author"}), on="author")
    sees = pl.col("shown") & pl.col("band").eq(pl.col("mine")).fill_null(value=False)
    blocks = community.blocks.select("member", author="other")
    blocks = pl.concat([blocks, blocks.select(member="author", author="member")])
    apart = met.join(blocks, on=["member", "author"], how="semi")
    unseen = pl.concat([met.filter(~sees), apart]).select("member", "post").unique()
    marked = unseen.with_columns(unseen=pl.lit(value=True))
    events = events.join(marked, on=["member", "post"], how="left", maintain_order="left")
    kept = pl.col("unseen").is_null() | (pl.col("wrote") if own else False)
    return events.filter(kept).drop("unseen")


def last_of(community: Community) -> float | None:
    """Return the latest second of anything dated that anybody may see, None without any."""
    public = (community.groups["visibility"] == Visibility.PUBLIC.value).to_numpy()
    joins = community.memberships
    told = public[joins["group"].to_numpy()]
    told &= shown_members(community)[joins["member"].to_numpy()]
    dates = [
        joins["first_ts"].filter(pl.Series(told)).max(),
        community.posts["ts"].filter(pl.Series(open_posts(community))).max(),
    ]
    known = [float(date) for date in dates if isinstance(date, (int, float))]
    return max(known) if known else None


def open_texts(community: Community) -> BoolVector:
    """Return which texts anybody may see: first all posts', then all profiles'."""
    return np.concatenate([open_posts(community), shown_members(community)])
