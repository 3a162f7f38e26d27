"""What is measured of two people, from either side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.acquaintance import Acquaintance
from engine.columns import Links, Profiles
from engine.pair_features import ALIKE, COLUMNS, EITHER_WAY, PairFeatures, mirrored
from engine.pool import Pool
from engine.query import NOBODY_ASKS, query_of_member
from engine.snapshot import Snapshot
from engine.types import Vector
from tests.builders import Post, built, make
from tests.world import MEMBERS, World, world
from training.meetings import acquaintance_of

NEARLY = ("mixed", "by_alike", "alike")
"""Columns whose mirror is worked out without walking from everybody: nearly what it would be."""


@pytest.fixture(scope="module")
def here() -> World:
    return world()


@pytest.fixture(scope="module")
def telling(here: World) -> Snapshot:
    """The world, in which Bo seeks rockets and Nia offers them, and Ana has answered Bo."""
    members, size = here.snapshot.members, len(MEMBERS)
    rockets = np.array([[1, 0, 0, 0]], np.float32)

    def only(name: str) -> Profiles:
        nothing = (np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
        said = (rockets, np.ones(1, np.float32))
        return Profiles.of(4, [said if one == name else nothing for one in MEMBERS])

    ana, bo = np.array([here.member("ana")]), np.array([here.member("bo")])
    changed = replace(
        members,
        seeking=only("bo"),
        offering=only("nia"),
        answered=Links.of(size, ana, bo, np.array([3.0])),
    )
    return replace(here.snapshot, members=changed)


def measured(snapshot: Snapshot, learned: Acquaintance | None = None) -> list[dict[str, Vector]]:
    """Return everybody's columns about everybody."""
    features = PairFeatures.of(snapshot, learned or acquaintance_of(snapshot))
    everyone = Pool(np.arange(len(snapshot.members.ids)))
    queries = [query_of_member(snapshot, row) for row in range(len(everyone))]
    return [dict(features.measure_all(query, everyone)) for query in queries]


def test_every_column_is_measured_and_those_that_differ_by_side_from_both(here: World) -> None:
    found = measured(here.snapshot)[0]
    assert set(found) == {*COLUMNS, *(mirrored(name) for name in COLUMNS)}
    assert len(found) == len(ALIKE) + 2 * len(EITHER_WAY)


def test_a_mirrored_column_is_what_the_other_would_see(telling: Snapshot) -> None:
    found = measured(telling)
    for name in COLUMNS:
        if name in NEARLY:
            continue
        ahead = np.stack([columns[name] for columns in found])
        back = np.stack([columns[mirrored(name)] for columns in found])
        off = ~np.eye(len(found), dtype=bool)
        assert back.T[off] == pytest.approx(ahead[off], abs=1e-5), name


def test_what_one_seeks_and_the_other_offers_is_matched_across(telling: Snapshot) -> None:
    names = list(MEMBERS)
    bo, nia = names.index("bo"), names.index("nia")
    found = measured(telling)
    assert found[bo]["seek_offer"][nia] == 1, "Bo finds what he seeks"
    assert found[bo]["seek_offer_back"][nia] == 0, "Nia seeks nothing"
    assert found[nia]["seek_offer_back"][bo] == 1
    assert found[nia]["seek_offer"][bo] == 0


