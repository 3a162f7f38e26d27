"""What the readers of text files share: line numbers, the header's check, the words for faults."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from engine.domain import Column
from engine.errors import DataError

LINE = "_line"
"""The column that says where in its file a row came from, counted from 1."""

CHUNK = 50_000
"""Rows turned into columns at a time, which bounds the memory Python's values take."""

MAX_COLUMNS = 1_000
BOM = b"\xef\xbb\xbf"
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def check_columns(file: str, found: Sequence[str], columns: dict[str, Column]) -> None:
    """Raise DataError unless every required column is among those found, each once."""
    check_width(file, dict.fromkeys(found))
    for name, column in columns.items():
        if column.required and name not in found:
            there = printable(", ".join(found)[:400]) or "none"
            raise DataError(f"{file} has no column '{name}'; the columns found are: {there}")
    twice = next((name for at, name in enumerate(found) if name in found[:at]), None)
    if twice is not None:
        raise DataError(f"{file} names the column '{printable(twice[:80])}' twice; rename one")
    if LINE in found:
        raise DataError(f"{file} has a column '{LINE}', a name Belong needs itself; rename it")


def check_width(file: str, names: dict[str, None]) -> None:
    """Raise DataError for so many columns that the file cannot be a table."""
    if len(names) > MAX_COLUMNS:
        raise DataError(f"{file} has more than {MAX_COLUMNS:,} columns; is every row one record?")


def printable(text: str) -> str:
    r"""Return a text in which nothing moves the cursor.

    >>> printable("we\bight")
    'we?ight'
    """
    return _CONTROLS.sub("?", text)


def not_utf8(error: UnicodeDecodeError) -> str:
    """Return the reason for a line that is not UTF-8."""
    column = len(error.object[: error.start].decode()) + 1  # what an editor would show
    return f"not UTF-8 (byte 0x{error.object[error.start]:02x} at column {column})"


def numbered_frame(
    data: Mapping[str, list[Any] | pl.Series],
    dtypes: dict[str, pl.DataType],
    numbers: list[int],
) -> pl.DataFrame:
    """Return columns of the given types, and ``_line``."""
    lines = pl.Series(LINE, numbers, dtype=pl.Int64)
    columns = {name: data.get(name, []) for name in dtypes}
    return pl.DataFrame({**columns, LINE: lines}, schema={**dtypes, LINE: pl.Int64()})
