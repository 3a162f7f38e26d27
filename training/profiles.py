"""Texts' vectors -> the interests of members and the prototypes of groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from data.community import Community
from engine.columns import Profiles
from engine.domain import DAY_S
from engine.interests import find_interests
from engine.types import Matrix
from training.activity import decay, present, taking_part
from training.in_the_open import seen
from training.progress import SILENT, Progress
from training.texts import TextVectors, has_text

HALF_LIFE_DAYS = 730.0
"""Age at which a post says half as much about what its author cares about."""

PROFILE_WEIGHT = 2.0
"""A profile counts like two fresh posts: people wrote it to say who they are."""

TOOK_PART_WEIGHT = 0.3
"""Taking part in a post, beside writing one."""

DESCRIPTION_WEIGHT = 3.0
"""A group's description, beside one fresh post in it."""

NEWEST = 200
"""Texts looked at for one member or group, the weightiest first."""

PROTOTYPES = 4
"""Prototypes a group has at most, beside its description."""

Table = pl.DataFrame
"""Columns `owner`, `vector` (a row of some matrix) and `weight`."""


def member_interests(
    community: Community, vectors: TextVectors, asof: float, progress: Progress = SILENT
) -> Profiles:
    """Return every member's interests from their profile, their posts and what they took part in.

    Posts that are not public have no vector and so shape nothing that others are shown; of what
    they took part in, without writing it, counts what they may see.
    """
    age = (asof - pl.col("ts")) / DAY_S
    share = pl.when("wrote").then(1.0).otherwise(TOOK_PART_WEIGHT)
    posts = seen(community, taking_part(community), own=True).select(
        owner="member", vector="post", weight=decay(age, HALF_LIFE_DAYS) * share
    )
    offset = len(vectors.posts)
    profiles = _own_texts(len(community.members), offset, PROFILE_WEIGHT)
    matrix = np.concatenate([vectors.posts, vectors.members])
    parts = _clustered(
        "interests", len(community.members), pl.concat([posts, profiles]), matrix, progress
    )
    return Profiles.of(matrix.shape[1], parts)


def group_prototypes(
    community: Community,
    vectors: TextVectors,
    interests: Profiles,
    asof: float,
    progress: Progress = SILENT,
) -> Profiles:
    """Return every group's prototypes.

    They come from the posts in the group; where there are none, from what its members care
    about; and the description is always one of them.
    """
    when = community.posts.select(ts="ts").with_row_index("post").cast({"post": pl.Int64})
    age = (asof - pl.col("ts")) / DAY_S
    said = has_text(vectors.posts)
    posts = (
        community.post_groups.filter(pl.col("post").is_in(pl.Series(said).implode()))
        .join(when, on="post")
        .select(owner="group", vector="post", weight=decay(age, HALF_LIFE_DAYS))
    )
    offset = len(vectors.posts)
    silent = set(range(len(community.groups))) - set(posts["owner"].unique().to_list())
    of_members = _interests_inside(community, interests, sorted(silent), offset)
    matrix = np.concatenate([vectors.posts, interests.vectors])
    parts = _clustered(
        "prototypes", len(community.groups), pl.concat([posts, of_members]), matrix, progress
    )
    described = set(has_text(vectors.groups).tolist())
    whole = [
        _with_description(part, vectors.groups[row] if row in described else None)
        for row, part in enumerate(parts)
    ]
    return Profiles.of(matrix.shape[1], whole)


def said(vectors: Matrix, count: int, dimension: int) -> Profiles:
    """Return texts' vectors as profiles: one vector a row, none for a blank text.

    Args:
        vectors: Of shape (count, d), a blank text's being zero; (0, 0) if nobody said anything.
        count: Rows there are.
        dimension: Length of each vector.
    """
    here = np.zeros(count, np.int64)
    here[: len(vectors)] = vectors.any(axis=1)
    kept = vectors[vectors.any(axis=1)].reshape(-1, dimension)
    return Profiles(
        np.concatenate([[0], np.cumsum(here)]),
        kept.astype(np.float32),
        np.ones(len(kept), np.float32),
    )


Part = tuple[NDArray[np.float32], NDArray[np.float32]]
"""The vectors of one owner and their weights."""


def _own_texts(count: int, offset: int, weight: float) -> Table:
    rows = np.arange(count)
    return pl.DataFrame({"owner": rows, "vector": rows + offset, "weight": np.full(count, weight)})


def _interests_inside(
    community: Community, interests: Profiles, groups: Sequence[int], offset: int
) -> Table:
    """Return the members' interests of groups in which nothing was written."""
    inside = present(community).filter(pl.col("group").is_in(groups))
    owned = pl.DataFrame(
        {
            "member": interests.owners(),
            "vector": np.arange(len(interests.vectors)) + offset,
            "weight": interests.weights.astype(np.float64),
        }
    )
    return (
        inside.join(owned, on="member")
        .select("vector", "weight", owner="group")
        .select("owner", "vector", "weight")
    )


def _clustered(
    name: str, owners: int, table: Table, matrix: Matrix, progress: Progress
) -> list[Part]:
    """Return the clusters of each owner's vectors; blank texts are left out."""
    written = np.asarray(matrix.any(axis=1))
    table = table.filter(pl.Series(written[table["vector"].to_numpy()]))
    table = table.sort(["owner", "weight", "vector"], descending=[False, True, False])
    owner = table["owner"].to_numpy()
    vector, weight = table["vector"].to_numpy(), table["weight"].to_numpy()
    bounds = np.searchsorted(owner, np.arange(owners + 1))
    empty: Part = (matrix[:0], np.zeros(0, np.float32))
    parts = [empty] * owners
    # Small products on several threads mostly wait for one another.
    with progress.task(name, owners) as advance, threadpool_limits(1):
        for row in range(owners):
            start, end = int(bounds[row]), min(int(bounds[row + 1]), int(bounds[row]) + NEWEST)
            if end > start:
                found = find_interests(matrix[vector[start:end]], weight[start:end])
                parts[row] = (found.vectors, found.weights)
            advance(1)
    return parts


def _with_description(part: Part, description: NDArray[np.float32] | None) -> Part:
    vectors, weights = part[0][:PROTOTYPES], part[1][:PROTOTYPES]
    if description is not None:
        vectors = np.concatenate([description[None, :], vectors])
        share = DESCRIPTION_WEIGHT / (DESCRIPTION_WEIGHT + 10) if len(weights) else 1.0
        weights = np.concatenate([[share], weights * (1 - share)]).astype(np.float32)
    total = weights.sum()
    return vectors, (weights / total if total else weights).astype(np.float32)
