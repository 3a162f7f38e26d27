"""What has become of a community: its present state, of whatever was touched after an entry.

Everything is read through one connection of `Store.reading`, so it is one state of the store.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, Table, select

from data.store import schema
from data.store.holds import hidden_now, set_aside_now
from data.store.introductions import introduced_between
from data.store.log import TOUCHED_WITH, Kind
from data.store.rows import Row, parts, rows_by
from data.store.texts import (
    TEXT_OF,
    digest_of_text,
    member_text,
    offering_text,
    post_text,
    seeking_text,
)
from engine.domain import UNLIMITED, Visibility
from engine.errors import UnknownError
from engine.facts import (
    BlockFact,
    Facts,
    GroupFact,
    HiddenFact,
    MemberFact,
    MembershipFact,
    PostFact,
    SetAsideFact,
    VectorFact,
    Written,
)

TABLE_OF = {
    Written.MEMBER: schema.members,
    Written.GROUP: schema.groups,
    Written.POST: schema.posts,
    Written.SEEKING: schema.members,
    Written.OFFERING: schema.members,
}
"""Where the texts of each kind of thing stand."""


def communities(connection: Connection) -> list[str]:
    """Return the communities in a store, in order of name."""
    names = schema.communities.c.name
    return list(connection.scalars(select(names).order_by(names)))


def head(connection: Connection, community: str) -> int:
    """Return the number of the last entry of a community's log; 0 if there is none.

    Raises:
        UnknownError: There is no such community.
    """
    table = schema.communities
    found = connection.scalar(select(table.c.head).where(table.c.name == community))
    if found is None:
        raise UnknownError(f"no community is called {community!r}")
    return int(found)


def changes_since(
    connection: Connection, community: str, seq: int, limit: int = 5000
) -> tuple[Facts, int]:
    """Return how everything is now that was touched after an entry of the log.

    A fact may be newer than the entries read: it is the state of the snapshot. Where `erased` and
    other facts come together, the erased are to be applied first, since a member who was
    forgotten may have come again under the same id.

    Args:
        connection: Of `Store.reading`.
        community: Whose log.
        seq: The last entry already known.
        limit: Most entries to read.

    Returns:
        The facts, and the number of the last entry they cover: `seq` itself if there is nothing
        new. Each thing at most once; the vectors of texts that were touched are among them as
        far as there are any of the present text.

    Raises:
        StoreUnavailableError: The database cannot be used.
    """
    log = schema.log
    entries = connection.execute(
        select(log.c.seq, log.c.kind, log.c.key, log.c.other)
        .where(log.c.community == community, log.c.seq > seq)
        .order_by(log.c.seq)
        .limit(limit)
    ).all()
    if not entries:
        return Facts(), seq
    touched: dict[str, dict[tuple[str, str], None]] = {kind.value: {} for kind in Kind}
    for _, kind, key, other in entries:
        touched[kind][key, other] = None
    return _Now(connection, community).facts(touched), int(entries[-1].seq)


def closed_posts(connection: Connection, community: str, posts: Mapping[str, Row]) -> set[str]:
    """Return which of these posts not everybody may see: their own doing, or a group's."""
    shown = Visibility.PUBLIC.value
    closed = {one for one, row in posts.items() if row["visibility"] != shown}
    stands, groups = schema.post_groups, schema.groups
    joined = (stands.c.community == groups.c.community) & (stands.c.group == groups.c.id)
    for part in parts(posts):
        found = (
            select(stands.c.post)
            .join(groups, joined)
            .where(stands.c.community == community, stands.c.post.in_(part))
            .where(groups.c.visibility != shown)
        )
        closed |= set(connection.scalars(found))
    return closed


