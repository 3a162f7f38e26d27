"""Rounds of the world: who meets whom, who does not and why, and what a host may ask for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.affinities import GladBoth
from engine.errors import DataError, UnknownReferenceError
from engine.facts import BlockFact, Facts, IntroducedFact, MemberFact, SetAsideFact, Written
from engine.live import Overlay
from engine.recommender import Recommender
from engine.round_rules import PairRules
from engine.round_wishes import Mix, Plan, Why, Wishes
from engine.rounds import plan_round
from engine.snapshot import Snapshot
from engine.weeks import week_of
from tests.live_facts import bundle_of
from tests.world import MEMBERS, NOW, world

EVERYBODY = tuple(MEMBERS)


def recommender(snapshot: Snapshot | None = None) -> Recommender:
    return Recommender(bundle_of(snapshot or world().snapshot), clock=lambda: NOW)


def met(plan: Plan) -> set[frozenset[str]]:
    return {frozenset(match.members) for match in plan.matches}


def pair(one: str, other: str) -> frozenset[str]:
    return frozenset((one, other))


def planned(**wishes: object) -> Plan:
    told = {"members": EVERYBODY} | wishes
    return plan_round(recommender(), Wishes(**told), NOW)  # type: ignore[arg-type]


def test_everybody_who_may_meets_somebody_and_the_others_learn_why() -> None:
    plan = planned()
    assert pair("ana", "bo") in met(plan)
    assert sum(map(len, met(plan))) == 8
    assert {one: why for one, why in plan.left_out.items() if why is not Why.ODD_ONE_OUT} == {
        "di": Why.CLOSED,  # cannot be found
        "ed": Why.CLOSED,
        "hal": Why.NOBODY_ALLOWED,  # the only minor
        "ivy": Why.NOBODY_ALLOWED,  # of unknown band
        "lu": Why.CLOSED,  # takes none a week
    }
    assert list(plan.left_out.values()).count(Why.ODD_ONE_OUT) == 1  # nine may meet


def test_the_same_seed_gives_the_same_plan_and_all_who_are_open_need_not_be_named() -> None:
    assert planned(members=None, seed=3) == planned(members=None, seed=3)
    assert met(planned(members=None)) == met(planned())


def test_the_total_and_the_worst_are_those_of_the_matches() -> None:
    plan = planned()
    qualities = [match.quality for match in plan.matches]
    assert qualities == sorted(qualities, reverse=True)
    assert (plan.total, plan.worst) == (sum(qualities), qualities[-1])


def test_blocked_and_tied_do_not_meet_and_the_tied_do_if_it_is_asked_for() -> None:
    for seed in range(5):
        found = met(planned(seed=seed))
        assert not found & {pair("ana", "fay"), pair("ana", "gus"), pair("ana", "mo")}
    tied = planned(tied=True, members=("ana", "mo"))
    assert met(tied) == {pair("ana", "mo")}


def test_must_and_never_are_kept() -> None:
    plan = planned(must=(("jo", "kim"),), never=(("ana", "bo"),))
    assert pair("jo", "kim") in met(plan)
    assert pair("ana", "bo") not in met(plan)


def test_pairs_of_earlier_rounds_are_not_repeated_unless_they_must() -> None:
    assert pair("ana", "bo") not in met(planned(met=(("bo", "ana"), ("gone", "bo"))))
    assert pair("ana", "bo") in met(planned(met=(("ana", "bo"),), must=(("ana", "bo"),)))


def test_below_the_minimum_nobody_meets_and_it_is_said() -> None:
    plan = planned(minimum_quality=0.45)
    assert all(match.quality >= 0.45 for match in plan.matches)
    assert plan.left_out["kim"] is Why.BELOW_MINIMUM  # nothing is known of them
    assert planned(minimum_quality=1.0).matches == ()


def test_whoever_would_be_left_over_may_be_a_third() -> None:
    plan = planned(threes=True)
    assert sorted(map(len, met(plan))) == [2, 2, 2, 3]
    assert Why.ODD_ONE_OUT not in plan.left_out.values()


def test_nobody_is_in_a_circle_with_whom_they_may_not_meet() -> None:
    apart = {pair("ana", "fay"), pair("ana", "gus"), pair("ana", "mo"), pair("bo", "mo")}
    for seed in range(5):
        plan = planned(size=3, seed=seed)
        assert sum(map(len, met(plan))) >= 8
        assert not [two for two in apart for circle in met(plan) if two <= circle]
        assert not [one for circle in met(plan) for one in circle if one in {"di", "ed", "hal"}]


def test_who_must_meet_is_in_one_circle() -> None:
    plan = planned(size=4, must=(("jo", "nia"), ("nia", "cy")))
    assert any({"jo", "nia", "cy"} <= circle for circle in met(plan))


def test_a_circle_takes_as_many_introductions_of_the_week_as_it_has_others() -> None:
    here = world()
    few = np.full(len(EVERYBODY), 5, np.float32)
    few[[here.member("ana"), here.member("lu")]] = 2
    members = replace(here.snapshot.members, weekly_introductions=few)
    asked = recommender(replace(here.snapshot, members=members))
    plan = plan_round(asked, Wishes(EVERYBODY, size=4), NOW)
    assert plan.left_out["ana"] is Why.NO_ROOM
    assert plan_round(asked, Wishes(EVERYBODY), NOW).left_out.get("ana") is None


def test_newcomers_meet_regulars_before_regulars_meet_each_other() -> None:
    here = world()
    days = np.full(len(EVERYBODY), 900, np.float32)
    days[[here.member("ana"), here.member("bo")]] = 3
    members = replace(here.snapshot.members, known_days=days)
    asked = recommender(replace(here.snapshot, members=members))
    four = ("ana", "bo", "cy", "jo")
    assert met(plan_round(asked, Wishes(four), NOW)) == {pair("ana", "bo"), pair("cy", "jo")}
    mixed = plan_round(asked, Wishes(four, mix=Mix.NEWCOMERS_WITH_REGULARS), NOW)
    assert met(mixed) in (
        {pair("ana", "cy"), pair("bo", "jo")},
        {pair("ana", "jo"), pair("bo", "cy")},
    )


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"must": (("ana", "fay"),)}, "'ana' and 'fay' may not be introduced"),
        ({"must": (("ana", "ed"),)}, "'ed' has not opted in, is closed"),
        ({"must": (("ana", "bo"), ("bo", "cy"))}, "would meet all together"),
        ({"must": (("ana", "bo"),), "never": (("bo", "ana"),)}, "must meet and must never"),
        (
            {"size": 3, "must": (("ana", "bo"), ("bo", "cy")), "never": (("ana", "cy"),)},
            "must and never contradict",
        ),
        ({"must": (("ana", "ana"),)}, "with themself"),
        ({"members": ("ana", "bo", "ana")}, "more than once"),
        ({"size": 10}, "size of 2, or 3 to 9"),
        ({"minimum_quality": 1.5}, "minimum_quality of 0 to 1"),
        ({"seed": -1}, "seed of 0 or more"),
    ],
)
def test_wishes_that_cannot_be_are_refused(wishes: dict[str, object], said: str) -> None:
    with pytest.raises(DataError, match=said):
        planned(**wishes)


def test_whoever_is_not_there_is_named() -> None:
    for wishes in ({"members": ("ana", "x")}, {"must": (("x", "ana"),)}, {"never": (("a", "x"),)}):
        with pytest.raises(UnknownReferenceError, match="no member has the id"):
            planned(**wishes)


def test_what_changed_since_the_bundle_is_known() -> None:
    overlay = Overlay(bundle_of(world().snapshot), clock=lambda: NOW)
    overlay.take_in(
        Facts(
            members=(MemberFact("new", text="rocket", audience="adult"),),
            blocks=(BlockFact("ana", "bo", here=True),),
            set_aside=(SetAsideFact("nia", "ana", Written.MEMBER, NOW + 60),),
            introduced=(IntroducedFact("cy", "jo", week_of(NOW) - 1, NOW + 60),),
        )
    )
    rules = PairRules.of(overlay.recommender, NOW)
    circles = [
        ("ana", "bo"),
        ("ana", "nia"),
        ("cy", "jo"),
        ("cy", "nia"),
        ("cy", "gone"),
        ("ana", "hal"),
    ]
    assert rules.fallen(circles, tied=False) == {
        ("ana", "bo"),
        ("ana", "hal"),  # of another band
        ("ana", "nia"),
        ("cy", "gone"),
        ("cy", "jo"),
    }
    for seed in range(3):
        plan = plan_round(overlay.recommender, Wishes((*EVERYBODY, "new"), seed=seed), NOW)
        assert not met(plan) & set(map(frozenset, (("ana", "bo"), ("ana", "nia"), ("cy", "jo"))))
        assert sum("new" in circle for circle in met(plan)) + ("new" in plan.left_out) == 1


def test_a_pair_is_worth_the_same_whoever_comes_first_and_a_shared_interest_is_worth_more() -> None:
    here = world()
    quality = GladBoth.of_snapshot(here.snapshot)
    ana, bo, jo, kim = (here.member(name) for name in ("ana", "bo", "jo", "kim"))
    one, other = np.array([ana, ana, kim]), np.array([bo, kim, jo])
    assert quality.of(one, other).tolist() == quality.of(other, one).tolist()
    best, poor, _ = quality.of(one, other).tolist()
    assert 1 >= best > poor >= 0
    assert quality.of(one[:0], other[:0]).tolist() == []
