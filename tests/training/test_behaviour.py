"""What members do, without a word of text."""

from __future__ import annotations

import numpy as np
import pytest

from engine.domain import DAY_S
from engine.snapshot import JOINED_HALF_LIFE_DAYS
from tests.builders import Membership, Post, make
from tests.world import NOW
from training.behaviour import visits


def test_taking_part_without_being_in_the_group_is_a_visit() -> None:
    old = NOW - JOINED_HALF_LIFE_DAYS * DAY_S
    posts = [
        Post("p", ("zed",), ("a",), NOW),
        Post("q", ("zed",), ("a",), old),
        Post("r", ("zed",), ("b", "c")),
        Post("hidden", ("ana",), ("c",), visibility="private"),
    ]
    memberships = [Membership("ana", "b"), Membership("bo", "a", NOW - 9, left_ts=NOW - 5)]
    took_part = [("p", "ana"), ("q", "ana"), ("r", "ana"), ("hidden", "ana"), ("p", "bo")]
    found = visits(make(["ana", "bo", "zed"], "abc", memberships, posts, took_part), NOW)
    rows, weights = found.of_row(0)
    # Once today and once a half-life ago in a; once in c; b is hers, and what is private is not.
    assert rows.tolist() == [0, 2]
    assert weights == pytest.approx([np.log(2.5), np.log(2)], rel=1e-5)
    assert found.of_row(1)[0].tolist() == [], "who has left was not on a visit"
