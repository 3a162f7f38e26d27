"""Which posts may still be answered, and who answered them."""

from __future__ import annotations

import numpy as np
import polars as pl

from data.community import Community
from engine.columns import Links, Strings
from engine.domain import DAY_S
from engine.snapshot import LIVING_DAYS, PostColumns
from training.activity import in_public, taking_part
from training.profiles import said
from training.texts import TextVectors

MOST_POSTS = 50_000
"""Posts that are kept, those last added to first: what a server holds in memory is bounded."""


def living_posts(community: Community, vectors: TextVectors, asof: float) -> PostColumns:
    """Return the public posts that begin a conversation and may still be answered.

    Args:
        community: What is known.
        vectors: What it says.
        asof: The moment it is, unix seconds. Undated posts, and later ones, are left out.
    """
    posts = _begun(community, asof)
    rows = posts["post"].to_numpy()
    place = np.full(len(community.posts) + 1, -1, np.int64)
    place[rows] = np.arange(len(rows))

    def here(links: pl.DataFrame, side: str) -> Links:
        kept = links.filter(pl.Series(place[links["post"].to_numpy()] >= 0))
        weights = kept["weight"].to_numpy() if "weight" in kept.columns else None
        return Links.of(len(rows), place[kept["post"].to_numpy()], kept[side].to_numpy(), weights)

    texts = vectors.posts[rows]
    return PostColumns(
        ids=Strings.of(posts["id"].to_list()),
        here=np.ones(len(rows), bool),
        texts=said(texts, len(rows), vectors.posts.shape[1]),
        authors=here(community.authors, "member"),
        groups=here(community.post_groups, "group"),
        answered_by=here(_answers(community), "member"),
        written_at=posts["ts"].to_numpy().astype(np.int64),
        last_at=posts["last"].to_numpy().astype(np.int64),
    )


def _begun(community: Community, asof: float) -> pl.DataFrame:
    """Return `post id ts last` of the posts that are kept, in order of their rows."""
    posts = community.posts.with_row_index("post").cast({"post": pl.Int64})
    posts = posts.filter(pl.col("public") & (pl.col("ts") <= asof))
    added = (
        posts.filter(pl.col("parent").is_not_null())
        .group_by("parent")
        .agg(answered=pl.col("ts").max())
    )
    begun = (
        posts.filter(pl.col("parent").is_null())
        .join(added, left_on="post", right_on="parent", how="left")
        .select("post", "id", "ts", last=pl.max_horizontal("ts", "answered"))
    )
    living = begun.filter(pl.col("last") > asof - LIVING_DAYS * DAY_S)
    return living.top_k(MOST_POSTS, by="last").sort("post")


def _answers(community: Community) -> pl.DataFrame:
    """Return `post member weight`: who answered a post or took part in it, and how often."""
    parents = community.posts.select("parent").with_row_index("post").cast({"post": pl.Int64})
    conversation = pl.coalesce("parent", "post")
    events = in_public(community, taking_part(community)).join(parents, on="post")
    events = events.filter(pl.col("parent").is_not_null() | ~pl.col("wrote"))
    return (
        events.select("member", post=conversation)
        .join(community.authors, on=["post", "member"], how="anti")
        .group_by("post", "member")
        .agg(weight=pl.len().cast(pl.Float64))
    )
