"""Community folders, damaged: bytes of any of the forms, and odd cells in all forms alike."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import orjson
import polars as pl

from benchmarks.fuzz_mutations import damaged, odd_cell, odd_json
from benchmarks.fuzz_target import Attempt, expect
from data.cells import LISTS, dtype_of
from data.community import Community
from data.folder import FORMATS
from data.validate import read_community
from data.write import write_folder
from engine.domain import TABLES, Kind

NOW = 1_750_000_000.0
ENDINGS = (*FORMATS, *(f"{ending}.gz" for ending in FORMATS))
Cell = str | None
Table = dict[str, list[Cell]]

_IDS = ["ana", "bo", "7", "cy é"]
SEED: dict[str, Table] = {
    "members": {
        "id": [*_IDS],
        "name": ["Ana", "Bo", "", "Cy"],
        "text": ["rockets", "sour\ndough", "a,b", '"quoted"'],
        "audience": ["adult", "adult", "minor", None],
        "created_ts": ["1700000000", "2024-06-01", "2024-06-01T12:30:00Z", None],
        "discoverable": ["true", "false", "1", "no"],
        "weekly_introductions": ["5", "0", "2.5", None],
        "team": ["red", "blue", None, "red"],
    },
    "groups": {
        "id": ["g1", "g2", "g3"],
        "name": ["Chess", "", "Höhle"],
        "visibility": ["public", "private", "secret"],
        "capacity": ["10", None, "1e3"],
    },
    "memberships": {
        "member": ["ana", "bo", "7", "ana", "ana"],
        "group": ["g1", "g1", "g2", "g3", "g1"],
        "first_ts": ["1700000000", "1700000001.5", None, "2024-01-01", "1690000000"],
        "n": ["1", "2", None, "3", "4"],
        "left_ts": [None, "1710000000", None, None, None],
    },
    "posts": {
        "id": ["p1", "p2", "p3"],
        "member": ["ana", "bo", None],
        "members": [None, '["7"]', '["ana", "bo"]'],
        "groups": ['["g1"]', '["g1", "g2"]', "[]"],
        "ts": ["1700000000", None, "2024-01-01T00:00"],
        "title": ["", "Re: rockets", ""],
        "text": ["rockets fly", "they do", "so do levain crumbs"],
        "parent": [None, "p1", "p2"],
    },
    "participations": {"post": ["p1", "p2"], "member": ["7", "ana"]},
    "ties": {"a": ["ana", "bo"], "b": ["bo", "7"], "weight": ["1", "2.5"]},
    "blocks": {"member": ["ana"], "other": ["7"]},
}
"""A small community that can be read whole: every table, every kind of column."""


def folder_bytes(place: Path) -> Attempt:
    """Return what damages the bytes of one or two files of a folder and reads it."""
    seeds = {
        (table, ending): content_of(cells, ending)
        for table, cells in SEED.items()
        for ending in ENDINGS
    }

    def attempt(random: Random, folder: Path) -> bool:
        names = {table: f"{table}.{random.choice(ENDINGS)}" for table in SEED}
        hurt = random.sample(sorted(SEED), random.choice((1, 1, 2)))
        for table, name in names.items():
            content = seeds[table, name.partition(".")[2]]
            if table in hurt:
                content = _hurt(random, name, content)
            (folder / random.choice((name, name, name, name.upper()))).write_bytes(content)
        found = read_community(folder, now=NOW, max_rejected_share=random.choice((0.05, 1.0)))
        check_community(found)
        return True

    return attempt


def _hurt(random: Random, name: str, content: bytes) -> bytes:
    """Return a file with damage, of a packed one either outside or inside of the packing."""
    if name.endswith(".gz") and random.random() < 0.5:
        return gzip.compress(damaged(random, gzip.decompress(content)), compresslevel=1)
    if random.random() < 0.01:
        return gzip.compress(content + bytes(10**8), compresslevel=1)
    return damaged(random, content)


def folder_cells(place: Path) -> Attempt:
    """Return what puts odd cells into tables and reads them from two forms: both say the same."""

    def attempt(random: Random, folder: Path) -> bool:
        tables = {table: _odd_table(random, cells) for table, cells in SEED.items()}
        endings = random.sample(FORMATS, 2)
        read = []
        for ending in endings:
            there = folder / ending
            there.mkdir()
            for table, cells in tables.items():
                (there / f"{table}.{ending}").write_bytes(content_of(cells, ending))
            read.append(read_community(there, now=NOW, name="town", max_rejected_share=1.0))
        one, other = read
        check_community(one)
        _expect_same(one, other, " and ".join(endings))
        _expect_kept(one, folder / "again")
        return True

    return attempt


def json_values(place: Path) -> Attempt:
    """Return what puts values of every JSON type into lines of JSON, and reads them."""

    def attempt(random: Random, folder: Path) -> bool:
        for table, cells in SEED.items():
            rows: list[Any] = _rows(cells)
            if random.random() < 0.5:
                rows = odd_json(random, rows)
            rows = rows if isinstance(rows, list) else [rows]
            lines = "".join(f"{json.dumps(row)}\n" for row in rows)
            (folder / f"{table}.jsonl").write_text(lines, "utf-8")
        check_community(read_community(folder, now=NOW, max_rejected_share=1.0))
        return True

    return attempt


def content_of(cells: Table, ending: str) -> bytes:
    """Return a table as a file of one of `ENDINGS` holds it, every cell as text."""
    if ending.endswith(".gz"):
        return gzip.compress(content_of(cells, ending.removesuffix(".gz")), mtime=0)
    if ending == "parquet":
        buffer = io.BytesIO()
        pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.String())).write_parquet(buffer)
        return buffer.getvalue()
    if ending == "jsonl":
        listed = {n: [_listed(n, cell) for cell in column] for n, column in cells.items()}
        return "".join(f"{json.dumps(row)}\n" for row in _rows(listed)).encode()
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter="\t" if ending == "tsv" else ",", lineterminator="\n")
    writer.writerow(cells)
    writer.writerows(zip(*cells.values(), strict=True))
    return text.getvalue().encode()


def check_community(found: Community) -> None:
    """Check that what was read holds together: see `data.community.Community`.

    Raises:
        MisreadError: It does not.
    """
    sizes = {"member": found.members.height, "group": found.groups.height}
    sizes |= {"post": found.posts.height, "parent": found.posts.height}
    sizes |= dict.fromkeys(("a", "b", "other"), found.members.height)
    for frame in (found.members, found.groups, found.posts):
        ids = frame["id"]
        sound = ids.null_count() == 0 and not ids.is_duplicated().any() and bool((ids != "").all())
        expect(sound, "an id is missing, empty or there twice")
    links = ("memberships", "authors", "post_groups", "participations", "ties", "blocks")
    for name in links:
        frame = getattr(found, name)
        _check_rows(name, frame, sizes)
        pair = frame.select(frame.columns[:2])
        expect(not pair.is_duplicated().any(), f"{name} has a pair twice")
    _check_rows("posts", found.posts.select("parent").drop_nulls(), sizes)
    expect(bool((found.ties["a"] < found.ties["b"]).all()), "a tie is the wrong way round")
    for table in ("members", "groups", "memberships", "posts", "ties"):
        _check_values(table, getattr(found, table))


def _check_rows(name: str, frame: pl.DataFrame, sizes: Mapping[str, int]) -> None:
    for column in set(frame.columns) & sizes.keys():
        rows = frame[column]
        expect(rows.dtype == pl.Int64(), f"{name}.{column} is {rows.dtype}")
        inside = rows.null_count() == 0 and bool(rows.is_between(0, sizes[column] - 1).all())
        expect(inside, f"{name}.{column} leads to no row")


def _check_values(table: str, frame: pl.DataFrame) -> None:
    for name, column in TABLES[table].items():
        if name not in frame.columns or column.kind in {*LISTS, Kind.MEMBER, Kind.GROUP, Kind.POST}:
            continue
        values = frame[name]
        expect(values.dtype == dtype_of(column.kind), f"{table}.{name} is {values.dtype}")
        if column.kind in (Kind.TIME, Kind.NUMBER):
            known = values.drop_nulls()
            usable = bool((known.is_not_nan() & (known >= 0)).all())
            expect(usable, f"{table}.{name} holds NaN or less than 0")
        if column.kind in (Kind.FLAG, Kind.VISIBILITY, Kind.TEXT):
            expect(values.null_count() == 0, f"{table}.{name} holds null")


def _expect_same(one: Community, other: Community, forms: str) -> None:
    for name in (*TABLES, "authors", "post_groups"):
        here, there = (_without_gaps(name, getattr(read, name)) for read in (one, other))
        expect(here.columns == there.columns, f"{name} of {forms} have other columns")
        odd = [column for column in here.columns if not here[column].equals(there[column])]
        told = [(here[column].to_list(), there[column].to_list()) for column in odd]
        expect(not odd, f"{odd} of {name} differ between {forms}: {str(told)[:1_000]}")
    reasons = [[(Path(r.file).stem, r.reason) for r in read.rejections] for read in (one, other)]
    expect(reasons[0] == reasons[1], f"{forms} set aside other rows: {reasons}")


def _without_gaps(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return a table whose further columns hold '' for null: not every form can tell the two."""
    further = [column for column in frame.columns if column not in TABLES.get(name, frame.columns)]
    texts = [column for column in further if frame[column].dtype == pl.String()]
    return frame.with_columns(pl.col(texts).fill_null(""))


