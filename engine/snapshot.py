"""What a server knows of a community at one moment: flat columns, nothing that changes.

The training side fills a `Snapshot`, a bundle carries it, the recommenders read it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, get_type_hints

import numpy as np
from numpy.typing import NDArray

from engine.columns import Links, Profiles, Strings
from engine.types import BoolVector, Matrix, Rows, Vector

LATELY_DAYS = 90
"""How far back "lately" reaches."""

OWN_WORDS = 1.0
"""The weight of a term that a member's own texts use."""

TOOK_PART = 0.5
"""The weight of a term that only posts a member took part in use."""

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
        active: How much they took part lately: float32, decayed count of posts and answers.
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
    active: Vector


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
class Snapshot:
    """Everything the recommenders read.

    Attributes:
        members: Members, one a row.
        groups: Groups, one a row.
        post_ids: External ids of posts that serve as evidence.
        post_authors: Who wrote each of them.
        vocabulary: The distinctive terms, in ascending order.
        rarity: For each term, log(writers / writers who use it): float32.
        term_vectors: For each term, the direction of the texts that use it: unit vectors.
    """

    members: MemberColumns
    groups: GroupColumns
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
    hints = get_type_hints(kind)
    parts = {}
    for field in fields(kind):
        name = f"{prefix}{field.name}"
        hint = hints[field.name]
        nested = isinstance(hint, type) and hasattr(hint, "__dataclass_fields__")
        parts[field.name] = from_arrays(hint, arrays, f"{name}.") if nested else arrays[name]
    return kind(**parts)
