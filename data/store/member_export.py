"""All that is held on one member, for themself to read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, Table, or_, select

from data.store.connect import Store
from data.store.schema import (
    authors,
    blocks,
    feedback,
    introductions,
    log,
    members,
    memberships,
    participations,
    posts,
    round_places,
    served,
    ties,
    vectors,
)
from engine.errors import UnknownError
from engine.facts import OF_MEMBER, Written

HIDDEN = ("community",)


def everything_about(store: Store, community: str, member: str) -> dict[str, Any]:
    """Return all that a store holds on a member, as JSON-able values.

    What others have said to us alone stays with them: who has blocked this member is not told.

    Args:
        store: Where.
        community: Whose member.
        member: Their id.

    Returns:
        ``profile``, ``memberships``, ``posts`` (texts included), ``took_part_in``, ``ties``,
        ``blocks``, ``vectors`` (of their profile and of what they wrote), ``feedback``,
        ``introductions`` (how many and when; the others may be nobody they are to know of, and
        whom they were shown is in ``feedback``), ``rounds`` (where they stand in each),
        ``served`` and ``log``.

    Raises:
        UnknownError: There is no such member.
        StoreUnavailableError: The database cannot be used.
    """
    with store.reading() as connection:

        def held(table: Table, which: ColumnElement[bool]) -> list[dict[str, Any]]:
            return _rows(connection, table, (table.c.community == community) & which)

        profile = held(members, members.c.id == member)
        if not profile:
            raise UnknownError(f"no member has the id {member!r}")
        mine = select(authors.c.post).where(
            authors.c.community == community, authors.c.member == member
        )
        ours = vectors.c.kind.in_(OF_MEMBER) & (vectors.c.id == member)
        written = (vectors.c.kind == Written.POST.value) & vectors.c.id.in_(mine)
        return {
            "community": community,
            "profile": profile[0],
            "memberships": held(memberships, memberships.c.member == member),
            "posts": held(posts, posts.c.id.in_(mine)),
            "took_part_in": [
                row["post"] for row in held(participations, participations.c.member == member)
            ],
            "ties": held(ties, or_(ties.c.a == member, ties.c.b == member)),
            "blocks": [row["other"] for row in held(blocks, blocks.c.member == member)],
            "vectors": held(vectors, or_(ours, written)),
            "feedback": held(feedback, feedback.c.member == member),
            "introductions": [
                {name: row[name] for name in ("iso_week", "at_ts", "why")}
                for row in held(introductions, introductions.c.receiver == member)
            ],
            "rounds": held(round_places, round_places.c.member == member),
            "served": held(served, served.c.member == member),
            "log": held(log, (log.c.key == member) & log.c.kind.in_(["member", "membership"])),
        }


def _rows(connection: Connection, table: Table, which: ColumnElement[bool]) -> list[dict[str, Any]]:
    found: Iterable[Any] = connection.execute(
        select(table).where(which).order_by(*table.primary_key)
    ).mappings()
    return [
        {name: _plain(cell, row) for name, cell in row.items() if name not in HIDDEN}
        for row in found
    ]


def _plain(cell: Any, row: Any) -> Any:  # noqa: ANN401 - any cell of any table
    """Return a cell as JSON can hold it: vectors as lists of numbers."""
    if isinstance(cell, bytes):
        return np.frombuffer(cell, np.float32).reshape(-1, row["dimension"]).tolist()
    return cell
