"""What is measured of a group for a viewer, by numbers worked by hand.

Everywhere the viewer is in groups 0 and 1 and is shown 2 and 3, unless a test says otherwise.
"""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from engine.columns import Links
from engine.features import CoMembership, Companions
from engine.group_features import (
    Fellows,
    InterestMean,
    LearnedMatch,
    PlaceMatch,
    SizeFit,
    TextFit,
    TopicBest,
    TopicMean,
    Visits,
    group_features,
)
from engine.pipeline import Feature
from engine.pool import Pool
from engine.query import NOBODY_ASKS, Query, query_of_member, query_of_text
from engine.snapshot import GroupLife, Snapshot
from engine.sources import VisitedGroups
from engine.types import Matrix, Vector
from tests.builders import Membership, built, make
from tests.random_community import random_world
from tests.world import BREAD, ROCKETS, KeywordEncoder, world

SHOWN = Pool(np.array([2, 3]))
NOBODY_SHOWN = Pool(np.zeros(0, np.int64))
CORNERS = np.array([[1, 0], [0, 1], [0.6, 0.8], [1, 0]], np.float32)
"""Where four groups lie."""


def row(*numbers: float) -> Vector:
    return np.array(numbers, np.float32)


def viewer(weights: tuple[float, float] = (1, 2), joined: tuple[float, float] = (0.25, 1)) -> Query:
    return replace(
        NOBODY_ASKS,
        member=0,
        groups=np.array([0, 1]),
        group_weights=row(*weights),
        joined_weights=row(*joined),
        habit_weights=row(4, 0.5),
    )


def newcomer(*interests: tuple[float, float]) -> Query:
    vectors = np.array(interests, np.float32).reshape(-1, 2)
    return query_of_text(vectors, np.ones(len(vectors), np.float32), np.zeros(0, np.int64))


def links(size: int, *entries: tuple[int, int, float]) -> Links:
    sources, targets, weights = (np.array(column) for column in zip(*entries, strict=True))
    return Links.of(size, sources, targets, weights)


def small() -> Snapshot:
    """Return a snapshot of five members and four groups, to put columns into."""
    everyone = [Membership(f"m{place}", f"g{place % 4}") for place in range(5)]
    return built(make([f"m{place}" for place in range(5)], ["g0", "g1", "g2", "g3"], everyone))


def measured(feature: Feature, query: Query) -> list[float]:
    column = feature.measure(query, SHOWN)
    assert column.dtype == np.float32
    numbers: list[float] = column.tolist()
    return numbers


def about(*numbers: float) -> object:
    return pytest.approx(list(numbers), abs=1e-6)


# Behaviour


def test_co_membership_adds_up_and_its_kin_take_the_best_or_the_group_joined_last() -> None:
    here = small()
    shared = links(4, (0, 2, 0.5), (0, 3, 0.2), (1, 2, 0.4))
    groups = replace(here.groups, neighbours=shared)
    named = group_features(replace(here, groups=groups))
    # Group 2: 1 x 0.5 + 2 x 0.4; the best of the two is 0.5; group 1 was joined last: 0.4.
    assert measured(CoMembership(groups), viewer()) == about(1.3, 0.2)
    assert measured(named["co_membership_best"], viewer()) == about(0.5, 0.2)
    assert measured(named["co_membership_last"], viewer()) == about(0.4, 0)
    # Where two were joined at once, both are the last.
    assert measured(named["co_membership_last"], viewer(joined=(1, 1))) == about(0.5, 0.2)


def test_ease_adds_what_speaks_for_a_group_and_takes_off_what_speaks_against_it() -> None:
    here = small()
    acts = replace(here.behaviour, ease=links(4, (0, 2, 0.3), (1, 2, -0.1), (1, 3, 0.6)))
    named = group_features(replace(here, behaviour=acts))
    assert measured(named["ease"], viewer()) == about(0.2, 0.6)
    # Joined a while ago and just now, 0.25 and 1: 0.25 x 0.3 - 0.1.
    assert measured(named["ease_fresh"], viewer()) == about(-0.025, 0.6)


def test_habits_weigh_the_groups_the_viewer_takes_part_in() -> None:
    here = small()
    active = links(4, (0, 2, 0.3), (1, 2, -0.4), (1, 3, 0.6))
    shared = links(4, (0, 2, 0.3), (1, 2, 0.4), (1, 3, 0.6))
    acts = replace(here.behaviour, ease_active=active, co_active=shared)
    named = group_features(replace(here, behaviour=acts))
    # Takes part 4 times in group 0 and half a time in group 1: 4 x 0.3 - 0.5 x 0.4.
    assert measured(named["ease_active"], viewer()) == about(1.0, 0.3)
    assert measured(named["co_active"], viewer()) == about(1.4, 0.3)
    assert measured(named["co_active_best"], viewer()) == about(1.2, 0.3)


def test_people_who_are_there_count_each_by_what_ties_them_to_the_viewer() -> None:
    members = replace(small().members, groups=links(5, (3, 2, 1), (4, 2, 1), (4, 3, 1)))
    people = np.array([3, 4])
    asks = replace(
        viewer(),
        fellows=people,
        fellow_weights=row(0.5, 0.25),
        companions=people,
        companion_weights=row(9, 9),
    )
    # Both fellows are in group 2: all of 0.75. Only the second is in group 3: 0.25 / 0.75.
    assert measured(Fellows(members), asks) == about(1, 1 / 3)
    assert measured(Companions(members), asks) == about(np.log(3), np.log(2))


def test_taking_part_in_a_group_counts_without_being_in_it() -> None:
    asks = replace(viewer(), visits=np.array([3]), visit_weights=row(0.7))
    assert measured(Visits(), asks) == about(0, 0.7)
    assert VisitedGroups().propose(asks).tolist() == [3]


