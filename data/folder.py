"""A native folder: which file holds which table, and what is in it before anything is judged."""

from __future__ import annotations

import gzip
import io
import zlib
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from polars.exceptions import PanicException, PolarsError

from data.community import Rejection
from data.delimited import read_delimited
from data.json_lines import read_json_lines
from data.lines import LINE, check_columns
from engine.domain import REQUIRED_TABLES, TABLES, Column
from engine.errors import DataError

FORMATS = ("parquet", "csv", "tsv", "jsonl")
GZ = ".gz"

ALWAYS_UNPACKED, MOST_PACKED = 1 << 26, 200
"""Bytes that may always come out of a gzip file; and, for a larger one, how many times its size."""

ALWAYS_ROWS, MOST_ROWS = 1_000_000, 100
"""Rows that a parquet file may always have; and, for a larger one, how many for each byte of it.
A few bytes can say that one value comes a billion times."""


@dataclass(frozen=True, slots=True)
class RawTable:
    """A table as its file holds it, with no value judged yet.

    Attributes:
        file: The file's name, for messages.
        frame: The file's columns and ``_line`` (Int64): the line in the file where a row
            begins, counted from 1; for parquet the number of the row.
    """

    file: str
    frame: pl.DataFrame


def accepted_names(table: str) -> tuple[str, ...]:
    """Return the file names under which a table is looked for."""
    plain = tuple(f"{table}.{ending}" for ending in FORMATS)
    return plain + tuple(name + GZ for name in plain)


def read_folder(path: Path) -> tuple[dict[str, RawTable], list[Rejection]]:
    """Read every table a folder holds; other files in it are left alone.

    Args:
        path: The folder, with one file a table: ``{table}.{parquet,csv,tsv,jsonl}``, each
            optionally ``.gz``.

    Returns:
        The tables by name, in the order of ``TABLES``, and the lines that could not be read.

    Raises:
        DataError: The folder or a required table is missing, a table has two files or a form
            Belong cannot read, or a file is damaged, empty or lacks a required column.
    """
    files = _find_files(path)
    tables: dict[str, RawTable] = {}
    rejections: list[Rejection] = []
    for table, file in files.items():
        frame, aside = _read_file(file, TABLES[table])
        tables[table] = RawTable(file.name, frame)
        rejections += aside
    return tables, rejections


def _find_files(path: Path) -> dict[str, Path]:
    if not path.exists():
        raise DataError(f"there is no folder {path}; give the folder that holds the tables")
    if not path.is_dir():
        raise DataError(f"{path} is a file; give the folder that holds the tables")
    try:
        there = sorted(path.iterdir())
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    if not there:
        raise DataError(f"{path} is empty; it needs at least {', '.join(REQUIRED_TABLES)}")
    found = {table: _find_table(table, there) for table in TABLES}
    for table in REQUIRED_TABLES:
        if found[table] is None:
            names = ", ".join(accepted_names(table))
            raise DataError(f"{path} has no table {table}; one of these is needed: {names}")
    return {table: file for table, file in found.items() if file is not None}


def _find_table(table: str, there: list[Path]) -> Path | None:
    """Return the one file of a table, or None."""
    names = accepted_names(table)
    files = [file for file in there if file.name in names]
    if len(files) > 1:
        both = " and ".join(file.name for file in files)
        raise DataError(f"{files[0].parent} holds {both}; keep one file for the table {table}")
    if files:
        return files[0]
    # A blocks.json that is ignored would introduce people who have blocked each other.
    near = [file for file in there if file.name.startswith(f"{table}.") and file.is_file()]
    if near:
        accepted = ", ".join(names)
        raise DataError(f"{near[0]} is in no form Belong reads; for {table} it reads: {accepted}")
    return None


def _read_file(path: Path, columns: dict[str, Column]) -> tuple[pl.DataFrame, list[Rejection]]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror}") from error
    if not content:
        raise DataError(f"{path.name} is empty: it has not even a header; copy it again")
    if path.name.endswith(GZ):
        content = _decompressed(path.name, content)
    ending = path.name.removesuffix(GZ).rpartition(".")[2]
    if ending == "parquet":
        return _read_parquet(path.name, content, columns), []
    read = read_json_lines if ending == "jsonl" else read_delimited
    return read(path.name, content, columns)


def _decompressed(file: str, content: bytes) -> bytes:
    """Return what a gzip file holds: all of it, or nothing."""
    most = max(ALWAYS_UNPACKED, MOST_PACKED * len(content))
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            unpacked = packed.read(most + 1)
    except EOFError as error:
        raise DataError(f"{file} ends too early, so rows are lost; copy it again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{file} is damaged or no gzip file ({error}); copy it again") from error
    if len(unpacked) > most:
        raise DataError(
            f"{file} unpacks to more than {MOST_PACKED} times its size, which no table does; "
            "unpack it if it is one"
        )
    return unpacked


def _read_parquet(file: str, content: bytes, columns: dict[str, Column]) -> pl.DataFrame:
    try:
        rows = pl.scan_parquet(io.BytesIO(content)).select(pl.len()).collect().item()
        if rows > max(ALWAYS_ROWS, MOST_ROWS * len(content)):
            raise ValueError(f"it says that it has {rows:,} rows, more than its bytes can hold")
        frame = pl.read_parquet(io.BytesIO(content))
        # Some writers store text as plain bytes; other bytes (a picture, say) are no column.
        texts = [name for name, dtype in frame.schema.items() if dtype == pl.Binary]
        known = pl.col([name for name in texts if name in columns])
        frame = frame.with_columns(known.cast(pl.String)).select(pl.exclude(pl.Binary))
    except (PolarsError, PanicException, OSError, ValueError) as error:
        why = str(error).partition("\n")[0][:200]
        raise DataError(f"{file} cannot be read as parquet ({why}); write it again") from error
    check_columns(file, frame.columns, columns)
    return frame.with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias(LINE))
