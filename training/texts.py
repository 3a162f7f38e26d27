"""What is read of a community: one text a public post, a profile, a group's description."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from data.community import Community
from engine.encoder import Encoder
from engine.types import Matrix, Rows
from training.embed import embed
from training.progress import SILENT, Progress
from training.vector_cache import VectorCache


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of a community, each list in the row order of its table; '' says nothing.

    Attributes:
        posts: Title and text of each public post; '' for others, which shape nobody's slate.
        members: Each member's profile.
        groups: Each group's name and description.
    """

    posts: list[str]
    members: list[str]
    groups: list[str]


@dataclass(frozen=True, slots=True)
class TextVectors:
    """The unit vectors of `Texts`, of shape (n, d) each; the row of a blank text is zero."""

    posts: Matrix
    members: Matrix
    groups: Matrix


def texts_of(community: Community) -> Texts:
    """Return what is read of a community."""
    both = pl.concat_str([_clean("title"), _clean("text")], separator=". ").str.strip_chars(" .")
    posts = community.posts.select(pl.when("public").then(both).otherwise(pl.lit("")))
    profile = pl.concat_str(
        [_clean(name) for name in ("text", "seeking", "offering")], separator="\n"
    ).str.strip_chars()
    described = pl.when(pl.col("text").str.starts_with(pl.col("name"))).then(_clean("text"))
    about = described.otherwise(
        pl.concat_str([_clean("name"), _clean("text")], separator=". ").str.strip_chars(" .")
    )
    return Texts(
        posts.to_series().to_list(),
        community.members.select(profile).to_series().to_list(),
        community.groups.select(about).to_series().to_list(),
    )


def vectors_of(
    texts: Texts, encoder: Encoder, cache: VectorCache, progress: Progress = SILENT
) -> TextVectors:
    """Embed all texts of a community, each once ever."""
    vectors = embed([*texts.posts, *texts.members, *texts.groups], encoder, cache, progress)
    first, second = len(texts.posts), len(texts.posts) + len(texts.members)
    return TextVectors(vectors[:first], vectors[first:second], vectors[second:])


def has_text(vectors: Matrix) -> Rows:
    """Return the rows whose text says something, ascending."""
    return np.flatnonzero(vectors.any(axis=1))


def _clean(column: str) -> pl.Expr:
    return pl.col(column).fill_null("").str.strip_chars()
