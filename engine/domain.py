"""What a member, a group, a post, a membership and a tie are, and what must hold of them.

The tables below are the contract between whoever supplies a community and everything that
reads it. Each column has a kind, and two values that are never confused: what holds when the
*column* is absent (a platform that has never heard of blocks is not punished for it), and what
holds when the column is there but a *value* is null or unreadable (then the answer is no).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MAX_TEXT = 20_000
"""Characters kept of one text; the rest is cut when a community is read."""

DAY_S = 86_400
"""Seconds in a day."""

LASTING_TIMES = 3
LASTING_DAYS = 30
LASTING_OBSERVED_DAYS = 60
"""A join lasts when the member takes part at least 3 times, the first and the last at least
30 days apart; it is judged only with at least 60 days of data after it."""


class Visibility(StrEnum):
    """Who may see a group or a post. An unreadable value is read as ``SECRET``."""

    PUBLIC = "public"
    PRIVATE = "private"
    SECRET = "secret"


class Kind(StrEnum):
    """What the values of a column are."""

    ID = "id"  # a non-empty external id, unique in its table
    MEMBER = "member"  # the id of a member
    GROUP = "group"  # the id of a group
    POST = "post"  # the id of a post
    MEMBERS = "members"  # several ids of members
    GROUPS = "groups"  # several ids of groups
    TEXT = "text"  # any string, '' if none
    TIME = "time"  # unix seconds, or null
    NUMBER = "number"  # a number, or null
    FLAG = "flag"  # true or false
    VISIBILITY = "visibility"  # one of Visibility
    BAND = "band"  # an audience band such as adult or minor, or null


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        kind: What its values are.
        required: Whether a table without it is refused.
        absent: The value of every row when the column is not there.
        unreadable: The value of a row whose cell is null or cannot be read.
    """

    kind: Kind
    required: bool = False
    absent: str | float | bool | None = None
    unreadable: str | float | bool | None = None


UNLIMITED = float("inf")
"""The capacity of a group that has no limit."""

TEXT = Column(Kind.TEXT, absent="", unreadable="")
TIME = Column(Kind.TIME)
SEEN = Column(Kind.VISIBILITY, absent=Visibility.PUBLIC, unreadable=Visibility.SECRET)
CONSENT = Column(Kind.FLAG, absent=True, unreadable=False)

ANY_BAND = ""
"""The audience band of everyone in a community that has no bands."""

TABLES: dict[str, dict[str, Column]] = {
    "members": {
        "id": Column(Kind.ID, required=True),
        "name": TEXT,
        "text": TEXT,
        "seeking": TEXT,
        "offering": TEXT,
        "language": TEXT,
        "place": TEXT,
        "audience": Column(Kind.BAND, absent=ANY_BAND),
        "created_ts": TIME,
        "discoverable": CONSENT,
        "open_to_introductions": CONSENT,
        "weekly_introductions": Column(Kind.NUMBER, absent=5.0, unreadable=0.0),
    },
    "groups": {
        "id": Column(Kind.ID, required=True),
        "name": TEXT,
        "text": TEXT,
        "visibility": SEEN,
        "capacity": Column(Kind.NUMBER, absent=UNLIMITED, unreadable=0.0),
        "language": TEXT,
        "place": TEXT,
        "created_ts": TIME,
    },
    "memberships": {
        "member": Column(Kind.MEMBER, required=True),
        "group": Column(Kind.GROUP, required=True),
        "first_ts": TIME,
        "n": Column(Kind.NUMBER),
        "left_ts": TIME,
    },
    "posts": {
        "id": Column(Kind.ID, required=True),
        "member": Column(Kind.MEMBER),
        "members": Column(Kind.MEMBERS),
        "groups": Column(Kind.GROUPS),
        "ts": TIME,
        "title": TEXT,
        "text": TEXT,
        "parent": Column(Kind.POST),
        "visibility": SEEN,
    },
    "participations": {
        "post": Column(Kind.POST, required=True),
        "member": Column(Kind.MEMBER, required=True),
    },
    "ties": {
        "a": Column(Kind.MEMBER, required=True),
        "b": Column(Kind.MEMBER, required=True),
        "first_ts": TIME,
        "weight": Column(Kind.NUMBER, absent=1.0),
    },
    "blocks": {
        "member": Column(Kind.MEMBER, required=True),
        "other": Column(Kind.MEMBER, required=True),
    },
}
"""Every table by name, every column by name."""

REQUIRED_TABLES = ("members", "groups", "memberships")
"""Without these there is no community; the others may be absent."""
