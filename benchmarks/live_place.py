"""Somewhere a live server can be tried: a bundle and a store that belong together, made anew."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from data.store.changes import create_community
from data.store.connect import open_store
from data.store.import_export import import_community, read_stored_community
from data.store.log import turn_of
from data.town import make_town
from data.validate import read_community
from data.write import write_folder
from engine.errors import SettingError
from engine.manifest import read_manifest
from engine.registry import Registry
from training.commands import DEFAULT_CACHE, DEFAULT_MODEL
from training.train import Stored, TrainSettings, train

SQLITE, POSTGRESQL = "sqlite", "postgresql"
"""Stores that are made for the occasion; any other word is the address of one."""

TOWN = "town"
SEED = 7

PATIENCE_S = 60.0
"""Seconds a statement of an import may take."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a live server is started over.

    Attributes:
        bundles: The folder of all bundles.
        store: The address of its store.
        community: The one community in both.
    """

    bundles: Path
    store: str
    community: str

    @property
    def root(self) -> str:
        """Return the path of the community, under which everything is asked."""
        return f"/v1/communities/{quote(self.community, safe='')}"


@contextmanager
def folder_and_store(kind: str) -> Iterator[tuple[Path, str]]:
    """Give an empty folder, and the address of a store; what was made for it goes in the end.

    Args:
        kind: `sqlite`, `postgresql` for a server that is started for it, or an address.

    Raises:
        SettingError: PostgreSQL is wanted and not installed.
    """
    with tempfile.TemporaryDirectory(prefix="belong-live-") as name:
        folder = Path(name)
        if kind == SQLITE:
            yield folder, str(folder / "bundles" / "belong.sqlite3")
        elif kind == POSTGRESQL:
            from tests.postgres import program, running_postgres

            if program("initdb") is None:
                raise SettingError("PostgreSQL is not installed: install it, or give an address")
            with running_postgres(syncs=True) as server:
                yield folder, server.new_database()
        else:
            yield folder, kind


def town_place(folder: Path, store: str, members: int, cache: Path = DEFAULT_CACHE) -> Place:
    """Put a synthetic town into a store, and learn a bundle from what is there then.

    Args:
        folder: An empty folder.
        store: The address of an empty store.
        members: Size of the town, at least 200.
        cache: Where vectors are kept between runs.
    """
    now = time.time()
    write_folder(make_town(members, SEED).tables, folder / TOWN)
    opened = open_store(store, PATIENCE_S)
    try:
        import_community(opened, read_community(folder / TOWN, now=now, name=TOWN), now)
        found, watermark = read_stored_community(opened, TOWN, now)
    finally:
        opened.close()
    registry, at = Registry(folder / "bundles"), datetime.fromtimestamp(now, UTC)
    train(found, TrainSettings(DEFAULT_MODEL, None, cache), registry, at, stored=Stored(watermark))
    return Place(folder / "bundles", store, TOWN)


def copied_place(bundles: Path, community: str | None, folder: Path, store: str) -> Place:
    """Copy a bundle, beside a store that knows of nobody in it: only newcomers may be told of.

    Args:
        bundles: Where the bundle is; nothing is written there.
        community: Which; the only one if None.
        folder: An empty folder.
        store: The address of an empty store.

    Raises:
        UnknownError: There is no such community, or several and none was named.
    """
    registry = Registry(bundles)
    name = community or registry.only_community()
    current = registry.current(name)
    copy = Registry(folder / "bundles")
    shutil.copytree(current, copy.folder(name) / current.name)
    copy.promote(name, current.name)
    opened, now = open_store(store, PATIENCE_S), time.time()
    try:
        create_community(opened, name, now)
        with opened.writing() as connection, turn_of(connection, name, now) as turn:
            # What the bundle was made of has numbers already.
            turn.head = turn.restricted = read_manifest(current).watermark
    finally:
        opened.close()
    return Place(folder / "bundles", store, name)
