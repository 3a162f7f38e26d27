"""Rounds in a store of each kind: kept, committed once, counted, and forgotten with a member."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from data.store.changes import Change, PutMember, PutPreferences, apply_changes, create_community
from data.store.connect import Store
from data.store.erasure import erase_member
from data.store.introductions import reserve
from data.store.member_export import everything_about
from data.store.rounds import (
    COMMITTED_DAYS,
    PLANNED_DAYS,
    KeptRound,
    RoundSettings,
    begin_round,
    commit_round,
    keep_plan,
    kept_round,
    note_problem,
    pairs_met,
)
from data.store.schema import introductions, round_places, rounds
from engine.domain import DAY_S
from engine.errors import BehindError, DataError, UnknownError
from engine.round_wishes import Match, Plan, Why

TOWN, NOW = "town", 1_700_000_000.0
PEOPLE = ("ana", "bo", "cy", "di", "ed", "flo")
PAIRS = RoundSettings(size=2, seed=0, minimum_quality=0.0, mix="any")
CIRCLES = RoundSettings(size=4, seed=0, minimum_quality=0.0, mix="any")
KNOWING = 1_000
"""An entry of the log beyond any there is here."""


@pytest.fixture
def town(store: Store) -> Store:
    """Six people."""
    create_community(store, TOWN, NOW)
    apply_changes(store, TOWN, [PutMember(one) for one in PEOPLE], NOW)
    return store


def plan(*circles: tuple[str, ...], **left_out: Why) -> Plan:
    matches = tuple(Match(circle, 0.9 - 0.1 * place) for place, circle in enumerate(circles))
    return Plan(matches, left_out, "v1")


def kept(store: Store, found: Plan, settings: RoundSettings = PAIRS, now: float = NOW) -> KeptRound:
    return keep_plan(store, TOWN, begin_round(store, TOWN, "June", settings, now), found, now)


def circles(found: KeptRound) -> list[tuple[str, ...]]:
    return [match.members for match in found.plan.matches]


def counted(store: Store) -> int:
    with store.reading() as connection:
        return int(connection.scalar(select(func.count()).select_from(introductions)) or 0) // 2


def test_a_plan_is_kept_as_it_is_and_counts_nothing(town: Store) -> None:
    made = kept(town, plan(("ana", "bo"), ("cy", "di"), ed=Why.CLOSED))
    assert made == kept_round(town, TOWN, made.id)
    assert made.plan == plan(("ana", "bo"), ("cy", "di"), ed=Why.CLOSED)
    assert (made.name, made.settings, made.planned_ts, made.committed_ts) == (
        "June",
        PAIRS,
        NOW,
        None,
    )
    assert counted(town) == 0


def test_a_commit_counts_each_pair_once_and_a_second_one_changes_nothing(town: Store) -> None:
    made = kept(town, plan(("ana", "bo"), ("cy", "di")))
    done = commit_round(town, TOWN, made.id, set(), KNOWING, NOW + 1)
    assert (done.committed_ts, counted(town)) == (NOW + 1, 2)
    again = commit_round(town, TOWN, made.id, {("ana", "bo")}, KNOWING, NOW + 9)
    assert (again, counted(town)) == (done, 2)


def test_who_may_not_meet_any_more_is_left_out_and_not_counted(town: Store) -> None:
    made = kept(town, plan(("ana", "bo"), ("cy", "di")))
    done = commit_round(town, TOWN, made.id, {("ana", "bo")}, KNOWING, NOW)
    assert circles(done) == [("cy", "di")]
    assert done.plan.left_out == {"ana": Why.NOT_ANY_MORE, "bo": Why.NOT_ANY_MORE}
    assert counted(town) == 1


def test_a_commit_by_who_does_not_know_the_last_restriction_is_refused(town: Store) -> None:
    made = kept(town, plan(("ana", "bo")))
    apply_changes(town, TOWN, [PutPreferences("ana", open_to_introductions=False)], NOW)
    with pytest.raises(BehindError):
        commit_round(town, TOWN, made.id, set(), 0, NOW)
    assert (kept_round(town, TOWN, made.id).committed_ts, counted(town)) == (None, 0)


def test_who_has_no_room_this_week_is_left_out_with_whom_they_were_to_meet(town: Store) -> None:
    changes: list[Change] = [PutPreferences("ana", weekly_introductions=1.0)]
    apply_changes(town, TOWN, changes, NOW)
    made = kept(town, plan(("ana", "bo"), ("cy", "di")))
    with town.writing() as connection:
        assert reserve(connection, TOWN, [("ana", "ed")], NOW) == []
    done = commit_round(town, TOWN, made.id, set(), KNOWING, NOW)
    assert circles(done) == [("cy", "di")]
    assert counted(town) == 2


def test_a_circle_goes_on_without_one_who_has_no_room_and_counts_only_who_meets(
    town: Store,
) -> None:
    apply_changes(town, TOWN, [PutPreferences("bo", weekly_introductions=2.0)], NOW)
    made = kept(town, plan(("ana", "bo", "cy", "di")), CIRCLES)
    done = commit_round(town, TOWN, made.id, set(), KNOWING, NOW)
    assert circles(done) == [("ana", "cy", "di")]
    assert done.plan.left_out == {"bo": Why.NOT_ANY_MORE}
    assert counted(town) == 3


def test_the_pairs_of_the_last_committed_rounds_are_known(town: Store) -> None:
    first, second = kept(town, plan(("ana", "bo"))), kept(town, plan(("ana", "cy", "di")), CIRCLES)
    kept(town, plan(("ed", "flo")))  # never committed
    commit_round(town, TOWN, first.id, set(), KNOWING, NOW)
    commit_round(town, TOWN, second.id, set(), KNOWING, NOW + DAY_S)
    assert pairs_met(town, TOWN, 0) == ()
    assert pairs_met(town, TOWN, 1) == (("ana", "cy"), ("ana", "di"), ("cy", "di"))
    assert ("ana", "bo") in pairs_met(town, TOWN, 2)


def test_whoever_is_forgotten_stands_in_no_round(town: Store) -> None:
    made = kept(town, plan(("ana", "bo"), ("cy", "di"), ed=Why.CLOSED))
    held = everything_about(town, TOWN, "ana")["rounds"]
    assert [(row["round"], row["place"], row["why"]) for row in held] == [(made.id, 0, "")]
    erase_member(town, TOWN, "ana", NOW)
    left = kept_round(town, TOWN, made.id)
    assert circles(left) == [("cy", "di")]
    assert left.plan.left_out == {"bo": Why.NOT_ANY_MORE, "ed": Why.CLOSED}
    with town.reading() as connection:
        assert "ana" not in set(connection.scalars(select(round_places.c.member)))


def test_whoever_was_forgotten_while_it_was_planned_is_not_in_the_plan(town: Store) -> None:
    one = begin_round(town, TOWN, "", PAIRS, NOW)
    erase_member(town, TOWN, "bo", NOW)
    made = keep_plan(town, TOWN, one, plan(("ana", "bo"), ("cy", "di")), NOW)
    assert circles(made) == [("cy", "di")]
    assert made.plan.left_out == {"ana": Why.NOT_ANY_MORE}


def test_what_is_not_planned_cannot_be_committed_and_says_why(town: Store) -> None:
    one = begin_round(town, TOWN, "", PAIRS, NOW)
    with pytest.raises(DataError, match="is not planned"):
        commit_round(town, TOWN, one, set(), KNOWING, NOW)
    note_problem(town, TOWN, one, "no")
    assert kept_round(town, TOWN, one).problem == "no"
    note_problem(town, TOWN, one, "")
    with pytest.raises(UnknownError):
        kept_round(town, TOWN, one)


def test_rounds_are_a_communitys_own(town: Store) -> None:
    create_community(town, "other", NOW)
    made = kept(town, plan(("ana", "bo")))
    with pytest.raises(UnknownError, match="no round"):
        kept_round(town, "other", made.id)
    with pytest.raises(UnknownError, match="no round"):
        commit_round(town, "other", made.id, set(), KNOWING, NOW)
    with pytest.raises(UnknownError, match="no community"):
        begin_round(town, "nowhere", "", PAIRS, NOW)


def test_old_rounds_are_let_go(town: Store) -> None:
    planned, done = kept(town, plan(("ana", "bo"))), kept(town, plan(("cy", "di")))
    commit_round(town, TOWN, done.id, set(), KNOWING, NOW)
    for days, left in ((PLANNED_DAYS + 1, {done.id}), (COMMITTED_DAYS + 1, set())):
        latest = kept(town, plan(), now=NOW + days * DAY_S)
        with town.reading() as connection:
            found = set(connection.scalars(select(rounds.c.id)))
        assert found & {planned.id, done.id} == left
        assert latest.id in found
