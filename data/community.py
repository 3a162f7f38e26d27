"""What a community is, once it has been read: validated tables that refer to each other by row.

A *row* is the position of a member, group or post in its table; ids appear only there.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row (or a whole file) that could not be used, and why."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Community:
    """A community as columns. Every frame is immutable; every reference is a row (Int64).

    Attributes:
        name: What the community is called; '' if nobody said.
        members: ``id name text seeking offering language place audience`` (strings; audience
            null when unreadable), ``created_ts`` (float seconds or null), ``discoverable``
            and ``open_to_introductions`` (bool), ``weekly_introductions`` (float).
        groups: ``id name text visibility language place`` (strings), ``capacity`` (float, inf
            without a limit), ``created_ts``; and any further columns the supplier had.
        memberships: ``member group`` (rows, each pair once), ``first_ts n left_ts`` (floats or
            null). With ``left_ts`` set the member has left.
        posts: ``id title text visibility`` (strings), ``ts`` (float or null), ``parent`` (row
            or null), ``public`` (bool: the post and every group it stands in are public); and
            any further columns.
        authors: ``post member``: who wrote a post; several for one post is fine.
        post_groups: ``post group``: where a post stands.
        participations: ``post member``: who took part in a post without writing it.
        ties: ``a b`` with a < b, each pair once, ``first_ts weight``.
        blocks: ``member other``: member has blocked other.
        rejections: What was set aside while reading.
    """

    name: str
    members: pl.DataFrame
    groups: pl.DataFrame
    memberships: pl.DataFrame
    posts: pl.DataFrame
    authors: pl.DataFrame
    post_groups: pl.DataFrame
    participations: pl.DataFrame
    ties: pl.DataFrame
    blocks: pl.DataFrame
    rejections: tuple[Rejection, ...] = ()
