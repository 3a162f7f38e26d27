"""What was served: to whom, which items, at which rank, with what probability, and why.

It holds ids and no names or texts, and it is forgotten with whoever is in it: also what was
answered before somebody was forgotten and is written after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from data.store.connect import Store
from data.store.log import turn_of
from data.store.rows import Row
from data.store.schema import communities, erasures, served
from engine.domain import DAY_S
from engine.errors import UnknownError
from engine.ids import digest_of

KEPT_DAYS = 180
"""Days for which what was served is kept, unless another time is set."""

AT_ONCE = 20
"""Slates in one statement: turning them into rows must not keep requests waiting."""


@dataclass(frozen=True, slots=True)
class ServedItem:
    """One item of a slate.

    Attributes:
        item: Its id.
        rank: Its place, from 1.
        score: What ordered the candidates.
        odds: With what probability it was served to whoever asked so.
        sources: Which sources found it.
        reasons: Which kinds of reasons were given.
    """

    item: str
    rank: int
    score: float
    odds: float
    sources: tuple[str, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Served:
    """A slate that went out.

    Attributes:
        recommendation_id: Its id.
        created_ts: When, unix seconds.
        member: To whom; '' for somebody known by a text alone.
        bundle: The version of the bundle that answered.
        policy: Which preferences chose the slate.
        arm: ``experiment=arm`` for each experiment the member is in, comma between; '' if none.
        purpose: What it was for.
        items: Best first.
        sequence: The last change that the answer knew.
    """

    recommendation_id: str
    created_ts: float
    member: str
    bundle: str
    policy: str
    arm: str
    purpose: str
    items: tuple[ServedItem, ...]
    sequence: int = 0


def write_served(store: Store, community: str, slates: Sequence[Served]) -> None:
    """Write what was served, without those who were forgotten since it was answered.

    Raises:
        UnknownError: There is no such community.
        StoreUnavailableError: The database cannot be used.
    """
    if not slates:
        return
    now = max(one.created_ts for one in slates)
    # Nobody is forgotten between looking and writing: that takes the community's turn as well.
    with store.writing() as connection, turn_of(connection, community, now) as turn:
        oldest = min(one.sequence for one in slates)
        gone = _forgotten_since(connection, community, oldest)
        for start in range(0, len(slates), AT_ONCE):
            part = slates[start : start + AT_ONCE]
            rows = [
                row for one in part if (row := _row(community, one, turn.secret, gone)) is not None
            ]
            if rows:
                connection.execute(insert(served), rows)


def read_served(store: Store, community: str, recommendation_id: str) -> Served:
    """Return what was served under an id.

    Raises:
        UnknownError: Nothing was, or it is not there yet or no longer.
        StoreUnavailableError: The database cannot be used.
    """
    mine = select(served).where(
        served.c.community == community, served.c.recommendation_id == recommendation_id
    )
    with store.reading() as connection:
        row = connection.execute(mine).mappings().one_or_none()
    if row is None:
        raise UnknownError(f"nothing is known of a recommendation {recommendation_id!r}")
    return Served(
        recommendation_id=recommendation_id,
        created_ts=row["created_ts"],
        member=row["member"],
        bundle=row["bundle"],
        policy=row["policy"],
        arm=row["arm"] or "",
        purpose=row["purpose"],
        items=tuple(item_of(item) for item in row["items"]),
    )


def drop_old(store: Store, now: float, kept_days: float = KEPT_DAYS) -> int:
    """Take away what was served longer ago, in every community, and return how much that was.

    Raises:
        StoreUnavailableError: The database cannot be used.
    """
    dropped = 0
    with store.reading() as connection:
        names = list(connection.scalars(select(communities.c.name)))
    for name in names:
        old = (served.c.community == name) & (served.c.created_ts < now - kept_days * DAY_S)
        with store.writing() as connection:
            dropped += connection.execute(delete(served).where(old)).rowcount
    return dropped


def item_of(cell: Row) -> ServedItem:
    """Return an item as the column `items` holds it."""
    return ServedItem(
        item=cell["item"],
        rank=cell["rank"],
        score=cell["score"],
        odds=cell["odds"],
        sources=tuple(cell["sources"]),
        reasons=tuple(cell["reasons"]),
    )


def _forgotten_since(connection: Connection, community: str, seq: int) -> dict[str, int]:
    """Return the digests of those who were forgotten after an entry, and at which one each."""
    late = select(erasures.c.digest, erasures.c.seq).where(
        erasures.c.community == community, erasures.c.seq > seq
    )
    return {row.digest: row.seq for row in connection.execute(late)}


def _row(community: str, one: Served, secret: bytes, gone: dict[str, int]) -> Row | None:
    def forgotten(external: str) -> bool:
        return bool(gone) and gone.get(digest_of(secret, external), 0) > one.sequence

    if forgotten(one.member):
        return None
    return {
        "community": community,
        "recommendation_id": one.recommendation_id,
        "created_ts": one.created_ts,
        "member": one.member,
        "bundle": one.bundle,
        "policy": one.policy,
        "arm": one.arm or None,
        "purpose": one.purpose,
        "items": [
            {
                "item": item.item,
                "rank": item.rank,
                "score": item.score,
                "odds": item.odds,
                "sources": list(item.sources),
                "reasons": list(item.reasons),
            }
            for item in one.items
            if not forgotten(item.item)
        ],
        "request": None,
    }
