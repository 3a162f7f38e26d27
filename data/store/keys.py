"""API keys: made, shown once, rotated, revoked, and found again by what a caller presents.

A key reads ``belong_<id>_<secret>``. Only the SHA-256 of its secret is kept. A slow, salted hash
is for passwords, which people choose and others can guess; nobody can try 2**256 random secrets
however quick the hash, and this one is taken on every request.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
import secrets
from collections.abc import Callable, Collection, Mapping
from typing import Any

from sqlalchemy import Connection, select, update

from data.store.api_key import ApiKey, KeyScope, NewKey, check_key
from data.store.connect import Store
from data.store.schema import api_keys
from engine.errors import SettingError, UnknownError

SECRET_BYTES = 32
ID_BYTES = 6

PRESENTED = re.compile(r"belong_([0-9a-f]{12})_([0-9a-f]{64})")


RandomHex = Callable[[int], str]
"""Gives as many random bytes as asked for, in hexadecimal."""


def create_key(
    store: Store,
    name: str,
    scopes: Collection[KeyScope],
    communities: Collection[str],
    now: float,
    random_hex: RandomHex = secrets.token_hex,
) -> NewKey:
    """Make a key.

    Args:
        store: Where it is kept.
        name: Whom it is for: 1 to 100 printable characters.
        scopes: What it may do, at least one.
        communities: Where, at least one; `EVERY_COMMUNITY` alone for everywhere. They need not
            be there yet.
        now: Unix seconds.
        random_hex: Where id and secret come from.

    Raises:
        SettingError: A part is missing or cannot be used.
        StoreUnavailableError: The store cannot be used.
    """
    check_key(name, scopes, communities)
    key = ApiKey(random_hex(ID_BYTES), name, frozenset(scopes), frozenset(communities), now)
    with store.writing() as connection:
        return _insert(connection, key, random_hex(SECRET_BYTES))


def list_keys(store: Store) -> list[ApiKey]:
    """Return every key there has been, oldest first."""
    statement = select(api_keys).order_by(api_keys.c.created_ts, api_keys.c.id)
    with store.reading() as connection:
        return [key_of_row(dict(row)) for row in connection.execute(statement).mappings()]


def has_keys(store: Store) -> bool:
    """Return whether there has ever been a key: revoking the last one opens nothing."""
    with store.reading() as connection:
        return connection.execute(select(api_keys.c.id).limit(1)).first() is not None


def rotate_key(
    store: Store,
    key_id: str,
    now: float,
    grace_s: float = 0.0,
    random_hex: RandomHex = secrets.token_hex,
) -> NewKey:
    """Make a key that may do the same, with an id and a secret of its own.

    Args:
        store: Where both are kept.
        key_id: The key to replace.
        now: Unix seconds.
        grace_s: Seconds the old one stays valid; with 0 it is revoked at once.
        random_hex: Where id and secret come from.

    Raises:
        UnknownError: No key has that id.
        SettingError: The grace is no time, or the key has been rotated or revoked before.
    """
    if not (math.isfinite(grace_s) and grace_s >= 0):
        raise SettingError(f"a grace of 0 s or more, got {grace_s}")
    with store.writing() as connection:
        old = _by_id(connection, key_id)
        if old.revoked_ts is not None:
            raise SettingError(f"key {key_id} has been revoked or rotated: make a new one")
        _end(connection, key_id, now + grace_s if grace_s else -now)
        new = ApiKey(
            random_hex(ID_BYTES), old.name, old.scopes, old.communities, now, rotated_from=key_id
        )
        return _insert(connection, new, random_hex(SECRET_BYTES))


def revoke_key(store: Store, key_id: str, now: float) -> None:
    """Make a key invalid at once; one that is so already stays as it is.

    Raises:
        UnknownError: No key has that id.
    """
    with store.writing() as connection:
        key = _by_id(connection, key_id)
        if not key.for_good:
            _end(connection, key_id, -min(now, now if key.revoked_ts is None else key.revoked_ts))


def digest_of(secret: str) -> str:
    """Return what is kept of a secret.

    >>> digest_of("")[:16]
    'e3b0c44298fc1c14'
    """
    return hashlib.sha256(secret.encode()).hexdigest()


def id_presented(presented: str, digest_of_id: Callable[[str, str], str]) -> str | None:
    """Return the id of the key that a caller presents, valid or not any more; None if none.

    One digest is looked up and one comparison made, in constant time, whether the id is known,
    unknown or no id at all, so that the time it takes tells nothing of which ids there are.

    Args:
        presented: What stood behind ``Bearer``; anything at all.
        digest_of_id: Gives the digest kept for an id, or else its second argument.
    """
    parts = PRESENTED.fullmatch(presented)
    key_id, secret = parts.groups() if parts else ("", "")
    kept = digest_of_id(key_id, _NOBODYS)
    return key_id if hmac.compare_digest(digest_of(secret), kept) else None


_NOBODYS = digest_of(secrets.token_hex(SECRET_BYTES))


def _by_id(connection: Connection, key_id: str) -> ApiKey:
    found = connection.execute(select(api_keys).where(api_keys.c.id == key_id)).mappings().first()
    if found is None:
        raise UnknownError(f"no key has the id {key_id!r}: see belong keys list")
    return key_of_row(dict(found))


def _end(connection: Connection, key_id: str, when: float) -> None:
    """Note when a key ends; below 0, that it has ended then, for good."""
    connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(revoked_ts=when))


def _insert(connection: Connection, key: ApiKey, secret: str) -> NewKey:
    connection.execute(
        api_keys.insert().values(
            id=key.id,
            name=key.name,
            digest=digest_of(secret),
            scopes=sorted(key.scopes),
            communities=sorted(key.communities),
            created_ts=key.created_ts,
            rotated_from=key.rotated_from,
        )
    )
    return NewKey(key, f"belong_{key.id}_{secret}")


def key_of_row(row: Mapping[str, Any]) -> ApiKey:
    """Return what a row of `api_keys` says."""
    ended: float | None = row["revoked_ts"]
    return ApiKey(
        row["id"],
        row["name"],
        frozenset(map(KeyScope, row["scopes"])),
        frozenset(row["communities"]),
        row["created_ts"],
        None if ended is None else abs(ended),
        row["rotated_from"],
        for_good=ended is not None and ended < 0,
    )
