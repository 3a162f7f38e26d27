"""A community's log: what was touched, in the order it became so, without a gap.

Whoever writes to a community takes its turn first, which is its row: so numbers follow each other
without gaps, and an entry is seen only when all before it are. That holds on both databases.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from data.store.schema import communities, log
from engine.errors import UnknownError
from engine.facts import Written


class Kind(StrEnum):
    """What an entry of the log names by its `key` and its `other`."""

    MEMBER = "member"  # a member
    GROUP = "group"  # a group
    POST = "post"  # a post, or who wrote it, where it stands, who took part
    MEMBERSHIP = "membership"  # a member, and a group
    BLOCK = "block"  # a member, and whom they block
    TIE = "tie"  # two members
    SET_ASIDE_GROUP = "set_aside_group"  # a member, and a group they are not to be shown
    SET_ASIDE_MEMBER = "set_aside_member"  # a member, and whom they are not to be shown
    HIDDEN = "hidden"  # a member whom reports hide, or no longer
    INTRODUCED = "introduced"  # two members who have been introduced, the lesser id first
    VECTOR = "vector"  # whose text it is of, and what kind of thing that is
    ERASED = "erased"  # the digest of an id that was forgotten: see data.store.erasure


TOUCHED_WITH = {
    Written.MEMBER: Kind.MEMBER,
    Written.GROUP: Kind.GROUP,
    Written.POST: Kind.POST,
    Written.SEEKING: Kind.MEMBER,
    Written.OFFERING: Kind.MEMBER,
}
"""What an entry names when a text of this kind may have changed."""


class Touched(NamedTuple):
    """Something that changed; its present state is in the current tables."""

    kind: Kind
    key: str
    other: str = ""
    adds: bool = False  # whether it is new: then an answer may do without it for a moment


@dataclass
class Turn:
    """The right to write to a community, until the transaction ends.

    Attributes:
        connection: In whose transaction.
        community: Its name.
        now: The time written beside each entry, unix seconds.
        head: The number of the last entry.
        restricted: The number of the last entry that may take something away.
        secret: Makes tombstones of ids.
        bands: Whether anyone has an audience band.
        ties_supplied: Whether ties were supplied; otherwise they follow from posts.
    """

    connection: Connection
    community: str
    now: float
    head: int
    restricted: int
    secret: bytes
    bands: bool
    ties_supplied: bool

    def touch(self, things: Iterable[Touched]) -> None:
        """Write an entry for each thing."""
        things = list(things)
        rows = [
            {
                "community": self.community,
                "seq": self.head + place,
                "ts": self.now,
                "kind": thing.kind.value,
                "key": thing.key,
                "other": thing.other,
            }
            for place, thing in enumerate(things, 1)
        ]
        if rows:
            self.connection.execute(insert(log), rows)
            taking = [place for place, one in enumerate(things, 1) if not _adds(one)]
            self.restricted = self.head + taking[-1] if taking else self.restricted
            self.head += len(rows)


def _adds(thing: Touched) -> bool:
    return thing.adds or thing.kind in {Kind.VECTOR, Kind.TIE}


def heads(connection: Connection) -> dict[str, int]:
    """Return the number of the last entry of each community's log, by the community's name."""
    rows = connection.execute(select(communities.c.name, communities.c.head))
    return {row.name: int(row.head) for row in rows}


@contextmanager
def turn_of(connection: Connection, community: str, now: float) -> Iterator[Turn]:
    """Take a community's turn; in the end, tell everybody how far its log has come.

    Raises:
        UnknownError: There is no such community.
    """
    mine = select(communities).where(communities.c.name == community)
    row = connection.execute(mine.with_for_update(key_share=True)).one_or_none()
    if row is None:
        raise UnknownError(f"no community is called {community!r}")
    turn = Turn(
        connection,
        community,
        now,
        row.head,
        row.restricted,
        row.secret,
        row.bands,
        row.ties_supplied,
    )
    yield turn
    changed = {
        name: value
        for name in ("head", "restricted", "bands", "ties_supplied")
        if (value := getattr(turn, name)) != getattr(row, name)
    }
    if changed:
        connection.execute(
            update(communities).where(communities.c.name == community).values(changed)
        )
