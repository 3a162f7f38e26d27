"""Nothing from after a cut is known before it; parts of a community keep who is who."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.community import Community
from engine.domain import DAY_S
from engine.errors import SettingError
from engine.snapshot import to_arrays
from tests.builders import Membership, Post, built, community_of, make
from tests.world import NOW, tables
from training.split import parts_by, past

CUT = NOW - 53 * DAY_S
PEOPLE = ("ana", "bo", "cy", "jo", "kim", "nia")
PLACES = ("rocket-club", "bakers", "oven-talk", "new-pad", "secret-pad")
WORDS = ("gimbal", "rocket", "igniter", "sourdough", "levain", "chat", "nosecone", "zeppelin")


@dataclass(frozen=True, slots=True)
class Later:
    """One post from after the cut, or undated, and where among the earlier rows it stands."""

    author: str
    group: str
    days: int | None
    text: str
    parent: str | None
    place: int
    guest: str


later_posts = st.lists(
    st.builds(
        Later,
        author=st.sampled_from(PEOPLE),
        group=st.sampled_from(PLACES),
        days=st.none() | st.integers(0, 60),
        text=st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join),
        parent=st.none() | st.sampled_from(["p0", "p3", "p13", "q0"]),
        place=st.integers(0, 14),
        guest=st.sampled_from(PEOPLE),
    ),
    max_size=8,
)
later_joins = st.lists(
    st.tuples(st.sampled_from(PEOPLE), st.sampled_from(PLACES), st.none() | st.integers(0, 60)),
    max_size=6,
    unique_by=lambda row: row[:2],
)
later_ties = st.lists(
    st.tuples(
        st.sampled_from(PEOPLE), st.sampled_from(PEOPLE), st.none() | st.integers(0, 60)
    ).filter(lambda row: row[0] != row[1]),
    max_size=6,
)


def when(days: int | None) -> float | None:
    return None if days is None else CUT + days * DAY_S


def early(base: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return the world's tables with everything taken out that is not dated before the cut."""
    posts = base["posts"].filter(pl.col("ts") < CUT).with_columns(parent=pl.lit(None, pl.String))
    left = pl.when(pl.col("left_ts") < CUT).then("left_ts")
    joined = base["memberships"].filter(pl.col("first_ts") < CUT)
    return base | {
        "posts": posts.with_columns(parent=pl.when(pl.col("id") == "p2").then(pl.lit("p1"))),
        "memberships": joined.with_columns(left_ts=left, n=pl.lit(None, pl.Float64)),
        "ties": pl.DataFrame(
            {"a": ["ana"], "b": ["mo"], "first_ts": [CUT - DAY_S], "weight": [1.0]}
        ),
        "participations": pl.DataFrame({"post": ["p0", "p1"], "member": ["cy", "nia"]}),
    }


def with_later(
    base: dict[str, pl.DataFrame],
    posts: list[Later],
    joins: list[tuple[str, str, int | None]],
    ties: list[tuple[str, str, int | None]],
) -> dict[str, pl.DataFrame]:
    """Return the tables with later and undated rows mixed in, and sums over the whole data."""
    rows = base["posts"].to_dicts()
    for number, later in enumerate(posts):
        row = {
            "id": f"q{number}",
            "member": later.author,
            "groups": [later.group],
            "ts": when(later.days),
            "title": "",
            "text": later.text,
            "parent": later.parent,
        }
        rows.insert(later.place, row)
    guests = [(f"q{number}", later.guest) for number, later in enumerate(posts)]
    known = set(base["memberships"].select("member", "group").iter_rows())
    joined = [
        {"member": member, "group": group, "first_ts": when(days), "left_ts": None, "n": 9.0}
        for member, group, days in joins
        if (member, group) not in known
    ]
    memberships = base["memberships"].with_columns(
        n=pl.lit(40.0), left_ts=pl.col("left_ts").fill_null(CUT + 5 * DAY_S)
    )
    pairs = {tuple(sorted(row[:2])): row for row in ties}
    tied = [
        {"a": a, "b": b, "first_ts": when(days), "weight": 7.0} for a, b, days in pairs.values()
    ]
    return base | {
        "posts": pl.DataFrame(rows, schema=base["posts"].schema),
        "participations": pl.concat(
            [
                pl.DataFrame(guests, schema=base["participations"].schema, orient="row"),
                base["participations"],
            ]
        ),
        "memberships": pl.concat([pl.DataFrame(joined, schema=memberships.schema), memberships]),
        "ties": pl.concat(
            [
                pl.DataFrame(tied, schema=base["ties"].schema),
                base["ties"].with_columns(weight=pl.lit(90.0)),
            ]
        ),
    }


@settings(max_examples=40, deadline=None)
@given(later_posts, later_joins, later_ties)
def test_nothing_from_after_the_cut_reaches_a_snapshot(
    posts: list[Later],
    joins: list[tuple[str, str, int | None]],
    ties: list[tuple[str, str, int | None]],
) -> None:
    base = early(tables())
    without = community_of(base)
    whole = community_of(with_later(base, posts, joins, ties))
    expected = dict(to_arrays(built(without)))
    got = dict(to_arrays(built(past(whole, CUT))))
    for name, array in expected.items():
        np.testing.assert_array_equal(got[name], array, err_msg=name)


def test_ties_derived_from_later_answers_are_not_known_before() -> None:
    found = make(
        ["a", "b", "c"],
        ["g"],
        [Membership("a", "g", CUT - 9)],
        [
            Post("p", ("a",), ("g",), CUT - 5),
            Post("q", ("b",), ("g",), CUT - 4, parent="p"),
            Post("r", ("c",), ("g",), CUT, parent="p"),
        ],
    )
    assert len(found.ties) == 2
    assert past(found, CUT).ties.select("a", "b").rows() == [(0, 1)]


