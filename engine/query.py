"""Who asks, and everything about them that the stages look at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.snapshot import UNREADABLE_BAND, Snapshot
from engine.types import Matrix, Rows, Vector

NOBODY = -1
"""The member row of someone known only by a text."""


@dataclass(frozen=True, slots=True)
class Query:
    """One request for suggestions.

    Attributes:
        member: The viewer's row, or `NOBODY`.
        interests: Unit vectors of shape (k, d), k = 0 if nothing is known.
        shares: The interests' weights, shape (k,).
        groups: Rows of the groups the viewer is in, ascending.
        group_weights: How much each says about the viewer, shape as `groups`.
        companions: Rows of the people the viewer has exchanged something with, ascending.
        companion_weights: How strongly, shape as `companions`.
        terms: Rows of the viewer's distinctive terms, ascending.
        audience: The viewer's audience band.
        open_to_introductions: Whether the viewer wants to meet people.
    """

    member: int
    interests: Matrix
    shares: Vector
    groups: Rows
    group_weights: Vector
    companions: Rows
    companion_weights: Vector
    terms: Rows
    audience: int
    open_to_introductions: bool


def query_of_member(snapshot: Snapshot, member: int) -> Query:
    """Return the query of a member by row."""
    columns = snapshot.members
    interests, shares = columns.interests.of_row(member)
    groups, group_weights = columns.groups.of_row(member)
    companions, companion_weights = columns.ties.of_row(member)
    return Query(
        member=member,
        interests=interests,
        shares=shares,
        groups=groups,
        group_weights=group_weights,
        companions=companions,
        companion_weights=companion_weights,
        terms=columns.terms.of_row(member)[0],
        audience=int(columns.audience[member]),
        open_to_introductions=bool(columns.open_to_introductions[member]),
    )


def query_of_text(
    interests: Matrix, shares: Vector, terms: Rows, audience: int = UNREADABLE_BAND
) -> Query:
    """Return the query of someone new, known by what they say; asking is their consent."""
    nothing, weightless = np.zeros(0, np.int64), np.zeros(0, np.float32)
    return Query(
        member=NOBODY,
        interests=interests,
        shares=shares,
        groups=nothing,
        group_weights=weightless,
        companions=nothing,
        companion_weights=weightless,
        terms=terms,
        audience=audience,
        open_to_introductions=True,
    )
