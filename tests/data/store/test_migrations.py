"""A store is made and kept in this version's form by whoever opens it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from data.store.connect import Store, open_store
from data.store.migrate import STEPS
from data.store.schema import VERSION, metadata
from engine.errors import SettingError

OPEN = "import sys; from data.store.connect import open_store; open_store(sys.argv[1]).close()"


def test_the_migrations_yield_exactly_the_tables_of_the_schema(store: Store) -> None:
    with store.reading() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "compare_server_default": store.kind != "sqlite"},
        )
        assert compare_metadata(context, metadata) == []


def test_the_version_is_that_of_the_last_migration() -> None:
    steps = ScriptDirectory(str(STEPS), version_locations=[str(STEPS)])
    assert steps.get_heads() == [VERSION]


def test_several_processes_open_a_new_store_at_once(store_address: str) -> None:
    opening = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, store_address], stderr=subprocess.PIPE, text=True
        )
        for _ in range(5)
    ]
    failures = [process.communicate(timeout=60)[1] for process in opening]
    assert [process.returncode for process in opening] == [0] * 5, failures
    open_store(store_address).close()


def test_a_store_of_a_newer_version_is_refused(store: Store, store_address: str) -> None:
    with store.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SettingError, match=r"9999.*update Belong"):
        open_store(store_address)


def test_serving_can_open_a_store_without_what_only_training_needs(tmp_path: Path) -> None:
    heavy = "{'polars', 'alembic', 'torch', 'sklearn', 'faiss'}"
    (tmp_path / "made").mkdir()
    open_store(tmp_path / "belong.sqlite3").close()
    code = (
        f"{OPEN}; import data.store.changes, data.store.reading, data.store.erasure;"
        f" assert not {heavy} & set(sys.modules), {heavy} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "belong.sqlite3")], check=True)
