"""A whole community into the store, out of it, and into training."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import polars as pl
from sqlalchemy import text

from data.community import Community
from data.folder import RawTable
from data.lines import LINE
from data.store.arrivals import PART, Arrivals
from data.store.changes import create_community
from data.store.connect import POSTGRESQL, Store
from data.store.frames import stored_tables, with_no_limits
from data.store.log import turn_of
from data.store.reading import head
from data.validate import build_community
from data.write import FILES, write_folder


class Progress(Protocol):
    """Told of every step of something long."""

    def task(self, name: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        """Begin a task of so many parts; the function given is called with each few done."""
        ...


def import_community(
    store: Store, community: Community, now: float, progress: Progress | None = None
) -> int:
    """Put a community's rows into the store; what is there already and the same is left alone.

    Killed at any moment, it is finished by running it again. Where the store knows a row, what
    restricts is never loosened: see `data.store.merging`. Nobody who was forgotten comes back.

    Args:
        store: Where to.
        community: What to import, under its own name.
        now: Unix seconds.
        progress: Told of every step.

    Returns:
        The number of the last entry of the community's log.

    Raises:
        DataError: An id cannot be kept: see `data.store.values`.
        StoreUnavailableError: The database cannot be used; what was done so far stays.
    """
    arrivals = Arrivals(community)
    arrivals.check()
    create_community(store, community.name, now)
    for step in arrivals.steps():
        with _task(progress, step.name, step.total) as advance:
            for part in step.parts():
                with (
                    store.writing() as connection,
                    turn_of(connection, community.name, now) as turn,
                ):
                    step.put(turn, part)
                advance(len(part))
        if step.total >= PART:
            _count_again(store)
    return store.head_of(community.name)


def read_stored_community(store: Store, name: str, now: float) -> tuple[Community, int]:
    """Return a community as it is now, judged as a folder would be, for training.

    Args:
        store: Where it is.
        name: What it is called.
        now: Unix seconds, by which dates are judged.

    Returns:
        The community, rows in the order of ids, and the number of the last entry of its log that
        is in it: a bundle's watermark.

    Raises:
        UnknownError: There is no such community.
        DataError: It has no members or no groups.
        StoreUnavailableError: The database cannot be used.
    """
    with store.reading() as connection:
        seq = head(connection, name)
        tables = stored_tables(connection, name)
    raw = {
        table: RawTable(
            f"store:{table}",
            frame.with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias(LINE)),
        )
        for table, frame in tables.items()
    }
    built = build_community(name, raw, [], now=now)
    return replace(built, groups=with_no_limits(built.groups)), seq


def export_community(store: Store, name: str, path: Path) -> None:
    """Write a community as a folder: the same state always as the same bytes.

    Private groups and posts, blocks and memberships that have ended are in it. What members have
    muted is not, since a folder has no column for it; `belong backup` keeps everything.

    Args:
        store: Where it is.
        name: What it is called.
        path: The folder; files of ours in it are replaced.

    Raises:
        UnknownError: There is no such community.
        StoreUnavailableError: The database cannot be used.
    """
    with store.reading() as connection:
        tables = stored_tables(connection, name)
    if tables["blocks"].is_empty():
        del tables["blocks"]
    write_folder(tables, path)
    for table, file in FILES.items():
        if table not in tables or (tables[table].is_empty() and ".jsonl" in file):
            (path / file).unlink(missing_ok=True)  # of an earlier export


def _count_again(store: Store) -> None:
    """Let PostgreSQL plan by what is in the tables now; SQLite plans well without."""
    if store.kind == POSTGRESQL:
        with store.writing() as connection:
            connection.execute(text("ANALYZE"))


def _task(
    progress: Progress | None, name: str, total: int
) -> AbstractContextManager[Callable[[int], None]]:
    return nullcontext(lambda _: None) if progress is None else progress.task(name, total)
