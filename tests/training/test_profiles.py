"""What members care about and what groups are about, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from data.community import Community
from engine.columns import Profiles
from engine.domain import DAY_S
from tests.builders import Membership, Post, make, vectors_for
from tests.world import NOW, world
from training.profiles import HALF_LIFE_DAYS, PROTOTYPES, group_prototypes, member_interests
from training.texts import texts_of

ROCKET, BREAD, CHAT = 0, 1, 2


def interests_of(found: Community) -> Profiles:
    return member_interests(found, vectors_for(texts_of(found)), NOW)


def prototypes_of(found: Community) -> Profiles:
    vectors = vectors_for(texts_of(found))
    return group_prototypes(found, vectors, member_interests(found, vectors, NOW), NOW)


def shares(profiles: Profiles, row: int) -> list[tuple[int, float]]:
    """Return each vector of a row as its axis, and its weight to four digits."""
    vectors, weights = profiles.of_row(row)
    assert (np.abs(np.linalg.norm(vectors, axis=1) - 1) < 1e-5).all()
    return [(int(v.argmax()), round(float(w), 4)) for v, w in zip(vectors, weights, strict=True)]


def test_ana_has_two_interests_and_neither_is_a_blur() -> None:
    here = world()
    vectors, _ = here.snapshot.members.interests.of_row(here.member("ana"))
    assert np.allclose(np.sort(vectors @ vectors.T, axis=None), [0, 0, 1, 1], atol=1e-5)
    assert {axis for axis, _ in shares(here.snapshot.members.interests, here.member("ana"))} == {
        ROCKET,
        BREAD,
    }


def test_posts_count_by_age_and_by_whether_one_wrote_them() -> None:
    found = make(
        ["a", "b"],
        ["g"],
        posts=[
            Post("old", ("a",), (), NOW - HALF_LIFE_DAYS * DAY_S, "rocket"),
            Post("new", ("a",), (), NOW, "sourdough"),
        ],
        participations=[("old", "b"), ("new", "b")],
    )
    found_interests = interests_of(found)
    assert shares(found_interests, 0) == [(BREAD, 0.6667), (ROCKET, 0.3333)]
    assert shares(found_interests, 1) == [(BREAD, 0.6667), (ROCKET, 0.3333)]
    mixed = make(
        ["a", "b"],
        ["g"],
        posts=[Post("p", ("a",), (), NOW, "rocket"), Post("q", ("b",), (), NOW, "sourdough")],
        participations=[("p", "b")],
    )
    # Writing counts 1, taking part 0.3: 1 / 1.3 and 0.3 / 1.3
    assert shares(interests_of(mixed), 1) == [(BREAD, 0.7692), (ROCKET, 0.2308)]


def test_a_profile_counts_like_two_fresh_posts() -> None:
    found = make({"a": "rocket"}, ["g"], posts=[Post("p", ("a",), (), NOW, "sourdough")])
    assert shares(interests_of(found), 0) == [(ROCKET, 0.6667), (BREAD, 0.3333)]


def test_who_says_nothing_has_no_interests() -> None:
    found = make(["a"], ["g"], [Membership("a", "g")], [Post("p", ("a",), ("g",), NOW, "  ")])
    assert shares(interests_of(found), 0) == []


def test_what_is_not_public_shapes_nothing() -> None:
    found = make(
        ["a"],
        ["g"],
        posts=[
            Post("p", ("a",), ("g",), NOW, "rocket", visibility="private"),
            Post("q", ("a",), ("g",), NOW, "chat", visibility="secret"),
        ],
    )
    assert shares(interests_of(found), 0) == []
    # The group has a name, which has no keyword in it: the axis of none of them.
    assert shares(prototypes_of(found), 0) == [(3, 1.0)]


def test_a_public_post_in_a_secret_group_shapes_nothing() -> None:
    here = world()
    row = here.member("bo")
    said = texts_of(here.community).posts[-1]
    assert said == ""  # the unobtainium of the secret pad
    assert len(here.snapshot.members.interests.of_row(row)[0]) == 1


def test_a_group_is_what_is_written_in_it_and_its_description() -> None:
    found = make(["a"], {"g": "chat"}, posts=[Post("p", ("a",), ("g",), NOW, "rocket")])
    # The description 3 / 13, the posts the rest.
    assert shares(prototypes_of(found), 0) == [(CHAT, 0.2308), (ROCKET, 0.7692)]


def test_a_group_without_posts_is_what_its_members_care_about() -> None:
    found = make(
        {"a": "rocket", "b": "sourdough"},
        {"g": "chat", "h": "chat"},
        [Membership("a", "g"), Membership("b", "g", left_ts=NOW - 1), Membership("b", "h")],
        [Post("p", ("a",), ("h",), NOW, "rocket")],
    )
    prototypes = prototypes_of(found)
    assert shares(prototypes, 0) == [(CHAT, 0.2308), (ROCKET, 0.7692)]  # who left says nothing
    assert shares(prototypes, 1) == [(CHAT, 0.2308), (ROCKET, 0.7692)]  # posts come first


def test_every_groups_weights_sum_to_one() -> None:
    here = world()
    prototypes = here.snapshot.groups.prototypes
    for row in range(len(prototypes)):
        weights = prototypes.of_row(row)[1]
        assert len(weights) <= PROTOTYPES + 1
        assert weights.sum() == pytest.approx(1)
