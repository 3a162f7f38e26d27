"""What must hold of counting introductions, whichever database keeps them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import func, select

from data.store.changes import (
    DeleteMember,
    PutMember,
    PutPreferences,
    apply_changes,
    create_community,
)
from data.store.connect import Store, open_store
from data.store.feedback import Heard, Told, tell_feedback
from data.store.holds import Event, holds_now
from data.store.introductions import drop_old_introductions, iso_week, reserve
from data.store.member_export import everything_about
from data.store.reading import changes_since
from data.store.schema import feedback, introductions, log
from engine.domain import DAY_S
from engine.errors import UnknownError
from engine.facts import Facts, IntroducedFact, Written
from engine.weeks import WEEK_S, end_of_week, week_of

MONDAY = end_of_week(week_of(1_700_000_000.0))
NOW = MONDAY + 2 * DAY_S
WEEK = week_of(NOW)
HOLD_S = 90 * DAY_S
TOWN = "town"
PEOPLE = ("ann", "bo", "cy", "di", "ed", "flo", "gil", "hal")


@pytest.fixture
def town(store: Store) -> Store:
    """Eight people, each of whom takes two introductions a week; and Zoe, who takes none."""
    create_community(store, TOWN, NOW)
    people = [PutMember(one) for one in (*PEOPLE, "zoe")]
    wishes = [PutPreferences(one, weekly_introductions=2) for one in PEOPLE]
    apply_changes(store, TOWN, [*people, *wishes], NOW)
    wants(store, "zoe", 0)
    return store


def wants(store: Store, member: str, weekly: float) -> None:
    apply_changes(store, TOWN, [PutPreferences(member, weekly_introductions=weekly)], NOW)


def told(event: Event, member: str, *items: str, now: float = NOW) -> list[Told]:
    return [Told(f"{now}", member, item, Written.MEMBER, event) for item in items]


def shown(store: Store, member: str, *items: str, now: float = NOW) -> Heard:
    return tell_feedback(store, TOWN, told(Event.SHOWN, member, *items, now=now), now, HOLD_S)


def took(store: Store, *pairs: tuple[str, str], now: float = NOW) -> list[tuple[str, str]]:
    with store.writing() as connection:
        return reserve(connection, TOWN, pairs, now)


def since(store: Store, seq: int) -> Facts:
    with store.reading() as connection:
        return changes_since(connection, TOWN, seq)[0]


def at_load(store: Store, now: float = NOW) -> tuple[IntroducedFact, ...]:
    with store.reading() as connection:
        return holds_now(connection, TOWN, now).introduced


def had(store: Store, now: float = NOW) -> dict[str, int]:
    """Return how many introductions each has had this week, as a server is told at load."""
    week = week_of(now)
    found = [one for one in at_load(store, now) if one.week == week]
    sides = [one for fact in found for one in (fact.member, fact.other)]
    return {one: sides.count(one) for one in sorted(set(sides))}


def test_who_is_shown_counts_for_both_once_a_week_and_holds_from_the_next_answer_on(
    town: Store,
) -> None:
    before = town.head_of(TOWN)
    heard = shown(town, "bo", "ann")
    assert heard == Heard(before + 1, 1, 0)
    assert town.look(TOWN).restricted == before + 1
    assert since(town, before).introduced == (IntroducedFact("ann", "bo", WEEK),)
    assert at_load(town) == (IntroducedFact("ann", "bo", WEEK),)
    before = town.head_of(TOWN)  # looking again costs nothing, whoever looks
    for now in (NOW + 1, NOW + DAY_S, end_of_week(WEEK) - 1):
        assert shown(town, "ann", "bo", now=now) == Heard(before, 1, 0)
        assert shown(town, "bo", "ann", now=now) == Heard(before, 1, 0)
    assert had(town) == {"ann": 1, "bo": 1}


def test_more_than_a_week_has_room_for_is_kept_as_told_and_not_counted(town: Store) -> None:
    assert shown(town, "ann", "bo", "cy", "di").beyond == 1
    assert had(town) == {"ann": 2, "bo": 1, "cy": 1}
    # It is who has no room that says no, whoever is shown whom: Ann's week is over for Ed too.
    assert shown(town, "ed", "ann").beyond == 1
    assert had(town) == {"ann": 2, "bo": 1, "cy": 1}
    with town.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(feedback)) == 4


def test_on_monday_all_have_room_again_without_anybody_saying_so(town: Store) -> None:
    shown(town, "ann", "bo", "cy")
    monday = end_of_week(WEEK)
    assert at_load(town, monday) == ()
    assert shown(town, "ann", "di", now=monday - 1).beyond == 1
    assert shown(town, "ann", "di", "ed", now=monday).beyond == 0
    assert had(town, monday) == {"ann": 2, "di": 1, "ed": 1}


def test_what_somebody_comes_to_want_holds_at_once(town: Store) -> None:
    shown(town, "ann", "bo", "cy")
    for weekly, beyond in ((1, 2), (2.9, 2), (0, 2), (0.9, 2), (3, 1)):
        wants(town, "ann", weekly)
        assert shown(town, "ann", "di", "ed", now=NOW + weekly).beyond == beyond
    assert had(town)["ann"] == 3


def test_who_takes_none_or_is_not_there_is_refused_and_the_others_are_not(town: Store) -> None:
    pairs = [("ann", "zoe"), ("ann", "nobody"), ("bo", "bo"), ("ann", "bo"), ("zoe", "cy")]
    assert took(town, *pairs) == [pairs[0], pairs[1], pairs[2], pairs[4]]
    assert had(town) == {"ann": 1, "bo": 1}
    with pytest.raises(UnknownError), town.writing() as connection:
        reserve(connection, "no-town", [("ann", "bo")], NOW)


def test_a_round_counts_with_what_was_shown_in_the_order_given(town: Store) -> None:
    shown(town, "ann", "bo")
    before = town.head_of(TOWN)
    pairs = [("bo", "ann"), ("ann", "cy"), ("ann", "di"), ("di", "cy"), ("ed", "cy")]
    assert took(town, *pairs) == [("ann", "di"), ("ed", "cy")]
    assert had(town) == {"ann": 2, "bo": 1, "cy": 2, "di": 1}
    assert {(one.member, one.other) for one in since(town, before).introduced} == {
        ("ann", "cy"),
        ("cy", "di"),
    }
    with town.reading() as connection:
        why = select(introductions.c.why, func.count()).group_by(introductions.c.why)
        assert {tuple(row) for row in connection.execute(why)} == {("shown", 2), ("round", 4)}


def test_two_connections_at_once_never_take_more_than_there_is_room(
    town: Store, store_address: str
) -> None:
    for one in PEOPLE[1:]:
        wants(town, one, 100)
    wants(town, "ann", 5)
    guests = [f"guest{number}" for number in range(24)]
    apply_changes(town, TOWN, [PutMember(one) for one in guests], NOW)
    stores = [open_store(store_address, 30) for _ in range(2)]
    together = Barrier(6)

    def looks(place: int) -> int:
        together.wait(30)
        mine = guests[place * 4 : place * 4 + 4]
        return sum(1 - shown(stores[place % 2], one, "ann").beyond for one in mine)

    try:
        with ThreadPoolExecutor(6) as threads:
            assert sum(threads.map(looks, range(6))) == 5
    finally:
        for opened in stores:
            opened.close()
    assert had(town)["ann"] == 5


def test_a_reaction_before_or_after_ends_the_rest(town: Store) -> None:
    for week in range(3):
        now = NOW + week * WEEK_S
        shown(town, "ann", "bo", "cy", now=now)
        shown(town, "di", "ed", now=NOW + 5 * week * WEEK_S)  # too far apart to be in vain
        if week == 1:
            tell_feedback(town, TOWN, told(Event.OPENED, "cy", "ann"), now, HOLD_S)
    rests = {one.other: one.rests_until for one in at_load(town, NOW + 2 * WEEK_S)}
    assert rests["bo"] == end_of_week(WEEK + 2) + HOLD_S
    assert rests["cy"] == rests["ed"] == 0.0
    before = town.look(TOWN)
    tell_feedback(town, TOWN, told(Event.ACCEPTED, "bo", "ann"), NOW + 2 * WEEK_S, HOLD_S)
    facts = {one.week: one.rests_until for one in since(town, before.last).introduced}
    assert facts == {WEEK: 0.0, WEEK + 1: 0.0, WEEK + 2: 0.0}
    assert town.look(TOWN).restricted == before.restricted, "it loosens, so nobody waits for it"


def test_whoever_is_forgotten_leaves_no_introduction_and_the_other_has_room(town: Store) -> None:
    shown(town, "ann", "bo", "cy")
    shown(town, "bo", "di")  # in the log, the lesser id is first
    mine = everything_about(town, TOWN, "bo")["introductions"]
    told = {"iso_week": iso_week(WEEK), "at_ts": NOW, "why": "shown"}
    assert mine == [told, told], "not to whom"
    apply_changes(town, TOWN, [DeleteMember("bo")], NOW)
    assert had(town) == {"ann": 1, "cy": 1}
    with town.reading() as connection:
        names = connection.execute(select(log.c.key, log.c.other)).all()
    assert "bo" not in {one for pair in names for one in pair}
    assert shown(town, "ann", "di").beyond == 0


def test_two_introduced_for_three_weeks_in_vain_rest_and_that_is_kept_until_it_is_over(
    town: Store,
) -> None:
    shown(town, "cy", "di")
    for week in range(2):
        shown(town, "ann", "bo", now=NOW + week * WEEK_S)
    assert {one.rests_until for one in at_load(town, NOW + WEEK_S)} == {0.0}
    before = town.head_of(TOWN)
    shown(town, "bo", "ann", now=NOW + 2 * WEEK_S)
    until = end_of_week(WEEK + 2) + HOLD_S
    resting = IntroducedFact("ann", "bo", WEEK + 2, until)
    assert resting in since(town, before).introduced
    assert at_load(town, until - 1) == (resting,)
    assert at_load(town, until) == ()
    assert drop_old_introductions(town, NOW + 59 * DAY_S) == 0
    assert drop_old_introductions(town, until - 1) == 6
    assert [one.week for one in at_load(town, until - 1)] == [WEEK + 2]
    assert drop_old_introductions(town, until) == 2
