"""Folders to run commands on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.belong.commands import written
from tests.world import tables


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The world as a folder."""
    return written(tmp_path_factory.mktemp("folders") / "world")


@pytest.fixture(scope="module")
def undated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The world as a folder, its memberships without dates."""
    frame = tables()["memberships"].select("member", "group")
    return written(tmp_path_factory.mktemp("folders") / "undated", {"memberships": frame})
