"""A disk that is full ends no process: what workers share of their numbers is kept in memory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from serving.metrics import FOLDER_VARIABLE, MEMORY, folder_in_memory, share_between_workers


def test_numbers_are_shared_in_memory_where_there_is_room_for_them() -> None:
    if folder_in_memory() is None:
        pytest.skip(f"there is no room in {MEMORY}")
    with share_between_workers(2):
        folder = Path(os.environ[FOLDER_VARIABLE])
        assert folder.parent == MEMORY
        assert folder.is_dir()
    assert not folder.exists()


def test_without_memory_to_keep_them_in_numbers_go_where_temporary_files_go(tmp_path: Path) -> None:
    assert folder_in_memory(tmp_path / "absent") is None
    if os.statvfs("/sys").f_bavail == 0:
        assert folder_in_memory(Path("/sys")) is None  # a file system without any room
