"""Who has muted something: a bundle does not know, so a server asks once when it loads one."""

from __future__ import annotations

from sqlalchemy import Connection, or_, select

from data.store import schema
from data.store.reading import member_fact
from engine.facts import Facts


def muted_members(connection: Connection, community: str) -> Facts:
    """Return the members who have muted a topic or a group, as they are now."""
    table = schema.members
    rows = connection.execute(
        select(table).where(
            table.c.community == community,
            or_(table.c.muted_topics.is_not(None), table.c.muted_groups.is_not(None)),
        )
    ).mappings()
    found = (member_fact(dict(row)) for row in rows)
    return Facts(members=tuple(one for one in found if one.muted_topics or one.muted_groups))
