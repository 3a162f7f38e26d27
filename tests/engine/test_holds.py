"""What is set aside: it holds until its time is over, whatever order it was heard in."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.answers import GONE
from engine.facts import Facts, GroupFact, HiddenFact, MemberFact, SetAsideFact, Written
from engine.live import Overlay
from engine.recommender import Recommender
from tests.live_facts import bundle_of
from tests.world import NOW, ROCKETS, world

GROUP, MEMBER = Written.GROUP, Written.MEMBER
HOUR = 3600.0


class Clock:
    """A clock that is set by hand."""

    now = NOW

    def __call__(self) -> float:
        return self.now


def overlay(clock: Callable[[], float] = Clock()) -> Overlay:  # noqa: B008 - never set
    return Overlay(bundle_of(world().snapshot), clock=clock)


def groups(recommender: Recommender, member: str) -> set[str]:
    return {item.id for item in recommender.groups_for(member, 50).items}


def people(recommender: Recommender, member: str) -> set[str]:
    return {item.id for item in recommender.members_for(member, 50).items}


def aside(member: str, item: str, kind: Written, until: float = NOW + HOUR) -> Facts:
    return Facts(set_aside=(SetAsideFact(member, item, kind, until),))


def test_a_group_is_set_aside_for_one_member_and_the_policy_is_named() -> None:
    live = overlay().take_in(aside("ana", "launch-site", GROUP))
    assert "launch-site" not in groups(live, "ana")
    assert "launch-site" in groups(live, "cy")
    removed = live.groups_for("ana", 50).trace.removed["not_set_aside"]
    assert [live.bundle.snapshot.groups.ids[row] for row in removed.tolist()] == ["launch-site"]


def test_a_hold_ends_with_its_time_and_with_a_fact_that_says_so() -> None:
    clock, before = Clock(), overlay()
    here = overlay(clock)
    assert "bo" in people(before.recommender, "ana")
    held = here.take_in(aside("ana", "bo", MEMBER))
    assert "bo" not in people(held, "ana")
    clock.now = NOW + HOUR
    assert "bo" in people(held, "ana")
    clock.now = NOW
    assert "bo" in people(here.take_in(aside("ana", "bo", MEMBER, 0.0)), "ana")


def test_a_group_and_a_member_of_one_id_are_set_aside_apart() -> None:
    here = overlay()
    here.take_in(Facts(groups=(GroupFact("bo", name="Bo's", text=ROCKETS),)))
    live = here.take_in(aside("ana", "bo", GROUP))
    assert "bo" in people(live, "ana")
    assert "bo" not in groups(live, "ana")


def test_whom_reports_hide_nobody_is_shown_even_a_newcomer() -> None:
    here = overlay()
    live = here.take_in(Facts(hidden=(HiddenFact("bo", True),)))
    for found in (people(live, "ana"), people(live, "nia")):
        assert "bo" not in found
        assert found
    told = {item.id for item in live.members_for_text(ROCKETS, 50, "adult").items}
    assert "bo" not in told
    assert told
    assert "bo" in people(here.take_in(Facts(hidden=(HiddenFact("bo", False),))), "ana")


def test_what_is_heard_of_somebody_unknown_holds_once_they_are_there() -> None:
    here = overlay()
    here.take_in(aside("pia", "launch-site", GROUP))
    here.take_in(aside("ana", "rye", GROUP))
    here.take_in(Facts(hidden=(HiddenFact("pia", True),)))
    pia = MemberFact("pia", text=ROCKETS, audience="adult")
    live = here.take_in(Facts(members=(pia,), groups=(GroupFact("rye", text=ROCKETS),)))
    assert "rye" in groups(live, "pia")
    assert "launch-site" not in groups(live, "pia")
    assert "rye" not in groups(live, "ana")
    assert "pia" not in people(live, "cy")


def test_a_group_that_ends_and_begins_again_stays_set_aside() -> None:
    here = overlay()
    here.take_in(aside("ana", "launch-site", GROUP))
    here.take_in(Facts(groups=(GroupFact("launch-site", here=False),)))
    live = here.take_in(Facts(groups=(GroupFact("launch-site", text=ROCKETS),)))
    assert "launch-site" in groups(live, "cy")
    assert "launch-site" not in groups(live, "ana")


def test_whoever_is_forgotten_takes_what_they_set_aside_with_them() -> None:
    here = overlay()
    here.take_in(aside("bo", "bakers", GROUP))
    here.take_in(aside("ana", "bo", MEMBER))
    here.take_in(Facts(hidden=(HiddenFact("bo", True),)))
    here.take_in(Facts(members=(MemberFact("bo", here=False),)))
    live = here.take_in(Facts(members=(MemberFact("bo", text=ROCKETS, audience="adult"),)))
    assert "bakers" in groups(live, "bo")
    assert "bo" in people(live, "nia")
    assert live.judged(MEMBER, "ana", ["bo"])[0].refused_by is None


STEPS = (
    aside("ana", "launch-site", GROUP),
    aside("ana", "bo", MEMBER),
    Facts(hidden=(HiddenFact("nia", True),)),
    Facts(groups=(GroupFact("launch-site", text=ROCKETS),)),
    Facts(members=(MemberFact("bo", text=ROCKETS, audience="adult"),)),
)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.sampled_from(range(len(STEPS))), max_size=4), st.permutations(range(len(STEPS))))
def test_the_order_and_the_number_of_times_do_not_matter(
    twice: list[int], order: list[int]
) -> None:
    here = overlay()
    for step in itertools.chain(order, twice):
        live = here.take_in(STEPS[step])
    assert "launch-site" not in groups(live, "ana")
    assert {"bo", "nia"}.isdisjoint(people(live, "ana"))
    assert "nia" not in people(live, "cy")


def test_what_was_suggested_is_judged_by_todays_policies() -> None:
    live = overlay().take_in(aside("ana", "launch-site", GROUP))
    asked = ["launch-site", "oven-talk", "secret-pad", "bakers", "no-such"]
    told = {one.id: one for one in live.judged(GROUP, "ana", asked)}
    assert {one.id: one.refused_by for one in told.values()} == {
        "launch-site": "not_set_aside",
        "oven-talk": None,
        "secret-pad": "public_group",
        "bakers": "not_already_there",
        "no-such": GONE,
    }
    for one in told.values():
        assert (one.name == "") == (one.reasons == ()) == (one.refused_by is not None)
    people_told = live.judged(MEMBER, "ana", ["bo", "gus", "hal"])
    assert [one.refused_by for one in people_told] == [None, "not_blocked", "same_audience"]


def test_a_recommender_that_prefers_otherwise_leaves_the_first_as_it_was() -> None:
    from dataclasses import replace

    first = overlay().recommender
    usual = first.preferences
    other = first.preferring(replace(usual, intimacy=3.0), "size=small")
    assert (first.arm, other.arm) == ("", "size=small")
    assert first.preferences == usual
    assert other.preferences.intimacy == 3.0
    assert groups(other, "ana") == groups(first, "ana")


@pytest.mark.parametrize("kind", [GROUP, MEMBER])
def test_an_answer_has_its_slate_as_columns_in_the_same_order(kind: Written) -> None:
    live = overlay().recommender
    ask = live.groups_for if kind is GROUP else live.members_for
    answer = ask("ana", 5)
    found = live.bundle.snapshot
    ids = found.groups.ids if kind is GROUP else found.members.ids
    assert [ids[row] for row in answer.slate.rows.tolist()] == [one.id for one in answer.items]
    for found_by in answer.slate.pool.found_by.values():
        assert np.asarray(found_by).shape == (len(answer.items),)
