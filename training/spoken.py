"""Who uses which of a community's terms, and a post that shows it, one that they may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from data.community import Community
from engine.columns import Links, Strings
from engine.domain import Visibility
from engine.snapshot import OWN_WORDS, TOOK_PART
from engine.terms import analyze
from engine.types import Rows, Vector
from training.activity import in_public, taking_part
from training.in_the_open import seen

MEMBER_TERMS = 60
"""Terms kept for one member, the rarest."""

GROUP_TERMS = 150
"""Terms kept for one group, the most typical."""

DESCRIBED = 3.0
"""A term in a group's description, beside one in a post."""

PROFILE = -1
"""Stands for the profile or the description where a post could show a term."""


@dataclass(frozen=True, slots=True)
class WhatWasSaid:
    """The texts of a community: all posts' first, then all profiles'.

    Attributes:
        community: Whose they are.
        posts: How many of them are posts'.
    """

    community: Community
    posts: int

    def by_members(self, uses: sparse.csr_array, rarity: Vector) -> tuple[Links, Rows]:
        """Return the terms of each member, and a post or `PROFILE` for each of these links.

        Args:
            uses: Which text uses which term: shape (texts, terms).
            rarity: How rare each term is.
        """
        events = in_public(self.community, taking_part(self.community))
        table = who_said(self.community, seen(self.community, events))
        position, term = _uses_of(uses, table["text"].to_numpy())
        texts = table["text"].to_numpy()[position]
        wrote = table["wrote"].to_numpy()[position]
        found = _one_each(
            pl.DataFrame(
                {
                    "owner": table["member"].to_numpy()[position],
                    "term": term,
                    "post": np.where(texts < self.posts, texts, PROFILE),
                    "weight": np.where(wrote, OWN_WORDS, TOOK_PART),
                    "ts": table["ts"].to_numpy()[position],
                    "rarity": rarity[term].astype(np.float64),
                }
            )
        )
        order = ["owner", "weight", "rarity", "term"]
        found = found.sort(order, descending=[False, True, True, False])
        best = found.group_by("owner", maintain_order=True).head(MEMBER_TERMS)
        return _linked(best, len(self.community.members))

    def in_groups(self, uses: sparse.csr_array, described: sparse.csr_array) -> tuple[Links, Rows]:
        """Return the terms most typical of each group: frequent in it, and more than elsewhere.

        Args:
            uses: Which text that all may see uses which term: shape (texts, terms).
            described: Which group's description does: shape (groups, terms).

        Returns:
            The terms, by how typical they are, and for each link a post or `PROFILE`.
        """
        public = (self.community.groups["visibility"] == Visibility.PUBLIC.value).to_numpy()
        said = pl.concat([self._in_posts(uses), _in_descriptions(described)])
        amount = said.group_by("owner", "term").agg(amount=pl.col("weight").sum())
        volume = said.group_by("owner").agg(volume=pl.len())
        everywhere = said.filter(pl.Series(public[said["owner"].to_numpy()]))
        overall = everywhere.group_by("term").agg(overall=pl.len())
        share = pl.col("overall").fill_null(1) / max(len(everywhere), 1)
        typical = (
            amount.join(volume, on="owner")
            .join(overall, on="term", how="left")
            .with_columns(lift=pl.col("amount") / pl.col("volume") / share)
            .filter(pl.col("lift") > 1)
            .with_columns(typical=pl.col("amount").sqrt() * pl.col("lift").log())
        )
        best = _one_each(said).join(typical, on=["owner", "term"]).with_columns(weight="typical")
        best = best.sort(["owner", "weight", "term"], descending=[False, True, False])
        kept = best.group_by("owner", maintain_order=True).head(GROUP_TERMS)
        return _linked(kept, len(self.community.groups))

    def _in_posts(self, uses: sparse.csr_array) -> pl.DataFrame:
        stands = self.community.post_groups
        posts = stands["post"].to_numpy()
        position, term = _uses_of(uses, posts)
        return pl.DataFrame(
            {
                "owner": stands["group"].to_numpy()[position],
                "term": term,
                "post": posts[position],
                "weight": np.ones(len(position)),
                "ts": self.community.posts["ts"].to_numpy()[posts[position]],
            }
        )


def who_said(community: Community, events: pl.DataFrame) -> pl.DataFrame:
    """Return `member text wrote ts`: posts first, then profiles, as rows of one corpus."""
    posts = events.select("member", "wrote", "ts", text="post")
    count, offset = len(community.members), len(community.posts)
    profiles = pl.DataFrame({"member": np.arange(count), "text": np.arange(count) + offset})
    own = profiles.with_columns(wrote=pl.lit(value=True), ts=pl.lit(None, dtype=pl.Float64))
    return pl.concat([posts, own.select(posts.columns)])


def terms_in(texts: Sequence[str], words: Strings, size: int) -> Links:
    """Return which terms come up in texts.

    Args:
        texts: One a row, or none at all.
        words: The terms.
        size: Rows there are.
    """
    row_of = {word: row for row, word in enumerate(words.tolist())}
    found = [
        (row, row_of[term])
        for row, text in enumerate(texts)
        for term in set(analyze(text))
        if term in row_of
    ]
    pairs = np.array(found, np.int64).reshape(-1, 2)
    return Links.of(size, pairs[:, 0], pairs[:, 1])


def _in_descriptions(described: sparse.csr_array) -> pl.DataFrame:
    entries = described.tocoo()
    return pl.DataFrame(
        {
            "owner": entries.row.astype(np.int64),
            "term": entries.col.astype(np.int64),
            "post": np.full(entries.nnz, PROFILE),
            "weight": np.full(entries.nnz, DESCRIBED),
            "ts": np.full(entries.nnz, np.nan),
        }
    )


def _uses_of(spoken: sparse.csr_array, text: NDArray[np.int64]) -> tuple[Rows, Rows]:
    """Return, for texts given by row, each use of a term: position in `text`, and the term."""
    lines = spoken[text].tocoo()
    return lines.row.astype(np.int64), lines.col.astype(np.int64)


def _one_each(uses: pl.DataFrame) -> pl.DataFrame:
    """Return one use for each owner and term: own words before others', newest first."""
    order = ["owner", "term", "weight", "ts", "post"]
    ranked = uses.sort(order, descending=[False, False, True, True, False], nulls_last=True)
    return ranked.group_by("owner", "term", maintain_order=True).first()


def _linked(best: pl.DataFrame, size: int) -> tuple[Links, Rows]:
    best = best.sort("owner", "term")
    links = Links.of(
        size, best["owner"].to_numpy(), best["term"].to_numpy(), best["weight"].to_numpy()
    )
    return links, best["post"].to_numpy().astype(np.int64)
