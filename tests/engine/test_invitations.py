"""Whom a host might invite, and what a host is told of them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.columns import Links
from engine.facts import Facts, HiddenFact, MemberFact, MembershipFact, SetAsideFact, Written
from engine.index import VectorIndex
from engine.invitations import InvitationReasons, invitation_recommender, query_of_group
from engine.live import Overlay
from engine.pool import Slate
from tests.live_facts import bundle_of
from tests.random_community import random_world
from tests.world import World, tables, world


def invited(here: World, group: str) -> Slate:
    snapshot, row = here.snapshot, here.group(group)
    index = VectorIndex.build(np.asarray(snapshot.members.interests.vectors))
    return invitation_recommender(snapshot, index, row).recommend(query_of_group(snapshot, row), 99)


def names(here: World, slate: Slate) -> list[str]:
    ids = here.community.members["id"].to_list()
    return [ids[row] for row in slate.rows.tolist()]


def with_cells(table: str, column: str, values: dict[str, object]) -> World:
    frame = tables()[table]
    cells = [values.get(one, old) for one, old in zip(frame["id"], frame[column], strict=True)]
    return world({table: frame.with_columns(pl.Series(column, cells, frame[column].dtype))})


def test_those_who_care_for_what_the_group_is_about_come_first() -> None:
    here = world()
    # Jo's profile is about sourdough, Ana writes of it; the others write of rockets.
    assert set(names(here, invited(here, "oven-talk"))[:2]) == {"ana", "jo"}
    assert "bo" not in names(here, invited(here, "launch-site"))
    assert names(here, invited(here, "launch-site"))[0] in {"ana", "ed", "fay", "gus", "lu"}


def test_everybody_who_must_not_be_asked_is_left_out_by_the_policy_that_says_so() -> None:
    here = world()
    slate = invited(here, "left-pad")  # Bo is in it, Ana has left it
    ids = here.community.members["id"].to_list()
    removed = {name: {ids[row] for row in rows} for name, rows in slate.trace.removed.items()}
    assert removed["not_inside"] == {"ana", "bo"}
    assert removed["discoverable"] == {"di"}
    assert removed["of_the_groups_band"] == {"hal", "ivy"}
    # Who wants no introductions may well like a group.
    assert {"ed", "lu"} <= set(names(here, slate))


def test_nobody_is_invited_into_a_full_group() -> None:
    here = world()
    assert names(here, invited(here, "full-pad")) == []
    unreadable = with_cells("groups", "capacity", {"left-pad": None})
    assert names(unreadable, invited(unreadable, "left-pad")) == []


def test_a_private_group_finds_people_too() -> None:
    here = world()
    assert "nia" in names(here, invited(here, "secret-pad"))


@pytest.mark.parametrize(
    ("minors", "inside"), [({"hal"}, False), ({"hal", "bo", "mo"}, True), ({"hal", "bo"}, False)]
)
def test_a_group_is_for_the_band_that_most_of_it_belong_to(minors: set[str], inside: bool) -> None:
    # Bo, Mo and Nia are in the launch site; Hal is not.
    here = with_cells("members", "audience", dict.fromkeys(minors, "minor"))
    assert ("hal" in names(here, invited(here, "launch-site"))) is inside
    assert ("ana" in names(here, invited(here, "launch-site"))) is not inside


def test_a_group_of_no_known_band_is_for_every_known_one() -> None:
    found = names(world(), invited(world(), "new-pad"))
    assert "hal" in found
    assert "ivy" not in found


def test_who_has_muted_a_topic_is_not_asked_into_a_group_about_it() -> None:
    overlay = Overlay(bundle_of(world().snapshot))
    before = [item.id for item in overlay.recommender.members_to_invite("oven-talk", 50).items]
    assert "ana" in before
    muted = MemberFact("ana", audience="adult", muted_topics=("levain",))  # not in its name
    live = overlay.take_in(Facts(members=(muted,)))
    after = [item.id for item in live.members_to_invite("oven-talk", 50).items]
    assert after == [one for one in before if one != "ana"]


def test_who_has_set_the_group_aside_or_is_hidden_is_not_asked() -> None:
    clock = [1_000.0]
    overlay = Overlay(bundle_of(world().snapshot), clock=lambda: clock[0])
    aside = (
        SetAsideFact("ana", "oven-talk", Written.GROUP, 2_000.0),
        SetAsideFact("jo", "bakers", Written.GROUP, 2_000.0),
    )
    live = overlay.take_in(Facts(set_aside=aside, hidden=(HiddenFact("bo", hidden=True),)))

    def found() -> set[str]:
        return {item.id for item in live.members_to_invite("oven-talk", 50).items}

    assert {"ana", "jo", "bo"} & found() == {"jo"}
    clock[0] = 2_001.0
    assert {"ana", "jo", "bo"} & found() == {"ana", "jo"}


def test_who_has_muted_the_group_or_its_topic_is_not_asked() -> None:
    overlay = Overlay(bundle_of(world().snapshot))
    before = [item.id for item in overlay.recommender.members_to_invite("launch-site", 50).items]
    assert {"ana", "ed"} <= set(before)
    live = overlay.take_in(
        Facts(
            members=(
                MemberFact("ana", audience="adult", muted_groups=("launch-site",)),
                MemberFact("ed", audience="adult", muted_topics=("launch",)),
            )
        )
    )
    after = {item.id for item in live.members_to_invite("launch-site", 50).items}
    assert not {"ana", "ed"} & after


def test_who_joins_or_leaves_now_is_not_asked() -> None:
    overlay = Overlay(bundle_of(world().snapshot))
    joined = MembershipFact("ana", "launch-site", here=True)
    gone = MembershipFact("fay", "launch-site", here=False, left=True)
    live = overlay.take_in(Facts(memberships=(joined, gone)))
    after = {item.id for item in live.members_to_invite("launch-site", 50).items}
    assert not {"ana", "fay"} & after


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2_000))
def test_a_host_is_told_nothing_that_not_everybody_may_know(seed: int) -> None:
    here = random_world(seed)
    snapshot, found = here.snapshot, here.community
    index = VectorIndex.build(np.asarray(snapshot.members.interests.vectors))
    public = dict(zip(found.posts["id"], found.posts["public"], strict=True))
    writers: dict[str, set[int]] = {}
    ids = found.posts["id"].to_list()
    for post, member in found.authors.select("post", "member").iter_rows():
        writers.setdefault(ids[post], set()).add(member)
    groups = {one: row for row, one in enumerate(snapshot.groups.ids.tolist())}
    for group in range(len(snapshot.groups.ids)):
        query = query_of_group(snapshot, group)
        pipeline = invitation_recommender(snapshot, index, group)
        for member in pipeline.recommend(query, 50).rows.tolist():
            assert snapshot.members.discoverable[member]
            for reason in InvitationReasons(snapshot, group).explain(query, member):
                assert reason.kind in {"shared_interest", "shared_group", "open_member"}
                assert reason.evidence
                for shown in reason.evidence:
                    if reason.kind == "shared_interest":
                        assert public[shown]
                        assert member in writers[shown]
                    elif reason.kind == "shared_group":
                        assert snapshot.groups.public[groups[shown]]
                        theirs = snapshot.members.groups.of_row(member)[0].tolist()
                        assert groups[shown] in theirs


def test_words_of_a_profile_alone_are_no_reason_for_a_host() -> None:
    here = world()
    row, jo = here.group("oven-talk"), here.member("jo")
    reasons = InvitationReasons(here.snapshot, row).explain(query_of_group(here.snapshot, row), jo)
    assert [reason.kind for reason in reasons] == ["open_member"]


def test_secret_neighbours_are_not_looked_at() -> None:
    here = world()
    groups = here.snapshot.groups
    secret, pad = here.group("secret-pad"), here.group("launch-site")
    assert secret in groups.neighbours.of_row(pad)[0].tolist()
    assert secret not in query_of_group(here.snapshot, pad).groups.tolist()
    assert isinstance(groups.neighbours, Links)
