"""How many introductions fit into a week: who has room, whose place it is, and what is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.capacity import Because, WithinRoom
from engine.domain import DAY_S
from engine.facts import (
    BlockFact,
    Facts,
    HiddenFact,
    IntroducedFact,
    MemberFact,
    SetAsideFact,
    Written,
)
from engine.introduced import Introduced
from engine.live import Overlay
from engine.policies.introduction import RoomThisWeek
from engine.pool import Pool
from engine.query import NOBODY_ASKS, query_of_member
from engine.recommender import Recommender
from engine.selection import TopK
from engine.snapshot import MemberColumns
from engine.types import Rows
from engine.weeks import WEEK_S, end_of_week, week_of
from tests.builders import built, make
from tests.live_facts import bundle_of
from tests.world import NOW, ROCKETS, world

WEEK = week_of(NOW)
MEMBER = Written.MEMBER


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def overlay(clock: Clock | None = None, **weekly: float) -> Overlay:
    """Return the world, in which these members take so many introductions a week."""
    here = world()
    members = here.snapshot.members
    wanted = np.array(members.weekly_introductions)
    for name, number in weekly.items():
        wanted[here.member(name)] = number
    changed = replace(here.snapshot, members=replace(members, weekly_introductions=wanted))
    return Overlay(bundle_of(changed), clock=clock or Clock())


def people(recommender: Recommender, member: str, k: int = 50) -> set[str]:
    return {item.id for item in recommender.members_for(member, k).items}


def met(*pairs: tuple[str, str], week: int = WEEK, until: float = 0.0) -> Facts:
    return Facts(introduced=tuple(IntroducedFact(*pair, week, until) for pair in pairs))


def test_whoever_has_had_enough_is_shown_to_those_they_have_met_this_week_alone() -> None:
    here = overlay(bo=1)
    before = here.recommender
    live = here.take_in(met(("nia", "bo")))
    assert "bo" not in people(live, "ana")
    assert "bo" in people(live, "nia"), "looking again costs nothing"
    assert people(live, "bo") == {"nia"}, "it was an introduction for both"
    assert live.judged(MEMBER, "ana", ["bo"])[0].refused_by == "room_this_week"
    told = {item.id for item in live.members_for_text(ROCKETS, 50, "adult").items}
    assert "bo" not in told
    assert told
    assert before.judged(MEMBER, "ana", ["bo"])[0].refused_by is None, "it stays as it was"


def test_on_monday_there_is_room_without_any_event() -> None:
    clock = Clock()
    live = overlay(clock, bo=1, ana=1).take_in(met(("nia", "bo"), ("ana", "cy")))
    assert people(live, "ana") == {"cy"}
    for clock.now, refused in (
        (end_of_week(WEEK) - 1, "room_this_week"),
        (end_of_week(WEEK), None),
    ):
        assert live.judged(MEMBER, "nia", ["ana"])[0].refused_by == refused
        assert live.judged(MEMBER, "ana", ["nia"])[0].refused_by == refused


def test_a_newcomer_sees_whoever_has_room_by_the_clock() -> None:
    clock = Clock()
    others = ("ana", "cy", "nia", "kim", "jo")
    live = overlay(clock, bo=5).take_in(met(*(("bo", one) for one in others)))
    shown = []
    for clock.now in (end_of_week(WEEK) - 1, end_of_week(WEEK)):
        shown.append({item.id for item in live.members_for_text(ROCKETS, 50, "adult").items})
    assert shown[1] - shown[0] == {"bo"}


def test_a_clock_that_is_behind_counts_what_is_said_of_a_later_week() -> None:
    live = overlay(bo=1).take_in(met(("nia", "bo"), week=WEEK + 1))
    assert live.judged(MEMBER, "ana", ["bo"])[0].refused_by == "room_this_week"


def test_a_slate_holds_no_more_new_people_than_the_viewer_takes_and_says_so() -> None:
    here = overlay(ana=2)
    asked = here.recommender.members_for("ana", 4)
    first = [item.id for item in asked.items]
    assert len(first) == 2
    assert asked.short is not None
    assert (asked.short.because, asked.short.asked, asked.short.given) == (
        Because.WEEKLY_INTRODUCTIONS,
        4,
        2,
    )
    # One of them counts by now: both are shown again, and nobody in the other's place.
    live = here.take_in(met(("ana", first[0])))
    assert people(live, "ana") == set(first)
    live = here.take_in(met(("ana", "nia"), ("ana", first[0]), ("ana", first[1])))
    assert people(live, "ana", 2) <= {"nia", *first}


def test_every_way_of_asking_keeps_to_the_viewers_week() -> None:
    live = overlay(ana=2).recommender
    everybody = live.bundle.snapshot.members.ids.tolist()
    ranked = live.ranked_members("ana", everybody)
    assert len(ranked.items) == 2
    assert ranked.short is None, "that is for slates of our own"
    settled = live.ids_for(MEMBER, "ana", 50)
    assert len(settled) == 2
    assert len(live.shown_of(MEMBER, "ana", [*settled, *everybody], 50).items) == 2


@pytest.mark.parametrize(
    ("weekly", "member", "because"),
    [
        (2.0, "ana", Because.WEEKLY_INTRODUCTIONS),
        (50.0, "ana", Because.NOBODY_LEFT),
        (0.5, "ana", Because.CLOSED),
        (float("nan"), "ana", Because.CLOSED),
        (5.0, "ed", Because.CLOSED),
    ],
)
def test_why_a_slate_is_short_follows_from_the_viewers_own_week(
    weekly: float, member: str, because: Because
) -> None:
    answer = overlay(ana=weekly).recommender.members_for(member, 50)
    assert answer.short is not None
    assert answer.short.because is because
    assert answer.short.given == len(answer.items)


def test_a_full_slate_and_a_slate_of_groups_are_not_short() -> None:
    live = overlay().recommender
    assert live.members_for("ana", 3).short is None
    assert live.groups_for("ana", 50).short is None
    told = live.members_for_text(ROCKETS, 50, "adult").short
    assert told is not None
    assert told.because is Because.NOBODY_LEFT


def test_why_a_slate_is_short_is_the_same_whoever_declined_or_has_had_enough() -> None:
    """Nobody can tell from it whether somebody has blocked or declined them, or is full."""
    declined = SetAsideFact("ana", "bo", MEMBER, NOW + WEEK_S)
    other_ways = [
        overlay(bo=0).recommender,
        overlay(bo=1).take_in(met(("bo", "nia"))),
        overlay().take_in(Facts(set_aside=(declined,))),
        overlay().take_in(Facts(blocks=(BlockFact("bo", "ana", True),))),
        overlay().take_in(Facts(hidden=(HiddenFact("bo", True),))),
    ]
    told = [live.members_for("ana", 50) for live in other_ways]
    assert len({answer.short for answer in told}) == 1
    said = {tuple((one.id, one.reasons) for one in answer.items) for answer in told}
    assert len(said) == 1


def test_two_who_rest_are_kept_apart_after_that_week_until_their_time_is_over() -> None:
    clock = Clock()
    until = end_of_week(WEEK) + 10 * WEEK_S
    here = overlay(clock)
    live = here.take_in(met(("ana", "bo"), until=until))
    assert "bo" in people(live, "ana"), "the week is not over"
    for clock.now in (end_of_week(WEEK), until - 1):
        assert live.judged(MEMBER, "ana", ["bo"])[0].refused_by == "not_resting"
        assert live.judged(MEMBER, "bo", ["ana"])[0].refused_by == "not_resting"
    ended = here.take_in(met(("ana", "bo")))
    assert ended.judged(MEMBER, "ana", ["bo"])[0].refused_by is None
    clock.now = until
    assert live.judged(MEMBER, "ana", ["bo"])[0].refused_by is None


def test_what_is_counted_of_somebody_unknown_holds_once_they_are_there() -> None:
    here = overlay(bo=1)
    here.take_in(met(("bo", "pia")))
    live = here.take_in(Facts(members=(MemberFact("pia", text=ROCKETS, audience="adult"),)))
    assert people(live, "bo") == {"pia"}
    assert live.judged(MEMBER, "ana", ["bo"])[0].refused_by == "room_this_week"


def test_whoever_is_forgotten_frees_the_other_and_comes_again_with_a_fresh_week() -> None:
    here = overlay(bo=1, nia=1)
    here.take_in(met(("bo", "nia")))
    live = here.take_in(Facts(members=(MemberFact("nia", here=False),)))
    assert live.judged(MEMBER, "ana", ["bo"])[0].refused_by is None
    again = MemberFact("nia", text=ROCKETS, audience="adult", weekly_introductions=1)
    live = here.take_in(Facts(members=(again,)))
    assert live.judged(MEMBER, "ana", ["nia"])[0].refused_by is None


def test_counting_again_and_in_another_order_changes_nothing() -> None:
    facts = [met(("ana", "bo")), met(("bo", "ana")), met(("ana", "cy"), week=WEEK - 1)]
    for order in (facts, facts[::-1], facts * 2):
        here = overlay(ana=2)
        for fact in order:
            live = here.take_in(fact)
        introduced = live._holds.introduced
        rows = np.array([live.members.row("ana"), live.members.row("bo")])
        assert introduced.had(rows, WEEK).tolist() == [1, 1]
        assert introduced.had(rows, WEEK - 1).tolist() == [2, 1], "of this week and the last"


def test_weeks_of_long_ago_are_let_go() -> None:
    here = overlay()
    for ago in range(9, -1, -1):
        live = here.take_in(met(("ana", "bo"), ("cy", "nia"), week=WEEK - ago))
    found = live._holds.introduced
    assert sorted(found.counts) == [WEEK - 1, WEEK]
    assert found.of(live.members.row("ana")).weeks.tolist() == [WEEK - 1, WEEK]


def members_of(count: int, weekly: float) -> MemberColumns:
    """Return many people who take so many introductions a week."""
    members = built(make([f"m{row}" for row in range(count)], ["club"])).members
    return replace(members, weekly_introductions=np.full(count, weekly, np.float32))


def promised(members: MemberColumns, place: int, day: int = 0) -> Rows:
    """Return to which of the others the last member is promised, where they come at a place."""
    star = len(members.ids) - 1
    found = []
    for viewer in range(star):
        # Those who come first have plenty of room, and are the viewer's neighbours by number.
        rows = np.unique([*((viewer + 1 + step) % star for step in range(place)), star])
        scores = np.linspace(1, 0.5, len(rows)).astype(np.float32)
        query = replace(NOBODY_ASKS, member=viewer, asked_at=NOW + day * DAY_S)
        selector = WithinRoom(TopK(), members, Introduced())
        chosen = selector.select(query, Pool(rows), scores, 10)
        if star in rows[chosen]:
            found.append(viewer)
    return np.array(found)


def test_one_place_is_not_promised_to_everybody_and_likelier_to_whom_it_suits_best() -> None:
    members = members_of(201, 50)
    weekly = np.array(members.weekly_introductions)
    weekly[-1] = 1
    scarce = replace(members, weekly_introductions=weekly)
    first, fourth = promised(scarce, 0), promised(scarce, 3)
    # A fifth of 200 for whom they come first, a twenty-fifth of those where they come fourth.
    assert 25 <= len(first) <= 55
    assert 1 <= len(fourth) <= 18
    assert set(fourth) <= set(first)
    assert promised(scarce, 0).tolist() == first.tolist(), "looking again changes nothing"
    assert set(promised(scarce, 0, day=1)) != set(first), "tomorrow it is others' turn"
    assert len(promised(members, 0)) == 200


def test_who_is_asked_for_by_name_is_ranked_without_drawing_lots() -> None:
    scarce = overlay(bo=1, cy=1, nia=1).recommender
    ranked = {item.id for item in scarce.ranked_members("ana", ["bo", "cy", "nia"]).items}
    assert ranked == {"bo", "cy", "nia"}


@pytest.mark.parametrize("weekly", [float("nan"), -1.0, 0.0, 0.9])
def test_an_unreadable_or_smaller_wish_than_one_is_no_room(weekly: float) -> None:
    members = members_of(3, weekly)
    pool = Pool(np.arange(1, 3))
    policy = RoomThisWeek(members, Introduced())
    assert not policy.allows(replace(NOBODY_ASKS, asked_at=NOW), pool).any()
    snapshot = replace(world().snapshot, members=members)
    query = replace(query_of_member(world().snapshot, 0), member=0, asked_at=NOW)
    assert not policy.allows(query, pool).any()
    assert len(snapshot.members.ids) == 3
