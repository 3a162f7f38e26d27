"""What the tables of the store are made of: kinds of columns, alike on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import TEXT as POSTGRES_TEXT
from sqlalchemy.schema import SchemaItem

NAME = String().with_variant(POSTGRES_TEXT(collation="C"), "postgresql")
"""Ids and names that are compared or ordered: by their bytes, alike on both databases."""

SEQUENCE = BigInteger()
NUMBERED = BigInteger().with_variant(Integer(), "sqlite")
"""A number the database gives out; SQLite counts only in a plain integer."""

JSON_VALUE = JSON(none_as_null=True)
TIME: Double[float] = Double()
"""Unix seconds."""

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_key",
        "fk": "%(table_name)s_%(column_1_name)s_%(referred_table_name)s",
        "ix": "%(table_name)s_by_%(column_1_name)s",
        "uq": "%(table_name)s_one_%(column_0_name)s",
    }
)


def named(column: str, *, key: bool = False, null: bool = False) -> Column[Any]:
    """Return a column of ids or names."""
    return Column(column, NAME, primary_key=key, nullable=null)


def words(column: str) -> Column[Any]:
    """Return a column of text, '' where there is none."""
    return Column(column, Text, nullable=False, server_default="")


def moment(column: str, *, null: bool = True) -> Column[Any]:
    """Return a column of unix seconds."""
    return Column(column, TIME, nullable=null)


def flag(column: str, usual: bool) -> Column[Any]:
    """Return a column of yes or no."""
    default = text("true" if usual else "false")
    return Column(column, Boolean, nullable=False, server_default=default)


def json_value(column: str, *, null: bool = True) -> Column[Any]:
    """Return a column of JSON."""
    return Column(column, JSON_VALUE, nullable=null)


def refers(kind: Table, *columns: str) -> ForeignKeyConstraint:
    """Return that columns name a row of the same community in another table."""
    return ForeignKeyConstraint(["community", *columns], [kind.c.community, kind.c.id])


def table(called: str, *parts: SchemaItem) -> Table:
    """Return a table whose key begins with the community."""
    return Table(called, metadata, named("community", key=True), *parts)
