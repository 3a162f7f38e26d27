"""What a server knows of a community at one moment: flat columns, nothing that changes.

The training side fills a `Snapshot`, a bundle carries it, the recommenders read it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, get_type_hints

import numpy as np
from numpy.typing import NDArray

from engine.columns import Links, Profiles, Strings
from engine.types import BoolVector, Matrix, Rows, Vector

LATELY_DAYS = 90
"""How far back "lately" reaches."""

JOINED_HALF_LIFE_DAYS = 180.0
"""Age at which having joined a group says half as much, in `Behaviour.joined`."""

A_DAY = 5
"""Times of taking part that count of one day, in `MemberColumns.active`."""

OWN_WORDS = 1.0
"""The weight of a term that a member's own texts use."""

TOOK_PART = 0.5
"""The weight of a term that only posts a member took part in use."""

LIVING_DAYS = 365
"""Days for which a post that nobody adds to may still be answered, in `PostColumns`."""

FEWEST_FOUNDERS, MOST_FOUNDERS = 4, 40
"""People in one of `DiscoveryColumns`."""

UNKNOWN = -1
"""The language or place of somebody who has not told it."""

UNREADABLE_BAND = -1
"""The audience band of a member whose band is unknown: they are introduced to nobody."""


@dataclass(frozen=True, slots=True)
class MemberColumns:
    """Members, one a row.

    Attributes:
        ids: External ids.
        names: What to call them; '' where unknown.
        discoverable: May be suggested to others.
        open_to_introductions: Wants to meet people.
        audience: Position in `bands`, or `UNREADABLE_BAND`: int64.
        bands: The audience bands there are.
        weekly_introductions: How many introductions a week they take: float32.
        interests: Their interests.
        groups: Groups they are in, weighted by how recently and often they took part.
        left: Groups they have left.
        ties: People they have exchanged something with, by strength.
        blocks: People they have blocked or who have blocked them.
        terms: Distinctive terms: weight `OWN_WORDS` where their own public texts use them,
            `TOOK_PART` where only public posts they took part in do.
        term_posts: For each link of `terms`, the post that shows it, -1 for the profile.
        muted: Groups they do not want to be shown.
        muted_terms: Terms of groups they do not want to be shown.
        active: How much they took part lately: float32, decayed count of posts and answers.
        seeking: What they say they seek, as vectors; none where they say nothing.
        offering: What they say they offer, likewise.
        seeking_terms: Distinctive terms in what they say they seek.
        offering_terms: Distinctive terms in what they say they offer.
        answered: Members whose public posts they answered, by a decayed count of answers.
        known_days: Days since anything was first known of them, NaN if undated: float32.
    """

    ids: Strings
    names: Strings
    discoverable: BoolVector
    open_to_introductions: BoolVector
    audience: Rows
    bands: Strings
    weekly_introductions: Vector
    interests: Profiles
    groups: Links
    left: Links
    ties: Links
    blocks: Links
    terms: Links
    term_posts: Rows
    muted: Links
    muted_terms: Links
    active: Vector
    seeking: Profiles
    offering: Profiles
    seeking_terms: Links
    offering_terms: Links
    answered: Links
    known_days: Vector


@dataclass(frozen=True, slots=True)
class GroupColumns:
    """Groups, one a row.

    Attributes:
        ids: External ids.
        names: What they are called.
        public: Whether anybody may see them.
        capacity: Most members they take, inf without a limit, NaN if unreadable: float32.
        size: Members now: float32.
        prototypes: What they are about.
        members: Who is in them.
        neighbours: Groups that share members.
        joins_decayed: Joins, each counting less the older it is: float32.
        joins_lately: Joins in the last `LATELY_DAYS` days: float32.
        returning: Share of members who came back, NaN if unknown: float32.
        answered: Share of newcomers' first posts that were answered, NaN if unknown: float32.
        terms: Terms typical of the public texts in them; the weight says how typical.
        term_posts: For each link of `terms`, the post that shows it, -1 for the description.
    """

    ids: Strings
    names: Strings
    public: BoolVector
    capacity: Vector
    size: Vector
    prototypes: Profiles
    members: Links
    neighbours: Links
    joins_decayed: Vector
    joins_lately: Vector
    returning: Vector
    answered: Vector
    terms: Links
    term_posts: Rows


@dataclass(frozen=True, slots=True)
class PostColumns:
    """Public posts that begin a conversation and may still be answered, one a row.

    Those that nobody added to for `LIVING_DAYS` days are not among them. A post that has gone, or
    is public no longer, keeps its row: `here` is false, and its columns say nothing.

    Attributes:
        ids: External ids.
        here: Whether there is such a post.
        texts: What it says, as vectors; none where it is blank.
        authors: Members who wrote it.
        groups: Groups it stands in, all of them public.
        answered_by: Members who answered or took part without writing it, by how often.
        written_at: Unix seconds: int64.
        last_at: When it was last added to, unix seconds: int64.
    """

    ids: Strings
    here: BoolVector
    texts: Profiles
    authors: Links
    groups: Links
    answered_by: Links
    written_at: Rows
    last_at: Rows


