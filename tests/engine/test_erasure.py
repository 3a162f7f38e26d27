"""Of a forgotten member a snapshot holds nothing, and everything of everybody else."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.columns import Links, Profiles, Strings
from engine.erasure import groups_shaped_by, without_members
from engine.errors import UnknownError
from engine.groups import group_recommender
from engine.ids import IdMap
from engine.index import VectorIndex
from engine.introductions import introduction_recommender
from engine.query import query_of_member
from engine.snapshot import (
    UNKNOWN,
    UNREADABLE_BAND,
    Behaviour,
    DiscoveryColumns,
    GroupColumns,
    MemberColumns,
    PostColumns,
    Snapshot,
    to_arrays,
)
from tests.random_community import random_world
from tests.world import World, world

SEEDS = st.integers(0, 200)


@pytest.fixture(scope="module")
def here() -> World:
    """The world."""
    return world()


def forgotten(here: World, *names: str) -> Snapshot:
    return without_members(here.snapshot, np.array([here.member(name) for name in names]))


def same(one: Snapshot, other: Snapshot) -> bool:
    pairs = zip(to_arrays(one), to_arrays(other), strict=True)
    return all(
        name == also and array.dtype == known.dtype and np.array_equal(array, known, equal_nan=True)
        for (name, array), (also, known) in pairs
    )


def strings_of(snapshot: Snapshot) -> list[str]:
    members, groups = snapshot.members, snapshot.groups
    columns = [members.ids, members.names, groups.ids, groups.names, snapshot.post_ids]
    return [text for column in [*columns, snapshot.vocabulary] for text in column.tolist()]


def to_members(snapshot: Snapshot) -> list[Links]:
    """Return the links whose targets are members."""
    members, behaviour = snapshot.members, snapshot.behaviour
    return [
        members.ties, members.blocks, behaviour.fellows, snapshot.groups.members,
        snapshot.post_authors,
    ]  # fmt: skip


def of_members(snapshot: Snapshot) -> list[Links]:
    """Return the links whose sources are members."""
    members, acts = snapshot.members, snapshot.behaviour
    return [
        members.groups, members.left, members.ties, members.blocks, members.terms,
        members.muted, members.muted_terms, acts.joined, acts.habits, acts.visits, acts.fellows,
    ]  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.data())
def test_nothing_of_the_forgotten_is_left_and_nothing_of_others_is_lost(
    seed: int, data: st.DataObject
) -> None:
    snapshot = random_world(seed).snapshot
    people = len(snapshot.members.ids)
    gone = np.array(sorted(data.draw(st.sets(st.integers(0, people - 1), max_size=people))), int)
    found = without_members(snapshot, gone)
    names = {snapshot.members.ids[row] for row in gone}
    names |= {name for row in gone if (name := snapshot.members.names[row])}
    assert not names & set(strings_of(found))
    assert all(not np.isin(links.targets, gone).any() for links in to_members(found))
    assert all(not links.counts()[gone].any() for links in of_members(found))
    members, acts = found.members, found.behaviour
    assert not np.isin(members.interests.owners(), gone).any()
    assert not (members.discoverable | members.open_to_introductions)[gone].any()
    assert (members.audience[gone] == UNREADABLE_BAND).all()
    assert not members.weekly_introductions[gone].any()
    assert not members.active[gone].any()
    assert (acts.languages[gone] == UNKNOWN).all()
    assert (acts.homes[gone] == UNKNOWN).all()
    assert (members.term_posts < len(found.post_ids)).all()
    assert found.groups.size.tolist() == found.groups.members.counts().tolist()
    assert {name: array.dtype for name, array in to_arrays(found)} == {
        name: array.dtype for name, array in to_arrays(snapshot)
    }
    for row in set(range(people)) - set(gone.tolist()):
        assert members.ids[row] == snapshot.members.ids[row]
        for now, before in zip(of_members(found)[7:10], of_members(snapshot)[7:10], strict=True):
            assert now.of_row(row)[0].tolist() == before.of_row(row)[0].tolist()
        ties = snapshot.members.ties.of_row(row)[0]
        assert members.ties.of_row(row)[0].tolist() == ties[~np.isin(ties, gone)].tolist()
        assert np.array_equal(
            members.interests.of_row(row)[0], snapshot.members.interests.of_row(row)[0]
        )


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_forgetting_twice_is_forgetting_once_and_forgetting_nobody_loses_nobody(seed: int) -> None:
    snapshot = random_world(seed).snapshot
    once = without_members(snapshot, np.array([0, 2, 0]))
    assert same(without_members(once, np.array([2, 0])), once)
    nobody = without_members(snapshot, np.zeros(0, np.int64))
    # Words that nobody is linked to can be told of nobody: they are the only thing that goes.
    assert same(
        replace(nobody, vocabulary=snapshot.vocabulary, rarity=snapshot.rarity,
                term_vectors=snapshot.term_vectors), snapshot,
    )  # fmt: skip


def test_the_forgotten_cannot_be_asked_for_by_their_id_or_by_none(here: World) -> None:
    ids = IdMap(forgotten(here, "bo", "mo").members.ids, "member")
    for asked in ("bo", "mo", ""):
        with pytest.raises(UnknownError):
            ids.row(asked)
    assert ids.row("cy") == here.member("cy")


def test_a_group_has_as_many_members_as_are_left(here: World) -> None:
    club = here.group("rocket-club")
    before = here.snapshot.groups.size[club]
    assert forgotten(here, "bo", "mo", "cy").groups.size[club] == before - 2


def test_where_they_were_and_what_they_spoke_is_told_no_more(here: World) -> None:
    numbers = np.arange(len(here.snapshot.members.ids))
    told = replace(here.snapshot.behaviour, languages=numbers, homes=numbers)
    found = without_members(replace(here.snapshot, behaviour=told), np.array([2])).behaviour
    for column in (found.languages, found.homes):
        assert column.tolist() == [0, 1, UNKNOWN, *numbers[3:]]


def test_a_place_or_language_that_only_they_told_has_no_name_any_more(here: World) -> None:
    numbers = np.full(len(here.snapshot.members.ids), UNKNOWN)
    groups = np.full(len(here.snapshot.groups.ids), UNKNOWN)
    numbers[[2, 3]], groups[0] = [0, 1], 2
    names = Strings.of(["theirs", "another's", "a group's"])
    told = replace(
        here.snapshot.behaviour, languages=numbers, homes=numbers, group_languages=groups,
        group_homes=groups, language_names=names, home_names=names,
    )  # fmt: skip
    found = without_members(replace(here.snapshot, behaviour=told), np.array([2])).behaviour
    for column in (found.language_names, found.home_names):
        assert column.tolist() == ["", "another's", "a group's"]


def test_what_they_have_muted_goes_and_what_others_have_stays(here: World) -> None:
    members = here.snapshot.members
    size = len(members.ids)
    muted = Links.of(size, np.array([1, 2]), np.array([0, 3]))
    told = replace(members, muted=muted, muted_terms=muted)
    found = without_members(replace(here.snapshot, members=told), np.array([1])).members
    for links in (found.muted, found.muted_terms):
        assert links.targets.tolist() == [3]
        assert links.of_row(2)[0].tolist() == [3]


KNOWN = {
    MemberColumns: "ids names discoverable open_to_introductions audience bands "
    "weekly_introductions interests groups left ties blocks terms term_posts muted muted_terms "
    "active seeking offering seeking_terms offering_terms answered known_days",
    GroupColumns: "ids names public capacity size prototypes members neighbours joins_decayed "
    "joins_lately returning answered terms term_posts",
    Behaviour: "joined habits visits fellows ease ease_active co_active places bridge "
    "text_weights meaning topics life languages group_languages homes group_homes language_names "
    "home_names",
    PostColumns: "ids here texts authors groups answered_by written_at last_at",
    DiscoveryColumns: "founders terms centres scores",
    Snapshot: "members groups behaviour posts discoveries post_ids post_authors vocabulary rarity "
    "term_vectors",
}
"""Every column there was when somebody last looked at what an erasure has to do with it."""


def test_what_they_began_and_what_they_answered_is_gone(here: World) -> None:
    # Bo began a conversation that Cy answered, and Bo answered Cy's: a row of each.
    bo, cy = here.member("bo"), here.member("cy")
    whose = Links.of(2, np.array([0, 1]), np.array([bo, cy]))
    posts = PostColumns(
        ids=Strings.of(["by-bo", "by-cy"]),
        here=np.ones(2, bool),
        texts=Profiles(np.arange(3), np.eye(2, 4, dtype=np.float32), np.ones(2, np.float32)),
        authors=whose,
        groups=Links.of(2, np.array([0, 1]), np.array([0, 0])),
        answered_by=Links.of(2, np.array([0, 1, 1]), np.array([cy, bo, here.member("di")])),
        written_at=np.array([5, 6]),
        last_at=np.array([7, 8]),
    )
    members = here.snapshot.members
    answered = Links.of(len(members.ids), np.array([bo, cy, cy]), np.array([cy, bo, 0]))
    snapshot = replace(here.snapshot, posts=posts, members=replace(members, answered=answered))
    found = without_members(snapshot, np.array([bo]))
    assert found.posts.ids.tolist() == ["", "by-cy"]
    assert found.posts.here.tolist() == [False, True]
    assert found.posts.texts.owners().tolist() == [1]
    assert found.posts.answered_by.targets.tolist() == [here.member("di")]
    assert found.posts.written_at.tolist() == [0, 6]
    assert found.members.answered.targets.tolist() == [0]
    assert np.isnan(found.members.known_days[bo])


@pytest.mark.parametrize("kind", KNOWN)
def test_no_column_is_added_without_a_thought_of_those_who_want_to_be_forgotten(
    kind: type[Snapshot],
) -> None:
    assert {field.name for field in fields(kind)} == set(KNOWN[kind].split())


def test_a_full_group_has_room_again_when_a_member_is_forgotten(here: World) -> None:
    found = forgotten(here, "mo")
    pad = here.group("full-pad")
    assert found.groups.size[pad] < found.groups.capacity[pad]


def test_what_only_their_posts_showed_is_told_of_nobody(here: World) -> None:
    # A post of Bo's shows "bohemia" of Bo, of Cy, who took part in it, and of the bakers; a post
    # of Cy's shows "rye" of Cy, and the bakers' own description has "spelt".
    bo, cy, club = here.member("bo"), here.member("cy"), here.group("bakers")
    terms = Links.of(14, np.array([bo, cy, cy]), np.array([0, 0, 1]))
    snapshot = replace(
        here.snapshot,
        post_ids=Strings.of(["by-bo", "by-cy"]),
        post_authors=Links.of(2, np.array([0, 1]), np.array([bo, cy])),
        vocabulary=Strings.of(["bohemia", "rye", "spelt"]),
        rarity=np.ones(3, np.float32),
        term_vectors=np.eye(3, 4, dtype=np.float32),
        members=replace(here.snapshot.members, terms=terms, term_posts=np.array([0, 0, 1])),
        groups=replace(
            here.snapshot.groups,
            terms=Links.of(len(here.snapshot.groups.ids), np.array([club] * 2), np.array([0, 2])),
            term_posts=np.array([0, -1]),
        ),
    )
    found = without_members(snapshot, np.array([bo]))
    assert found.post_ids.tolist() == ["", "by-cy"]
    assert found.post_authors.targets.tolist() == [cy]
    assert found.vocabulary.tolist() == ["", "rye", "spelt"]
    assert found.rarity.tolist() == [0, 1, 1]
    assert not found.term_vectors[0].any()
    assert found.members.terms.of_row(cy)[0].tolist() == [1]
    assert found.members.term_posts.tolist() == [1]
    assert found.groups.terms.of_row(club)[0].tolist() == [2]
    assert found.groups.term_posts.tolist() == [-1]


def test_the_groups_somebody_shaped_are_those_they_are_in_have_left_and_visited(
    here: World,
) -> None:
    ana = np.array([here.member("ana")])
    names = [here.snapshot.groups.ids[row] for row in groups_shaped_by(here.snapshot, ana)]
    assert set(names) == {"rocket-club", "bakers", "left-pad"}


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.integers(0, 5))
def test_nobody_is_introduced_to_the_forgotten_and_everybody_is_answered(
    seed: int, gone: int
) -> None:
    found = without_members(random_world(seed).snapshot, np.array([gone]))
    people = introduction_recommender(found, VectorIndex.build(found.members.interests.vectors))
    groups = group_recommender(found, VectorIndex.build(found.groups.prototypes.vectors))
    for row in set(range(len(found.members.ids))) - {gone}:
        met = people.recommend(query_of_member(found, row), 20)
        assert gone not in met.rows
        joined = groups.recommend(query_of_member(found, row), 20)
        assert not met.trace.failed
        assert not joined.trace.failed


def test_a_community_of_which_everybody_is_forgotten_is_still_one(here: World) -> None:
    everybody = np.arange(len(here.snapshot.members.ids))
    found = without_members(here.snapshot, everybody)
    assert set(found.members.ids.tolist()) == {""}
    assert found.members.interests.vectors.shape == (0, 4)
    assert not found.groups.size.any()
