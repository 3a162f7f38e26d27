"""What people did -> the columns the learned ranker reads."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy import sparse

from data.community import Community
from engine.columns import Links, Profiles, Strings
from engine.domain import DAY_S
from engine.neighbours import bm25_membership
from engine.snapshot import JOINED_HALF_LIFE_DAYS, UNKNOWN, Behaviour
from engine.types import Matrix, Rows
from engine.wanted import compared
from training.activity import decay, in_groups, in_public, present, taking_part
from training.bridge import meaning_of, places_of, text_weights_of, unit
from training.ease import ease
from training.in_the_open import seen
from training.life import group_life
from training.texts import TextVectors

CIRCLE = 50
"""People up to which taking part in the same conversation makes them fellows."""

FELLOWS = 50
"""Fellows a member keeps, those with most small conversations in common."""

FELLOWS_HALF_LIFE_DAYS = 180.0
"""Age at which a conversation says half as much about who are fellows."""

BLOCK = 5_000
"""Members whose fellows are counted at a time."""


def build_behaviour(
    community: Community,
    vectors: TextVectors,
    prototypes: Profiles,
    asof: float,
) -> Behaviour:
    """Return what people did, as of `asof`.

    Args:
        community: What is known.
        vectors: What it says.
        prototypes: What its groups are about.
        asof: Unix seconds.
    """
    everyone = _matrix(community, np.ones(len(community.memberships), np.float32))
    topics = _topics(prototypes, vectors.groups)
    places, bridge = places_of(everyone, topics)
    languages, group_languages, language_names = _numbered(
        community.members["language"], community.groups["language"]
    )
    homes, group_homes, home_names = _numbered(
        community.members["place"], community.groups["place"]
    )
    joined, habits = _present(community, asof)
    active = sparse.csr_array(
        (habits.weights, habits.targets, habits.offsets),
        shape=(len(habits), len(community.groups)),
    )
    return Behaviour(
        joined=joined,
        habits=habits,
        visits=visits(community, asof),
        fellows=fellows(community, asof),
        ease=ease(everyone),
        ease_active=ease(active),
        co_active=bm25_membership(active),
        places=places,
        bridge=bridge,
        text_weights=text_weights_of(community, vectors, everyone, topics),
        meaning=meaning_of(community, vectors, everyone, topics),
        topics=topics,
        life=group_life(community, asof),
        languages=languages,
        group_languages=group_languages,
        homes=homes,
        group_homes=group_homes,
        language_names=language_names,
        home_names=home_names,
    )


def _numbered(members: pl.Series, groups: pl.Series) -> tuple[Rows, Rows, Strings]:
    """Return what members and groups say of themselves as numbers, and what each stands for.

    `UNKNOWN` is the number of nothing.
    """
    told = [[compared(word or "") for word in series] for series in (members, groups)]
    words = sorted({*told[0], *told[1]} - {""})
    number = {word: row for row, word in enumerate(words)} | {"": UNKNOWN}
    one, other = (np.array([number[word] for word in column], dtype=np.int64) for column in told)
    return one, other, Strings.of(words)


def _matrix(community: Community, weights: np.ndarray) -> sparse.csr_array:
    joined = community.memberships
    return sparse.csr_array(
        (weights, (joined["member"].to_numpy(), joined["group"].to_numpy())),
        shape=(len(community.members), len(community.groups)),
    )


def _present(community: Community, asof: float) -> tuple[Links, Links]:
    """Return the groups members are in, by how lately they joined and by how they take part."""
    age = (asof - pl.col("first_ts")) / DAY_S
    times = (
        in_public(community, in_groups(community))
        .group_by("member", "group")
        .agg(times=pl.col("post").n_unique())
    )
    joined = (
        present(community)
        .join(times, on=["member", "group"], how="left")
        .select(
            "member",
            "group",
            lately=decay(age, JOINED_HALF_LIFE_DAYS),
            often=(1 + pl.col("times").fill_null(1).clip(lower_bound=1)).log(2),
        )
    )
    size = len(community.members)
    rows, groups = joined["member"].to_numpy(), joined["group"].to_numpy()
    lately, often = joined["lately"].to_numpy(), joined["often"].to_numpy()
    return Links.of(size, rows, groups, lately), Links.of(size, rows, groups, lately * often)


def visits(community: Community, asof: float) -> Links:
    """Return the groups members took part in, in public, without ever having been in them."""
    age = (asof - pl.col("ts")) / DAY_S
    outside = (
        seen(community, in_public(community, in_groups(community)))
        .join(community.memberships, on=["member", "group"], how="anti")
        .group_by("member", "group")
        .agg(weight=decay(age, JOINED_HALF_LIFE_DAYS).sum().log1p())
    )
    return Links.of(
        len(community.members),
        outside["member"].to_numpy(),
        outside["group"].to_numpy(),
        outside["weight"].to_numpy(),
    )


def _topics(prototypes: Profiles, described: Matrix) -> Matrix:
    """Return the direction of each group's weighted prototypes; without any, its description."""
    rows, columns = prototypes.owners(), np.arange(len(prototypes.vectors))
    weigh = sparse.csr_array(
        (prototypes.weights, (rows, columns)), shape=(len(prototypes), len(columns))
    )
    mean = np.asarray(weigh @ prototypes.vectors, dtype=np.float32)
    silent = ~mean.any(axis=1)
    mean[silent] = described[silent]
    return unit(mean)


