"""What becomes of the cells of a raw table: each kind's readings, defaults and refusals."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from data.community import Rejection
from data.folder import RawTable
from data.sieve import Sieve
from data.typed import RESERVED, typed_table
from engine.domain import MAX_TEXT, TABLES, Kind

NOW = 1_700_000_000.0
YEAR_S = 366 * 86_400
SPACE = frozenset({"capacity", "weekly_introductions"})

POLICY = [
    (table, name)
    for table, columns in TABLES.items()
    for name, column in columns.items()
    if column.kind in (Kind.FLAG, Kind.VISIBILITY, Kind.BAND) or name in SPACE
]


def typed(table: str, name: str, given: list[Any] | pl.Series) -> Sieve:
    """Judge a table of ids and one column more."""
    column = pl.Series(name, given, strict=False)
    ids = pl.Series("id", [f"r{row}" for row in range(len(column))], dtype=pl.String)
    frame = pl.DataFrame({"id": ids, name: column}).with_row_index("_line", offset=2)
    return typed_table(table, RawTable("file.csv", frame), (), NOW)


def cells(table: str, name: str, given: list[Any] | pl.Series) -> list[Any]:
    """Return what becomes of the cells of one column."""
    return typed(table, name, given).frame[name].to_list()


def test_the_policy_columns_are_the_known_ones() -> None:
    assert POLICY == [
        ("members", "audience"),
        ("members", "discoverable"),
        ("members", "open_to_introductions"),
        ("members", "weekly_introductions"),
        ("groups", "visibility"),
        ("groups", "capacity"),
        ("posts", "visibility"),
    ]


@pytest.mark.parametrize(("table", "name"), POLICY)
def test_an_absent_policy_column_is_the_default_and_a_null_value_is_no(
    table: str, name: str
) -> None:
    column = TABLES[table][name]
    bare = RawTable("file.csv", pl.DataFrame({"id": ["a"], "_line": [2]}))
    assert typed_table(table, bare, (), NOW).frame[name].to_list() == [column.absent]
    assert cells(table, name, [None, ""]) == [column.unreadable] * 2
    assert column.absent != column.unreadable


@pytest.mark.parametrize(
    ("table", "name", "given", "expected"),
    [
        ("members", "discoverable", ["TRUE", "1", " Yes "], [True] * 3),
        ("members", "discoverable", ["False", "0", "no"], [False] * 3),
        ("members", "discoverable", ["y", "2", "on", "{...}"], [False] * 4),
        ("members", "discoverable", [True, False, None], [True, False, False]),
        ("members", "discoverable", [1.0, 0.0, math.nan], [True, False, False]),
        ("groups", "visibility", ["Public", "private ", "SECRET"], ["public", "private", "secret"]),
        ("groups", "visibility", ["all", "1", None], ["secret"] * 3),
        ("groups", "capacity", ["12", "1e2", "0"], [12.0, 100.0, 0.0]),
        ("groups", "capacity", ["NaN", "inf", "-1", "", "ten", "1,000"], [0.0] * 6),
        ("groups", "capacity", [math.nan, math.inf, -3.0], [0.0] * 3),
        ("members", "weekly_introductions", [[3], [4]], [0.0, 0.0]),
        ("members", "audience", ["Adult", " minor", " "], ["adult", "minor", None]),
        ("members", "text", ["a\x00b\r\n\tc\x1b[0m\x85", "👩‍🚀 ok"], ["ab\n\tc[0m", "👩‍🚀 ok"]),
        ("members", "text", ["x" * (MAX_TEXT + 1), None], ["x" * MAX_TEXT, ""]),
        ("members", "name", [7, 8], ["7", "8"]),
        ("members", "name", [["a"], ["b"]], ["", ""]),
        ("groups", "site", ["beer", None, "x\x00"], ["beer", None, "x"]),
    ],
)
def test_a_cell_is_read_by_its_kind(
    table: str, name: str, given: list[Any], expected: list[Any]
) -> None:
    assert cells(table, name, given) == expected


@pytest.mark.parametrize("name", sorted(RESERVED - {"_line"}))
def test_a_further_column_called_like_one_of_ours_is_left_out(name: str) -> None:
    assert typed("posts", name, ["x"]).frame.columns == [*TABLES["posts"], "_line"]


def test_a_further_column_is_kept_for_things_and_not_for_pairs_or_when_nested() -> None:
    assert "site" in typed("posts", "site", ["beer"]).frame.columns
    assert "site" not in typed("posts", "site", [["beer"]]).frame.columns
    assert "site" not in typed("blocks", "site", ["beer"]).frame.columns


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["a", "", None, '["b", 5, 5.0, null]'], [["a"], [""], [None], ["b", "5", "5", None]]),
        (["[odd", '{"a": 1}', '[{"a": 1}]'], [["[odd"], ['{"a": 1}'], ["{...}"]]),
        ([["a"], [], None], [["a"], [], None]),
        ([[1.0, None]], [["1", None]]),
        ([5, 6], [["5"], ["6"]]),
    ],
)
def test_several_ids_are_a_list_an_array_in_text_or_a_single_one(
    given: list[Any], expected: list[Any]
) -> None:
    assert cells("posts", "groups", given) == expected


# 2023-11-14T22:13:20Z is 1,700,000,000
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["1700000000", " 1.7e9 ", "1700000000.25"], [NOW, NOW, NOW + 0.25]),
        (["2023-11-14T22:13:20Z", "2023-11-14 22:13:20", "2023-11-14T22:13:20"], [NOW] * 3),
        (["2023-11-15T00:13:20+02:00", "2023-11-14T17:43:20-0430"], [NOW] * 2),
        (["2023-11-14", "2023-11-14T00:00", "1970-01-01"], [1_699_920_000.0] * 2 + [0.0]),
        (["2023-11-14T22:13:20.5Z"], [NOW + 0.5]),
        (["", None, " "], [None] * 3),
        ([1_700_000_000, 0, NOW + YEAR_S], [NOW, 0.0, NOW + YEAR_S]),
        ([NOW, math.nan], [NOW, None]),
        ([datetime(2023, 11, 14, 22, 13, 20)], [NOW]),  # naive means UTC
        ([datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC).date()], [1_699_920_000.0]),
    ],
)
def test_a_time_is_unix_seconds_or_iso(given: list[Any], expected: list[float | None]) -> None:
    column = pl.Series(given, strict=False)
    assert cells("members", "created_ts", column) == expected


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("yesterday", "'yesterday' is not a time in unix seconds"),
        ("2023-02-30", "'2023-02-30' is not a time in unix seconds"),
        ("nan", "'nan' is not a time in unix seconds"),
        ("-5", "'-5' is before 1970"),
        ("1969-12-31", "'1969-12-31' is before 1970"),
        ("1600000000000", "'1600000000000' is more than a year from now (are these milliseconds?)"),
        ("17000000000", "'17000000000' is more than a year from now"),
        (str(int(NOW + YEAR_S + 1)), f"'{NOW + YEAR_S + 1:.0f}' is more than a year from now"),
        ("inf", "'inf' is more than a year from now"),
    ],
)
def test_a_row_with_a_time_that_is_none_is_set_aside(given: str, reason: str) -> None:
    sieve = typed("members", "created_ts", ["5", given])
    assert sieve.frame["id"].to_list() == ["r0"]
    assert sieve.rejections == (Rejection("file.csv", 3, f"created_ts {reason}"),)
