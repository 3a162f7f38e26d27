"""Who may see what, case by case in the world; and counts are what looking at each would give."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.columns import Links, Profiles, Strings
from engine.crowds import LATELY, Crowds
from engine.query import NOBODY, query_of_member, query_of_text
from engine.snapshot import PostColumns
from engine.visibility import (
    ANYBODY,
    IsIn,
    Knows,
    Sight,
    TheEvidence,
    TheGroup,
    TheMember,
    ThePost,
    Thing,
    Viewer,
    viewer_of,
)
from tests.random_community import random_world
from tests.world import MEMBERS, World, world


@pytest.fixture(scope="module")
def here() -> World:
    return world()


def members_seen(here: World, viewer: Viewer, hidden: tuple[str, ...] = ()) -> set[str]:
    sight = Sight(here.snapshot, np.sort(np.array([here.member(one) for one in hidden], np.int64)))
    return {one for one in MEMBERS if sight.may_see(viewer, TheMember(here.member(one)))}


EVERYBODY = set(MEMBERS)


@pytest.mark.parametrize(
    ("viewer", "unseen"),
    [
        ("ana", {"di", "fay", "gus", "hal", "ivy"}),  # invisible, blocked both ways, young, unknown
        ("bo", {"di", "hal", "ivy"}),
        ("di", {"hal", "ivy"}),  # the invisible see themselves
        ("fay", {"ana", "di", "hal", "ivy"}),
        ("hal", EVERYBODY - {"hal"}),  # the only minor
        ("ivy", EVERYBODY - {"ivy"}),  # of unknown band: nobody else's
    ],
)
def test_a_member_sees_who_agrees_is_of_their_band_and_has_no_block_with_them(
    here: World, viewer: str, unseen: set[str]
) -> None:
    assert members_seen(here, Viewer(here.member(viewer))) == EVERYBODY - unseen


def test_who_is_hidden_because_of_reports_is_seen_by_themself_alone(here: World) -> None:
    assert "bo" not in members_seen(here, Viewer(here.member("ana")), hidden=("bo", "mo"))
    assert "bo" not in members_seen(here, ANYBODY, hidden=("bo", "mo"))
    assert "bo" in members_seen(here, Viewer(here.member("bo")), hidden=("bo", "mo"))


def test_nobody_in_particular_sees_who_agrees_of_the_band_they_told_or_of_any(here: World) -> None:
    assert members_seen(here, ANYBODY) == EVERYBODY - {"di", "ivy"}
    minor = here.snapshot.members.bands.tolist().index("minor")
    assert members_seen(here, Viewer(audience=minor)) == {"hal"}


def test_a_host_sees_people_of_the_bands_their_group_is_of(here: World) -> None:
    adults = EVERYBODY - {"di", "ivy", "hal"}
    assert members_seen(here, Viewer(hosts=here.group("rocket-club"))) == adults
    # Nobody is in it, so it is of every band.
    assert members_seen(here, Viewer(hosts=here.group("new-pad"))) == adults | {"hal"}


def test_who_asks_is_the_viewer(here: World) -> None:
    assert viewer_of(query_of_member(here.snapshot, 3)) == Viewer(3)
    nothing = np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64)
    assert viewer_of(query_of_text(*nothing)) == ANYBODY
    assert viewer_of(query_of_text(*nothing, audience=1)) == Viewer(NOBODY, audience=1)


@pytest.mark.parametrize(
    ("thing", "by_ana", "by_bo"),
    [
        (("group", "bakers"), True, True),
        (("group", "secret-pad"), False, True),  # Bo is in both of these
        (("group", "private-pad"), False, True),
        (("in", "mo", "launch-site"), True, True),
        (("in", "mo", "secret-pad"), False, True),
        (("in", "gus", "rocket-club"), False, True),  # has blocked Ana
        (("in", "di", "rocket-club"), False, False),
        (("knows", "bo", "mo"), True, True),
        (("knows", "fay", "mo"), False, True),
        (("knows", "ana", "gus"), False, False),  # there is a block between the two
    ],
)
def test_a_group_and_what_two_things_have_to_do_with_each_other_are_seen_with_both(
    here: World, thing: tuple[str, ...], by_ana: bool, by_bo: bool
) -> None:
    kind, one = thing[0], thing[1]
    found: Thing
    match kind:
        case "group":
            found = TheGroup(here.group(one))
        case "in":
            found = IsIn(here.member(one), here.group(thing[2]))
        case _:
            found = Knows(here.member(one), here.member(thing[2]))
    sight = Sight(here.snapshot)
    assert sight.may_see(Viewer(here.member("ana")), found) == by_ana
    assert sight.may_see(Viewer(here.member("bo")), found) == by_bo


def test_the_host_of_a_private_group_sees_it_and_no_other_one(here: World) -> None:
    host, sight = Viewer(hosts=here.group("private-pad")), Sight(here.snapshot)
    assert sight.may_see(host, TheGroup(here.group("private-pad")))
    assert not sight.may_see(host, TheGroup(here.group("secret-pad")))
    assert sight.may_see(host, TheGroup(here.group("bakers")))


def written(here: World, authors: list[list[str]], groups: list[str]) -> Sight:
    """Return the sight of the world with posts by these authors, each in one of these groups."""
    size = len(authors)
    pairs = [(row, here.member(one)) for row, some in enumerate(authors) for one in some]
    by = Links.of(size, *(np.array(side) for side in zip(*pairs, strict=True)))
    ids, when = Strings.of([f"q{row}" for row in range(size)]), np.zeros(size, np.int64)
    posts = PostColumns(
        ids=ids,
        here=np.ones(size, bool),
        texts=Profiles(np.zeros(size + 1, np.int64), np.zeros((0, 4), np.float32), when[:0] * 1.0),
        authors=by,
        groups=Links.of(size, np.arange(size), np.array([here.group(one) for one in groups])),
        answered_by=Links.of(size, when[:0], when[:0]),
        written_at=when,
        last_at=when,
    )
    return Sight(replace(here.snapshot, posts=posts, post_ids=ids, post_authors=by))


def test_a_post_is_seen_if_everybody_is_who_wrote_it(here: World) -> None:
    sight = written(here, [["bo"], ["bo", "di"], ["ana", "fay"], ["ana"]], ["bakers"] * 4)
    ana, bo = Viewer(here.member("ana")), Viewer(here.member("bo"))
    for kind in (ThePost, TheEvidence):
        assert [sight.may_see(ana, kind(row)) for row in range(4)] == [True, False, False, True]
        assert [sight.may_see(bo, kind(row)) for row in range(4)] == [True, False, True, True]


def test_a_post_that_has_gone_or_stands_where_one_may_not_look_is_not_seen(here: World) -> None:
    sight = written(here, [["bo"], ["bo"]], ["bakers", "secret-pad"])
    ana, bo = Viewer(here.member("ana")), Viewer(here.member("bo"))
    assert [sight.may_see(ana, ThePost(row)) for row in range(2)] == [True, False]
    assert [sight.may_see(bo, ThePost(row)) for row in range(2)] == [True, True]
    gone = replace(sight.snapshot.posts, here=np.array([False, True]))
    sight = Sight(replace(sight.snapshot, posts=gone))
    assert not sight.may_see(ana, ThePost(0))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_crowd_is_counted_as_if_each_was_looked_at(seed: int) -> None:
    here, chance = random_world(seed), np.random.default_rng(seed)
    count = len(here.snapshot.members.ids)
    sight = Sight(here.snapshot, np.flatnonzero(chance.uniform(size=count) < 0.15))
    crowds, joined = Crowds(sight), here.snapshot.behaviour.joined
    viewers = [ANYBODY, Viewer(audience=0), *map(Viewer, range(count))]
    viewers += [Viewer(hosts=row) for row in range(len(here.snapshot.groups.ids))]
    for group in range(len(here.snapshot.groups.ids)):
        rows = here.snapshot.groups.members.of_row(group)[0]
        late = [
            row
            for row in rows.tolist()
            if dict(zip(*(side.tolist() for side in joined.of_row(row)), strict=True))[group]
            > LATELY
        ]
        for viewer in viewers:
            seen = sight.members(viewer, rows)
            assert crowds.seen_by(viewer).inside(group) == seen.sum()
            both = seen & sight.members(Viewer(0), rows)
            assert crowds.seen_by(viewer, Viewer(0)).inside(group) == both.sum()
            recent = sight.members(viewer, np.array(late, np.int64))
            assert crowds.seen_by(viewer).joined_lately(group) == recent.sum()
    for viewer in viewers:
        counts, groups = crowds.seen_by(viewer, Viewer(0)), np.arange(len(here.snapshot.groups.ids))
        assert counts.smallest(groups) == min((counts.inside(row), row) for row in groups.tolist())
