"""Who has exchanged something with whom, for a community that supplies posts but no ties."""

from __future__ import annotations

import polars as pl

MOST_AUTHORS = 8
"""A post with more authors than this is a crowd, not an exchange between any two of them."""


def ties_from_posts(posts: pl.DataFrame, authors: pl.DataFrame) -> pl.DataFrame:
    """Derive ties: an author answered another's post, or two wrote one together.

    Args:
        posts: ``ts``, ``parent`` and ``public``, one row a post. What is not public gives no tie:
            others would be told of an exchange they may not see.
        authors: ``post member``, rows.

    Returns:
        ``a b`` with a < b, each pair once and ordered; ``first_ts`` the earliest date of an
        exchange (null if none has one); ``weight`` the number of posts in which they did.
        Posts of more than ``MOST_AUTHORS`` count neither as an answer nor as answered.
    """
    dated = posts.select(
        "ts", "parent", "public", pl.int_range(pl.len(), dtype=pl.Int64).alias("post")
    )
    public = dated.filter("public").select("post")
    few = authors.filter(pl.len().over("post") <= MOST_AUTHORS).join(public, on="post", how="semi")
    answers = dated.filter(pl.col("parent").is_not_null()).select("post", "parent")
    asked = few.rename({"post": "parent", "member": "other"})
    pairs = pl.concat(
        [
            few.join(few.rename({"member": "other"}), on="post"),
            few.join(answers, on="post").join(asked, on="parent").drop("parent"),
        ]
    )
    return (
        pairs.filter(pl.col("member") != pl.col("other"))
        .select(
            "post",
            a=pl.min_horizontal("member", "other"),
            b=pl.max_horizontal("member", "other"),
        )
        .unique()  # co-authors who answer each other in one post have had one exchange
        .join(dated, on="post")
        .group_by("a", "b")
        .agg(first_ts=pl.col("ts").min(), weight=pl.len().cast(pl.Float64))
        .sort("a", "b")
    )