def test_the_gist_is_all_that_somebody_says_each_part_by_its_share(here: World) -> None:
    rockets, bread = np.eye(4, dtype=np.float32)[:2]
    nothing = (np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
    said = {
        "ana": (np.stack([rockets, bread]), np.array([0.75, 0.25], np.float32)),
        "bo": (rockets[None], np.ones(1, np.float32)),
    }
    interests = Profiles.of(4, [said.get(name, nothing) for name in MEMBERS])
    members = replace(here.snapshot.members, interests=interests)
    found = measured(replace(here.snapshot, members=members))
    ana, bo, cy = (here.member(name) for name in ("ana", "bo", "cy"))
    assert found[ana]["gist_match"][bo] == pytest.approx(0.75 / np.hypot(0.75, 0.25))
    assert found[bo]["gist_match"][ana] == pytest.approx(found[ana]["gist_match"][bo])
    assert found[ana]["interest_match"][bo] == pytest.approx(1.0)
    assert not any(found[one]["gist_match"][other] for one, other in ((ana, cy), (cy, ana)))


def test_who_was_asked_about_before_does_not_change_what_is_measured(here: World) -> None:
    query = query_of_member(here.snapshot, here.member("ana"))
    features = PairFeatures.of(here.snapshot, acquaintance_of(here.snapshot))
    everyone = Pool(np.arange(len(MEMBERS)))
    for some in (["cy"], ["bo", "cy", "kim"]):
        features.measure_all(query, Pool(np.array([here.member(name) for name in some])))
    found = features.measure_all(query, everyone)["gist_match"]
    assert found.tolist() == measured(here.snapshot)[here.member("ana")]["gist_match"].tolist()
    assert found[here.member("bo")] > 0.5


def test_one_who_answers_could_answer_one_who_asks() -> None:
    asked = [Post(f"q{place}", ("ana",)) for place in range(3)]
    said = [Post(f"a{place}", ("bo",), parent=f"q{place}") for place in range(3)]
    found = measured(built(make(["ana", "bo"], ["club"], posts=asked + said)))
    assert found[1]["could_answer"][0] > 1, "Bo answers, and Ana asks"
    assert found[0]["could_answer"][1] == 0, "Ana answers nobody"
    assert found[0]["could_answer_back"][1] == found[1]["could_answer"][0]
    assert found[0]["this_week"][1] > 0


def test_somebody_is_measured_by_how_near_they_lie_to_those_one_answers(telling: Snapshot) -> None:
    names = list(MEMBERS)
    found = measured(telling)[names.index("ana")]
    likely = found["answers_like"]
    assert likely[names.index("bo")] == pytest.approx(1), "Ana has answered nobody but Bo"
    assert likely[names.index("mo")] > likely[names.index("cy")], "Mo is where Bo is, Cy bakes"


def test_who_seeks_nothing_and_knows_nobody_is_measured_all_the_same(here: World) -> None:
    found = measured(here.snapshot)[here.member("kim")]
    assert not any(found[name].any() for name in ("mixed", "adamic_adar", "shared_groups"))
    assert found["takes_part"].any(), "what is true of the others needs nothing of Kim"


def test_a_secret_group_counts_between_its_own_people_only(here: World) -> None:
    groups = here.snapshot.groups
    without = replace(groups, public=groups.public & False)
    shut = measured(replace(here.snapshot, groups=without))
    ana, bo, nia = (here.member(name) for name in ("ana", "bo", "nia"))
    assert shut[ana]["small_groups"][bo] > 0, "they are in the rocket club both"
    assert shut[ana]["small_groups"][nia] == 0
    assert shut[ana]["viewer_groups_back"][bo] == 0, "in how many others Bo is stays his own"


def test_members_and_groups_that_came_after_the_training_are_neutral(here: World) -> None:
    learned = acquaintance_of(here.snapshot)
    early = Acquaintance(
        learned.places[:2],
        learned.group_places[:1],
        learned.looking[:2],
        learned.met[:2],
        learned.closeness[:1],
    )
    found = measured(here.snapshot, early)[0]
    assert found["place_match"][0] == pytest.approx(1)
    assert not found["place_match"][2:].any()
    assert not found["foretold"][2:].any()
    assert all(np.isfinite(column).all() for column in found.values())


def test_a_newcomer_lies_where_the_people_of_their_groups_do(here: World) -> None:
    snapshot, learned = here.snapshot, acquaintance_of(here.snapshot)
    bakers = np.array([here.group("bakers")])
    query = replace(NOBODY_ASKS, groups=bakers, group_weights=np.ones(1, np.float32))
    everyone = Pool(np.arange(len(MEMBERS)))
    near = PairFeatures.of(snapshot, learned).measure_all(query, everyone)["place_match"]
    assert near.argmax() == here.member("cy")
