"""A store in one file and out of it again: everything, of one moment, on both databases."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from data.store.backup import back_up_store, put_back_store
from data.store.changes import (
    Change,
    PutMember,
    PutMembership,
    PutPreferences,
    apply_changes,
)
from data.store.connect import Store, open_store
from data.store.erasure import erase_member, erasure, erasures_of, note_step
from data.store.import_export import import_community
from data.store.jobs import queue_job
from data.store.schema import metadata
from engine.errors import SettingError, StoreUnavailableError
from tests.world import NOW, community


@pytest.fixture
def filled(store: Store) -> Store:
    """The world in a store of each kind, with something in most tables."""
    import_community(store, community(), NOW)
    mutes = PutPreferences("ana", muted_topics=("tea", "açaí 🚀"), weekly_introductions=2.5)
    apply_changes(store, "world", [mutes], NOW + 1)
    queue_job(store, "world", "train", {"why": [1, None, "x"]}, NOW + 2)
    erase_member(store, "world", "mo", NOW + 3)
    return store


def contents(store: Store) -> dict[str, list[dict[str, Any]]]:
    with store.reading() as connection:
        return {
            table.name: sorted(
                (dict(row) for row in connection.execute(select(table)).mappings()), key=repr
            )
            for table in metadata.sorted_tables
        }


def test_a_backup_holds_everything_and_is_one_file(filled: Store, tmp_path: Path) -> None:
    path = tmp_path / "copy" / "store.sqlite3"
    path.parent.mkdir()
    heads = back_up_store(filled, path, NOW + 9)
    assert heads == {"world": filled.head_of("world")}
    assert [one.name for one in path.parent.iterdir()] == ["store.sqlite3"]
    assert path.stat().st_mode & 0o077 == 0
    copy = open_store(path)
    assert contents(copy) == contents(filled)
    copy.close()


def test_what_is_put_back_is_what_was_backed_up(
    filled: Store, tmp_path: Path, store_address: str
) -> None:
    path = tmp_path / "backup.sqlite3"
    back_up_store(filled, path, NOW + 9)
    before = path.read_bytes()
    heads = put_back_store(path, tmp_path / "again.sqlite3")
    assert path.read_bytes() == before
    again = open_store(tmp_path / "again.sqlite3")
    assert heads == {"world": again.head_of("world")}
    assert contents(again) == contents(filled)
    again.close()
    with pytest.raises(SettingError, match="restore elsewhere"):
        put_back_store(path, store_address)


def test_an_sqlite_backup_can_be_put_into_postgresql(tmp_path: Path, postgres_url: str) -> None:
    source = open_store(tmp_path / "source.sqlite3")
    import_community(source, community(), NOW)
    queue_job(source, "world", "train", {}, NOW)
    last = queue_job(source, "world", "train", {}, NOW)
    path = tmp_path / "backup.sqlite3"
    back_up_store(source, path, NOW)
    put_back_store(path, postgres_url)
    target = open_store(postgres_url)
    assert contents(target) == contents(source)
    # Numbers go on after the last that was put back.
    assert queue_job(target, "world", "train", {}, NOW) == last + 1
    seq = apply_changes(target, "world", [PutMember("pia")], NOW)
    assert seq == source.head_of("world") + 1
    for store in (source, target):
        store.close()


def test_a_backup_made_while_others_write_is_of_one_moment(filled: Store, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        place = 0
        while not stop.is_set():
            place += 1
            new: list[Change] = [PutMember(f"n{place}"), PutMembership(f"n{place}", "launch-site")]
            apply_changes(filled, "world", new, NOW)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for turn in range(3):
            path = tmp_path / f"{turn}.sqlite3"
            heads = back_up_store(filled, path, NOW + 9)
            copy = open_store(path)
            found = contents(copy)
            copy.close()
            new = {row["id"] for row in found["members"] if row["id"].startswith("n")} - {"nia"}
            joined = {row["member"] for row in found["memberships"]} & new
            assert joined == new
            assert max(row["seq"] for row in found["log"]) == heads["world"]
    finally:
        stop.set()
        writer.join()


def test_what_was_done_about_the_forgotten_meanwhile_is_to_be_done_again(
    filled: Store, tmp_path: Path
) -> None:
    (one,) = erasures_of(filled, "world")
    note_step(filled, one.id, "cache", NOW + 5)
    note_step(filled, one.id, "bundles", NOW + 20)
    path = tmp_path / "backup.sqlite3"
    back_up_store(filled, path, since=NOW + 10)
    copy = open_store(path)
    assert set(erasure(copy, "world", one.id).steps) == {"store", "cache"}
    copy.close()
    assert set(erasure(filled, "world", one.id).steps) == {"store", "cache", "bundles"}


def test_a_file_that_is_there_is_not_overwritten(filled: Store, tmp_path: Path) -> None:
    path = tmp_path / "kept"
    path.write_text("something else")
    with pytest.raises(FileExistsError):
        back_up_store(filled, path, NOW)
    assert path.read_text() == "something else"


def test_what_is_no_backup_is_not_put_back(tmp_path: Path) -> None:
    path = tmp_path / "backup.sqlite3"
    path.write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(StoreUnavailableError):
        put_back_store(path, tmp_path / "again.sqlite3")
