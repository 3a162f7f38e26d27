"""The right answers of the world, which follow from how it is made."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from engine.groups import group_recommender
from engine.index import VectorIndex
from engine.introduction_ranker import IntroductionRanker
from engine.introductions import introduction_recommender
from engine.query import Query, query_of_member, query_of_text
from tests.world import BREAD, NOW, ROCKETS, KeywordEncoder, World, tables, world
from training.meetings import acquaintance_of


@pytest.fixture(scope="module")
def here() -> World:
    return world()


def of_text(text: str, audience: int = 0) -> Query:
    vectors = KeywordEncoder().encode([text])
    return query_of_text(vectors, np.ones(1, np.float32), np.zeros(0, np.int64), audience)


def groups(here: World, who: str | Query, k: int = 20) -> list[str]:
    query = query_of_member(here.snapshot, here.member(who)) if isinstance(who, str) else who
    index = VectorIndex.build(here.snapshot.groups.prototypes.vectors)
    slate = group_recommender(here.snapshot, index).recommend(query, k)
    assert slate.trace.failed == {}
    return [here.snapshot.groups.ids[row] for row in slate.rows.tolist()]


def people(here: World, who: str | Query, k: int = 20) -> list[str]:
    query = query_of_member(here.snapshot, here.member(who)) if isinstance(who, str) else who
    index = VectorIndex.build(here.snapshot.members.interests.vectors)
    # Not learned, but with what training always works out beforehand.
    ranker = IntroductionRanker(acquaintance=acquaintance_of(here.snapshot))
    slate = introduction_recommender(here.snapshot, index, ranker=ranker).recommend(query, k)
    assert slate.trace.failed == {}
    return [here.snapshot.members.ids[row] for row in slate.rows.tolist()]


def test_ana_is_sent_to_the_launch_site_first_and_a_new_group_is_not_left_out(here: World) -> None:
    found = groups(here, "ana")
    assert found[0] == "launch-site"
    assert set(found) == {"launch-site", "oven-talk", "new-pad"}


def test_ana_is_introduced_to_bo_first(here: World) -> None:
    found = people(here, "ana")
    assert found[0] == "bo"
    assert set(found) == {"bo", "cy", "jo", "kim", "nia"}


def test_one_place_goes_to_the_best(here: World) -> None:
    assert (groups(here, "ana", 1), people(here, "ana", 1)) == (["launch-site"], ["bo"])


def test_someone_new_with_a_profile_is_led_to_what_it_says(here: World) -> None:
    assert set(groups(here, "jo")[:2]) == {"bakers", "oven-talk"}
    assert set(people(here, "jo")[:2]) == {"ana", "cy"}


def test_someone_of_whom_nothing_is_known_still_has_suggestions(here: World) -> None:
    assert {"rocket-club", "launch-site", "bakers"} <= set(groups(here, "kim"))
    assert {"ana", "bo", "cy", "nia"} <= set(people(here, "kim"))


def test_a_text_finds_its_groups_and_its_people(here: World) -> None:
    # Mo and Kim have written nothing of which a text could find them nearer than others.
    bakers = {"bakers", "oven-talk"}
    assert set(groups(here, of_text(BREAD))[:2]) == bakers
    rocketeers = groups(here, of_text(ROCKETS))
    assert not set(rocketeers[:3]) & bakers
    assert set(people(here, of_text(BREAD))[:3]) == {"ana", "cy", "jo"}


def test_a_text_of_unknown_audience_finds_groups_but_nobody(here: World) -> None:
    assert groups(here, of_text(BREAD, audience=-1))
    assert people(here, of_text(BREAD, audience=-1)) == []


def test_a_text_is_never_shown_what_is_hidden_from_all(here: World) -> None:
    found = people(here, of_text(ROCKETS))
    assert not {"di", "ed", "lu", "hal", "ivy"} & set(found)
    assert not {"secret-pad", "private-pad", "full-pad"} & set(groups(here, of_text(ROCKETS)))


def test_the_same_question_has_the_same_answer(here: World) -> None:
    for member in here.community.members["id"]:
        assert groups(here, member) == groups(world(), member)
        assert people(here, member) == people(world(), member)


def test_the_order_of_the_tables_decides_nothing_but_ties() -> None:
    # Ana's and Jo's best are no ties: they stay the best whatever row they are in.
    shuffled = {
        name: frame.sample(fraction=1, shuffle=True, seed=5)
        for name, frame in tables().items()
        if name != "posts"
    }
    other = world(shuffled)
    assert (groups(other, "ana", 1), people(other, "ana", 1)) == (["launch-site"], ["bo"])
    assert set(people(other, "jo", 2)) == {"ana", "cy"}


def test_a_private_post_moves_no_slate(here: World) -> None:
    frame = tables()["posts"]
    secret = pl.DataFrame(
        {
            "id": ["hidden"],
            "member": ["nia"],
            "groups": [["secret-pad"]],
            "ts": [NOW - 86_400 * 61],  # before anybody's first post
            "title": [""],
            "text": ["sourdough sourdough sourdough"],
        }
    )
    other = world({"posts": pl.concat([frame, secret])})
    before, after = (w.snapshot.members.interests.of_row(w.member("nia")) for w in (here, other))
    assert np.array_equal(before[0], after[0])
    assert groups(here, "ana") == groups(other, "ana")
