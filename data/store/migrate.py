"""Bringing a store to this version's form, once, whoever opens it first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, inspect, text

from data.store.schema import VERSION
from engine.errors import SettingError

if TYPE_CHECKING:
    from data.store.connect import Store

STEPS = Path(__file__).parent / "migrations"
LOCK = 0x62656C6F6E67
"""The number of PostgreSQL's advisory lock ("belong"): processes migrate one after another."""

PATIENCE_MS = 600_000
"""A migration of a large store takes its time, and so does waiting for another's."""


def bring_up_to_date(store: Store) -> None:
    """Make the tables, or change them to the form this version needs; all of it or nothing.

    Raises:
        SettingError: The store was written by a newer version of Belong.
        StoreUnavailableError: The database cannot be used.
    """
    with store.reading() as connection:
        if version_of(connection) == VERSION:
            return
    with store.writing() as connection:  # on SQLite nobody else migrates now
        if store.kind == "postgresql":
            connection.execute(text(f"SET LOCAL statement_timeout = {PATIENCE_MS}"))
            connection.execute(text(f"SET LOCAL lock_timeout = {PATIENCE_MS}"))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        if version_of(connection) != VERSION:
            _migrate(connection)


def version_of(connection: Connection) -> str | None:
    """Return the form a store has, or None if it has none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _migrate(connection: Connection) -> None:
    # Alembic takes a while to import, and is needed once in a store's life.
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory
    from alembic.util.exc import CommandError

    steps = ScriptDirectory(str(STEPS), version_locations=[str(STEPS)])

    def up(revision: Any, _: Any) -> Any:  # noqa: ANN401 - Alembic's own
        return steps._upgrade_revs("head", revision)

    try:
        with EnvironmentContext(Config(), steps, fn=up) as environment:
            environment.configure(connection=connection)
            environment.run_migrations()
    except CommandError as error:
        raise SettingError(
            f"the store has the form {version_of(connection)}, which this version of Belong"
            f" ({VERSION}) does not know: update Belong"
        ) from error
