"""What must hold of feedback and what follows from it, whichever database keeps it."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from data.store.changes import PutGroup, PutMember, apply_changes, create_community
from data.store.connect import Store
from data.store.erasure import erase_member
from data.store.feedback import (
    FOREVER_TS,
    Told,
    clear_reports,
    drop_old_feedback,
    tell_feedback,
)
from data.store.holds import Event, holds_now
from data.store.reading import changes_since
from data.store.schema import feedback, log
from engine.domain import DAY_S
from engine.errors import DataError, UnknownError, UnknownReferenceError
from engine.facts import Facts, HiddenFact, SetAsideFact, Written

NOW = 1_700_000_000.0
TOWN = "town"
HOLD_S = 90 * DAY_S
GROUP, MEMBER = Written.GROUP, Written.MEMBER
PEOPLE = ("ann", "bo", "cy", "di", "ed", "flo", "gil", "hal")


@pytest.fixture
def town(store: Store) -> Store:
    """A store with a community of eight people, a group, and a group called like a member."""
    create_community(store, TOWN, NOW)
    changes = [PutMember(one) for one in PEOPLE]
    apply_changes(store, TOWN, [*changes, PutGroup("bakers"), PutGroup("bo")], NOW)
    return store


def said(event: Event, member: str, item: str, kind: Written = MEMBER, slate: str = "r1") -> Told:
    return Told(slate, member, item, kind, event)


def tell(store: Store, *told: Told, now: float = NOW) -> tuple[int, int]:
    return tell_feedback(store, TOWN, told, now, HOLD_S)[:2]


def since(store: Store, seq: int) -> Facts:
    with store.reading() as connection:
        return changes_since(connection, TOWN, seq)[0]


def at_load(store: Store, now: float = NOW) -> Facts:
    with store.reading() as connection:
        return holds_now(connection, TOWN, now)


def test_what_is_shown_is_kept_and_sets_nothing_aside(town: Store) -> None:
    before = town.look(TOWN)
    assert tell(town, said(Event.SHOWN, "ann", "bakers", GROUP)) == (before.last, 1)
    assert town.look(TOWN) == before
    assert not at_load(town)
    assert tell(town, said(Event.SHOWN, "ann", "bo")) == (before.last + 1, 1)
    assert not at_load(town).set_aside


def test_a_dismissed_group_is_set_aside_for_its_time_and_holds_at_once(town: Store) -> None:
    before = town.head_of(TOWN)
    head, _ = tell(town, said(Event.DISMISSED, "ann", "bakers", GROUP))
    held = (SetAsideFact("ann", "bakers", GROUP, NOW + HOLD_S),)
    assert since(town, before).set_aside == at_load(town).set_aside == held
    assert town.look(TOWN).restricted == head == before + 1
    assert not at_load(town, NOW + HOLD_S)


def test_a_dismissed_member_is_not_kept_from_seeing_who_dismissed_them(town: Store) -> None:
    tell(town, said(Event.DISMISSED, "ann", "bo"))
    assert at_load(town).set_aside == (SetAsideFact("ann", "bo", MEMBER, NOW + HOLD_S),)


def test_a_declined_introduction_is_set_aside_for_both(town: Store) -> None:
    before = town.head_of(TOWN)
    tell(town, said(Event.DECLINED, "ann", "bo"))
    held = {("ann", "bo", NOW + HOLD_S), ("bo", "ann", NOW + HOLD_S)}
    for facts in (since(town, before), at_load(town)):
        assert {(one.member, one.item, one.until) for one in facts.set_aside} == held


def test_an_introduction_is_closed_for_good_when_both_have_accepted(town: Store) -> None:
    before = town.head_of(TOWN)
    tell(town, said(Event.ACCEPTED, "ann", "bo"), said(Event.ACCEPTED, "bo", "bo", GROUP))
    assert not at_load(town)
    tell(town, said(Event.ACCEPTED, "bo", "ann", slate="r2"))
    held = {("ann", "bo", FOREVER_TS), ("bo", "ann", FOREVER_TS)}
    for facts in (since(town, before), at_load(town)):
        assert {(one.member, one.item, one.until) for one in facts.set_aside} == held


def test_both_accepting_in_one_request_closes_the_introduction_too(town: Store) -> None:
    tell(town, said(Event.ACCEPTED, "ann", "bo"), said(Event.ACCEPTED, "bo", "ann"))
    assert {one.until for one in at_load(town).set_aside} == {FOREVER_TS}


def test_a_repeat_is_written_once_and_renews_nothing(town: Store) -> None:
    told = [said(Event.DISMISSED, "ann", "bo"), said(Event.SHOWN, "ann", "bo")]
    head, new = tell(town, *told, *told)
    assert new == 2
    assert tell(town, *told, now=NOW + DAY_S) == (head, 0)
    assert at_load(town).set_aside[0].until == NOW + HOLD_S
    # In another slate it is news: the time begins again.
    tell(town, said(Event.DISMISSED, "ann", "bo", slate="r2"), now=NOW + DAY_S)
    assert at_load(town).set_aside[0].until == NOW + DAY_S + HOLD_S


def test_one_report_keeps_the_two_apart_and_hides_nobody(town: Store) -> None:
    tell(town, *(said(Event.REPORTED, "ann", "bo", slate=f"r{n}") for n in range(5)))
    found = at_load(town)
    assert {(one.member, one.item) for one in found.set_aside} == {("ann", "bo"), ("bo", "ann")}
    assert found.hidden == ()


def test_three_reporters_within_a_month_hide_a_member_until_an_operator_has_looked(
    town: Store,
) -> None:
    for who in ("ann", "cy"):
        tell(town, said(Event.REPORTED, who, "bo"))
    before = town.head_of(TOWN)
    assert not at_load(town).hidden
    head, _ = tell(town, said(Event.REPORTED, "di", "bo"), now=NOW + 29 * DAY_S)
    assert since(town, before).hidden == at_load(town).hidden == (HiddenFact("bo", True),)
    assert town.look(TOWN).restricted == head
    assert at_load(town, NOW + 1000 * DAY_S).hidden
    clear_reports(town, TOWN, "bo", NOW + 30 * DAY_S)
    assert since(town, head).hidden == (HiddenFact("bo", False),)
    assert not at_load(town).hidden


def test_reports_far_apart_hide_nobody(town: Store) -> None:
    for place, who in enumerate(("ann", "cy", "di", "ed")):
        tell(town, said(Event.REPORTED, who, "bo"), now=NOW + place * 20 * DAY_S)
    assert not at_load(town).hidden


def test_those_whose_reports_were_cleared_cannot_hide_the_member_again(town: Store) -> None:
    for who in ("ann", "cy", "di"):
        tell(town, said(Event.REPORTED, who, "bo"))
    clear_reports(town, TOWN, "bo", NOW)
    for who in ("ann", "cy", "di", "ed", "flo"):
        tell(town, said(Event.REPORTED, who, "bo", slate="r2"))
    assert not at_load(town).hidden
    tell(town, said(Event.REPORTED, "gil", "bo"))
    assert at_load(town).hidden == (HiddenFact("bo", True),)


def test_a_reported_group_is_set_aside_for_the_reporter_alone(town: Store) -> None:
    for who in ("ann", "cy", "di"):
        tell(town, said(Event.REPORTED, who, "bakers", GROUP))
    found = at_load(town)
    assert {(one.member, one.kind) for one in found.set_aside} == {
        (who, GROUP) for who in ("ann", "cy", "di")
    }
    assert found.hidden == ()


def test_reports_about_a_group_do_not_count_against_a_member_of_the_same_id(town: Store) -> None:
    for who in ("ann", "cy", "di"):
        tell(town, said(Event.REPORTED, who, "bo", GROUP))
    tell(town, said(Event.REPORTED, "ed", "bo"))
    assert not at_load(town).hidden


def test_what_sets_nothing_aside_is_not_logged(town: Store) -> None:
    before = town.head_of(TOWN)
    tell(town, said(Event.OPENED, "bo", "ann"), said(Event.ACCEPTED, "ann", "bo"))
    assert town.head_of(TOWN) == before


@pytest.mark.parametrize(
    ("told", "error", "message"),
    [
        (said(Event.SHOWN, "nobody", "bo"), UnknownReferenceError, "event 1: .*member 'nobody'"),
        (said(Event.SHOWN, "ann", "nobody"), UnknownReferenceError, "event 1: .*member 'nobody'"),
        (said(Event.SHOWN, "ann", "cy", GROUP), UnknownReferenceError, "event 1: .*group 'cy'"),
        (said(Event.REPORTED, "ann", "ann"), DataError, "event 1: .*themself"),
        (said(Event.HIDDEN, "ann", "bo"), DataError, "event 1: nobody tells 'hidden'"),
        (said(Event.SHOWN, "ann", "bo", slate=""), DataError, "event 1: .*recommendation"),
        (said(Event.SHOWN, "ann", "bo", slate="\0"), DataError, "event 1: .*recommendation"),
    ],
)
def test_all_is_refused_if_one_event_is_of_nobody_or_of_nothing(
    town: Store, told: Told, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        tell(town, said(Event.DISMISSED, "ann", "bakers", GROUP), told)
    assert not at_load(town)


def test_nobody_and_no_community_cannot_be_cleared(town: Store) -> None:
    with pytest.raises(UnknownError):
        clear_reports(town, TOWN, "nobody", NOW)
    with pytest.raises(UnknownError):
        tell_feedback(town, "no-town", [said(Event.SHOWN, "ann", "bo")], NOW, HOLD_S)


def test_what_nothing_follows_from_any_more_is_kept_for_half_a_year(town: Store) -> None:
    tell(
        town,
        *(said(event, "ann", "bakers", GROUP) for event in (Event.SHOWN, Event.DISMISSED)),
        said(Event.ACCEPTED, "ann", "bo"),
        said(Event.ACCEPTED, "ann", "bakers", GROUP),
        *(said(Event.REPORTED, who, "bo") for who in ("ann", "cy", "di")),
    )
    late = NOW + 180 * DAY_S
    tell(town, said(Event.OPENED, "ann", "bakers", GROUP), now=late)
    assert drop_old_feedback(town, late) == 0
    assert drop_old_feedback(town, NOW + 50 * DAY_S, kept_days=40) == 2, "a hold is not over"
    assert drop_old_feedback(town, late + 1) == 1
    assert drop_old_feedback(town, late + 1) == 0
    with town.reading() as connection:
        left = connection.scalars(select(feedback.c.event).order_by(feedback.c.id)).all()
    assert left == ["accepted", "reported", "reported", "reported", "hidden", "opened"]
    # The other's yes, however late, still closes the introduction.
    tell(town, said(Event.ACCEPTED, "bo", "ann"), now=late)
    held = {(one.member, one.item): one.until for one in at_load(town, late).set_aside}
    assert held["ann", "bo"] == FOREVER_TS
    assert at_load(town, late).hidden == (HiddenFact("bo", True),)


def test_forgetting_takes_feedback_away_and_leaves_no_name_in_the_log(town: Store) -> None:
    tell(town, said(Event.DECLINED, "ann", "bo"), said(Event.DISMISSED, "cy", "bo", GROUP))
    for who in ("ann", "cy", "di"):
        tell(town, said(Event.REPORTED, who, "bo"))
    erase_member(town, TOWN, "bo", NOW)
    # The group of the same id is not forgotten, nor is what was said of it.
    assert at_load(town) == Facts(set_aside=(SetAsideFact("cy", "bo", GROUP, NOW + HOLD_S),))
    assert since(town, 0).set_aside == at_load(town).set_aside
    with town.reading() as connection:
        named = select(func.count()).select_from(log).where(log.c.key == "bo")
        assert connection.scalar(named.where(log.c.kind != "group")) == 0
        others = select(log.c.kind).where(log.c.other == "bo")
        assert set(connection.scalars(others)) == {"set_aside_group"}
        assert connection.scalar(select(func.count()).select_from(feedback)) == 1
