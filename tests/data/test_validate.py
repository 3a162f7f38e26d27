"""Judging raw tables: values, ids, references, and how much may be set aside."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from data.community import Community, Rejection
from data.folder import RawTable
from data.validate import build_community, read_community
from engine.domain import TABLES
from engine.errors import DataError, SettingError

NOW = 1_700_000_000.0

NONE = pl.DataFrame(schema={"member": pl.String, "group": pl.String})

Rows = list[dict[str, Any]]


def raw(**tables: Rows | pl.DataFrame) -> dict[str, RawTable]:
    """Return raw tables as files would hold them: ann, bob and cat, and the groups g1 and g2."""
    base: dict[str, Rows | pl.DataFrame] = {
        "members": [{"id": "ann"}, {"id": "bob"}, {"id": "cat"}],
        "groups": [{"id": "g1"}, {"id": "g2"}],
        "memberships": [{"member": "ann", "group": "g1"}],
    }
    made = {}
    for table, given in {**base, **tables}.items():
        frame = given if isinstance(given, pl.DataFrame) else pl.DataFrame(given, strict=False)
        lines = pl.int_range(2, pl.len() + 2, dtype=pl.Int64).alias("_line")
        made[table] = RawTable(f"{table}.csv", frame.with_columns(lines))
    return made


def build(**tables: Rows | pl.DataFrame) -> Community:
    return build_community("town", raw(**tables), [], now=NOW)


def reasons(community: Community) -> list[tuple[str, int, str]]:
    return [(one.file, one.line, one.reason) for one in community.rejections]


def test_defaults_are_open_and_unreadable_values_are_closed() -> None:
    built = build(
        members=[{"id": "ann", "discoverable": None, "weekly_introductions": -1, "audience": ""}],
        groups=[{"id": "g1", "capacity": "many", "visibility": "publik"}],
    )
    assert built.members.row(0, named=True) == {
        **dict.fromkeys(["name", "text", "seeking", "offering", "language", "place"], ""),
        **{"id": "ann", "audience": None, "created_ts": None, "discoverable": False},
        **{"open_to_introductions": True, "weekly_introductions": 0.0},
    }
    assert built.groups.select("capacity", "visibility").row(0) == (0.0, "secret")


def test_a_group_without_a_name_is_called_by_its_id() -> None:
    built = build(groups=[{"id": "g1", "name": "Chess"}, {"id": "g\x002", "name": None}])
    assert built.groups["name"].to_list() == ["Chess", "g2"]


@pytest.mark.parametrize("table", ["members", "groups", "posts"])
def test_a_further_column_may_have_the_name_of_any_column_elsewhere(table: str) -> None:
    names = {name for columns in TABLES.values() for name in columns} | {"post", "right", "len"}
    further = dict.fromkeys(names - {"id", "member", "members", "groups", *TABLES[table]}, "x")
    built = build(**{"posts": [{"id": "p"}], table: [{"id": "ann", **further}]}, memberships=NONE)
    frame: pl.DataFrame = getattr(built, table)
    assert set(further) <= set(frame.columns)


def test_ids_that_are_missing_or_repeated_are_set_aside_and_any_string_is_an_id() -> None:
    ids = ["ann", " ann", "", "ann", None, "👩‍🚀\x00"]
    built = build(members=[{"id": one} for one in ids])
    assert built.members["id"].to_list() == ["ann", " ann", "👩‍🚀\x00"]
    assert reasons(built) == [
        ("members.csv", 4, "has no id"),
        ("members.csv", 5, "duplicate id 'ann', first on line 2"),
        ("members.csv", 6, "has no id"),
    ]


def test_float_ids_of_a_column_with_gaps_match_the_whole_numbers() -> None:
    built = build(
        members=[{"id": 1}, {"id": 2}],
        memberships=[{"member": 1.0, "group": "g1"}, {"member": None, "group": "g1"}],
    )
    assert built.memberships["member"].to_list() == [0]
    assert reasons(built) == [("memberships.csv", 3, "has no member")]


def test_a_float_too_long_to_be_exact_is_no_id() -> None:
    built = build(members=[{"id": 1.0}, {"id": 2.0**53}], memberships=NONE)
    assert built.members["id"].to_list() == ["1"]
    assert reasons(built) == [("members.csv", 3, "has no id")]


def test_a_member_who_left_and_came_back_is_in_since_the_first_time() -> None:
    rows = [(NOW - 90, 2, NOW - 50), (NOW - 20, 3, None)]
    built = build(
        memberships=[
            {"member": "bob", "group": "g2", "first_ts": first, "n": times, "left_ts": left}
            for first, times, left in rows
        ]
    )
    assert built.memberships.rows() == [(1, 1, NOW - 90, 5.0, None)]
    assert not built.rejections


def test_a_membership_of_nobody_is_set_aside_and_one_given_twice_is_one() -> None:
    pairs = [("bob", "g2"), ("eve", "g1"), ("bob", "g9"), ("bob", "g2")]
    built = build(memberships=[{"member": a, "group": b, "n": -1} for a, b in pairs])
    assert built.memberships.rows() == [(1, 1, None, None, None)]
    assert reasons(built) == [
        ("memberships.csv", 3, "unknown member 'eve'"),
        ("memberships.csv", 4, "unknown group 'g9'"),
    ]


def test_posts_are_linked_to_authors_groups_and_parents_by_row() -> None:
    posts = [
        {"id": "p0", "member": "bob", "members": '["ann", "bob"]', "groups": "g2"},
        {"id": "p1", "member": "eve", "parent": "p0"},
        {"id": "p2", "members": "cat", "groups": '["g1", "g9"]'},
        {"id": "p3", "member": "ann", "groups": "", "parent": "p0"},
        {"id": "p4", "member": "ann", "groups": "[]", "parent": "gone"},
        {"id": "p5", "parent": "p5", "lang": "de"},
    ]
    built = build(posts=posts)
    assert built.posts["id"].to_list() == ["p0", "p3", "p4", "p5"]
    assert built.posts["parent"].to_list() == [None, 0, None, None]
    assert built.authors.rows() == [(0, 1), (0, 0), (1, 0), (2, 0)]
    assert built.post_groups.rows() == [(0, 1)]
    assert built.posts.columns == [
        *("id", "ts", "title", "text", "parent", "visibility", "lang", "public")
    ]
    assert reasons(built) == [
        ("posts.csv", 3, "unknown member 'eve'"),
        ("posts.csv", 4, "unknown group 'g9'"),
    ]


def test_a_post_is_public_only_if_it_and_all_its_groups_are() -> None:
    built = build(
        groups=[{"id": "g1", "visibility": "public"}, {"id": "g2", "visibility": "private"}],
        posts=pl.DataFrame(
            {
                "id": ["in g1", "in g2", "in both", "nowhere", "hidden"],
                "groups": [["g1"], ["g2"], ["g1", "g2"], [], ["g1"]],
                "visibility": ["public"] * 4 + ["private"],
            }
        ),
    )
    assert built.posts["public"].to_list() == [True, False, False, True, False]


def test_participations_are_once_each_and_not_by_authors() -> None:
    pairs = [("p", "ann"), ("p", "bob"), ("p", "bob"), ("q", "bob"), ("p", "eve")]
    built = build(
        posts=[{"id": "p", "member": "ann"}],
        participations=[{"post": a, "member": b} for a, b in pairs],
    )
    assert built.participations.rows() == [(0, 1)]
    assert [reason for *_, reason in reasons(built)] == ["unknown post 'q'", "unknown member 'eve'"]


def test_ties_are_merged_whichever_way_round() -> None:
    rows = [
        {"a": "bob", "b": "ann", "first_ts": 9, "weight": 1},
        {"a": "ann", "b": "bob", "first_ts": 5, "weight": 3},
        {"a": "cat", "b": "cat", "first_ts": 5, "weight": 3},
        {"a": "cat", "b": "eve", "first_ts": 5, "weight": 3},
    ]
    built = build(ties=rows, posts=[{"id": "p", "members": '["ann", "cat"]'}])
    assert built.ties.rows() == [(0, 1, 5.0, 3.0)]
    assert reasons(built) == [
        ("ties.csv", 4, "member 'cat' is tied to themself"),
        ("ties.csv", 5, "unknown member 'eve'"),
    ]


def test_without_a_ties_table_they_come_from_answers_and_joint_posts() -> None:
    crowd = [f"m{number}" for number in range(9)]
    posts = [
        {"id": "p0", "members": ["ann"], "ts": 50, "parent": None},
        {"id": "p1", "members": ["bob"], "ts": 70, "parent": "p0"},
        {"id": "p2", "members": ["ann"], "ts": 60, "parent": "p1"},
        {"id": "p3", "members": ["ann"], "ts": 10, "parent": "p0"},  # answers herself
        {"id": "p4", "members": ["bob", "cat"], "ts": None, "parent": None},
        {"id": "p5", "members": crowd, "ts": 10, "parent": None},
    ]
    members = [{"id": one} for one in ["ann", "bob", "cat", *crowd]]
    built = build(members=members, posts=pl.DataFrame(posts))
    assert built.ties.rows() == [(0, 1, 60.0, 2.0), (1, 2, None, 1.0)]


def test_blocks_are_once_each() -> None:
    pairs = [("ann", "bob"), ("ann", "bob"), ("bob", "ann"), ("cat", "cat"), ("ann", "eve")]
    built = build(blocks=[{"member": a, "other": b} for a, b in pairs])
    assert built.blocks.rows() == [(0, 1), (1, 0)]
    assert [reason for *_, reason in reasons(built)] == [
        "member 'cat' blocks themself",
        "unknown member 'eve'",
    ]


@pytest.mark.parametrize(("bad", "stops"), [(3, False), (5, False), (6, True)])
def test_too_many_bad_rows_stop_the_run_and_the_first_three_are_named(
    bad: int, stops: bool
) -> None:
    good = [{"id": f"m{number}"} for number in range(99 - bad)]
    given = raw(members=[{"id": "ann"}, *good, *([{"id": ""}] * bad)])
    if not stops:
        built = build_community("town", given, [], now=NOW)
        assert len(built.rejections) == bad
        return
    with pytest.raises(DataError) as caught:
        build_community("town", given, [], now=NOW)
    assert str(caught.value) == (
        "members: 6 of 100 rows (6.0%) cannot be used, more than the 5.0% allowed; the first: "
        "members.csv line 96: has no id; members.csv line 97: has no id; "
        "members.csv line 98: has no id"
    )


def test_lines_set_aside_while_reading_count_and_come_first_by_line() -> None:
    aside = [Rejection("members.csv", line, "not UTF-8") for line in (9, 7)]
    given = raw(members=[{"id": "ann"}, {"id": ""}])
    built = build_community("town", given, aside, now=NOW)
    assert [one.line for one in built.rejections] == [3, 7, 9]
    more = [*aside, Rejection("members.csv", 11, "not UTF-8")]
    with pytest.raises(DataError, match=r"members: 4 of 5 rows"):
        build_community("town", given, more, now=NOW)


def test_a_bad_line_of_a_file_with_two_tables_or_none_is_kept_once() -> None:
    frames = {table: one.frame for table, one in raw().items()}
    given = {table: RawTable("export.xml", frame) for table, frame in frames.items()}
    aside = [Rejection("readme", 1, "odd"), Rejection("export.xml", 3, "broken")]
    built = build_community("town", given, aside, now=NOW)
    assert built.rejections == (aside[1], aside[0])


@pytest.mark.parametrize("table", ["members", "groups"])
def test_a_community_without_members_or_groups_is_none(table: str) -> None:
    with pytest.raises(DataError, match=f"{table}.csv holds no {table} that can be used: .*no id"):
        build(**{table: [{"id": ""}]})


def test_a_share_outside_its_range_is_refused() -> None:
    with pytest.raises(SettingError, match=r"in \[0, 1\], not nan"):
        build_community("town", raw(), [], now=NOW, max_rejected_share=math.nan)


def test_optional_tables_that_are_absent_are_empty_and_typed() -> None:
    built = build()
    for frame in (built.posts, built.participations, built.ties, built.blocks):
        assert frame.is_empty()
    assert built.ties.schema == {
        **{"a": pl.Int64(), "b": pl.Int64()},
        **{"first_ts": pl.Float64(), "weight": pl.Float64()},
    }
    assert built.blocks.schema == {"member": pl.Int64(), "other": pl.Int64()}
    assert built.posts.schema["parent"] == pl.Int64()


@pytest.mark.parametrize(
    ("folder", "counts"),
    [
        ("nashville-meetup", {"participations": 126_813, "memberships": 45_583, "groups": 602}),
        ("nashville-meetup", {"members": 24_631}),
        ("pyvideo", {"members": 13_059, "groups": 645, "memberships": 24_995, "posts": 19_485}),
        ("stackexchange-small", {"members": 1_922, "groups": 568, "memberships": 8_615}),
        ("stackexchange-small", {"posts": 5_821}),
        ("lastfm", {"members": 1_892, "groups": 1_530, "memberships": 63_009, "ties": 12_717}),
    ],
)
def test_a_real_community_is_read_whole(folder: str, counts: dict[str, int]) -> None:
    datasets = os.environ.get("BELONG_DATASETS")
    if not datasets:
        pytest.skip("BELONG_DATASETS does not name the folder of real communities")
    built = read_community(Path(datasets) / folder, now=1_790_000_000.0)
    assert built.name == folder
    assert built.rejections == ()
    assert {table: getattr(built, table).height for table in counts} == counts
