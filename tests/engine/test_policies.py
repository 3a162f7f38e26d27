"""Who may be shown: every policy on the world, unreadable values, and random communities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.groups import group_recommender
from engine.index import VectorIndex
from engine.introductions import introduction_recommender
from engine.policies.fitness import RoomLeft
from engine.policies.privacy import OpenToIntroductions, SameAudience
from engine.pool import Pool, Slate
from engine.query import query_of_member, query_of_text
from engine.snapshot import UNREADABLE_BAND
from tests.random_community import random_world
from tests.world import NOW, World, tables, world

EVERYONE = 1_000


def introductions(here: World, viewer: str) -> Slate:
    index = VectorIndex.build(here.snapshot.members.interests.vectors)
    pipeline = introduction_recommender(here.snapshot, index)
    return pipeline.recommend(query_of_member(here.snapshot, here.member(viewer)), EVERYONE)


def suggestions(here: World, viewer: str) -> Slate:
    index = VectorIndex.build(here.snapshot.groups.prototypes.vectors)
    pipeline = group_recommender(here.snapshot, index)
    return pipeline.recommend(query_of_member(here.snapshot, here.member(viewer)), EVERYONE)


def removed(here: World, slate: Slate, kind: str) -> dict[str, set[str]]:
    """Return for each policy the ids it removed."""
    ids = (here.community.members if kind == "members" else here.community.groups)["id"].to_list()
    return {name: {ids[row] for row in rows} for name, rows in slate.trace.removed.items()}


def with_column(table: str, column: str, values: dict[str, object]) -> World:
    """Return the world with some cells of a column changed, by id."""
    frame = tables()[table]
    cells = [values.get(one, old) for one, old in zip(frame["id"], frame[column], strict=True)]
    return world({table: frame.with_columns(pl.Series(column, cells, frame[column].dtype))})


def test_everyone_who_may_not_meet_ana_is_removed_by_the_policy_that_says_so() -> None:
    here = world()
    slate = introductions(here, "ana")
    assert removed(here, slate, "members") == {
        "not_already_tied": {"ana", "mo"},
        "discoverable": {"di"},
        "open_to_introductions": {"ed", "lu"},
        "not_blocked": {"fay", "gus"},
        "same_audience": {"hal", "ivy"},
        "not_set_aside": set(),
        "not_reported": set(),
    }
    assert slate.trace.failed == {}


def test_every_group_ana_may_not_be_sent_to_is_removed_by_the_policy_that_says_so() -> None:
    here = world()
    slate = suggestions(here, "ana")
    assert removed(here, slate, "groups") == {
        "public_group": {"secret-pad", "private-pad"},
        "not_already_there": {"rocket-club", "bakers", "left-pad"},
        "room_left": {"full-pad"},
        "not_muted": set(),
        "not_set_aside": set(),
    }


@pytest.mark.parametrize("viewer", ["ed", "lu", "ivy"])
def test_a_viewer_who_wants_or_may_have_no_introductions_meets_nobody(viewer: str) -> None:
    assert len(introductions(world(), viewer).rows) == 0


def test_a_block_keeps_both_apart() -> None:
    here = world()
    for viewer, other in (("fay", "ana"), ("gus", "ana"), ("ana", "fay"), ("ana", "gus")):
        slate = introductions(here, viewer)
        assert here.member(other) not in slate.rows
        assert other in removed(here, slate, "members")["not_blocked"]


def test_a_minor_meets_only_minors() -> None:
    here = with_column("members", "audience", {"bo": "minor"})
    slate = introductions(here, "hal")
    assert slate.rows.tolist() == [here.member("bo")]


@pytest.mark.parametrize(
    ("column", "policy"),
    [
        ("discoverable", "discoverable"),
        ("open_to_introductions", "open_to_introductions"),
        ("weekly_introductions", "open_to_introductions"),
        ("audience", "same_audience"),
    ],
)
def test_a_member_with_an_unreadable_answer_is_not_shown(column: str, policy: str) -> None:
    assert world().member("bo") in introductions(world(), "ana").rows
    here = with_column("members", column, {"bo": None})
    slate = introductions(here, "ana")
    assert here.member("bo") not in slate.rows
    assert "bo" in removed(here, slate, "members")[policy]


@pytest.mark.parametrize(
    ("column", "value", "policy"),
    [
        ("visibility", None, "public_group"),
        ("visibility", "pubic", "public_group"),
        ("capacity", None, "room_left"),
        ("capacity", 3, "room_left"),  # Bo, Mo and Nia are in it
    ],
)
def test_a_group_with_an_unreadable_or_unfitting_answer_is_not_offered(
    column: str, value: object, policy: str
) -> None:
    here = with_column("groups", column, {"launch-site": value})
    slate = suggestions(here, "ana")
    assert here.group("launch-site") not in slate.rows
    assert "launch-site" in removed(here, slate, "groups")[policy]


def test_nan_in_a_column_means_no() -> None:
    snapshot = world().snapshot
    nobody = query_of_text(
        np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64)
    )
    capacity = np.full(len(snapshot.groups.ids), np.nan, np.float32)
    groups = Pool(np.arange(len(snapshot.groups.ids)))
    room = RoomLeft(replace(snapshot.groups, capacity=capacity))
    assert not room.allows(nobody, groups).any()
    weekly = np.full(len(snapshot.members.ids), np.nan, np.float32)
    people = Pool(np.arange(len(snapshot.members.ids)))
    willing = OpenToIntroductions(replace(snapshot.members, weekly_introductions=weekly))
    assert not willing.allows(nobody, people).any()


def test_an_unknown_audience_is_not_the_same_as_an_unknown_audience() -> None:
    here = world()
    nobody = query_of_text(
        np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64)
    )
    assert nobody.audience == UNREADABLE_BAND
    ivy = Pool(np.array([here.member("ivy")]))
    assert SameAudience(here.snapshot.members).allows(nobody, ivy).tolist() == [False]


def test_who_has_left_is_not_sent_back_and_leaves_room() -> None:
    # Full-pad takes two; Bo and Mo are in it. When Mo leaves, Ana fits, Mo is not asked again.
    frame = tables()["memberships"]
    gone = (pl.col("member") == "mo") & (pl.col("group") == "full-pad")
    left = frame.with_columns(left_ts=pl.when(gone).then(NOW).otherwise("left_ts"))
    here = world({"memberships": left})
    assert here.group("full-pad") in suggestions(here, "ana").rows
    assert here.group("full-pad") not in suggestions(here, "mo").rows


def may_meet(here: World) -> Callable[[int, int], bool]:
    """Return who may be introduced to whom, from the tables and nothing else."""
    members = here.community.members.to_dicts()
    ties = set(here.community.ties.select("a", "b").iter_rows())
    blocks = set(here.community.blocks.select("member", "other").iter_rows())

    def willing(one: int) -> bool:
        row = members[one]
        return bool(row["open_to_introductions"] and row["weekly_introductions"] > 0)

    def may(viewer: int, other: int) -> bool:
        apart = {(viewer, other), (other, viewer)}
        band = members[viewer]["audience"]
        return bool(
            viewer != other
            and not apart & (ties | blocks)
            and members[other]["discoverable"]
            and willing(viewer)
            and willing(other)
            and band is not None
            and members[other]["audience"] == band
        )

    return may


def may_join(here: World) -> Callable[[int, int], bool]:
    """Return who may be sent to which group, from the tables and nothing else."""
    groups = here.community.groups.to_dicts()
    ever = set(here.community.memberships.select("member", "group").iter_rows())
    present = here.community.memberships.filter(pl.col("left_ts").is_null())
    sizes = present["group"].to_list()

    def may(viewer: int, group: int) -> bool:
        row = groups[group]
        room = row["capacity"] > sizes.count(group)
        return bool(row["visibility"] == "public" and (viewer, group) not in ever and room)

    return may


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_in_any_community_exactly_those_are_introduced_who_may_meet(seed: int) -> None:
    here = random_world(seed)
    may = may_meet(here)
    for viewer, name in enumerate(here.community.members["id"]):
        allowed = {other for other in range(len(here.community.members)) if may(viewer, other)}
        # Regulars propose everyone here, so nobody is left out for want of being found.
        assert set(introductions(here, name).rows.tolist()) == allowed


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_in_any_community_exactly_those_groups_are_offered_that_may_be(seed: int) -> None:
    here = random_world(seed)
    may = may_join(here)
    for viewer, name in enumerate(here.community.members["id"]):
        allowed = {group for group in range(len(here.community.groups)) if may(viewer, group)}
        assert set(suggestions(here, name).rows.tolist()) == allowed
