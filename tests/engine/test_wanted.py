"""Slates narrowed to what is wanted: as many items as there are, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.answers import Answer
from engine.columns import Strings
from engine.erasure import without_members
from engine.facts import Facts, GroupFact, MemberFact, Written
from engine.group_ranker import GroupRanker
from engine.groups import group_recommender
from engine.index import VectorIndex
from engine.introductions import introduction_recommender
from engine.live import Overlay
from engine.live_names import Names
from engine.pool import Pool
from engine.preferences import Preferences
from engine.query import NOBODY_ASKS, query_of_member
from engine.recommender import Recommender
from engine.snapshot import UNKNOWN
from engine.wanted import InOrder, Wanted, narrowed_groups, narrowed_members
from tests.live_facts import bundle_of
from tests.random_community import random_world
from tests.world import MEMBERS, World, tables, world

DELFT, LEIDEN = "Delft", "Leiden"


def ids(answer: Answer) -> list[str]:
    return [item.id for item in answer.items]


def settled() -> Recommender:
    """Return the world, in which some have told where they are and what they speak."""
    raw = tables()
    members, groups = raw["members"], raw["groups"]
    homes = {"bo": DELFT, "nia": f" {DELFT.upper()} ", "cy": LEIDEN}
    spoken = {"bo": "nl", "cy": "NL"}
    members = members.with_columns(
        place=pl.Series([homes.get(one) for one in members["id"]], dtype=pl.String),
        language=pl.Series([spoken.get(one, "") for one in members["id"]]),
    )
    groups = groups.with_columns(
        place=pl.Series([{"launch-site": DELFT}.get(one, "") for one in groups["id"]])
    )
    return Recommender(bundle_of(world({"members": members, "groups": groups}).snapshot))


def with_room(here: World) -> Recommender:
    """Return a world in which whoever takes introductions takes a hundred a week."""
    members = here.snapshot.members
    weekly = np.where(members.weekly_introductions > 0, 100, 0).astype(np.float32)
    wide = replace(here.snapshot, members=replace(members, weekly_introductions=weekly))
    return Recommender(bundle_of(wide))


@pytest.mark.parametrize(
    ("wanted", "people"),
    [
        (Wanted(place="delft"), {"bo", "nia"}),
        (Wanted(place=" Leiden"), {"cy"}),
        (Wanted(language="nl"), {"bo", "cy"}),
        (Wanted(language="nl", place=DELFT), {"bo"}),
        (Wanted(language="nl", exclude=frozenset({"cy"})), {"bo"}),
        (Wanted(place="Utrecht"), set()),
        (Wanted(language="delft"), set()),
    ],
)
def test_only_people_who_have_told_so_come(wanted: Wanted, people: set[str]) -> None:
    assert set(ids(settled().members_for("ana", 50, wanted))) == people


def test_only_groups_that_are_there_come() -> None:
    assert ids(settled().groups_for("ana", 50, Wanted(place=DELFT))) == ["launch-site"]
    assert ids(settled().groups_for("ana", 50, Wanted(language="nl"))) == []
    assert ids(settled().groups_for_text("rockets", 50, Wanted(place=DELFT))) == ["launch-site"]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2_000), st.integers(0, 5), st.integers(0, 5))
def test_a_narrowed_slate_is_everything_that_may_be_shown_and_is_wanted(
    seed: int, least: int, spread: int
) -> None:
    here = random_world(seed)
    recommender = with_room(here)
    size = dict(zip(here.snapshot.groups.ids.tolist(), here.snapshot.groups.size, strict=True))
    everybody = here.snapshot.members.ids.tolist()
    for member in everybody:
        every = ids(recommender.ranked_groups(member, list(size)))
        wanted = Wanted(min_size=least, max_size=least + spread, exclude=frozenset(every[:1]))
        found = ids(recommender.groups_for(member, 100, wanted))
        assert set(found) == {one for one in every[1:] if least <= size[one] <= least + spread}
        people = ids(recommender.ranked_members(member, everybody))
        rest = Wanted(exclude=frozenset(people[:2]))
        assert set(ids(recommender.members_for(member, 100, rest))) == set(people[2:])


def test_what_is_wanted_is_found_however_little_the_sources_find_of_it() -> None:
    here = world()
    snapshot, index = here.snapshot, VectorIndex.build(here.snapshot.members.interests.vectors)
    ana = query_of_member(snapshot, here.member("ana"))
    groups = replace(group_recommender(snapshot, index), sources=())
    wanted = np.array(
        [one in {"launch-site", "secret-pad"} for one in snapshot.groups.ids.tolist()]
    )
    slate = narrowed_groups(groups, snapshot, wanted).recommend(ana, 5)
    assert slate.rows.tolist() == [here.group("launch-site")]
    people = replace(introduction_recommender(snapshot, index), sources=())
    some = {"bo", "di", "ed", "hal", "lu"}
    wanted = np.array([one in some for one in snapshot.members.ids.tolist()])
    found = narrowed_members(people, snapshot, wanted, ana.audience).recommend(ana, 5)
    assert found.rows.tolist() == [here.member("bo")]
    # Whoever would only be refused takes no place among those proposed.
    assert not any(len(rows) for rows in found.trace.removed.values())


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2_000))
def test_what_is_ranked_is_what_the_policies_let_through_by_score(seed: int) -> None:
    here = random_world(seed)
    recommender = with_room(here)
    everybody = here.snapshot.members.ids.tolist()
    for member in everybody:
        ranked = recommender.ranked_members(member, [*everybody, "nobody", *everybody[:3]])
        assert set(ids(recommender.members_for(member, 100))) <= set(ids(ranked))
        assert member not in ids(ranked)
        scores = [item.score for item in ranked.items]
        assert scores == sorted(scores, reverse=True)


def test_a_settled_order_is_kept_and_what_is_refused_now_is_passed_over() -> None:
    overlay = Overlay(bundle_of(world().snapshot))
    order = ["oven-talk", "new-pad", "nothing", "launch-site"]

    def shown(k: int) -> list[str]:
        return ids(overlay.recommender.shown_of(Written.GROUP, "ana", order, k))

    assert shown(2) == ["oven-talk", "new-pad"]
    assert shown(9) == ["oven-talk", "new-pad", "launch-site"]
    overlay.take_in(Facts(groups=(GroupFact("new-pad", public=False),)))
    assert shown(2) == ["oven-talk", "launch-site"]


def test_nothing_is_explored_in_an_order_that_is_settled() -> None:
    bundle = settled().bundle
    seldom = np.ones(len(bundle.snapshot.groups.ids), bool)

    def orders(exploration: float) -> list[list[str]]:
        ranker = GroupRanker(preferences=Preferences(exploration=exploration), seldom=seldom)
        recommender = Recommender(replace(bundle, ranker=ranker))
        return [recommender.ids_for(Written.GROUP, one, 3) for one in MEMBERS]

    assert orders(1.0) == orders(0.0)


def test_an_order_may_name_rows_that_are_no_candidates() -> None:
    pool = Pool(np.array([2, 5, 9]))
    scores = np.zeros(3, np.float32)
    order = InOrder(np.array([9, 4, 2, 5]))
    assert order.select(NOBODY_ASKS, pool, scores, 2).tolist() == [2, 0]
    assert order.select(NOBODY_ASKS, Pool(np.zeros(0, np.int64)), scores[:0], 2).tolist() == []


def test_whoever_moves_is_where_they_are_now() -> None:
    overlay = Overlay(settled().bundle)

    def people(place: str) -> set[str]:
        return set(ids(overlay.recommender.members_for("ana", 50, Wanted(place=place))))

    bo = MemberFact("bo", audience="adult", place="Gouda", language="nl")
    overlay.take_in(Facts(members=(bo,), groups=(GroupFact("new-pad", place=" gouda"),)))
    assert (people(DELFT), people("gouda")) == ({"nia"}, {"bo"})
    assert ids(overlay.recommender.groups_for("ana", 9, Wanted(place="Gouda"))) == ["new-pad"]
    overlay.take_in(Facts(members=(MemberFact("bo", audience="adult"),)))
    assert people("gouda") == set()
    overlay.take_in(Facts(members=(MemberFact("nia", here=False),)))
    assert people(DELFT) == set()


def test_a_group_of_the_members_place_is_told_from_one_elsewhere_in_the_overlay() -> None:
    overlay = Overlay(settled().bundle)
    overlay.take_in(
        Facts(
            members=(MemberFact("ana", audience="adult", place="Gouda"),),
            groups=(GroupFact("new-pad", place="Gouda"), GroupFact("oven-talk", place="Delft")),
        )
    )
    acts = overlay.recommender.bundle.snapshot.behaviour
    row = overlay.recommender.groups.row
    home = acts.homes[overlay.recommender.members.row("ana")]
    assert home != UNKNOWN
    assert acts.group_homes[row("new-pad")] == home
    assert acts.group_homes[row("oven-talk")] == acts.group_homes[row("launch-site")] != home


def test_names_get_numbers_and_keep_them() -> None:
    names = Names(Strings.of(["delft", "", "leiden"]))
    before = names.strings
    assert names.numbers({7: "Leiden ", 8: "gouda", 9: "", 1: "Gouda"}) == {
        7: 2,
        8: 3,
        9: UNKNOWN,
        1: 3,
    }
    assert names.numbers({0: "delft"}) == {0: 0}
    assert names.strings.tolist() == ["delft", "", "leiden", "gouda"]
    assert before.tolist() == ["delft", "", "leiden"]


def test_a_place_that_only_the_forgotten_had_told_is_forgotten() -> None:
    here = settled().bundle.snapshot
    rows = {one: row for row, one in enumerate(here.members.ids.tolist())}
    found = without_members(here, np.array([rows["cy"]])).behaviour
    assert found.home_names.tolist() == ["delft", ""]
    assert found.language_names.tolist() == ["nl"]
    found = without_members(here, np.array([rows["cy"], rows["bo"], rows["nia"]])).behaviour
    assert found.home_names.tolist() == ["delft", ""]  # a group is there
    assert found.language_names.tolist() == [""]
