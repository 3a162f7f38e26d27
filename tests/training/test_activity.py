"""What follows from who took part when, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from data.community import Community
from engine.domain import DAY_S
from tests.builders import Membership, Post, make
from tests.world import NOW
from training import activity

LN = np.log1p


def ago(days: float) -> float:
    return NOW - days * DAY_S


def test_taking_part_is_writing_or_joining_in_and_never_both() -> None:
    found = make(
        ["a", "b"],
        ["g"],
        posts=[Post("p", ("a",), ("g",), 5.0), Post("q", ("a", "b"), (), None)],
        participations=[("p", "b"), ("p", "a")],
    )
    took_part = activity.taking_part(found).sort("post", "member", maintain_order=True)
    rows = took_part.select("post", "member", "ts", "wrote").rows()
    assert rows == [(0, 0, 5.0, True), (0, 1, 5.0, False), (1, 0, None, True), (1, 1, None, True)]
    assert activity.in_groups(found).select("member", "group", "post").sort("member").rows() == [
        (0, 0, 0),
        (1, 0, 0),
    ]


def test_the_data_window_spans_joins_and_posts() -> None:
    found = make(["a"], ["g"], [Membership("a", "g", 7.0)], [Post("p", ("a",), (), 9.0)])
    assert (activity.first_of(found), activity.last_of(found)) == (7.0, 9.0)
    undated = make(["a"], ["g"], [Membership("a", "g", None)], [Post("p", ("a",), (), None)])
    assert (activity.first_of(undated), activity.last_of(undated)) == (None, None)


def test_a_membership_counts_by_times_of_taking_part_or_else_by_its_join() -> None:
    found = make(
        ["a", "b", "c", "d"],
        ["g"],
        [
            Membership("a", "g", ago(180)),
            Membership("b", "g", ago(360)),
            Membership("c", "g", ago(400), left_ts=ago(1)),
            Membership("d", "g", None),
        ],
        [Post("p", ("b",), ("g",), NOW), Post("q", ("b",), ("g",), ago(180))],
    )
    weights = activity.membership_weights(found, NOW)
    assert weights.select("member", "group").rows() == [(0, 0), (1, 0), (3, 0)]
    # a: half; b: 1 + 1/2 times, more than the 1/4 of the join; d: undated is old, 1/16.
    expected = [LN(0.5), LN(1.5), LN(0.5**4)]
    assert weights["weight"].to_list() == pytest.approx(expected)


def test_where_no_join_is_dated_all_count_alike() -> None:
    found = make(["a", "b"], ["g"], [Membership("a", "g", None), Membership("b", "g", None)])
    weights = activity.membership_weights(found, 0.0)["weight"].to_list()
    assert weights == pytest.approx([LN(1), LN(1)])


def test_joins_count_less_the_older_they_are_and_leaving_ends_only_the_recent_count() -> None:
    found = make(
        ["a", "b", "c", "d"],
        ["g", "h"],
        [
            Membership("a", "g", NOW),
            Membership("b", "g", ago(90)),
            Membership("c", "g", None),
            Membership("d", "g", ago(10), left_ts=NOW),
        ],
    )
    # 1 + 1/2 + 0.1 + 1/(1 + 1/9)
    assert activity.joins_decayed(found, NOW) == pytest.approx([2.5, 0])
    # Ninety days ago is no longer lately; who has left has not joined.
    assert activity.joins_lately(found, NOW) == pytest.approx([1, 0])


def test_a_member_is_active_by_what_they_did_lately() -> None:
    found = make(
        ["a", "b", "c"],
        ["g"],
        posts=[Post("p", ("a",), (), NOW), Post("q", ("a",), ("g",), ago(360))],
        participations=[("q", "b")],
    )
    assert activity.members_active(found, NOW) == pytest.approx([1.25, 0.25, 0])


def test_returning_is_the_share_seen_on_two_days_from_five_members_on() -> None:
    people = ["a", "b", "c", "d", "e"]
    posts = [Post(f"{who}1", (who,), ("g", "h"), ago(10)) for who in people]
    posts += [Post(f"{who}2", (who,), ("g",), ago(9)) for who in "ab"]
    posts += [Post("c2", ("c",), ("g",), ago(10)), Post("d2", ("d",), ("g",), None)]
    share = activity.returning(make(people, ["g", "h"], posts=posts))
    assert share == pytest.approx([0.4, 0.0])
    share = activity.returning(make(people[:4], ["g", "h"], posts=posts[:4]))
    assert np.isnan(share).all()


def asked(people: str, answers: list[Post]) -> Community:
    first = [Post(f"{who}1", (who,), ("g",), ago(10)) for who in people]
    second = [Post(f"{who}2", (who,), ("g",), ago(5)) for who in people]
    return make([*people, "z"], ["g", "h"], posts=[*second, *first, *answers])


def test_answered_is_the_share_of_first_posts_somebody_else_answered() -> None:
    answers = [
        Post("r1", ("z",), ("g",), ago(4), parent="a1"),
        Post("r2", ("c",), ("g",), ago(4), parent="b1"),
        Post("r3", ("z",), ("g",), ago(3), parent="b1"),  # a second answer changes nothing
        Post("r4", ("c",), ("g",), ago(4), parent="c1"),  # answered by themselves
        Post("r5", ("z",), ("g",), ago(4), parent="d2"),  # not the first post
    ]
    share = activity.answered(asked("abcde", answers))
    assert share[0] == pytest.approx(0.4)  # a and b, of a b c d e
    assert np.isnan(share[1])


def test_answered_is_unknown_with_few_newcomers_or_no_replies() -> None:
    reply = [Post("r1", ("z",), ("g",), ago(4), parent="a1")]
    assert np.isnan(activity.answered(asked("abcd", reply))).all()
    assert np.isnan(activity.answered(asked("abcdef", []))).all()


def test_a_first_post_without_a_date_is_nobodys_first() -> None:
    posts = [Post(f"{who}1", (who,), ("g",), None) for who in "abcde"]
    posts += [Post("r", ("z",), ("g",), ago(1), parent="a1")]
    assert np.isnan(activity.answered(make([*"abcdez"], ["g"], posts=posts))).all()


def test_of_one_day_five_times_count_and_each_day_by_itself() -> None:
    long_day = [Post(f"p{n}", ("a",), (), NOW) for n in range(1_000)]
    other = [Post(f"q{n}", ("a", "b"), (), ago(180)) for n in range(2)]
    found = activity.members_active(make(["a", "b"], ["g"], posts=[*long_day, *other]), NOW)
    assert found == pytest.approx([5 + 2 / 2, 2 / 2])
