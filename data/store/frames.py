"""The current tables as columns: the raw tables of a community folder.

What a file cannot say is said so: where some group has a limit, one without has a capacity of
`NO_LIMIT`; and a table or a column that says nothing is left out where that means the same.
Every row stands in the order of its ids' bytes, so one state always gives the same columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl
from sqlalchemy import Connection, Table, select

from data.cells import dtype_of
from data.store.rows import key_of
from data.store.schema import (
    authors,
    blocks,
    communities,
    groups,
    members,
    memberships,
    participations,
    post_groups,
    posts,
    ties,
)
from engine.domain import ANY_BAND, TABLES
from engine.errors import UnknownError

NO_LIMIT = 1e9
"""A capacity from here on is none: no file can hold infinity, and null means no place at all."""

EXTRA = "extra"


def stored_tables(connection: Connection, community: str) -> dict[str, pl.DataFrame]:
    """Return a community as the raw tables of a folder.

    Args:
        connection: Of `Store.reading`.
        community: Its name.

    Returns:
        By name, with the columns of ``TABLES`` and the supplier's own. Ties only if they were
        supplied. What a folder has no column for (what members have muted) is not in it.

    Raises:
        UnknownError: There is no such community.
    """
    supplied = connection.scalar(
        select(communities.c.ties_supplied).where(communities.c.name == community)
    )
    if supplied is None:
        raise UnknownError(f"no community is called {community!r}")

    def read(table: Table) -> pl.DataFrame:
        return _frame(connection, table, community)

    tables = {
        "members": _members(read(members)),
        "groups": _groups(read(groups)),
        "memberships": read(memberships),
        "posts": _posts(read(posts), read(authors), read(post_groups)),
        "participations": read(participations),
        "blocks": read(blocks),
    }
    if supplied:
        tables["ties"] = read(ties)
    return {name: tables[name] for name in TABLES if name in tables}


def with_no_limits(frame: pl.DataFrame) -> pl.DataFrame:
    """Return groups whose capacity is infinite where a file could only say `NO_LIMIT`."""
    capacity = pl.col("capacity")
    unlimited = pl.when(capacity >= NO_LIMIT).then(float("inf")).otherwise(capacity)
    return frame.with_columns(unlimited.alias("capacity"))


def _frame(connection: Connection, table: Table, community: str) -> pl.DataFrame:
    """Return the columns that a folder has for a table, and its extra ones."""
    known = TABLES.get(table.name, {})
    names = [c.name for c in table.columns if c.name in known or c.name in key_of(table)]
    wanted = [*names, *([EXTRA] if EXTRA in table.c else [])]
    found = connection.execute(
        select(*(table.c[name] for name in wanted))
        .where(table.c.community == community)
        .order_by(*(table.c[name] for name in key_of(table)))
    ).all()
    columns: list[tuple[Any, ...]] = list(zip(*found, strict=True)) or [()] * len(wanted)
    series = {
        name: pl.Series(name, columns[place], _dtype(table, name), strict=False)
        for place, name in enumerate(names)
    }
    further = _further(columns[-1], taken=known) if wanted[-1] == EXTRA else []
    return pl.DataFrame([*series.values(), *further])


def _dtype(table: Table, name: str) -> pl.DataType:
    known = TABLES.get(table.name, {})
    return dtype_of(known[name].kind) if name in known else pl.String()


def _further(cells: Sequence[dict[str, str] | None], taken: Iterable[str]) -> list[pl.Series]:
    """Return the supplier's columns, in the order of their names."""
    names = sorted({name for cell in cells if cell for name in cell} - set(taken))
    return [
        pl.Series(name, [(cell or {}).get(name) for cell in cells], pl.String) for name in names
    ]


def _members(frame: pl.DataFrame) -> pl.DataFrame:
    band = pl.col("audience")
    if frame.select((band == ANY_BAND).fill_null(False).all()).item():
        return frame.drop("audience")
    return frame.with_columns(pl.when(band != ANY_BAND).then(band).alias("audience"))


def _groups(frame: pl.DataFrame) -> pl.DataFrame:
    capacity = pl.col("capacity")
    if frame.select(capacity.is_null().all()).item():
        return frame.drop("capacity")
    return frame.with_columns(capacity.fill_null(NO_LIMIT))


def _posts(frame: pl.DataFrame, writers: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Return posts with the lists of who wrote them and where they stand."""
    lists = pl.List(pl.String())
    for links, side, name in ((writers, "member", "members"), (places, "group", "groups")):
        listed = links.group_by("post", maintain_order=True).agg(pl.col(side).alias(name))
        frame = frame.join(
            listed, left_on="id", right_on="post", how="left", maintain_order="left"
        ).with_columns(pl.col(name).fill_null(pl.lit([], lists)))
    first = [name for name in TABLES["posts"] if name in frame.columns]
    return frame.select(*first, pl.exclude(first))
