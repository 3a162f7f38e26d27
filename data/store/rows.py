"""Rows of the current tables, many at a time: read by key, written, and taken away."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Connection,
    Delete,
    FromClause,
    Select,
    Table,
    and_,
    bindparam,
    cast,
    delete,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

from data.store.schema import NAME

Row = dict[str, Any]
"""A row by column, without `community`."""

AT_ONCE = 1000
"""Keys in one statement."""

_KEY = "key_"


@cache
def key_of(table: Table) -> tuple[str, ...]:
    """Return the columns that tell the rows of one community apart."""
    return tuple(column.name for column in table.primary_key if column.name != "community")


def rows_by(
    connection: Connection,
    table: Table,
    community: str,
    column: str | tuple[str, str],
    values: Collection[Any],
    columns: Sequence[str] = (),
) -> Iterator[Row]:
    """Give every row whose column, or pair of columns, is one of the values.

    Args:
        connection: In whose transaction.
        table: Which table.
        community: Whose rows.
        column: One column, or two for pairs of values.
        values: Whatever is looked for; each once.
        columns: Those wanted; none stands for all but `community`.
    """
    names = tuple(columns) or _names(table)
    for part in parts(values):
        if isinstance(column, str):
            given = {"of": community, "values": part}
            rows = connection.execute(_by_values(table, column, names), given)
            yield from (dict(zip(names, row, strict=True)) for row in rows)
        else:
            mine = table.c.community == community
            yield from _by_pairs(
                connection, table, mine, column, [table.c[name] for name in names], part
            )


@cache
def _names(table: Table) -> tuple[str, ...]:
    return tuple(one.name for one in table.columns if one.name != "community")


@cache
def _by_values(table: Table, column: str, names: tuple[str, ...]) -> Select[Any]:
    """Return the statement once and for all: putting it together takes as long as running it."""
    mine = table.c.community == bindparam("of")
    one_of = table.c[column].in_(bindparam("values", expanding=True))
    return select(*(table.c[name] for name in names)).where(mine, one_of)


def _by_pairs(
    connection: Connection,
    table: Table,
    mine: ColumnElement[bool],
    sides: tuple[str, str],
    wanted: list[Column[Any]],
    pairs: list[tuple[str, str]],
) -> Iterator[Row]:
    given = _given(connection.dialect.name, pairs)
    same = [table.c[name] == given.c[side] for name, side in zip(sides, "ab", strict=True)]
    # An outer join from the pairs: with any other SQLite walks through the whole community.
    found = select(*wanted, table.c.community).select_from(
        given.outerjoin(table, and_(mine, *same))
    )
    names = [column.name for column in wanted]
    for row in connection.execute(found):
        if row[-1] is not None:
            yield dict(zip(names, row, strict=False))


def parts(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Give the values in lists of at most `AT_ONCE`."""
    listed = list(values)
    for start in range(0, len(listed), AT_ONCE):
        yield listed[start : start + AT_ONCE]


def write_rows(connection: Connection, table: Table, community: str, rows: list[Row]) -> None:
    """Put rows in, replacing those of the same key. Each gives every column."""
    if rows:
        statement = _upsert(table, connection.dialect.name)
        connection.execute(statement, [{"community": community, **row} for row in rows])


def write_new(connection: Connection, table: Table, rows: list[Row]) -> None:
    """Put rows in that are not there yet; others stay as they are."""
    if rows:
        statement: Any = _dialect(connection.dialect.name).insert(table)
        connection.execute(statement.on_conflict_do_nothing(), rows)


def is_new(connection: Connection, table: Table, row: Row) -> bool:
    """Put a row in unless there is one of its key, and say whether it was put in."""
    statement: Any = _dialect(connection.dialect.name).insert(table)
    once = statement.on_conflict_do_nothing().returning(*table.primary_key)
    made = connection.execute(once, row)
    return made.first() is not None


def drop_rows(
    connection: Connection, table: Table, community: str, keys: Iterable[tuple[str, ...]]
) -> None:
    """Take rows away by their keys."""
    names = key_of(table)
    gone = [
        {_KEY: community, **{_KEY + name: part for name, part in zip(names, key, strict=True)}}
        for key in keys
    ]
    if gone:
        connection.execute(_deletion(table), gone)


def _given(dialect: str, pairs: list[tuple[str, str]]) -> FromClause:
    """Return pairs as a table with the columns ``a`` and ``b``."""
    if dialect == "postgresql":
        sides = [cast([pair[place] for pair in pairs], ARRAY(NAME)) for place in (0, 1)]
        return func.unnest(*sides).table_valued("a", "b").render_derived()
    listed = func.json_each(json.dumps(pairs)).table_valued("value")
    one, other = (func.json_extract(listed.c.value, f"$[{place}]") for place in (0, 1))
    return select(one.label("a"), other.label("b")).subquery()


def _dialect(name: str) -> Any:  # noqa: ANN401 - a module
    return postgresql if name == "postgresql" else sqlite


@cache
def _upsert(table: Table, dialect: str) -> PostgresInsert | SqliteInsert:
    statement: Any = _dialect(dialect).insert(table)
    key = [column.name for column in table.primary_key]
    rest = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in key}
    if not rest:
        return statement.on_conflict_do_nothing(index_elements=key)  # type: ignore[no-any-return]
    return statement.on_conflict_do_update(index_elements=key, set_=rest)  # type: ignore[no-any-return]


@cache
def _deletion(table: Table) -> Delete:
    keys = [table.c[name] == bindparam(_KEY + name) for name in key_of(table)]
    return delete(table).where(table.c.community == bindparam(_KEY), *keys)
