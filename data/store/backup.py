"""A store into one file while it is in use, and out of it again, whatever the database.

The file is an SQLite store of its own. It holds everything: texts, digests of keys, what was
served, and the secrets by which the forgotten are known; keep it as you keep the store.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, Table, func, insert, select, update

from data.store.connect import POSTGRESQL, SQLITE, Store, open_store
from data.store.erasure import STORE_STEP
from data.store.reading import communities, head
from data.store.schema import erasures, metadata
from engine.errors import SettingError, StoreUnavailableError

PART = 1_000
"""Rows that are copied at a time."""

PATIENCE_S = 600.0
"""Seconds a statement may take: whole tables are read and written."""


def back_up_store(store: Store, path: Path, since: float) -> dict[str, int]:
    """Write one state of a store into a new SQLite file, while others read and write it.

    Args:
        store: Which; opened with patience, as statements are long.
        path: The file, which must not be there.
        since: When the copy of the bundles that goes with it was begun, unix seconds. What was
            done about the forgotten since then is to be done again in that copy, so its receipts
            do not say that it is done.

    Returns:
        For each community the last entry of its log that is in the file.

    Raises:
        StoreUnavailableError: The store cannot be read, or the file not written.
        OSError: The file cannot be synced.
    """
    try:
        path.touch(mode=0o600, exist_ok=False)
        if store.kind == SQLITE:
            _copy_file(store, path)
        else:
            _copy_into(store, path)
        copy = open_store(path, PATIENCE_S)
        try:
            with copy.writing() as connection:
                _undo_steps(connection, since)
            with copy.reading() as connection:
                heads = {name: head(connection, name) for name in communities(connection)}
        finally:
            copy.close()
        _finish(path)
    except sqlite3.Error as error:
        raise StoreUnavailableError(f"{path} cannot be written: {error}") from error
    return heads


def put_back_store(path: Path, address: str | Path) -> dict[str, int]:
    """Put a backup into an empty store, and return the last entry of each community's log.

    Args:
        path: The file that `back_up_store` wrote; it stays as it is.
        address: A store that is not there yet, or is empty.

    Raises:
        SettingError: There is something in the store already.
        StoreUnavailableError: It cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="belong-restore-") as folder:
        # A backup of an older version is brought up to date: not the backup itself, but a copy.
        copied = Path(folder) / "store.sqlite3"
        shutil.copyfile(path, copied)
        source, target = open_store(copied, PATIENCE_S), open_store(address, PATIENCE_S)
        try:
            with source.reading() as reading, target.writing() as writing:
                if communities(writing):
                    raise SettingError(f"{_where(target)} holds communities: restore elsewhere")
                for table in metadata.sorted_tables:
                    _copy_rows(reading, writing, table)
                if target.kind == POSTGRESQL:
                    _count_on(writing)
                return {name: head(writing, name) for name in communities(writing)}
        finally:
            source.close()
            target.close()


def _where(store: Store) -> str:
    return store.engine.url.render_as_string(hide_password=True)


def _copy_file(store: Store, path: Path) -> None:
    """Copy page by page, all in one step: SQLite lets others write meanwhile."""
    with store.unbound() as connection, closing(sqlite3.connect(path)) as target:
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.backup(target)


def _copy_into(store: Store, path: Path) -> None:
    """Copy table by table, out of one state of the store."""
    target = open_store(path, PATIENCE_S)
    try:
        with store.reading() as reading, target.writing() as writing:
            for table in metadata.sorted_tables:
                _copy_rows(reading, writing, table)
    finally:
        target.close()


def _copy_rows(source: Connection, target: Connection, table: Table) -> None:
    found = source.execution_options(yield_per=PART).execute(select(table))
    for part in found.mappings().partitions(PART):
        target.execute(insert(table), [dict(row) for row in part])


def _count_on(connection: Connection) -> None:
    """Let PostgreSQL give out numbers after those that were put back."""
    for table in metadata.sorted_tables:
        for column in table.columns:
            if column.primary_key and column is table.autoincrement_column:
                last = connection.scalar(select(func.max(column)))
                if last is not None:
                    sequence = func.pg_get_serial_sequence(table.name, column.name)
                    connection.execute(select(func.setval(sequence, last)))


def _undo_steps(connection: Connection, since: float) -> None:
    for one, steps in connection.execute(select(erasures.c.id, erasures.c.steps)).all():
        kept = {name: at for name, at in steps.items() if name == STORE_STEP or at < since}
        if kept != steps:
            connection.execute(update(erasures).where(erasures.c.id == one).values(steps=kept))


def _finish(path: Path) -> None:
    """Leave one file, whole and on disk.

    Raises:
        StoreUnavailableError: What was written cannot be read back.
    """
    with closing(sqlite3.connect(path)) as copy:
        copy.execute("PRAGMA journal_mode = DELETE")
        found = copy.execute("PRAGMA integrity_check").fetchone()[0]
    if found != "ok":
        raise StoreUnavailableError(f"{path} was not written whole: {found}")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