@dataclass(frozen=True, slots=True)
class DiscoveryColumns:
    """Sets of people with a narrow interest that no group serves, one a row, best first.

    They are found in training, from public texts and people who agreed to be introduced then;
    whether one is shown is decided when it is asked for, see `engine.discoveries`.

    Attributes:
        founders: Who they are, all of one audience band; the weight says how central: (0, 1].
        terms: Terms typical of what they say; the weight says how typical.
        centres: What they share, as one vector; none where too few of them are left.
        scores: How much such a set looks like a group: float32, descending.
    """

    founders: Links
    terms: Links
    centres: Profiles
    scores: Vector


@dataclass(frozen=True, slots=True)
class GroupLife:
    """How each group lives: float32 of shape (groups,) each, zero where nothing is known.

    Attributes:
        joins_fortnight: log(1 + joins), each halved every 14 days.
        joins_season: The same, halved every 90 days.
        joins_year: The same, halved every 365 days.
        joins_further: The same as `joins_season`, of people who were in another group before.
        growth: log of the joins of the last month over what the season before would give.
        members: log(1 + everybody who ever joined).
        age: log(1 + days since it was founded or anything was first heard of it).
        quiet: log(1 + days since the last post or join).
        posts: log(1 + posts), each halved every 30 days.
        turnout: log(1 + people a post).
        replies: log(1 + replies a first post).
        returning: Share of those who joined that came back, drawn to one fifth.
        answered: Share of newcomers' first posts that were answered, one half if unknown.
        room: Room for one more voice in (0, 1]: 1 / (1 + people active lately / 12).
    """

    joins_fortnight: Vector
    joins_season: Vector
    joins_year: Vector
    joins_further: Vector
    growth: Vector
    members: Vector
    age: Vector
    quiet: Vector
    posts: Vector
    turnout: Vector
    replies: Vector
    returning: Vector
    answered: Vector
    room: Vector


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What people did, as the learned ranker reads it. Every column costs O(links).

    Attributes:
        joined: Groups members are in, by how lately they joined; the targets of
            `MemberColumns.groups`, in the same order.
        habits: The same groups, by how often members took part there, halved every half year
            since they joined.
        visits: Groups members took part in but never were in, by how often and lately.
        fellows: People who took part in the same small conversations, the weight in (0, 1].
        ease: Which groups being in a group speaks for, or against: signed weights.
        ease_active: The same, of taking part there.
        co_active: Which groups the same people take part in.
        places: Where each group lies in the space of co-membership: unit vectors of shape
            (groups, p); where nobody has joined yet, where its text says it would lie.
        bridge: Text vector -> place: shape (d, p).
        text_weights: Text vector -> how far each group is one such texts are found in:
            shape (groups, d).
        meaning: Text vector -> where groups lie that welcome such texts: shape (d, d).
        topics: The main direction of each group's texts: unit vectors of shape (groups, d).
        life: How each group lives.
        languages: Each member's language, position in `language_names`, or `UNKNOWN` if not told:
            int64.
        group_languages: The same of groups.
        homes: Where each member is, position in `home_names`, or `UNKNOWN`: int64.
        group_homes: The same of groups.
        language_names: The languages there are, as `engine.wanted.compared` gives them; '' for one
            that only people who were erased had told.
        home_names: The places there are, likewise.
    """

    joined: Links
    habits: Links
    visits: Links
    fellows: Links
    ease: Links
    ease_active: Links
    co_active: Links
    places: Matrix
    bridge: Matrix
    text_weights: Matrix
    meaning: Matrix
    topics: Matrix
    life: GroupLife
    languages: Rows
    group_languages: Rows
    homes: Rows
    group_homes: Rows
    language_names: Strings
    home_names: Strings


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the recommenders read.

    Attributes:
        members: Members, one a row.
        groups: Groups, one a row.
        behaviour: What people did, as the learned ranker reads it.
        posts: Posts that may still be answered.
        discoveries: Groups that should exist.
        post_ids: External ids of posts that serve as evidence.
        post_authors: Who wrote each of them.
        vocabulary: The distinctive terms, in ascending order.
        rarity: For each term, log(writers / writers who use it): float32.
        term_vectors: For each term, the direction of the texts that use it: unit vectors.
    """

    members: MemberColumns
    groups: GroupColumns
    behaviour: Behaviour
    posts: PostColumns
    discoveries: DiscoveryColumns
    post_ids: Strings
    post_authors: Links
    vocabulary: Strings
    rarity: Vector
    term_vectors: Matrix


def to_arrays(value: Any, prefix: str = "") -> Iterator[tuple[str, NDArray[Any]]]:  # noqa: ANN401
    """Yield every array of a snapshot (or a part of it) with its dotted name."""
    for field in fields(value):
        item = getattr(value, field.name)
        name = f"{prefix}{field.name}"
        if isinstance(item, np.ndarray):
            yield name, item
        else:
            yield from to_arrays(item, f"{name}.")


def from_arrays(kind: type[Any], arrays: dict[str, NDArray[Any]], prefix: str = "") -> Any:  # noqa: ANN401
    """Build a snapshot (or a part of it) from its named arrays.

    Raises:
        KeyError: An array is not there.
    """
    hints = _hints(kind)  # type: ignore[arg-type] # classes are hashable
    parts = {}
    for field in fields(kind):
        name = f"{prefix}{field.name}"
        hint = hints[field.name]
        nested = isinstance(hint, type) and hasattr(hint, "__dataclass_fields__")
        parts[field.name] = from_arrays(hint, arrays, f"{name}.") if nested else arrays[name]
    return kind(**parts)


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    return get_type_hints(kind)
