"""How a group lives, by numbers worked by hand."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import polars as pl
import pytest

from data.community import Community
from engine.domain import DAY_S
from engine.snapshot import GroupLife
from tests.builders import Membership, Post, community_of, make
from tests.random_community import random_world
from tests.world import NOW
from training.life import UNDATED_DAYS, group_life

PEOPLE = [f"m{place}" for place in range(8)]


def ago(days: float) -> float:
    return NOW - days * DAY_S


def joined(*ages: float | None, group: str = "g") -> list[Membership]:
    """Return joins at these ages, each by another member."""
    return [
        Membership(f"m{place}", group, None if age is None else ago(age))
        for place, age in enumerate(ages)
    ]


def post(name: str, who: str, age: float | None, visibility: str = "public") -> Post:
    return Post(name, (who,), ("g",), None if age is None else ago(age), visibility=visibility)


def life(
    memberships: list[Membership],
    posts: list[Post] = [],  # noqa: B006 - never changed
    took_part: list[tuple[str, str]] = [],  # noqa: B006
) -> dict[str, float]:
    """Return how the group `g` lives; `other` is a group beside it."""
    return values(make(PEOPLE, ["g", "other"], memberships, posts, took_part))


def values(community: Community, row: int = 0) -> dict[str, float]:
    found = group_life(community, NOW)
    for field in fields(GroupLife):
        column = getattr(found, field.name)
        assert column.dtype == np.float32, field.name
        assert column.shape == (len(community.groups),), field.name
        assert np.isfinite(column).all(), field.name
    return {field.name: float(getattr(found, field.name)[row]) for field in fields(GroupLife)}


def exactly(value: float) -> object:
    return pytest.approx(value, abs=1e-5)


def test_joins_count_less_with_age_each_by_its_own_half_life() -> None:
    found = life(joined(0, 14, 90, 365))
    assert found["joins_fortnight"] == exactly(
        np.log1p(1 + 1 / 2 + 0.5 ** (90 / 14) + 0.5 ** (365 / 14))
    )
    assert found["joins_season"] == exactly(
        np.log1p(1 + 0.5 ** (14 / 90) + 1 / 2 + 0.5 ** (365 / 90))
    )
    assert found["joins_year"] == exactly(
        np.log1p(1 + 0.5 ** (14 / 365) + 0.5 ** (90 / 365) + 1 / 2)
    )
    assert found["members"] == exactly(np.log(5))


def test_growth_is_the_last_month_over_what_the_season_before_would_give() -> None:
    # Three today: 3 after 30 days' halving, 3 after 120 days': (3 + 1) / (3 / 3 + 1) = 2.
    assert life(joined(0, 0, 0))["growth"] == exactly(np.log(2))
    # Three 120 days ago: 3 / 16, and 3 / 2 a third of which is 1 / 2.
    assert life(joined(120, 120, 120))["growth"] == exactly(np.log((3 / 16 + 1) / 1.5))
    assert life([])["growth"] == 0


def test_a_second_group_of_somebodys_says_more_than_a_first() -> None:
    # Of three who joined, one was in another group before: at 90 days, a half.
    found = life([*joined(0, 30, 90), Membership("m2", "other", ago(100))])
    assert found["joins_further"] == exactly(np.log1p(1 / 2))
    assert found["members"] == exactly(np.log(4))


def test_age_is_from_the_first_thing_heard_of_and_quiet_from_the_last() -> None:
    found = life(joined(40, 100), [post("p", "m0", 9), post("q", "m0", 200)])
    assert (found["age"], found["quiet"]) == (exactly(np.log(201)), exactly(np.log(10)))


def test_a_group_founded_before_anything_was_heard_is_as_old_as_it_says() -> None:
    groups = pl.DataFrame({"id": ["g"], "name": ["g"], "created_ts": [ago(365)]})
    posts = pl.DataFrame({"id": ["p"], "members": [["m0"]], "groups": [["g"]], "ts": [ago(9)]})
    people = pl.DataFrame({"id": ["m0"], "name": ["m0"]})
    none = pl.DataFrame(schema={"member": pl.String, "group": pl.String})
    found = community_of({"members": people, "groups": groups, "memberships": none, "posts": posts})
    assert values(found)["age"] == exactly(np.log(366))
    assert values(found)["quiet"] == exactly(np.log(10))


def test_replies_are_counted_by_the_posts_they_could_answer() -> None:
    first = [post("p", "m0", 9), post("q", "m1", 9)]
    answers = [Post(f"r{n}", ("m2",), ("g",), ago(8), parent="p") for n in range(3)]
    assert life([], [*first, *answers])["replies"] == exactly(np.log(1 + 3 / 2))
    assert life([], first)["replies"] == 0


def test_a_group_nothing_is_known_of_is_new_and_has_never_been_heard() -> None:
    found = life([])
    assert found["age"] == 0
    assert found["quiet"] == exactly(np.log1p(UNDATED_DAYS))
    assert (found["members"], found["posts"], found["turnout"]) == (0, 0, 0)
    assert (found["answered"], found["room"]) == (0.5, 1)
    assert found["returning"] == exactly(1 / 5)


def test_what_is_not_dated_is_ten_years_old_and_what_is_announced_is_of_today() -> None:
    found = life(joined(None), [post("p", "m0", None)])
    assert (found["age"], found["quiet"]) == (exactly(np.log(3651)), exactly(np.log(3651)))
    assert found["members"] == exactly(np.log(2))
    assert life(joined(-20))["joins_fortnight"] == exactly(np.log(2))


def test_posts_are_halved_every_month_and_turnout_is_people_a_post() -> None:
    took_part = [("p", "m1"), ("p", "m2"), ("q", "m1")]
    found = life([], [post("p", "m0", 0), post("q", "m0", 30)], took_part)
    assert found["posts"] == exactly(np.log1p(1.5))
    # Three people at the one and two at the other.
    assert found["turnout"] == exactly(np.log1p(2.5))


def test_who_took_part_twice_has_returned_drawn_to_one_in_five() -> None:
    posts = [post("p", "m0", 5), post("q", "m0", 4), post("r", "m1", 3)]
    # One of three came back: (1 + 1) / (3 + 5).
    assert life(joined(10, 10, 10), posts)["returning"] == exactly(2 / 8)


def test_twelve_people_active_just_now_leave_half_the_room() -> None:
    crowd = [f"n{place}" for place in range(12)]
    posts = [Post(f"p{one}", (one,), ("g",), NOW) for one in crowd]
    # Somebody who says more takes no more room.
    posts += [Post(f"q{place}", ("n0",), ("g",), ago(place)) for place in range(20)]
    assert values(make(crowd, ["g"], [], posts))["room"] == exactly(1 / 2)
    # Six weeks and a half later, half as many count: 1 / (1 + 6 / 12).
    earlier = [Post(f"p{one}", (one,), ("g",), ago(45)) for one in crowd]
    assert values(make(crowd, ["g"], [], earlier))["room"] == exactly(2 / 3)


def test_newcomers_first_posts_are_answered_or_not() -> None:
    # Five newcomers ask; somebody else answers three of them, one answers himself.
    asked = [post(f"p{place}", f"m{place}", 10) for place in range(5)]
    answers = [Post(f"r{place}", ("m7",), ("g",), ago(9), parent=f"p{place}") for place in range(3)]
    answers.append(Post("own", ("m4",), ("g",), ago(9), parent="p4"))
    assert life([], [*asked, *answers])["answered"] == exactly(3 / 5)
    assert life([], [*asked[:4], *answers[:3]])["answered"] == 0.5, "four cases tell nothing"


@pytest.mark.parametrize("visibility", ["private", "secret"])
def test_posts_that_are_not_public_do_not_count(visibility: str) -> None:
    shown = [post("p", "m0", 30), post("q", "m1", 20)]
    hidden = [post(f"h{place}", "m0", 1, visibility) for place in range(5)]
    took_part = [("h0", "m1"), ("h1", "m2"), ("h2", "m2")]
    assert life(joined(50, 40), [*shown, *hidden], took_part) == life(joined(50, 40), shown)


def test_who_has_left_did_join() -> None:
    left = [Membership("m0", "g", ago(5), left_ts=ago(1))]
    stayed = [Membership("m0", "g", ago(5))]
    assert life(left) == life(stayed)


@pytest.mark.parametrize("seed", range(4))
def test_every_column_is_finite_whatever_the_community(seed: int) -> None:
    values(random_world(seed).community)
