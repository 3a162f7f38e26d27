"""A clock that is set back takes nothing away, brings nothing back, and leaves nobody waiting."""

from __future__ import annotations

import pytest

from data.store.api_key import EVERY_COMMUNITY, KeyScope
from data.store.changes import (
    Change,
    PutBlock,
    PutGroup,
    PutMember,
    PutMembership,
    PutPost,
    apply_changes,
    create_community,
)
from data.store.connect import Store
from data.store.feedback import Told, tell_feedback
from data.store.holds import Event, holds_now
from data.store.jobs import queue_job, take_job
from data.store.key_finder import key_finder
from data.store.keys import create_key, revoke_key, rotate_key
from data.store.leases import hold_lease
from data.store.ledger import Served, ServedItem, drop_old, read_served, write_served
from data.store.once import apply_once
from data.store.pages import KEPT_S, Paged, keep_paged, read_paged
from data.store.reading import changes_since
from engine.domain import DAY_S
from engine.errors import ReusedKeyError
from engine.facts import Written

NOW = 1_700_000_000.0
BACK = pytest.mark.parametrize("back", [3_600.0, DAY_S], ids=["an hour", "a day"])


@pytest.fixture
def town(store: Store) -> Store:
    create_community(store, "town", NOW)
    people: list[Change] = [PutMember("ann"), PutMember("bo"), PutGroup("bakers")]
    assert apply_changes(store, "town", people, NOW) == 3
    return store


def test_changes_go_on_being_numbered_and_all_are_read(town: Store) -> None:
    now = NOW - DAY_S
    assert apply_changes(town, "town", [PutMembership("ann", "bakers")], now) == 4
    assert apply_changes(town, "town", [PutBlock("ann", "bo")], now) == 5
    # A platform's clock is right, and ahead of ours.
    post = PutPost("p1", ("ann",), ts=NOW)
    assert apply_changes(town, "town", [post, PutMember("cy", created_ts=NOW)], now) >= 7
    with town.reading() as connection:
        facts, reached = changes_since(connection, "town", 3, 100)
    assert reached == town.head_of("town")
    assert [fact.member for fact in facts.memberships] == ["ann"]
    assert len(facts.blocks) == 1


@BACK
def test_a_lease_from_before_is_taken_over_and_one_of_now_is_not(store: Store, back: float) -> None:
    assert hold_lease(store, "embedder", "gone", NOW, 5)
    assert hold_lease(store, "embedder", "next", NOW - back, 5)
    assert not hold_lease(store, "embedder", "third", NOW - back + 4, 5)
    assert hold_lease(store, "embedder", "next", NOW - back + 4, 5)


def test_a_lease_of_a_machine_whose_clock_is_a_little_ahead_is_respected(store: Store) -> None:
    assert hold_lease(store, "embedder", "ahead", NOW + 50, 5)
    assert not hold_lease(store, "embedder", "other", NOW, 5)
    assert not hold_lease(store, "embedder", "other", NOW, 0)  # nobody gives back another's
    assert not hold_lease(store, "embedder", "other", NOW - DAY_S, 0)


@BACK
def test_a_job_queued_before_is_done_now_and_one_whose_taker_vanished_too(
    store: Store, back: float
) -> None:
    first = queue_job(store, "town", "train", {}, NOW)
    later = queue_job(store, "town", "train", {}, NOW, run_after=NOW + 60)
    job = take_job(store, ["train"], "one", NOW - back, 60)
    assert job is not None
    assert job.id == first
    assert take_job(store, ["train"], "two", NOW - back + 1, 60) is None
    assert take_job(store, ["train"], "two", NOW + 59 - back, 60) is None
    again = take_job(store, ["train"], "two", NOW - 3 * back, 60)  # set back once more
    assert again is not None
    assert (again.id, again.attempts) == (first, 2)
    assert later != first


@BACK
def test_a_revoked_key_and_one_that_was_rotated_away_stay_invalid(
    store: Store, back: float
) -> None:
    keys = [create_key(store, name, [KeyScope.READ], [EVERY_COMMUNITY], NOW) for name in "abc"]
    finder = key_finder(store)
    revoke_key(store, keys[0].key.id, NOW + 1)
    rotate_key(store, keys[1].key.id, NOW + 1, 0)
    rotate_key(store, keys[2].key.id, NOW + 1, 60)
    revoke_key(store, keys[2].key.id, NOW + 90)  # after its grace
    assert [finder.find(one.presented, NOW - back) for one in keys] == [None] * 3
    finder.close()


def test_what_was_done_under_a_key_is_not_done_again(town: Store) -> None:
    changes = [PutMember("dee")]
    first = apply_once(town, "town", changes, NOW, ("k", "digest"))
    assert first == (4, False)
    assert apply_once(town, "town", changes, NOW - DAY_S, ("k", "digest")) == (4, True)
    with pytest.raises(ReusedKeyError):
        apply_once(town, "town", changes, NOW - DAY_S, ("k", "other"))
    assert apply_once(town, "town", changes, NOW + 1, ("k", "digest")) == (4, True)


@BACK
def test_a_slate_kept_before_is_gone_and_new_ones_are_kept(town: Store, back: float) -> None:
    slate = Paged("ann", "groups", ("bakers",))
    keep_paged(town, "town", ("old", slate), 3, NOW)
    assert read_paged(town, "town", "old", NOW - back) is None
    keep_paged(town, "town", ("new", slate), 3, NOW - back)
    assert read_paged(town, "town", "new", NOW - back + KEPT_S - 1) == slate
    assert read_paged(town, "town", "old", NOW) is None  # dropped meanwhile


def test_what_was_set_aside_stays_so_at_least_as_long(town: Store) -> None:
    told = Told("r1", "ann", "bakers", Written.GROUP, Event.DISMISSED)
    tell_feedback(town, "town", [told], NOW, 90 * DAY_S)
    assert tell_feedback(town, "town", [told], NOW - DAY_S, 90 * DAY_S)[1] == 0
    with town.reading() as connection:
        held = holds_now(connection, "town", NOW - DAY_S)
    assert [fact.until for fact in held.set_aside] == [NOW + 90 * DAY_S]


def test_what_was_served_is_written_and_kept(town: Store) -> None:
    item = ServedItem("bakers", 1, 1.0, 1.0, (), ())
    for name, at in (("before", NOW), ("after", NOW - DAY_S)):
        write_served(town, "town", [Served(name, at, "ann", "v1", "1", "", "groups", (item,), 3)])
    assert drop_old(town, NOW - DAY_S) == 0
    assert read_served(town, "town", "before").created_ts == NOW
    assert read_served(town, "town", "after").created_ts == NOW - DAY_S