@dataclass(frozen=True, slots=True)
class _Now:
    """How things are in one snapshot."""

    connection: Connection
    community: str

    def facts(self, touched: dict[str, dict[tuple[str, str], None]]) -> Facts:
        written = {kind: [key for key, _ in touched[TOUCHED_WITH[kind]]] for kind in Written}
        embedded: dict[Written, set[str]] = {kind: set(written[kind]) for kind in Written}
        for key, kind in touched[Kind.VECTOR]:
            embedded[Written(kind)].add(key)
        rows = {
            kind: {row["id"]: row for row in self.rows(TABLE_OF[kind], "id", embedded[kind])}
            for kind in Written
        }
        links = _Links.of(self, rows[Written.POST])
        return Facts(
            members=tuple(_member(one, rows[Written.MEMBER]) for one in written[Written.MEMBER]),
            groups=tuple(_group(one, rows[Written.GROUP]) for one in written[Written.GROUP]),
            memberships=tuple(self.memberships(touched[Kind.MEMBERSHIP])),
            blocks=tuple(self.blocks(touched[Kind.BLOCK])),
            posts=tuple(_post(one, rows[Written.POST], links) for one in written[Written.POST]),
            vectors=tuple(self.vectors(rows, links.closed)),
            erased=tuple(key for key, _ in touched[Kind.ERASED]),
            set_aside=tuple(self.set_aside(touched)),
            hidden=tuple(self.hidden([key for key, _ in touched[Kind.HIDDEN]])),
            introduced=tuple(
                introduced_between(self.connection, self.community, touched[Kind.INTRODUCED])
            ),
        )

    def set_aside(self, touched: dict[str, dict[tuple[str, str], None]]) -> Iterator[SetAsideFact]:
        for entry, kind in (
            (Kind.SET_ASIDE_GROUP, Written.GROUP),
            (Kind.SET_ASIDE_MEMBER, Written.MEMBER),
        ):
            yield from set_aside_now(self.connection, self.community, touched[entry], kind)

    def hidden(self, members: Collection[str]) -> Iterator[HiddenFact]:
        if members:
            yield from hidden_now(self.connection, self.community, members)

    def rows(self, table: Table, column: str, values: Collection[str]) -> Iterator[Row]:
        if values:
            yield from rows_by(self.connection, table, self.community, column, values)

    def pairs(
        self, table: Table, sides: tuple[str, str], keys: Iterable[tuple[str, str]]
    ) -> dict[tuple[str, str], Row]:
        found = rows_by(self.connection, table, self.community, sides, list(keys))
        return {(row[sides[0]], row[sides[1]]): row for row in found}

    def memberships(self, keys: Collection[tuple[str, str]]) -> Iterator[MembershipFact]:
        there = self.pairs(schema.memberships, ("member", "group"), keys)
        for member, group in keys:
            row = there.get((member, group))
            if row is None:
                yield MembershipFact(member, group, here=False)
            else:
                left = row["left_ts"] is not None
                yield MembershipFact(member, group, not left, left, row["first_ts"])

    def blocks(self, keys: Collection[tuple[str, str]]) -> Iterator[BlockFact]:
        # Either one's block keeps both apart, so lifting one of two changes nothing.
        both = {*keys, *((other, member) for member, other in keys)}
        there = self.pairs(schema.blocks, ("member", "other"), sorted(both))
        for member, other in keys:
            here = (member, other) in there or (other, member) in there
            yield BlockFact(member, other, here)

    def vectors(
        self, rows: dict[Written, dict[str, Row]], closed: Collection[str]
    ) -> Iterator[VectorFact]:
        wanted = [
            (kind.value, one)
            for kind, texts in rows.items()
            for one in texts
            if kind is not Written.POST or one not in closed
        ]
        for (word, one), row in self.pairs(schema.vectors, ("kind", "id"), wanted).items():
            kind = Written(word)
            # Vectors of an older text say nothing of the present one.
            if row["digest"] == digest_of_text(TEXT_OF[kind](rows[kind][one])):
                matrix = np.frombuffer(row["vectors"], np.float32).reshape(-1, row["dimension"])
                yield VectorFact(kind, one, matrix, tuple(row["weights"]), row["model"])


@dataclass(frozen=True, slots=True)
class _Links:
    """Who wrote the posts, where they stand, who took part, and which are closed."""

    authors: dict[str, list[str]]
    groups: dict[str, list[str]]
    took_part: dict[str, list[str]]
    closed: set[str]

    @classmethod
    def of(cls, now: _Now, posts: dict[str, Row]) -> _Links:
        return cls(
            cls._by_post(now, schema.authors, "member", posts),
            cls._by_post(now, schema.post_groups, "group", posts),
            cls._by_post(now, schema.participations, "member", posts),
            closed_posts(now.connection, now.community, posts),
        )

    @staticmethod
    def _by_post(
        now: _Now, table: Table, side: str, posts: Collection[str]
    ) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for row in now.rows(table, "post", posts):
            found.setdefault(row["post"], []).append(row[side])
        return found


def _member(one: str, rows: dict[str, Row]) -> MemberFact:
    row = rows.get(one)
    return MemberFact(one, here=False) if row is None else member_fact(row)


def member_fact(row: Row) -> MemberFact:
    """Return a member as a row of `members` says they are."""
    return MemberFact(
        id=row["id"],
        name=row["name"],
        text=member_text(row),
        seeking=seeking_text(row),
        offering=offering_text(row),
        language=row["language"],
        place=row["place"],
        audience=row["audience"],
        discoverable=row["discoverable"],
        open_to_introductions=row["open_to_introductions"],
        weekly_introductions=row["weekly_introductions"],
        muted_groups=tuple(row["muted_groups"] or ()),
        muted_topics=tuple(row["muted_topics"] or ()),
    )


def _group(one: str, rows: dict[str, Row]) -> GroupFact:
    row = rows.get(one)
    if row is None:
        return GroupFact(one, here=False)
    return GroupFact(
        id=one,
        name=row["name"],
        text=row["text"],
        public=row["visibility"] == Visibility.PUBLIC,
        capacity=UNLIMITED if row["capacity"] is None else row["capacity"],
        language=row["language"],
        place=row["place"],
    )


def _post(one: str, rows: dict[str, Row], links: _Links) -> PostFact:
    row = rows.get(one)
    if row is None:
        return PostFact(one, here=False)
    return PostFact(
        id=one,
        public=one not in links.closed,
        text=post_text(row),
        written_at=row["ts"],
        authors=tuple(sorted(links.authors.get(one, ()))),
        groups=tuple(sorted(links.groups.get(one, ()))),
        took_part=tuple(sorted(links.took_part.get(one, ()))),
        parent=row["parent"],
    )