def conversations(community: Community) -> pl.DataFrame:
    """Return every time somebody took part in a conversation: `member conversation ts`.

    A conversation is a public post with its direct replies. It needs no text and no group.
    """
    parents = community.posts.select(
        conversation=pl.coalesce(pl.col("parent"), pl.int_range(pl.len()))
    ).with_row_index("post")
    return (
        in_public(community, taking_part(community))
        .join(parents.cast({"post": pl.Int64}), on="post")
        .select("member", pl.col("conversation").cast(pl.Int64), "ts")
    )


def fellows(community: Community, asof: float) -> Links:
    """Return whom each member took part with in conversations of at most `CIRCLE` people.

    Each conversation counts 10 / its people, and less the older it is. The weights are
    w / (w + 1), so that they lie in (0, 1).
    """
    size = len(community.members)
    events = conversations(community)
    people = pl.col("member").n_unique().over("conversation")
    events = (
        events.filter((people >= 2) & (people <= CIRCLE))
        .group_by("member", "conversation")
        .agg(ts=pl.col("ts").max())
    )
    if not len(events):
        return Links.of(size, np.zeros(0, np.int64), np.zeros(0, np.int64))
    events = events.with_columns(
        weight=decay((asof - pl.col("ts")) / DAY_S, FELLOWS_HALF_LIFE_DAYS)
        * 10
        / pl.len().over("conversation"),
        row=pl.col("conversation").rank("dense") - 1,
    )
    rows = (events["member"].to_numpy(), events["row"].to_numpy().astype(np.int64))
    shape = (size, int(rows[1].max()) + 1)
    took = sparse.csr_array((np.ones(len(events), np.float32), rows), shape=shape)
    weighed = sparse.csr_array((events["weight"].to_numpy().astype(np.float32), rows), shape=shape)
    across = sparse.csc_array(took.T)
    parts = [
        _nearest(sparse.csr_array(weighed[start : start + BLOCK] @ across), start)
        for start in range(0, size, BLOCK)
    ]
    sources, targets, weights = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Links.of(size, sources, targets, weights / (weights + 1))


def _nearest(common: sparse.csr_array, start: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each member's strongest fellows as columns."""
    entries = common.tocoo()
    rows, columns, data = entries.row.astype(np.int64) + start, entries.col, entries.data
    keep = (rows != columns) & (data > 0)
    rows, columns, data = rows[keep], columns[keep].astype(np.int64), data[keep]
    order = np.lexsort((columns, -data, rows))
    rows, columns, data = rows[order], columns[order], data[order]
    begins = np.flatnonzero(np.diff(rows, prepend=-1))
    rank = np.arange(len(rows)) - np.repeat(begins, np.diff(np.append(begins, len(rows))))
    strong = rank < FELLOWS
    return rows[strong], columns[strong], data[strong]
