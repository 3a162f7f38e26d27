"""A store: SQLite or PostgreSQL behind one door, and what is said when it cannot be used."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    SQLAlchemyError,
    TimeoutError,
)

from data.store.head import Head, HeadReader, PostgresHead, SqliteHead
from engine.errors import SettingError, StoreFullError, StoreUnavailableError

SQLITE, POSTGRESQL = "sqlite", "postgresql"
DRIVER = "postgresql+psycopg"

OUR_MISTAKES = (IntegrityError, ProgrammingError, DataError, NotSupportedError)
"""What a database answers to a wrong statement: a bug of ours, not a trouble of its own."""

NO_ROOM = "53100"
"""PostgreSQL's code for a full disk."""

ANSWER_S = 1.0
"""Seconds beyond its time limit in which PostgreSQL's answer to a statement must be here."""

AT_ONCE, AT_MOST = 8, 40
"""Connections kept, and the most there are at once."""

_WRITES = "belong_writes"

LOOK_S = 0.001
"""Seconds between two attempts to be the one who writes to an SQLite file. SQLite's own waiting
grows to a tenth of a second, in which others who came later get their turn."""


@dataclass(frozen=True, slots=True)
class Store:
    """An open store. Made by `open_store`; safe to share between threads, not between processes.

    Attributes:
        engine: SQLAlchemy's engine; only `data.store` speaks SQL.
        heads: The quickest way to see how far a community's log has come.
        timeout_s: How long a statement or a lock may take.
    """

    engine: Engine
    heads: HeadReader
    timeout_s: float
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def kind(self) -> str:
        """Return ``sqlite`` or ``postgresql``."""
        return self.engine.dialect.name

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection in a transaction that may write, and commit it, or undo it all.

        On SQLite nobody else writes meanwhile. When it has returned, what was written is on disk.

        Raises:
            StoreUnavailableError: The database cannot be used; nothing was changed, except that
                if it went away while committing nobody can know.
        """
        engine = self.engine.execution_options(**{_WRITES: True})
        if self.kind == POSTGRESQL:
            with self._begun(engine) as connection:
                yield connection
            return
        # Threads of one process take turns here; only processes compete for the file.
        if not self._turn.acquire(timeout=self.timeout_s):
            raise unavailable(TimeoutError("others have been writing all the time"), engine.url)
        try:
            with self._begun(engine) as connection:
                yield connection
        finally:
            self._turn.release()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the store, whatever is written meanwhile.

        Raises:
            StoreUnavailableError: The database cannot be used.
        """
        engine = self.engine
        if self.kind == POSTGRESQL:
            engine = engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        with self._begun(engine) as connection:
            yield connection

    @contextmanager
    def unbound(self) -> Iterator[Connection]:
        """Give a connection outside any transaction, without a limit of time: for upkeep alone.

        Raises:
            StoreUnavailableError: The database cannot be used.
        """
        engine = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        with self._told(), engine.connect() as connection:
            if self.kind == POSTGRESQL:
                connection.exec_driver_sql("SET statement_timeout = 0")
                raw: Any = connection.connection.dbapi_connection
                raw.patience_s = None
            try:
                yield connection
            finally:
                connection.invalidate()  # nobody else is to inherit its settings

    def head_of(self, community: str) -> int:
        """Return the number of the last entry of a community's log, as cheaply as can be.

        Raises:
            UnknownError: There is no such community.
            StoreUnavailableError: The database cannot be used.
        """
        return self.look(community).last

    def look(self, community: str) -> Head:
        """Return how far a community's log has come, as cheaply as can be.

        Raises:
            UnknownError: There is no such community.
            StoreUnavailableError: The database cannot be used.
        """
        return self.heads.head_of(community)

    def close(self) -> None:
        """Let go of every connection; the store cannot be used after."""
        self.heads.close()
        self.engine.dispose()

    @contextmanager
    def _begun(self, engine: Engine) -> Iterator[Connection]:
        with self._told(), engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say of a database's trouble what everybody may hear."""
        try:
            yield
        except OUR_MISTAKES:
            raise
        except (DBAPIError, TimeoutError, sqlite3.Error) as error:
            raise unavailable(error, self.engine.url) from error


def open_store(url: str | Path, timeout_s: float = 5.0) -> Store:
    """Open a store, making it or bringing it to this version's form if need be.

    Several processes may open the same one at once.

    Args:
        url: As `store_url` takes it.
        timeout_s: How long to wait for a connection, a lock or a statement. Give more for an
            import or an export, whose statements are long.

    Raises:
        SettingError: The address is of no form Belong knows, or the store was written by a newer
            version.
        StoreUnavailableError: It cannot be reached, or made.
    """
    from data.store.migrate import bring_up_to_date

    address = make_url(store_url(url))
    if address.get_backend_name() == SQLITE:
        store = _open_sqlite(address, timeout_s)
    else:
        store = _open_postgres(address, timeout_s)
    try:
        bring_up_to_date(store)
    except BaseException:
        store.close()
        raise
    return store


