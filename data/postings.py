"""Posts: who wrote them, where they stand, what they answer, and whether all may see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from data.sieve import Sieve, rows_of, unknown
from engine.domain import Visibility


@dataclass(frozen=True, slots=True)
class Posts:
    """Judged posts.

    Attributes:
        sieve: The posts, as ``Community.posts`` describes them, and ``_line``.
        authors: ``post member``, rows, each pair once, in the order of the posts.
        post_groups: ``post group``, rows, each pair once, in the order of the posts.
    """

    sieve: Sieve
    authors: pl.DataFrame
    post_groups: pl.DataFrame


def judge_posts(
    sieve: Sieve, ids: Mapping[str, pl.DataFrame], groups: pl.DataFrame, share: float
) -> Posts:
    """Return the posts whose authors and groups are all known.

    Args:
        sieve: The posts with their values judged.
        ids: ``member`` and ``group``: what ``rows_of`` gives for each.
        groups: The groups, for their visibility.
        share: The share of posts that may be set aside.

    Raises:
        DataError: A larger share cannot be used.
    """
    sieve = sieve.with_unique_ids()
    frame = sieve.frame.with_columns(_place=pl.int_range(pl.len(), dtype=pl.Int64))
    people = _links(frame, ["member", "members"], ids["member"])
    places = _links(frame, ["groups"], ids["group"])
    for kind, links in (("member", people), ("group", places)):
        strangers = links.filter(pl.col("_row").is_null()).unique("_place", keep="first")
        faults = strangers.select("_place", unknown(kind, pl.col("id")).alias(f"_{kind}"))
        frame = frame.join(faults, on="_place", how="left", maintain_order="left")
    sieve = sieve.holding(frame).without(pl.coalesce("_member", "_group")).checked(share)
    kept = sieve.frame.select("_place", post=pl.int_range(pl.len(), dtype=pl.Int64))
    authors = _placed(people, kept, "member")
    post_groups = _placed(places, kept, "group")
    posts = _connected(sieve.frame, post_groups, groups)
    return Posts(sieve.holding(posts), authors, post_groups)


def _links(posts: pl.DataFrame, columns: Sequence[str], rows: pl.DataFrame) -> pl.DataFrame:
    """Return ``_place id _row`` for each id in the columns, once a post; unknown: no row."""
    parts = []
    for column in columns:
        part = posts.select("_place", id=pl.col(column)).filter(pl.col("id").is_not_null())
        parts.append(part if part.schema["id"] == pl.String() else _flat(part))
    named = pl.concat(parts).filter(pl.col("id").is_not_null() & pl.col("id").ne(""))
    once = named.unique(["_place", "id"], keep="first", maintain_order=True)
    return once.join(rows, on="id", how="left", maintain_order="left")


def _flat(part: pl.DataFrame) -> pl.DataFrame:
    return part.filter(pl.col("id").list.len() > 0).explode("id")


def _placed(links: pl.DataFrame, kept: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return the links of the posts that are kept, by the row each post now has."""
    joined = links.join(kept, on="_place", how="inner", maintain_order="left")
    found = joined.select("post", pl.col("_row").alias(name))
    return found.sort("post", maintain_order=True)


def _connected(
    posts: pl.DataFrame, post_groups: pl.DataFrame, groups: pl.DataFrame
) -> pl.DataFrame:
    """Add ``public``, turn ``parent`` into a row, and leave out what is now in the links."""
    numbered = groups.select("visibility", group=pl.int_range(pl.len(), dtype=pl.Int64))
    hidden = numbered.filter(pl.col("visibility") != Visibility.PUBLIC).select("group")
    closed = post_groups.join(hidden, on="group", how="semi").select(_row="post").unique()
    row = pl.col("_row")
    parents = rows_of(posts).rename({"id": "parent", "_row": "_parent"})
    joined = (
        posts.with_columns(_row=pl.int_range(pl.len(), dtype=pl.Int64))
        .join(parents, on="parent", how="left", maintain_order="left")
        .join(closed.with_columns(_closed=True), on="_row", how="left", maintain_order="left")
    )
    is_open = pl.col("visibility").eq(Visibility.PUBLIC) & pl.col("_closed").is_null()
    # An answer to a deleted post is normal, so a parent nobody knows is none; nor is one's own.
    parent = pl.when(pl.col("_parent") != row).then(pl.col("_parent"))
    return joined.with_columns(parent.alias("parent"), is_open.alias("public")).drop(
        "member", "members", "groups", "_place", "_member", "_group", "_parent", "_row", "_closed"
    )
