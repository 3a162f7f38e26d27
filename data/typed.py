"""A raw table -> its columns in the contract's order and types, every cell judged by its kind."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from data.cells import LISTS, as_ids, as_text, clean, dtype_of, read_as, time_fault
from data.community import Rejection
from data.folder import RawTable
from data.lines import LINE
from data.sieve import Sieve
from engine.domain import TABLES, Column, Kind

OPEN_ENDED = frozenset({"members", "groups", "posts"})
"""Tables whose further columns are kept, as strings."""

RESERVED = frozenset(
    {"", "public", "_line", "_reason", "_row", "_place", "_member", "_group", "_parent", "_closed"}
)
"""Further columns of these names are left out: columns of our own are called so."""


def absent_table(table: str) -> Sieve:
    """Return an optional table nobody supplied: its columns, no rows."""
    dtypes = {name: dtype_of(column.kind) for name, column in TABLES[table].items()}
    return Sieve(table, "", pl.DataFrame(schema={**dtypes, LINE: pl.Int64()}), (), 0)


def typed_table(table: str, raw: RawTable, aside: Iterable[Rejection], now: float) -> Sieve:
    """Judge every cell of a table; nothing is looked up yet.

    Args:
        table: Its name in ``TABLES``.
        raw: The table as it came.
        aside: Its lines that were set aside while the file was read.
        now: Unix seconds, by which dates are judged.

    Returns:
        The columns of the contract, further ones if the table keeps them, and ``_line``. Rows
        with a date that cannot be read are set aside; any other unreadable cell has its
        column's ``unreadable`` value, and a column that is not there its ``absent`` one.
    """
    before = tuple(aside)
    texts = _texts(table, raw.frame)
    sieve = Sieve(table, raw.file, texts, before, raw.frame.height + len(before))
    columns = TABLES[table]
    times = [n for n, c in columns.items() if c.kind is Kind.TIME and n in texts.columns]
    if times:
        sieve = sieve.without(pl.coalesce(time_fault(n, pl.col(n), now) for n in times))
    values = [_value(name, column, sieve.frame) for name, column in columns.items()]
    further = [pl.col(name) for name in texts.columns if name not in columns and name != LINE]
    return sieve.holding(sieve.frame.select(*values, *further, LINE))


def _texts(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return every column that is kept as text, those of several ids as lists of text."""
    columns = TABLES[table]
    texts = [pl.col(LINE).cast(pl.Int64)]
    for name, dtype in frame.schema.items():
        if name in columns:
            read = as_ids if columns[name].kind in LISTS else as_text
            texts.append(read(pl.col(name), dtype, columns[name].kind).alias(name))
        elif table in OPEN_ENDED and name not in RESERVED and not dtype.is_nested():
            texts.append(clean(as_text(pl.col(name), dtype, Kind.TEXT)).alias(name))
    return frame.select(texts)


def _value(name: str, column: Column, texts: pl.DataFrame) -> pl.Expr:
    if name not in texts.columns:
        return pl.lit(column.absent, dtype_of(column.kind)).alias(name)
    if column.kind in LISTS:
        return pl.col(name)
    return read_as(pl.col(name), column).alias(name)
