"""A store of each kind, empty, for whatever must hold of both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from data.store.connect import Store, open_store


@pytest.fixture(params=["sqlite", "postgresql"])
def store_address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store of each kind."""
    if request.param == "sqlite":
        return str(tmp_path / "belong.sqlite3")
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def store(store_address: str) -> Iterator[Store]:
    """An empty store of each kind."""
    store = open_store(store_address)
    yield store
    store.close()
