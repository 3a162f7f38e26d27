"""Finds the key of a request: a look-up by primary key in the store itself, each time.

Nothing is remembered between requests, so a key that is revoked is refused by every worker from
the next request on, and a look-up is cheap enough not to miss a cache.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, TimeoutError

from data.store.api_key import ApiKey
from data.store.connect import SQLITE, Store, unavailable
from data.store.keys import id_presented, key_of_row
from data.store.schema import api_keys

_COLUMNS = tuple(column.name for column in api_keys.columns)
_DIGEST = "SELECT coalesce((SELECT digest FROM api_keys WHERE id = ?), ?)"
"""One row with one text, whether there is such a key or not."""
_BY_ID = f"SELECT {', '.join(_COLUMNS)} FROM api_keys WHERE id = ?"
_ANY = "SELECT 1 FROM api_keys LIMIT 1"


class KeyFinder(Protocol):
    """Knows the keys of a store as they are at this moment.

    Attributes:
        waits: Whether asking waits for another machine, so that an event loop must not ask.
    """

    waits: bool

    def find(self, presented: str, now: float) -> ApiKey | None:
        """Return the valid key that a caller presents, None if there is none.

        Raises:
            StoreUnavailableError: The database cannot be used.
        """
        ...

    def any(self) -> bool:
        """Return whether there has ever been a key.

        Raises:
            StoreUnavailableError: The database cannot be used.
        """
        ...

    def close(self) -> None:
        """Let go of the database."""
        ...


def key_finder(store: Store) -> KeyFinder:
    """Return what finds the keys of a store; it lives no longer than the store."""
    return SqliteKeys(store) if store.kind == SQLITE else PooledKeys(store)


class SqliteKeys:
    """Reads keys through one kept connection; threads take turns, each for some microseconds."""

    waits = False

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turn = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._seen = False

    def find(self, presented: str, now: float) -> ApiKey | None:
        """Return the key; see `KeyFinder`."""
        key_id = id_presented(presented, self._digest)
        found = None if key_id is None else self._one(_BY_ID, (key_id,))
        if found is None:
            return None
        row = dict(zip(_COLUMNS, found, strict=True))
        row |= {name: json.loads(row[name]) for name in ("scopes", "communities")}
        key = key_of_row(row)
        return key if key.valid_at(now) else None

    def any(self) -> bool:
        """Return whether there has ever been a key; rows never go, so once is for ever."""
        self._seen = self._seen or self._one(_ANY, ()) is not None
        return self._seen

    def close(self) -> None:
        """Let go of the connection; the next question opens another."""
        with self._turn:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _digest(self, key_id: str, otherwise: str) -> str:
        found = self._one(_DIGEST, (key_id, otherwise))
        return str(found[0]) if found else otherwise

    def _one(self, statement: str, values: tuple[str, ...]) -> tuple[Any, ...] | None:
        try:
            with self._turn:
                if self._connection is None:
                    self._connection = self._connected()
                found: tuple[Any, ...] | None = self._connection.execute(
                    statement, values
                ).fetchone()
        except sqlite3.Error as error:
            self.close()
            raise unavailable(error, self._store.engine.url) from error
        return found

    def _connected(self) -> sqlite3.Connection:
        return sqlite3.connect(
            str(self._store.engine.url.database),
            timeout=self._store.timeout_s,
            check_same_thread=False,
            isolation_level=None,
        )


class PooledKeys:
    """Reads keys through the store's pool, each statement a transaction of its own."""

    waits = True

    def __init__(self, store: Store) -> None:
        self._store = store
        self._engine = store.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._seen = False

    def find(self, presented: str, now: float) -> ApiKey | None:
        """Return the key; see `KeyFinder`."""
        found: dict[str, Any] = {}

        def digest(key_id: str, otherwise: str) -> str:
            found.update(self._first(select(api_keys).where(api_keys.c.id == key_id)) or {})
            return str(found.get("digest", otherwise))

        if id_presented(presented, digest) is None:
            return None
        key = key_of_row(found)
        return key if key.valid_at(now) else None

    def any(self) -> bool:
        """Return whether there has ever been a key; rows never go, so once is for ever."""
        self._seen = self._seen or self._first(select(api_keys).limit(1)) is not None
        return self._seen

    def close(self) -> None:
        """Do nothing: the pool is the store's."""

    def _first(self, statement: Any) -> dict[str, Any] | None:  # noqa: ANN401 - a selection
        try:
            with self._engine.connect() as connection:
                found = connection.execute(statement).mappings().first()
        except (DBAPIError, TimeoutError) as error:
            raise unavailable(error, self._store.engine.url) from error
        return None if found is None else dict(found)
