"""A native folder written from raw tables, the same bytes for the same tables."""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from data.folder import GZ
from engine.domain import TABLES
from engine.errors import DataError

FILES = {
    "members": "members.jsonl",
    "groups": "groups.jsonl",
    "memberships": "memberships.tsv",
    "posts": "posts.jsonl.gz",
    "participations": "participations.tsv.gz",
    "ties": "ties.tsv",
    "blocks": "blocks.tsv",
}
"""The file of each table. Texts keep their line breaks in jsonl, pairs are smallest in tsv."""


def write_folder(tables: Mapping[str, pl.DataFrame], path: Path) -> None:
    """Write raw tables so that ``read_folder`` gives them back.

    Args:
        tables: By name, with the columns of ``TABLES`` (and others); ids as strings, several
            ids as lists. A table without rows whose file has no header is left out.
        path: The folder; made if it is not there. Files of the same names are replaced.

    Raises:
        DataError: A table is unknown, or holds an infinite number or NaN: no format has them,
            and an unlimited ``capacity`` would come back as no place at all.
    """
    for table, frame in tables.items():
        _check(table, frame)
    path.mkdir(parents=True, exist_ok=True)
    for table, frame in tables.items():
        file = path / FILES[table]
        if frame.is_empty() and ".jsonl" in file.name:
            continue
        content = _bytes(frame, file.name.removesuffix(GZ))
        if file.name.endswith(GZ):
            content = gzip.compress(content, mtime=0)
        file.write_bytes(content)


def _check(table: str, frame: pl.DataFrame) -> None:
    if table not in TABLES:
        raise DataError(f"there is no table called {table}; Belong has {', '.join(TABLES)}")
    for name, dtype in frame.schema.items():
        if dtype.is_float() and not frame[name].drop_nulls().is_finite().all():
            raise DataError(
                f"{table}.{name} holds an infinite number or NaN, which no file can carry;"
                " leave the column out, or use null or a large number"
            )


def _bytes(frame: pl.DataFrame, file: str) -> bytes:
    buffer = io.BytesIO()
    if file.endswith(".jsonl"):
        frame.write_ndjson(buffer)
    else:
        frame.write_csv(buffer, separator="\t")
    return buffer.getvalue()
