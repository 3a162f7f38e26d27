"""The ledger never makes a request wait, whatever becomes of the store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.store.changes import create_community
from data.store.connect import Store, open_store
from data.store.ledger import read_served
from engine.errors import UnknownError
from engine.recommender import Recommender
from serving.ledger import AT_ONCE, Ledger, policy_version
from tests.live_facts import bundle_of
from tests.serving.running import wait_until
from tests.world import NOW, world

pytestmark = pytest.mark.alone

SMALL = ("small", "groups", "ana")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(tmp_path / "belong.sqlite3")
    create_community(store, "small", NOW)
    yield store
    store.close()


@pytest.fixture(scope="module")
def recommender() -> Recommender:
    return Recommender(bundle_of(world().snapshot))


def there(store: Store, one: str) -> bool:
    try:
        return read_served(store, "small", one).recommendation_id == one
    except UnknownError:
        return False


def test_an_answer_is_written_down_within_two_seconds_with_ranks_sources_and_odds(
    store: Store, recommender: Recommender
) -> None:
    ledger = Ledger(store, clock=lambda: NOW)
    ledger.start()
    answer = recommender.groups_for("ana", 5)
    ledger.note("r1", SMALL, recommender, answer)
    start = time.monotonic()
    wait_until(lambda: there(store, "r1"))
    assert time.monotonic() - start < 2
    found = read_served(store, "small", "r1")
    assert (found.member, found.purpose, found.created_ts) == ("ana", "groups", NOW)
    assert found.policy == policy_version(recommender.preferences)
    assert [item.item for item in found.items] == [item.id for item in answer.items]
    assert all(item.sources and item.reasons and item.odds == 1 for item in found.items)
    ledger.stop()


def test_a_full_batch_is_written_at_once(store: Store, recommender: Recommender) -> None:
    ledger = Ledger(store)
    answer = recommender.groups_for("ana", 1)
    for place in range(2 * AT_ONCE):
        ledger.note(f"r{place}", SMALL, recommender, answer)
    ledger.start()
    wait_until(lambda: there(store, f"r{2 * AT_ONCE - 1}"))
    ledger.stop()


def test_what_waits_is_written_when_the_process_is_told_to_stop(
    store: Store, recommender: Recommender
) -> None:
    ledger = Ledger(store)
    ledger.start()
    for place in range(50):
        ledger.note(f"r{place}", SMALL, recommender, recommender.groups_for("ana", 1))
    ledger.stop()
    assert all(there(store, f"r{place}") for place in range(50))


def test_beyond_what_may_wait_slates_are_dropped_and_no_request_waits(
    store: Store, recommender: Recommender, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Ledger(store, waiting=10)
    answer = recommender.groups_for("ana", 1)
    start = time.monotonic()
    for place in range(15):
        ledger.note(f"r{place}", SMALL, recommender, answer)
    assert time.monotonic() - start < 0.1
    ledger.start()
    wait_until(lambda: there(store, "r9"))
    ledger.stop()
    assert not there(store, "r10")
    assert "5 slates were not written down" in caplog.text


def test_a_community_that_the_store_does_not_know_hinders_no_other(
    store: Store, recommender: Recommender
) -> None:
    ledger = Ledger(store)
    answer = recommender.groups_for("ana", 1)
    ledger.note("r1", ("elsewhere", "groups", "ana"), recommender, answer)
    ledger.note("r2", SMALL, recommender, answer)
    ledger.start()
    wait_until(lambda: there(store, "r2"))
    ledger.stop()


def test_a_store_that_is_held_up_is_written_to_later(
    store: Store, recommender: Recommender, tmp_path: Path
) -> None:
    impatient = open_store(tmp_path / "belong.sqlite3", timeout_s=0.1)
    ledger = Ledger(impatient)
    with store.writing():
        ledger.start()
        ledger.note("r1", SMALL, recommender, recommender.groups_for("ana", 1))
        time.sleep(1.5)
    wait_until(lambda: there(store, "r1"))
    ledger.stop()
    impatient.close()


def test_without_a_store_nothing_is_noted(recommender: Recommender) -> None:
    ledger = Ledger(None)
    ledger.start()
    ledger.note("r1", SMALL, recommender, recommender.groups_for("ana", 1))
    ledger.stop()
