"""Changes under a key of the caller's own: sent twice, they are made once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy import delete, insert, select

from data.store.changes import Change
from data.store.connect import Store
from data.store.log import turn_of
from data.store.schema import idempotency
from engine.domain import DAY_S
from engine.errors import ReusedKeyError

KEPT_S = 2 * DAY_S
"""How long a key is remembered."""

DONE = 200


def apply_once(
    store: Store, community: str, changes: Sequence[Change], now: float, key: tuple[str, str]
) -> tuple[int, bool]:
    """Make changes so, all or none, unless they were made under the same key before.

    Args:
        store: Where to.
        community: Whose.
        changes: What has changed.
        now: Unix seconds.
        key: The caller's key, and a digest of what was sent under it.

    Returns:
        A sequence number as of `apply_changes`, and whether they had been made already. The key
        and the changes are written in one transaction: neither is ever there without the other.

    Raises:
        ReusedKeyError: Something else was sent under the key.
        UnknownError: There is no such community.
        UnknownReferenceError: A change names what is not there.
        DataError: A value is out of its limits.
        StoreUnavailableError: The database cannot be used.
    """
    from data.store.checks import checked
    from data.store.effects import take_effect

    judged = [checked(index, change, now) for index, change in enumerate(changes)]
    digest = hashlib.sha256(key[0].encode("utf-8", "surrogatepass")).hexdigest()
    table = idempotency
    with store.writing() as connection, turn_of(connection, community, now) as turn:
        old = delete(table).where(table.c.community == community, table.c.created_ts < now - KEPT_S)
        connection.execute(old)
        mine = select(table.c.request_digest).where(
            table.c.community == community, table.c.key_digest == digest
        )
        before = connection.scalar(mine)
        if before is not None:
            if before != key[1]:
                raise ReusedKeyError(
                    "something else was sent under this Idempotency-Key: take a new one"
                )
            return turn.head, True
        take_effect(turn, judged)
        row = {"community": community, "key_digest": digest, "request_digest": key[1]}
        connection.execute(insert(table).values(**row, status=DONE, created_ts=now))
    return turn.head, False
