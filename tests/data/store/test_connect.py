"""What a store is made of, and what is said when it cannot be used."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from data.store.changes import PutMember, apply_changes, create_community
from data.store.connect import Store, open_store, store_url
from engine.errors import SettingError, StoreUnavailableError
from tests.postgres import Server

PASSWORD = "hunter2"


@pytest.mark.parametrize(
    ("value", "url"),
    [
        (Path("/data/belong.sqlite3"), "sqlite:////data/belong.sqlite3"),
        ("sqlite:///belong.sqlite3", "sqlite:///belong.sqlite3"),
        ("postgresql://ann@db/belong", "postgresql+psycopg://ann@db/belong"),
        ("postgres://ann:x%40@db/belong", "postgresql+psycopg://ann:x%40@db/belong"),
    ],
)
def test_an_address_is_read_as_people_write_it(value: str | Path, url: str) -> None:
    assert store_url(value) == url


@pytest.mark.parametrize(
    "value",
    [
        "",
        "a\0b",
        "sqlite://",
        "sqlite:///",
        "mysql://ann:hunter2@db/x",
        "postgresql://ann:hunter2@db:x/y",
    ],
)
def test_any_other_address_is_refused_without_telling_its_password(value: str) -> None:
    with pytest.raises(SettingError) as refused:
        store_url(value)
    assert PASSWORD not in str(refused.value)


def test_a_path_with_odd_signs_is_still_a_path(tmp_path: Path) -> None:
    path = tmp_path / "50% off?#ä" / "b.sqlite3"
    open_store(path).close()
    assert path.is_file()


def test_a_sqlite_store_keeps_what_it_acknowledges(tmp_path: Path) -> None:
    store = open_store(tmp_path / "b.sqlite3")
    with store.reading() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    store.close()
    assert settings == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
    }


def test_a_store_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailableError, match="cannot be made"):
        open_store(tmp_path / "file" / "b.sqlite3")
    with pytest.raises(StoreUnavailableError, match="cannot be used now"):
        open_store(tmp_path)


def test_a_damaged_file_is_unavailable_and_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "b.sqlite3"
    path.write_bytes(b"not a database, but somebody's letters " * 99)
    with pytest.raises(StoreUnavailableError, match="not a database"):
        open_store(path)
    assert path.read_bytes().startswith(b"not a database")


def test_a_full_disk_changes_nothing_and_says_so(tmp_path: Path) -> None:
    store = open_store(tmp_path / "b.sqlite3")
    create_community(store, "town", 1.0)
    with store.unbound() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()

    def fill() -> None:
        with store.writing() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
            connection.execute(text("CREATE TABLE filler AS SELECT randomblob(1000000) AS x"))

    with pytest.raises(StoreUnavailableError, match="full"):
        fill()
    assert store.head_of("town") == 0
    store.close()


def test_a_message_never_holds_the_password_nor_what_was_written() -> None:
    url = f"postgresql://ann:{PASSWORD}@127.0.0.1:1/belong"
    with pytest.raises(StoreUnavailableError) as refused:
        open_store(url, timeout_s=1.0)
    assert PASSWORD not in str(refused.value)
    assert "127.0.0.1" in str(refused.value)


def test_a_server_that_went_away_and_came_back_is_met_again(
    postgres_server: Server, postgres_url: str
) -> None:
    store = open_store(postgres_url)
    create_community(store, "town", 1.0)
    assert store.head_of("town") == 0
    postgres_server.stop()
    with pytest.raises(StoreUnavailableError):
        store.head_of("town")
    with pytest.raises(StoreUnavailableError):
        apply_changes(store, "town", [PutMember("ann")], 2.0)
    postgres_server.start()
    assert store.head_of("town") == 0
    assert apply_changes(store, "town", [PutMember("ann")], 3.0) == 1
    assert store.head_of("town") == 1
    store.close()


def test_a_server_that_was_restarted_is_not_noticed(
    postgres_server: Server, postgres_url: str
) -> None:
    store = open_store(postgres_url)
    create_community(store, "town", 1.0)
    assert store.head_of("town") == 0
    apply_changes(store, "town", [PutMember("ann")], 2.0)  # another connection than the head's
    postgres_server.stop()
    postgres_server.start()
    assert store.head_of("town") == 1
    assert apply_changes(store, "town", [PutMember("bo")], 3.0) == 2
    store.close()


def test_a_statement_that_takes_too_long_is_given_up(postgres_url: str) -> None:
    store = open_store(postgres_url, timeout_s=0.3)

    def dawdle() -> None:
        with store.reading() as connection:
            connection.execute(text("SELECT pg_sleep(5)"))

    with pytest.raises(StoreUnavailableError, match="timeout"):
        dawdle()
    store.close()


def test_a_reading_cannot_write_on_postgresql(postgres_url: str) -> None:
    store = open_store(postgres_url)

    def write() -> None:
        with store.reading() as connection:
            connection.execute(text("DELETE FROM communities"))

    with pytest.raises(StoreUnavailableError, match="read-only"):
        write()
    store.close()


def test_the_head_is_read_from_a_file_that_is_there(store: Store, tmp_path: Path) -> None:
    create_community(store, "town", 1.0)
    assert store.look("town") == (0, 0)
    apply_changes(store, "town", [PutMember("ann")], 1.0)
    assert store.look("town").last == 1
    store.heads.close()
    assert store.head_of("town") == 1
    if store.kind == "sqlite":
        rows = sqlite3.connect(tmp_path / "belong.sqlite3")
        assert rows.execute("SELECT head FROM communities").fetchall() == [(1,)]
        rows.close()
