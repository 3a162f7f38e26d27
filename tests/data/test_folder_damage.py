"""Files that readers once stumbled over: found by `python -m benchmarks.fuzz`."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import polars as pl
import pytest

from data.folder import MOST_PACKED, read_folder
from data.validate import read_community
from engine.errors import DataError
from tests.data.test_folder import NOW, make


def test_lines_without_any_key_are_rows_without_an_id(tmp_path: Path) -> None:
    found = read_community(make(tmp_path, {"groups.jsonl": b'{}\n{"id": "g1"}\n'}), now=NOW)
    assert [one.reason for one in found.rejections] == ["has no id"]
    with pytest.raises(DataError, match="has no column 'id'; the columns found are: none"):
        read_folder(make(tmp_path / "all", {"groups.jsonl": b"{}\n{}\n"}))


@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_the_first_id_may_begin_with_a_mark_that_a_file_may_begin_with(
    ending: str, tmp_path: Path
) -> None:
    members = "id\n\ufeffann\nann\n".encode()
    found = read_community(make(tmp_path, {f"members.{ending}": members}), now=NOW)
    assert found.members["id"].to_list() == ["\ufeffann", "ann"]


@pytest.mark.parametrize(
    "header", [b"id\0,x\n", b"i\x1b[2Jd,x\n", b"id,x\x07,x\x07\n", b"\x08,\x08\n"]
)
def test_a_header_that_would_move_the_cursor_is_told_without_doing_so(
    header: bytes, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        read_folder(make(tmp_path, {"members.csv": header + b"a,b\n"}))
    assert str(caught.value).isprintable()


def test_a_file_that_unpacks_to_far_more_than_it_is_is_refused(tmp_path: Path) -> None:
    rows = b"id\n" + b"\n" * 70_000_000
    with pytest.raises(DataError, match=f"more than {MOST_PACKED} times its size"):
        read_folder(make(tmp_path, {"members.csv.gz": gzip.compress(rows, compresslevel=1)}))


def test_a_parquet_file_that_repeats_a_value_without_end_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    frame = pl.select(pl.repeat("ann", 2_000_000).alias("member"), group=pl.lit("g1"))
    frame.write_parquet(buffer)
    with pytest.raises(DataError, match="it says that it has 2,000,000 rows"):
        read_folder(make(tmp_path, {"memberships.parquet": buffer.getvalue()}))
