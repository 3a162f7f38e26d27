"""Who asks, and everything about them that the stages look at."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np

from engine.snapshot import UNKNOWN, UNREADABLE_BAND, Snapshot
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
        joined_weights: How lately the viewer joined each of them, shape as `groups`.
        habit_weights: How much the viewer takes part in each of them, shape as `groups`.
        visits: Rows of groups the viewer took part in but never was in, ascending.
        visit_weights: How much, shape as `visits`.
        fellows: Rows of people who took part in the same small conversations, ascending.
        fellow_weights: How much, shape as `fellows`.
        companions: Rows of the people the viewer has exchanged something with, ascending.
        companion_weights: How strongly, shape as `companions`.
        terms: Rows of the viewer's distinctive terms, ascending.
        audience: The viewer's audience band.
        open_to_introductions: Whether the viewer wants to meet people.
        language: The viewer's language as a number, `UNKNOWN` if not told.
        home: Where the viewer is, likewise.
        draw: A number in [0, 1) of this viewer's own, which decides what is explored for them.
        asked_at: When it is asked, unix seconds: what is set aside until later is not shown.
    """

    member: int
    interests: Matrix
    shares: Vector
    groups: Rows
    group_weights: Vector
    joined_weights: Vector
    habit_weights: Vector
    visits: Rows
    visit_weights: Vector
    fellows: Rows
    fellow_weights: Vector
    companions: Rows
    companion_weights: Vector
    terms: Rows
    audience: int
    open_to_introductions: bool
    language: int = UNKNOWN
    home: int = UNKNOWN
    draw: float = 1.0
    asked_at: float = 0.0

    @property
    def direction(self) -> Matrix:
        """The main direction of the viewer's interests, a unit vector of shape (d,), or zero."""
        mean = self.shares @ self.interests
        length = float(np.linalg.norm(mean))
        return mean / length if length > 0 else mean


def query_of_member(
    snapshot: Snapshot, member: int, salt: str = "", asked_at: float = 0.0
) -> Query:
    """Return the query of a member by row.

    Args:
        snapshot: The community.
        member: The member's row.
        salt: With another salt, such as a bundle's version, another draw.
        asked_at: When it is asked, unix seconds.
    """
    columns = snapshot.members
    interests, shares = columns.interests.of_row(member)
    groups, group_weights = columns.groups.of_row(member)
    companions, companion_weights = columns.ties.of_row(member)
    visits, visit_weights = snapshot.behaviour.visits.of_row(member)
    fellows, fellow_weights = snapshot.behaviour.fellows.of_row(member)
    return Query(
        member=member,
        interests=interests,
        shares=shares,
        groups=groups,
        group_weights=group_weights,
        joined_weights=snapshot.behaviour.joined.of_row(member)[1],
        habit_weights=snapshot.behaviour.habits.of_row(member)[1],
        visits=visits,
        visit_weights=visit_weights,
        fellows=fellows,
        fellow_weights=fellow_weights,
        companions=companions,
        companion_weights=companion_weights,
        terms=columns.terms.of_row(member)[0],
        audience=int(columns.audience[member]),
        open_to_introductions=bool(columns.open_to_introductions[member]),
        language=int(snapshot.behaviour.languages[member]),
        home=int(snapshot.behaviour.homes[member]),
        draw=crc32(f"{salt}/{columns.ids[member]}".encode("utf-8", "surrogatepass")) / 2**32,
        asked_at=asked_at,
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
        joined_weights=weightless,
        habit_weights=weightless,
        visits=nothing,
        visit_weights=weightless,
        fellows=nothing,
        fellow_weights=weightless,
        companions=nothing,
        companion_weights=weightless,
        terms=terms,
        audience=audience,
        open_to_introductions=True,
    )


NOBODY_ASKS = query_of_text(
    np.zeros((0, 1), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64)
)
"""The query of nobody in particular, for scorers, which read columns alone."""
