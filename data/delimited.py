"""Tables as csv or tsv: a line that cannot be read is set aside, the others are kept.

Polars reads a file only where there is nothing to interpret; it guesses at quotes and fills
short rows without a word, so everything else goes line by line.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import PurePath
from typing import TypeAlias

import polars as pl
from polars.exceptions import PolarsError

from data.community import Rejection
from data.lines import BOM, CHUNK, LINE, check_columns, not_utf8, numbered_frame
from engine.domain import Column
from engine.errors import DataError

MAX_RECORD_LINES = 1_000
"""A quoted field over more lines than this was most likely never meant to be one."""

Row: TypeAlias = tuple[int, list[str]]


def read_delimited(
    file: str, content: bytes, columns: dict[str, Column]
) -> tuple[pl.DataFrame, list[Rejection]]:
    """Read a csv or tsv file whose first line names the columns.

    Args:
        file: Its name, for messages; the ending tells comma from tab.
        content: Its bytes, decompressed.
        columns: What the table should hold.

    Returns:
        A frame of strings with ``_line`` (the first line of a record), and the lines set aside.

    Raises:
        DataError: There is no header, or a required column is not in it.
    """
    separator = "\t" if ".tsv" in PurePath(file).suffixes else ","
    if (frame := _read_clean(content, separator)) is not None:
        check_columns(file, frame.columns[:-1], columns)
        return frame, []
    lines, rejections = _decoded(file, content)
    start = next((at for at, line in enumerate(lines) if line != ""), None)
    if start is None:
        raise DataError(f"{file} is empty; it needs a header line that names its columns")
    if lines[start] is None:
        raise DataError(f"{file}: the header is {rejections[0].reason}; save the file as UTF-8")
    header, after, fault = _record(lines, start, separator)
    if fault:
        raise DataError(f"{file}: the header on line {start + 1} is broken: {fault}")
    check_columns(file, header, columns)

    def aside(line: int, reason: str) -> None:
        rejections.append(Rejection(file, line, reason))

    frames = []
    rows = _rows(lines, after, (separator, len(header)), aside)
    while chunk := list(islice(rows, CHUNK)):
        values = zip(*(cells for _, cells in chunk), strict=True)
        data = {name: list(cells) for name, cells in zip(header, values, strict=True)}
        frames.append(
            numbered_frame(data, dict.fromkeys(header, pl.String()), [n for n, _ in chunk])
        )
    frames.append(numbered_frame({}, dict.fromkeys(header, pl.String()), []))
    return pl.concat(frames), sorted(rejections, key=lambda one: one.line)


def _read_clean(content: bytes, separator: str) -> pl.DataFrame | None:
    """Return what polars reads from a file in which nothing can be read in two ways, or None.

    Without quotes, blank lines and stray carriage returns, a line is a row and a separator ends
    a cell; when there are as many separators as the header asks for and no row has too many,
    no row has too few. Anything else is read line by line.
    """
    content = content.removeprefix(BOM).replace(b"\r\n", b"\n")
    if any(odd in content for odd in (b'"', b"\r", b"\n\n")) or content.startswith(b"\n"):
        return None
    header, _, rest = content.partition(b"\n")
    rows = rest.count(b"\n") + (not rest.endswith(b"\n"))
    mark = separator.encode()
    if not rest or rest.count(mark) != rows * header.count(mark):
        return None
    if rest.startswith(BOM):  # which polars would take for the file's, not for the first id's
        return None
    try:
        names = header.decode().split(separator)
        frame = pl.read_csv(
            rest,
            has_header=False,
            schema=dict.fromkeys(map(str, range(len(names))), pl.String()),
            separator=separator,
            quote_char=None,
            empty_string_is_null=False,
        )
    except (PolarsError, UnicodeDecodeError):
        return None
    if frame.height != rows or len(set(names)) < len(names) or LINE in names:
        return None
    frame.columns = names
    return frame.with_columns(pl.int_range(2, rows + 2, dtype=pl.Int64).alias(LINE))


def _decoded(file: str, content: bytes) -> tuple[list[str | None], list[Rejection]]:
    """Return the lines without their ends; None stands for one that is not UTF-8."""
    content = content.removeprefix(BOM)
    try:
        return [line.removesuffix("\r") for line in content.decode().split("\n")], []
    except UnicodeDecodeError:
        pass
    lines: list[str | None] = []
    rejections: list[Rejection] = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        try:
            lines.append(line.removesuffix(b"\r").decode())
        except UnicodeDecodeError as error:
            lines.append(None)
            rejections.append(Rejection(file, number, not_utf8(error)))
    return lines, rejections


def _rows(
    lines: list[str | None],
    start: int,
    shape: tuple[str, int],
    aside: Callable[[int, str], None],
) -> Iterator[Row]:
    """Yield the line number and the cells of each good record from ``start`` on."""
    separator, width = shape
    at = start
    while at < len(lines):
        line, number = lines[at], at + 1
        if not line:  # a blank line is no row; one that is not UTF-8 is already set aside
            at += 1
            continue
        if '"' in line:
            cells, at, fault = _record(lines, at, separator)
        else:
            cells, at, fault = line.split(separator), at + 1, ""
        if fault:
            aside(number, fault)
        elif len(cells) != width:
            aside(number, f"has {_fields(len(cells))}, the header has {width}")
        else:
            yield number, cells


def _fields(number: int) -> str:
    return "1 field" if number == 1 else f"{number} fields"


def _record(lines: list[str | None], at: int, separator: str) -> tuple[list[str], int, str]:
    """Return the record that starts at a line, the line after it, and what is wrong with it.

    A broken record ends with its first line, so that an open quote cannot swallow the rest.
    """
    taken = 0

    def following() -> Iterator[str]:
        nonlocal taken
        for line in islice(_from(lines, at), MAX_RECORD_LINES):
            if line is None:
                return
            taken += 1
            yield line + "\n"

    try:
        cells = next(csv.reader(following(), delimiter=separator, strict=True))
    except csv.Error as error:
        reason = "a quote is never closed" if "end of data" in str(error) else str(error)
        return [], at + 1, f"broken quotes ({reason})"
    return cells, at + taken, ""


def _from(lines: list[str | None], at: int) -> Iterator[str | None]:
    return (lines[place] for place in range(at, len(lines)))
