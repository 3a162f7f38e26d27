"""Tables as one JSON object a line: a line that is none is set aside, the others are kept.

Polars' reader turns 1e3 into 1000 and an object into text without a word, and one bad line is
the end of the file; so each line is decoded by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import orjson
import polars as pl

from data.cells import LISTS, json_text, list_series
from data.community import Rejection
from data.lines import BOM, CHUNK, check_columns, check_width, not_utf8, numbered_frame
from engine.domain import Column, Kind
from engine.errors import DataError


def read_json_lines(
    file: str, content: bytes, columns: dict[str, Column]
) -> tuple[pl.DataFrame, list[Rejection]]:
    """Read a file with one JSON object a line; a key some rows lack is null there.

    Args:
        file: Its name, for messages.
        content: Its bytes, decompressed.
        columns: What the table should hold; columns of several ids become lists, others
            strings. A further column that holds an object or a list is left out.

    Returns:
        A frame of strings and lists of strings with ``_line``, and the lines set aside.

    Raises:
        DataError: The file is empty, or no row has a required column.
    """
    content = content.removeprefix(BOM)
    if not content.strip():
        raise DataError(f"{file} is empty; leave the file out if there are no rows")
    rejections: list[Rejection] = []

    def aside(line: int, reason: str) -> None:
        rejections.append(Rejection(file, line, reason))

    frames, nested = [], set[str]()
    names: dict[str, None] = {}
    objects = _objects(content.split(b"\n"), aside)
    while chunk := list(islice(objects, CHUNK)):
        for _, row in chunk:
            names |= dict.fromkeys(row)
        check_width(file, names)
        frames.append(_json_frame(chunk, list(names), columns, nested))
    if not frames:
        first = rejections[0]
        raise DataError(f"{file} has no row that can be read; line {first.line}: {first.reason}")
    check_columns(file, list(names), columns)
    return pl.concat(frames, how="diagonal").drop(nested, strict=False), rejections


def _objects(
    lines: list[bytes], aside: Callable[[int, str], None]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the line number and the object of each good line."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            aside(number, _json_fault(line, error))
            continue
        if isinstance(row, dict):
            yield number, row
        else:
            aside(number, "not a JSON object")


def _json_fault(line: bytes, error: orjson.JSONDecodeError) -> str:
    try:
        line.decode()
    except UnicodeDecodeError as broken:
        return not_utf8(broken)
    return f"not a JSON object ({error.msg} at column {error.colno})"


def _json_frame(
    chunk: list[tuple[int, dict[str, Any]]],
    names: list[str],
    columns: dict[str, Column],
    nested: set[str],
) -> pl.DataFrame:
    data: dict[str, list[Any] | pl.Series] = {}
    dtypes: dict[str, pl.DataType] = {}
    for name in names:
        kind = columns[name].kind if name in columns else None
        cells = [row.get(name) for _, row in chunk]
        if kind is None and any(isinstance(cell, list | dict) for cell in cells):
            nested.add(name)
        if kind in LISTS:
            data[name], dtypes[name] = list_series(cells, kind), pl.List(pl.String())
            continue
        as_kind = kind or Kind.TEXT
        data[name] = [c if type(c) is str else json_text(c, as_kind) for c in cells]
        dtypes[name] = pl.String()
    return numbered_frame(data, dtypes, [number for number, _ in chunk])
