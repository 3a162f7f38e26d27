"""What a ranker learns from: columns of an earlier day, labels of what happened next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data.community import Community
from engine.domain import DAY_S
from engine.newcomers import interests_of_all
from engine.snapshot import Snapshot
from tests.builders import Membership, Post, make, vectors_for
from tests.world import NOW, KeywordEncoder
from training.build import build_snapshot
from training.examples import (
    Examples,
    first_words,
    known_examples,
    newcomer_examples,
    together,
)
from training.split import past
from training.texts import texts_of
from training.windows import Window

WINDOW = Window(NOW - 100 * DAY_S, NOW)
GROUPS = {"a": "rocket", "b": "rocket", "c": "sourdough", "d": "sourdough", "e": "chat"}
NAMES = list(GROUPS)


def ago(days: float) -> float:
    return NOW - days * DAY_S


def joins(*rows: tuple[str, str, float]) -> list[Membership]:
    """Return memberships of a member, a group, and days ago."""
    return [Membership(member, group, ago(age)) for member, group, age in rows]


def before(community: Community, window: Window = WINDOW) -> Snapshot:
    early = past(community, window.cut)
    return build_snapshot(early, None, vectors_for(texts_of(early)))


def known(community: Community, idle: int = 0, window: Window = WINDOW) -> Examples:
    snapshot = before(community, window)
    return known_examples(community, snapshot, window, idle, np.random.default_rng(0))


def new(community: Community, window: Window = WINDOW) -> Examples:
    snapshot = before(community, window)
    encode = KeywordEncoder().encode
    return newcomer_examples(community, snapshot, window, encode, np.random.default_rng(0))


def labels(examples: Examples, viewer: int = 0) -> dict[str, tuple[bool, bool]]:
    """Return a viewer's candidates by group: joined, lasting."""
    here = slice(examples.starts[viewer], examples.starts[viewer + 1])
    columns = examples.rows[here], examples.joined[here], examples.lasting[here]
    return {
        NAMES[row]: (bool(joined), bool(lasting))
        for row, joined, lasting in zip(*(column.tolist() for column in columns), strict=True)
    }


OLD = joins(("ana", "a", 300), ("bo", "a", 300), ("bo", "b", 300), ("cy", "c", 300))
"""What was so before the window."""


# Labels


def test_what_was_joined_in_the_window_is_right_and_nothing_else() -> None:
    later = joins(("ana", "b", 99), ("ana", "c", 50), ("ana", "d", 0))
    early = replace(WINDOW, end=ago(10))
    examples = known(make(["ana", "bo", "cy"], GROUPS, [*OLD, *later]), window=early)
    # In a already, and d came when the window had ended.
    assert labels(examples) == {
        "b": (True, False),
        "c": (True, False),
        "d": (False, False),
        "e": (False, False),
    }
    assert examples.ideal.tolist() == [2]


def test_a_join_lasts_if_that_shows_within_the_window() -> None:
    later = joins(*(("ana", group, 90) for group in "bcd"))
    posts = [
        Post(f"{group}{age}", ("ana",), (group,), ago(age))
        for group, ages in {"b": (80, 60, 50), "c": (80, 45, 9), "d": (80, 79, 78)}.items()
        for age in ages
    ]
    here = make(["ana", "bo", "cy"], GROUPS, [*OLD, *later], posts)
    # Three times over a month; twice, the third being too late; three times in three days.
    early = labels(known(here, window=replace(WINDOW, end=ago(10))))
    assert [early[group] for group in "bcd"] == [(True, True), (True, False), (True, False)]
    assert labels(known(here))["c"] == (True, True)


def test_a_join_to_what_nobody_is_offered_counts_in_what_could_have_been_found() -> None:
    here = make(["ana", "bo", "cy"], GROUPS, [*OLD, *joins(("ana", "b", 9), ("ana", "d", 8))])
    groups = here.groups.to_dict(as_series=False)
    hidden = here.groups.with_columns(
        visibility=np.array(["private" if one == "d" else "public" for one in groups["id"]])
    )
    examples = known(replace(here, groups=hidden))
    assert set(labels(examples)) == {"b", "c", "e"}
    assert examples.joined.sum() == 1
    assert examples.ideal.tolist() == [2]


# Viewers


