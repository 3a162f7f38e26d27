"""How far a community's log has come, read as cheaply as each database allows.

Every request compares this number with what its worker has applied, so it bypasses the pool and
the statement builder: one kept connection and one statement.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Engine, PoolProxiedConnection
from sqlalchemy.exc import DBAPIError

from engine.errors import StoreUnavailableError, UnknownError

_SQLITE = "SELECT head, restricted FROM communities WHERE name = ?"
_POSTGRES = "SELECT head, restricted FROM communities WHERE name = %s"


SILENT = "the store (PostgreSQL) does not answer"
SILENT_S = 1.0
"""After waiting in vain, this long nobody else does: one waits for all."""


class Head(NamedTuple):
    """How far a community's log has come.

    Attributes:
        last: The number of the last entry, 0 if there is none.
        restricted: The number of the last entry that may take something away, such as a block or
            a leave: no answer is to be given without it.
    """

    last: int
    restricted: int


class HeadReader(Protocol):
    """Tells how far a community's log has come."""

    def head_of(self, community: str) -> Head:
        """Return that.

        Raises:
            UnknownError: There is no such community.
            StoreUnavailableError: The database cannot be used.
        """
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class SqliteHead:
    """Reads the head from a file; threads take turns, each for some microseconds."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        self._path = path
        self._timeout_s = timeout_s
        self._turn = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def head_of(self, community: str) -> Head:
        """Return how far the log has come; see `HeadReader`."""
        try:
            with self._turn:
                if self._connection is None:
                    self._connection = self._connected()
                row = self._connection.execute(_SQLITE, (community,)).fetchone()
        except UnicodeEncodeError:
            row = None  # no name that can be stored
        except sqlite3.Error as error:
            self.close()
            raise StoreUnavailableError(
                f"the store ({self._path}) cannot be used now: {error}"
            ) from error
        return _found(row, community)

    def close(self) -> None:
        """Let go of the connection; the next question opens another."""
        with self._turn:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _connected(self) -> sqlite3.Connection:
        return sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=self._timeout_s,
            check_same_thread=False,
            isolation_level=None,
        )


class PostgresHead:
    """Reads the head through one connection of its own, each statement its own transaction."""

    def __init__(self, engine: Engine, timeout_s: float) -> None:
        self._engine = engine
        self._timeout_s = timeout_s
        self._turn = threading.Lock()
        self._pooled: PoolProxiedConnection | None = None
        self._connection: Any = None
        self._again_at = 0.0  # not before then

    def head_of(self, community: str) -> Head:
        """Return how far the log has come; see `HeadReader`."""
        if "\0" in community or not _storable(community):
            return _found(None, community)
        if not self._turn.acquire(timeout=self._timeout_s):
            raise StoreUnavailableError(SILENT)
        try:
            if time.monotonic() < self._again_at:
                raise StoreUnavailableError(SILENT)
            row = self._asked(community)
        finally:
            self._turn.release()
        return _found(row, community)

    def close(self) -> None:
        """Let go of the connection; the next question opens another."""
        with self._turn:
            self._drop()

    def _asked(self, community: str) -> Any:  # noqa: ANN401 - a driver's row
        """Ask, a second time with a fresh connection if the kept one has gone."""
        driver = self._engine.dialect.loaded_dbapi
        again, begun = self._connection is not None, time.monotonic()
        try:
            if self._connection is None:
                self._connection = self._connected()
            return self._connection.execute(_POSTGRES, (community,)).fetchone()
        except (driver.Error, DBAPIError) as error:
            self._drop()
            silent = time.monotonic() - begun >= self._timeout_s
            if again and not silent:
                return self._asked(community)
            if silent:
                self._again_at = time.monotonic() + SILENT_S
            why = str(getattr(error, "orig", error)).partition("\n")[0]
            raise StoreUnavailableError(
                f"the store (PostgreSQL) cannot be used now: {why[:300]}"
            ) from error

    def _connected(self) -> Any:  # noqa: ANN401 - a driver's connection
        self._pooled = self._engine.raw_connection()  # kept: the pool makes others another
        connection: Any = self._pooled.driver_connection
        connection.rollback()
        connection.autocommit = True
        connection.prepare_threshold = 0
        return connection

    def _drop(self) -> None:
        if self._pooled is not None:
            self._pooled.invalidate()
        self._connection = self._pooled = None


def _storable(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _found(row: Any, community: str) -> Head:  # noqa: ANN401 - a driver's row
    if row is None:
        raise UnknownError(f"no community is called {community!r}")
    return Head(int(row[0]), int(row[1]))