def test_the_past_counts_again_and_drops_what_came_later() -> None:
    found = make(
        ["a", "b"],
        ["g", "h"],
        [
            Membership("a", "g", CUT - 9, left_ts=CUT, n=5),
            Membership("b", "g", CUT - 8, left_ts=CUT - 1, n=5),
            Membership("b", "h", CUT, n=5),
            Membership("a", "h", None, n=5),
        ],
        [
            Post("undated", ("a",), ("g",), None),
            Post("late", ("a",), ("g",), CUT),
            Post("one", ("a",), ("g",), CUT - 5),
            Post("two", ("a",), ("g",), CUT - 4, parent="one"),
            Post("three", ("b",), ("h",), CUT - 3, parent="late"),
        ],
        [("one", "b"), ("late", "b")],
        [("a", "b", None, 9)],
    )
    then = past(found, CUT)
    assert then.posts["id"].to_list() == ["one", "two", "three"]
    assert then.posts["parent"].to_list() == [None, 0, None]
    assert then.authors.rows() == [(0, 0), (1, 0), (2, 1)]
    assert then.post_groups.rows() == [(0, 0), (1, 0), (2, 1)]
    assert then.participations.rows() == [(0, 1)]
    assert then.memberships.select("member", "group", "n", "left_ts").rows() == [
        (0, 0, 2.0, None),  # wrote two; had not left yet
        (1, 0, 1.0, CUT - 1),  # took part in one
    ]
    assert then.ties.is_empty()
    assert then.memberships.schema == found.memberships.schema
    assert then.posts.schema == found.posts.schema
    assert len(then.members) == 2
    assert len(then.groups) == 2


def test_a_group_founded_later_is_there_by_its_row_only() -> None:
    groups = pl.DataFrame(
        {
            "id": ["old", "new", "unsaid"],
            "name": ["o", "n", "u"],
            "created_ts": [CUT - 1, CUT, None],
        }
    )
    people = pl.DataFrame({"id": ["a"], "name": ["a"]})
    joins = pl.DataFrame({"member": ["a"], "group": ["old"], "first_ts": [CUT - 1]})
    found = community_of({"members": people, "groups": groups, "memberships": joins})
    assert past(found, CUT).groups["visibility"].to_list() == ["public", "secret", "public"]
    assert past(found, CUT).groups.schema == found.groups.schema


def two_sites() -> Community:
    base = make(
        ["x", "a", "b", "c"],
        ["g0", "h0", "g1", "h1"],
        [Membership(*row) for row in (("a", "g0"), ("b", "h0"), ("c", "h1"), ("c", "g1"))],
        [
            Post("p0", ("b",), ("h0",)),
            Post("p1", ("a",), ("g0",), parent="p0"),
            Post("p2", ("c",), ("g1",), parent="p1"),
            Post("p3", ("b",), ("h1",), parent="p0"),
        ],
        [("p2", "a"), ("p3", "c"), ("p2", "b")],
        [("a", "c", NOW, 1), ("b", "c", NOW, 1), ("a", "b", NOW, 1)],
    )  # fmt: skip
    site = pl.Series("site", ["g", "h", "g", "h"])
    posts = base.posts.with_columns(pl.Series("site", ["h", "g", "g", "h"]))
    return Community(
        "two", base.members, base.groups.with_columns(site), base.memberships, posts,
        base.authors, base.post_groups, base.participations, base.ties, base.blocks,
    )  # fmt: skip


def by_id(part: Community) -> dict[str, set[tuple[str | None, ...]]]:
    """Return a community's references by id, which renumbering must not change."""
    names = {
        "member": part.members["id"].to_list(),
        "group": part.groups["id"].to_list(),
        "post": part.posts["id"].to_list(),
    }
    names |= {"a": names["member"], "b": names["member"], "parent": names["post"]}
    references = {
        "memberships": part.memberships.select("member", "group"),
        "authors": part.authors,
        "post_groups": part.post_groups,
        "participations": part.participations,
        "ties": part.ties.select("a", "b"),
        "parents": part.posts.with_row_index("post").select("post", "parent"),
    }
    return {
        name: {
            tuple(
                None if row is None else names[column][row]
                for column, row in zip(frame.columns, rows, strict=True)
            )
            for rows in frame.iter_rows()
        }
        for name, frame in references.items()
    }


def test_parts_keep_who_is_who() -> None:
    parts = dict(parts_by(two_sites(), "site"))
    assert list(parts) == ["g", "h"]
    assert parts["g"].name == "two-g"
    assert parts["g"].members["id"].to_list() == ["a", "c"]
    assert by_id(parts["g"]) == {
        "memberships": {("a", "g0"), ("c", "g1")},
        "authors": {("p1", "a"), ("p2", "c")},
        "post_groups": {("p1", "g0"), ("p2", "g1")},
        "participations": {("p2", "a")},
        "ties": {("a", "c")},
        "parents": {("p1", None), ("p2", "p1")},
    }
    assert parts["h"].members["id"].to_list() == ["b", "c"]
    assert by_id(parts["h"]) == {
        "memberships": {("b", "h0"), ("c", "h1")},
        "authors": {("p0", "b"), ("p3", "b")},
        "post_groups": {("p0", "h0"), ("p3", "h1")},
        "participations": {("p3", "c")},
        "ties": {("b", "c")},
        "parents": {("p0", None), ("p3", "p0")},
    }


def test_a_column_nobody_has_is_refused() -> None:
    with pytest.raises(SettingError, match="--split-by planet"):
        list(parts_by(two_sites(), "planet"))