def test_who_had_a_group_is_asked_about_and_who_had_none_is_a_newcomer() -> None:
    later = joins(("ana", "b", 9), ("di", "a", 9))
    here = make({"ana": "", "bo": "", "cy": "", "di": "rocket"}, GROUPS, [*OLD, *later])
    assert known(here).viewers == 1
    assert new(here).viewers == 1
    assert labels(new(here))["a"] == (True, False)


def test_each_viewer_stands_for_as_many_members_as_were_not_looked_at() -> None:
    people = [f"m{place:02}" for place in range(50)]
    early = [Membership(one, "a", ago(200)) for one in people]
    later = [Membership(one, "b", ago(20)) for one in people[:10]]
    examples = known(make(people, GROUPS, [*early, *later]), idle=8)
    assert examples.viewers == 18
    # Ten joined; forty did not, of whom eight stand for five each.
    assert examples.weights.tolist() == [1.0] * 10 + [5.0] * 8
    assert (examples.ideal > 0).tolist() == [True] * 10 + [False] * 8
    assert known(make(people, GROUPS, [*early, *later]), idle=0).viewers == 10


def test_a_newcomer_is_known_by_a_profile_or_the_first_public_words_in_the_window() -> None:
    posts = [
        Post("early", ("bo",), (), ago(150), text="sourdough"),
        Post("hidden", ("bo",), ("b",), ago(60), text="sourdough", visibility="private"),
        Post("second", ("bo",), ("c",), ago(20), text="sourdough"),
        Post("first", ("bo",), ("a",), ago(50), text="rocket"),
        Post("also", ("ana",), ("c",), ago(50), text="sourdough"),
        Post("blank", ("cy",), ("c",), ago(50), text="  "),
        Post("late", ("di",), ("c",), NOW, text="rocket"),
    ]
    here = make({"ana": "rocket", "bo": "", "cy": "", "di": ""}, GROUPS, [], posts)
    assert first_words(here, WINDOW) == {0: "rocket", 1: "rocket"}


def test_a_newcomer_is_measured_by_their_words_alone() -> None:
    later = joins(("bo", "c", 40), ("cy", "c", 30))
    people = ["ana", "bo", "cy", "zed"]
    first = Post("first", ("bo",), ("c",), ago(45), text="rocket")
    old = joins(("ana", "a", 300), ("zed", "c", 300))
    here = make(people, GROUPS, [*old, *later], [first])
    examples = new(here)
    # cy has said nothing, so nothing can be asked in their name.
    assert examples.viewers == 1
    assert set(labels(examples)) == set(NAMES)
    elsewhere = make(people, GROUPS, [*old, *later], [replace(first, groups=("a",))])
    assert new(elsewhere).values.tolist() == examples.values.tolist()
    words = interests_of_all(["rocket"], KeywordEncoder().encode)[0]
    assert words.vectors.tolist() == [[1, 0, 0, 0]]
    match = dict(zip(NAMES, examples.column("interest_match").tolist(), strict=True))
    assert (match["a"], match["e"]) == (pytest.approx(1), 0)


# Several viewers


def flat(counts: list[int], joined: list[bool]) -> Examples:
    size, viewers = sum(counts), len(counts)
    return Examples(
        names=("near",),
        values=np.arange(size, dtype=np.float32)[:, None],
        starts=np.concatenate([[0], np.cumsum(counts)]),
        rows=np.arange(size),
        joined=np.array(joined),
        lasting=np.zeros(size, bool),
        ideal=np.ones(viewers, np.int64),
        weights=np.ones(viewers, np.float32),
        members=np.arange(viewers),
        counts=np.ones(size, np.float32),
        seen=np.ones(size, np.float32),
    )


def test_a_viewer_without_candidates_has_no_part_in_the_next_ones() -> None:
    examples = flat([0, 2, 0, 1, 0], [False, True, True])
    assert examples.sums(examples.joined).tolist() == [0, 1, 0, 1, 0]
    assert examples.owner().tolist() == [1, 1, 3]
    kept = examples.of(examples.sums(examples.joined) > 0)
    assert kept.starts.tolist() == [0, 2, 3]
    assert kept.column("near").tolist() == [0, 1, 2]


def test_windows_put_together_keep_each_viewers_candidates() -> None:
    both = together([flat([2, 0], [True, False]), flat([1, 1], [False, True])])
    assert both.starts.tolist() == [0, 2, 2, 3, 4]
    assert both.column("near").tolist() == [0, 1, 0, 1]
    assert both.sums(both.joined).tolist() == [1, 0, 0, 1]
    assert both.viewers == 4
