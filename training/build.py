"""A community and its texts' vectors -> the snapshot that the recommenders read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from data.community import Community
from engine.columns import Links, Profiles, Strings
from engine.domain import Visibility
from engine.neighbours import co_membership
from engine.snapshot import UNREADABLE_BAND, GroupColumns, MemberColumns, Snapshot
from engine.types import Rows, Vector
from training import activity
from training.behaviour import build_behaviour
from training.conversations import living_posts
from training.discoveries import nothing_discovered
from training.in_the_open import last_of
from training.profiles import group_prototypes, member_interests, said
from training.progress import SILENT, Progress
from training.spoken import terms_in
from training.texts import Texts, TextVectors
from training.vocabulary import Vocabulary, build_vocabulary, no_terms


def build_snapshot(
    community: Community,
    texts: Texts | None,
    vectors: TextVectors,
    progress: Progress = SILENT,
    now: float = float("inf"),
) -> Snapshot:
    """Return everything the recommenders read, as of the last dated thing in the community.

    Args:
        community: What is known.
        texts: What it says; with None no distinctive terms are looked for, which reasons need and
            ranking does not.
        vectors: The same as vectors.
        progress: Told of every step.
        now: What is dated later, such as an event announced for next month, does not count as
            the last thing that happened.
    """
    asof = min(last_of(community) or activity.last_of(community) or 0.0, now)
    community = activity.known_by(community, now)
    with progress.task("terms", 1) as advance:
        if texts is None:
            vocabulary = no_terms(community, vectors.members.shape[1])
        else:
            vocabulary = build_vocabulary(community, texts, vectors)
        advance(1)
    interests = member_interests(community, vectors, asof, progress)
    prototypes = group_prototypes(community, vectors, interests, asof, progress)
    memberships = _memberships(community, asof)
    post_ids, post_authors, shown = _evidence(community, vocabulary)
    words = _Words(vocabulary, shown, texts or Texts([], [], []))
    return Snapshot(
        members=_members(community, asof, interests, memberships, words, vectors),
        groups=_groups(community, asof, prototypes, memberships, vocabulary, shown),
        behaviour=build_behaviour(community, vectors, prototypes, asof),
        posts=living_posts(community, vectors, asof),
        discoveries=nothing_discovered(interests.vectors.shape[1]),
        post_ids=post_ids,
        post_authors=post_authors,
        vocabulary=vocabulary.words,
        rarity=vocabulary.rarity,
        term_vectors=vocabulary.vectors,
    )


@dataclass(frozen=True, slots=True)
class _Words:
    """The terms, the position of each post among those that serve as evidence, and the texts."""

    vocabulary: Vocabulary
    shown: Rows
    texts: Texts


def _members(
    community: Community,
    asof: float,
    interests: Profiles,
    memberships: Links,
    words: _Words,
    vectors: TextVectors,
) -> MemberColumns:
    members = community.members
    audience, bands = _bands(members["audience"])
    return MemberColumns(
        ids=Strings.of(members["id"].to_list()),
        names=Strings.of(members["name"].to_list()),
        discoverable=members["discoverable"].to_numpy(),
        open_to_introductions=members["open_to_introductions"].to_numpy(),
        audience=audience,
        bands=bands,
        weekly_introductions=_float32(members["weekly_introductions"]),
        interests=interests,
        groups=memberships,
        left=_left(community),
        ties=_both_ways(community.ties, ("a", "b"), len(members), "weight"),
        blocks=_both_ways(community.blocks, ("member", "other"), len(members), None),
        terms=words.vocabulary.members,
        term_posts=words.shown[words.vocabulary.member_posts],
        # A folder says nothing of it: what members have muted is live.
        muted=Links.of(len(members), np.zeros(0), np.zeros(0)),
        muted_terms=Links.of(len(members), np.zeros(0), np.zeros(0)),
        active=activity.members_active(community, asof),
        seeking=said(vectors.seeking, len(members), interests.vectors.shape[1]),
        offering=said(vectors.offering, len(members), interests.vectors.shape[1]),
        seeking_terms=terms_in(words.texts.seeking, words.vocabulary.words, len(members)),
        offering_terms=terms_in(words.texts.offering, words.vocabulary.words, len(members)),
        answered=activity.answered_whom(community, asof),
        known_days=activity.known_days(community, asof),
    )


def _groups(
    community: Community,
    asof: float,
    prototypes: Profiles,
    memberships: Links,
    vocabulary: Vocabulary,
    shown: Rows,
) -> GroupColumns:
    groups = community.groups
    inside = memberships.reversed(len(groups))
    return GroupColumns(
        ids=Strings.of(groups["id"].to_list()),
        names=Strings.of(groups["name"].to_list()),
        public=(groups["visibility"] == Visibility.PUBLIC.value).to_numpy(),
        capacity=_float32(groups["capacity"]),
        size=inside.counts().astype(np.float32),
        prototypes=prototypes,
        members=inside,
        neighbours=_neighbours(community),
        joins_decayed=activity.joins_decayed(community, asof),
        joins_lately=activity.joins_lately(community, asof),
        returning=activity.returning(community),
        answered=activity.answered(community),
        terms=vocabulary.groups,
        term_posts=shown[vocabulary.group_posts],
    )


def _memberships(community: Community, asof: float) -> Links:
    weights = activity.membership_weights(community, asof)
    return Links.of(
        len(community.members),
        weights["member"].to_numpy(),
        weights["group"].to_numpy(),
        weights["weight"].to_numpy(),
    )


def _neighbours(community: Community) -> Links:
    """Return which groups share members, counting people who were there before and have left."""
    joined = community.memberships
    columns = (joined["member"].to_numpy(), joined["group"].to_numpy(), np.ones(len(joined)))
    return co_membership(len(community.members), len(community.groups), columns)


def _left(community: Community) -> Links:
    gone = community.memberships.filter(pl.col("left_ts").is_not_null())
    return Links.of(len(community.members), gone["member"].to_numpy(), gone["group"].to_numpy())


def _both_ways(pairs: pl.DataFrame, ends: tuple[str, str], size: int, weight: str | None) -> Links:
    one, other = pairs[ends[0]].to_numpy(), pairs[ends[1]].to_numpy()
    strength = np.ones(len(pairs)) if weight is None else pairs[weight].fill_null(1).to_numpy()
    return Links.of(
        size,
        np.concatenate([one, other]),
        np.concatenate([other, one]),
        np.concatenate([strength, strength]),
    )


def _bands(audience: pl.Series) -> tuple[Rows, Strings]:
    """Return each member's band as a position, and the bands' names."""
    names = sorted(audience.drop_nulls().unique().to_list())
    position = {name: row for row, name in enumerate(names)}
    codes = [UNREADABLE_BAND if band is None else position[band] for band in audience.to_list()]
    return np.array(codes, dtype=np.int64), Strings.of(names)


def _evidence(community: Community, vocabulary: Vocabulary) -> tuple[Strings, Links, Rows]:
    """Return the evidence posts' ids and authors, and post row -> position among them.

    The last position of the map answers for -1, no post, with -1.
    """
    used = np.unique(np.concatenate([vocabulary.member_posts, vocabulary.group_posts]))
    used = used[used >= 0]
    place = np.full(len(community.posts) + 1, -1, dtype=np.int64)
    place[used] = np.arange(len(used))
    wrote = community.authors.filter(pl.col("post").is_in(pl.Series(used).implode()))
    authors = Links.of(len(used), place[wrote["post"].to_numpy()], wrote["member"].to_numpy())
    return Strings.of(community.posts["id"].gather(used).to_list()), authors, place


def _float32(column: pl.Series) -> Vector:
    return column.to_numpy().astype(np.float32)