def store_url(value: str | Path) -> str:
    """Return the address of a store as SQLAlchemy writes it.

    Args:
        value: A path to an SQLite file, ``sqlite:///PATH``, or ``postgresql://...``.

    Raises:
        SettingError: It is something else. The message never shows a password.

    >>> store_url("bundles/belong.sqlite3")
    'sqlite:///bundles/belong.sqlite3'
    >>> store_url("postgresql://belong@db.example/belong")
    'postgresql+psycopg://belong@db.example/belong'
    """
    text = str(value)
    if not text or "\0" in text:
        raise SettingError("a store needs an address: a path, or postgresql://user@host/database")
    if "://" not in text:
        return URL.create(SQLITE, database=text).render_as_string(hide_password=False)
    scheme = text.partition("://")[0]
    if scheme == SQLITE:
        if not text.removeprefix("sqlite:///") or not text.startswith("sqlite:///"):
            raise SettingError("an SQLite store is a file: sqlite:///PATH, or just PATH")
        return text
    if scheme in ("postgresql", "postgres", DRIVER):
        try:
            address = make_url(text)
        except (ArgumentError, ValueError) as error:
            raise SettingError("the address of the PostgreSQL store cannot be read") from error
        return address.set(drivername=DRIVER).render_as_string(hide_password=False)
    raise SettingError(
        f"a store is a path, sqlite:///PATH or postgresql://..., not {scheme[:40]!r}://"
    )


def unavailable(error: Exception, url: URL) -> StoreUnavailableError:
    """Return what to tell of a database's trouble: where and why, no password, no statement.

    It is a `StoreFullError` if there is no room left.
    """
    cause = getattr(error, "orig", None) or error
    why = str(cause).partition("\n")[0].strip() or type(cause).__name__
    if url.password:
        why = why.replace(str(url.password), "***")
    where = url.database if url.get_backend_name() == SQLITE else url.host or "PostgreSQL"
    full = getattr(cause, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
    kind = StoreFullError if full or getattr(cause, "sqlstate", "") == NO_ROOM else None
    return (kind or StoreUnavailableError)(f"the store ({where}) cannot be used now: {why[:300]}")


def _open_sqlite(url: URL, timeout_s: float) -> Store:
    path = Path(url.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailableError(f"{path.parent} cannot be made: {error.strerror}") from error
    engine = create_engine(
        url,
        connect_args={"timeout": timeout_s, "check_same_thread": False},
        hide_parameters=True,
        pool_size=AT_ONCE,
        max_overflow=AT_MOST - AT_ONCE,
        pool_timeout=timeout_s,
    )
    event.listen(engine, "connect", lambda raw, _: prepare_sqlite(raw, timeout_s))
    event.listen(engine, "begin", lambda connection: _begin_sqlite(connection, timeout_s))
    return Store(engine, SqliteHead(path, timeout_s), timeout_s)


def prepare_sqlite(raw: sqlite3.Connection | Any, timeout_s: float) -> None:  # noqa: ANN401
    """Set how a connection keeps what it is told: durably, and leaving no trace of what goes."""
    raw.isolation_level = None  # we say BEGIN ourselves
    for setting in (
        f"busy_timeout = {int(timeout_s * 1000)}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",
        "cache_size = -16000",
    ):
        raw.execute(f"PRAGMA {setting}")


def _begin_sqlite(connection: Connection, timeout_s: float) -> None:
    options = connection.get_execution_options()
    if options.get("isolation_level") == "AUTOCOMMIT":
        return
    if options.get(_WRITES):
        _begin_writing(connection.connection.dbapi_connection, timeout_s)
    else:
        connection.exec_driver_sql("BEGIN")


def _begin_writing(raw: Any, timeout_s: float) -> None:  # noqa: ANN401 - a driver's connection
    """Become the one who writes, as soon as nobody else does."""
    deadline = time.monotonic() + timeout_s
    raw.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                raw.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > deadline:
                    raise
            time.sleep(LOOK_S)
    finally:
        raw.execute(f"PRAGMA busy_timeout = {int(timeout_s * 1000)}")


def _open_postgres(url: URL, timeout_s: float) -> Store:
    limit = max(1, int(timeout_s * 1000))
    settings = {
        "statement_timeout": limit,
        "lock_timeout": limit,
        "idle_in_transaction_session_timeout": max(60_000, 2 * limit),
    }
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    arguments = {"connect_timeout": max(2, int(timeout_s)), "options": options}
    try:
        from data.store.patience import PatientConnection

        engine = create_engine(
            url,
            connect_args=arguments,
            hide_parameters=True,
            pool_size=AT_ONCE,
            max_overflow=AT_MOST - AT_ONCE,
            pool_timeout=timeout_s,
            pool_pre_ping=True,  # a server that was restarted is met with a fresh connection
        )
    except ModuleNotFoundError as error:
        raise SettingError(
            "a PostgreSQL store needs psycopg: pip install 'belong[postgres]'"
        ) from error
    except SQLAlchemyError as error:
        raise SettingError("the address of the PostgreSQL store cannot be read") from error

    def connected(_: object, __: object, given: list[Any], named: dict[str, Any]) -> Any:  # noqa: ANN401
        made = PatientConnection.connect(*given, **named)
        made.patience_s = timeout_s + ANSWER_S
        return made

    event.listen(engine, "do_connect", connected)
    return Store(engine, PostgresHead(engine, timeout_s), timeout_s)