# Places and texts


def test_a_place_is_near_the_viewers_groups_or_where_the_bridge_puts_their_text() -> None:
    across = np.array([[0, 2], [1, 0]], np.float32)
    match = PlaceMatch(CORNERS, across)
    # Groups at (1, 0) and (0, 1) weighing 3 and 4: the viewer lies at (0.6, 0.8).
    assert measured(match, viewer(weights=(3, 4))) == about(1, 0.6)
    # What they say does not move somebody who is in groups.
    words = newcomer((1, 0))
    known = replace(viewer(weights=(3, 4)), interests=words.interests, shares=words.shares)
    assert measured(match, known) == about(1, 0.6)
    # A text at (1, 0) is bridged to (0, 2), whose direction is (0, 1).
    assert measured(match, newcomer((1, 0))) == about(0.8, 0)


def test_topics_are_compared_with_the_nearest_and_with_the_mean_of_the_viewers_groups() -> None:
    assert measured(TopicBest(CORNERS), viewer()) == about(0.8, 1)
    assert measured(TopicMean(CORNERS), viewer(weights=(3, 4))) == about(1, 0.6)


def test_the_mean_of_the_viewers_interests_is_compared_too() -> None:
    # Interests at (1, 0) and (0, 1), as much of each: their direction is (1, 1) / sqrt 2.
    match = InterestMean(CORNERS)
    assert measured(match, newcomer((1, 0), (0, 1))) == about(1.4 / 2**0.5, 0.5**0.5)


def test_a_text_fits_where_such_texts_are_found() -> None:
    found = np.array([[0, 0], [0, 0], [0.5, 0.1], [0, 0.9]], np.float32)
    assert measured(TextFit(found), newcomer((1, 0), (0, 1))) == about(0.5, 0.9)


def test_a_learned_match_compares_where_a_text_is_welcome_not_what_it_says() -> None:
    swapped = np.array([[0, 2], [1, 0]], np.float32)
    assert measured(LearnedMatch(CORNERS, swapped), newcomer((1, 0))) == about(0.8, 0)
    assert measured(LearnedMatch(CORNERS, swapped), newcomer((1, 0), (0, 1))) == about(0.8, 1)


# The group, the viewer


def test_sizes_are_compared_with_those_of_the_groups_the_viewer_is_active_in() -> None:
    sizes = row(1, 3, 4, 2)
    asks = viewer(weights=(1, 3))
    # (1 x 1 + 3 x 3) / 4 = 2.5.
    assert measured(SizeFit(sizes), asks) == about(1.5, 0.5)
    here = small()
    life = replace(here.behaviour.life, members=sizes)
    named = group_features(replace(here, behaviour=replace(here.behaviour, life=life)))
    assert measured(named["viewer_size"], asks) == about(2.5, 2.5)


def test_what_is_true_of_a_group_or_a_viewer_is_the_same_whoever_asks_or_is_shown() -> None:
    here = small()
    kinds = [field.name for field in fields(GroupLife)]
    values = {name: row(*range(place, place + 4)) for place, name in enumerate(kinds)}
    acts = replace(here.behaviour, life=GroupLife(**values))
    named = group_features(replace(here, behaviour=acts))
    for place, name in enumerate(kinds):
        assert measured(named[f"group_{name}"], viewer()) == about(place + 2, place + 3), name
        assert measured(named[f"group_{name}"], NOBODY_ASKS) == about(place + 2, place + 3), name
    assert measured(named["viewer_groups"], viewer()) == about(*[np.log(3)] * 2)
    assert measured(named["viewer_freshness"], viewer()) == about(1, 1)
    assert measured(named["viewer_activity"], viewer()) == about(3, 3)


@pytest.mark.parametrize(
    "feature",
    [
        TopicBest(CORNERS),
        TopicMean(CORNERS),
        InterestMean(CORNERS),
        TextFit(CORNERS),
        LearnedMatch(CORNERS, np.eye(2, dtype=np.float32)),
        PlaceMatch(CORNERS, np.eye(2, dtype=np.float32)),
        SizeFit(row(1, 2, 3, 4)),
    ],
    ids=lambda feature: str(feature.name),
)
def test_of_a_viewer_without_groups_or_interests_nothing_is_claimed(feature: Feature) -> None:
    assert measured(feature, newcomer()) == [0, 0]
    assert feature.measure(newcomer((1, 0)), NOBODY_SHOWN).shape == (0,)
    assert feature.measure(viewer(), NOBODY_SHOWN).shape == (0,)


# What every column owes


def texts() -> list[Query]:
    vectors: Matrix = KeywordEncoder().encode([ROCKETS, BREAD])
    shares = np.full(2, 0.5, np.float32)
    nothing = np.zeros(0, np.int64)
    silent = query_of_text(vectors[:0], shares[:0], nothing)
    return [query_of_text(vectors, shares, nothing), silent]


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_every_column_is_finite_and_does_not_depend_on_who_else_is_shown(seed: int | None) -> None:
    snapshot = (world() if seed is None else random_world(seed)).snapshot
    everyone = Pool(np.arange(len(snapshot.groups.ids)))
    odd = everyone.rows % 2 == 1
    members = [query_of_member(snapshot, place) for place in range(len(snapshot.members.ids))]
    for name, feature in group_features(snapshot).items():
        assert feature.name == name
        for query in [*members, *texts()]:
            column = feature.measure(query, everyone)
            assert column.dtype == np.float32, name
            assert column.shape == (len(everyone),), name
            assert np.isfinite(column).all(), name
            alone = feature.measure(query, everyone.kept(odd))
            assert alone == pytest.approx(column[odd], abs=1e-6), name
            assert feature.measure(query, NOBODY_SHOWN).shape == (0,), name