def _expect_kept(found: Community, folder: Path) -> None:
    """Check that a community that is written is read as it was."""
    finite = pl.col("capacity").replace(float("inf"), 1e12)
    tables = {"members": found.members, "groups": found.groups.with_columns(finite)}
    tables["memberships"] = pl.DataFrame(
        {"member": found.members["id"][:1], "group": found.groups["id"][:1]}
    )
    write_folder(tables, folder)
    again = read_community(folder, now=NOW, name=found.name)
    expect(again.members.equals(found.members), "members differ once written and read again")
    names = ["id", "name", "visibility", "created_ts"]
    same = again.groups.select(names).equals(found.groups.select(names))
    expect(same, "groups differ once written and read again")


def _odd_table(random: Random, cells: Table) -> Table:
    """Return a table with some odd cells; NUL and lone carriage returns no form can agree on."""
    table = {name: list(column) for name, column in cells.items()}
    for _ in range(random.choice((0, 1, 2, 4))):
        column = table[random.choice(sorted(table))]
        place = random.randrange(len(column))
        column[place] = odd_cell(random, column[place])
    return table


def _listed(name: str, cell: Cell) -> Any:  # noqa: ANN401 - any JSON
    """Return a cell as JSON has it: what is a list elsewhere as text is a list."""
    if name not in ("members", "groups") or not (cell or "").startswith("["):
        return cell
    try:
        return orjson.loads(cell or "")
    except orjson.JSONDecodeError:
        return cell


def _rows(cells: Mapping[str, list[Any]]) -> list[dict[str, Cell]]:
    return [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]
