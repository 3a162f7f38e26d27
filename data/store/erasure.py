"""Forgetting a member: everything that holds them goes in one transaction, leaving a tombstone.

The log keeps its numbers: where it named them, it now holds a digest made with the community's
secret, so a worker that is behind can tell who is meant by digesting the ids it knows, and nobody
else can. Bundles and caches are rewritten by others afterwards; each notes its step here.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, RowMapping, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from data.store.connect import POSTGRESQL, Store
from data.store.forgetting import forget
from data.store.log import Kind, Touched, Turn, turn_of
from data.store.schema import communities, erasures, members, metadata
from engine.errors import UnknownError
from engine.facts import Written
from engine.ids import digest_of

NOT_ALLOWED = "42501"
"""PostgreSQL's code for what a role may not do."""

STORE_STEP = "store"
"""The step that is done when the transaction is."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """The receipt of someone's being forgotten; it names nobody.

    Attributes:
        id: Opaque.
        community: Where they were.
        digest: What stands in the log in their place: see `digest_of`.
        seq: The entry of the log that tells of it.
        requested_ts: When it was asked for, unix seconds.
        steps: What has been done, and when. ``store`` comes first.
        held_up: Why the next step cannot be done, such as a bundle that nobody can read; '' if
            nothing is in the way.
    """

    id: str
    community: str
    digest: str
    seq: int
    requested_ts: float
    steps: Mapping[str, float]
    held_up: str = ""


def secret_of(connection: Connection, community: str) -> bytes:
    """Return what a community's digests are made with.

    Raises:
        UnknownError: There is no such community.
    """
    found = connection.scalar(select(communities.c.secret).where(communities.c.name == community))
    if found is None:
        raise UnknownError(f"no community is called {community!r}")
    return bytes(found)


def erase_member(store: Store, community: str, member: str, now: float) -> Erasure:
    """Forget a member, in one transaction; whoever was forgotten before has a receipt already.

    What only they wrote goes with its text; what they wrote with others stays, without them.

    Args:
        store: Where.
        community: Whose member.
        member: Their id.
        now: Unix seconds.

    Raises:
        UnknownError: There is no such community, or never was such a member.
        StoreUnavailableError: The database cannot be used.
    """
    with store.writing() as connection, turn_of(connection, community, now) as turn:
        found = erase_within(turn, member)
    if found is None:
        raise UnknownError(f"no member has the id {member!r}")
    return found


def erase_within(turn: Turn, member: str) -> Erasure | None:
    """Forget a member in a transaction that is under way.

    Returns:
        The receipt; that of the last time if there is no such member any more, and None if there
        never was.
    """
    digest = digest_of(turn.secret, member)
    connection, community = turn.connection, turn.community
    there = select(members.c.id).where(members.c.community == community, members.c.id == member)
    if connection.execute(there).first() is None:
        before = connection.execute(
            select(erasures)
            .where(erasures.c.community == community, erasures.c.digest == digest)
            .order_by(erasures.c.seq.desc())
            .limit(1)
        )
        row = before.mappings().one_or_none()
        return None if row is None else _erasure(row)

    def tombstone(kind: Written, one: str) -> str:
        return digest_of(turn.secret, one, kind)

    touched = forget(connection, community, member, tombstone)
    turn.touch([*(Touched(Kind.POST, one) for one in touched), Touched(Kind.ERASED, digest)])
    made = Erasure(
        id=secrets.token_hex(16),
        community=community,
        digest=digest,
        seq=turn.head,
        requested_ts=turn.now,
        steps={STORE_STEP: turn.now},
    )
    connection.execute(insert(erasures), asdict(made))
    return made


def erasure(store: Store, community: str, erasure_id: str) -> Erasure:
    """Return a receipt.

    Raises:
        UnknownError: There is none of that id in this community.
    """
    mine = select(erasures).where(erasures.c.id == erasure_id, erasures.c.community == community)
    with store.reading() as connection:
        row = connection.execute(mine).mappings().one_or_none()
    if row is None:
        raise UnknownError(f"no erasure has the id {erasure_id!r}")
    return _erasure(row)


def erasures_of(store: Store, community: str) -> list[Erasure]:
    """Return all erasures of a community, done or not, in the order they were made."""
    mine = select(erasures).where(erasures.c.community == community).order_by(erasures.c.seq)
    with store.reading() as connection:
        return [_erasure(row) for row in connection.execute(mine).mappings()]


def note_step(store: Store, erasure_id: str, step: str, now: float) -> None:
    """Note that a step is done; noting it again changes nothing.

    Raises:
        UnknownError: There is no such erasure.
    """
    mine = erasures.c.id == erasure_id
    with store.writing() as connection:
        steps = connection.scalar(select(erasures.c.steps).where(mine).with_for_update())
        if steps is None:
            raise UnknownError(f"no erasure has the id {erasure_id!r}")
        if step not in steps:
            done = {**steps, step: now}
            connection.execute(update(erasures).where(mine).values(steps=done))


def note_held_up(store: Store, erasure_id: str, why: str) -> None:
    """Note what keeps a forgetting from being finished; '' for nothing any more.

    Raises:
        UnknownError: There is no such erasure.
    """
    noted = update(erasures).where(erasures.c.id == erasure_id).values(held_up=why or None)
    with store.writing() as connection:
        if not connection.execute(noted).rowcount:
            raise UnknownError(f"no erasure has the id {erasure_id!r}")


def compact(store: Store, *, rewrite: bool = True) -> bool:
    """Take what was deleted out of the files, as far as the database lets us.

    SQLite overwrites what is deleted at once; this empties its write-ahead log, where the text
    still stood. PostgreSQL frees the space, and forgets what its statistics had quoted, which
    takes the owner of the database. Its write-ahead log is begun anew and what is before that let
    go, if the role may do so (`pg_checkpoint`, and `pg_switch_wal`): a server recycles such files
    as they are, unless `wal_recycle` is off. They, archives and replicas are the operator's.

    Args:
        store: Which.
        rewrite: Also write every table anew, without its empty places. Others wait meanwhile.

    Returns:
        Whether it is done: False if somebody was reading, so the log could not be emptied. Try
        again later.

    Raises:
        StoreUnavailableError: The database cannot be used.
    """
    with store.unbound() as connection:
        if store.kind == POSTGRESQL:
            _vacuum(connection, full=rewrite)
            return True
        if rewrite:
            connection.exec_driver_sql("VACUUM")
        busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar()
    return not busy


def _vacuum(connection: Connection, *, full: bool) -> None:
    how = "FULL, " if full else ""
    for table in metadata.sorted_tables:
        connection.execute(text(f'VACUUM ({how}ANALYZE) "{table.name}"'))
    if full:
        connection.execute(text("VACUUM (FULL) pg_catalog.pg_statistic"))
    for statement in ("SELECT pg_switch_wal()", "CHECKPOINT"):
        try:
            connection.execute(text(statement))
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", "") != NOT_ALLOWED:
                raise


def _erasure(row: RowMapping) -> Erasure:
    return Erasure(
        id=row["id"],
        community=row["community"],
        digest=row["digest"],
        seq=row["seq"],
        requested_ts=row["requested_ts"],
        steps=row["steps"],
        held_up=row["held_up"] or "",
    )
