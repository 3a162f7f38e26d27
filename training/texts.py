"""What is read of a community: one text a public post, a profile, a group's description."""

from __future__ import annotations

from dataclasses import dataclass, field

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
        seeking: What each member says they seek; empty where there is no such column.
        offering: What each member says they offer, likewise.
    """

    posts: list[str]
    members: list[str]
    groups: list[str]
    seeking: list[str] = field(default_factory=list)
    offering: list[str] = field(default_factory=list)


def nothing_said() -> Matrix:
    """Return the vectors of no texts: shape (0, 0)."""
    return np.zeros((0, 0), np.float32)


@dataclass(frozen=True, slots=True)
class TextVectors:
    """The unit vectors of `Texts`, of shape (n, d) each; the row of a blank text is zero.

    `seeking` and `offering` may be of no rows, where no member says anything of the kind.
    """

    posts: Matrix
    members: Matrix
    groups: Matrix
    seeking: Matrix = field(default_factory=nothing_said)
    offering: Matrix = field(default_factory=nothing_said)


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
        community.members.select(_clean("seeking")).to_series().to_list(),
        community.members.select(_clean("offering")).to_series().to_list(),
    )


def vectors_of(
    texts: Texts, encoder: Encoder, cache: VectorCache, progress: Progress = SILENT
) -> TextVectors:
    """Embed all texts of a community, each once ever."""
    parts = (texts.posts, texts.members, texts.groups, texts.seeking, texts.offering)
    vectors = embed([text for part in parts for text in part], encoder, cache, progress)
    ends = np.cumsum([len(part) for part in parts])
    return TextVectors(*np.split(vectors, ends[:-1]))


def has_text(vectors: Matrix) -> Rows:
    """Return the rows whose text says something, ascending."""
    return np.flatnonzero(vectors.any(axis=1))


def _clean(column: str) -> pl.Expr:
    return pl.col(column).fill_null("").str.strip_chars()
