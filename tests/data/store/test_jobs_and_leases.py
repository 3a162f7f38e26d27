"""Work is taken by one, and again by another if the first has vanished."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from data.store.connect import Store
from data.store.jobs import (
    GIVEN_UP,
    MOST_ATTEMPTS,
    JobState,
    extend_lease,
    finish_job,
    job_state,
    queue_job,
    take_job,
)
from data.store.leases import hold_lease

NOW = 1_700_000_000.0


def queued(store: Store, kind: str = "train", run_after: float | None = None) -> int:
    return queue_job(store, "town", kind, {"why": "schedule"}, NOW, run_after)


def test_a_job_is_taken_once_and_done(store: Store) -> None:
    number = queued(store)
    job = take_job(store, ["train"], "one", NOW, 60)
    assert job is not None
    assert (job.id, job.community, job.kind, job.attempts) == (number, "town", "train", 1)
    assert job.payload == {"why": "schedule"}
    assert take_job(store, ["train"], "two", NOW, 60) is None
    assert finish_job(store, number, NOW + 1)
    assert job_state(store, number) == (JobState.DONE, None)
    assert take_job(store, ["train"], "two", NOW + 999, 60) is None


def test_jobs_are_taken_in_their_order_when_due_by_who_can(store: Store) -> None:
    late, first = queued(store, run_after=NOW + 10), queued(store)
    other = queued(store, kind="erase")
    taken = [take_job(store, ["train"], "one", NOW + wait, 60) for wait in (0, 5, 10)]
    assert [job.id if job else None for job in taken] == [first, None, late]
    job = take_job(store, ["train", "erase"], "one", NOW, 60)
    assert job is not None
    assert job.id == other


def test_many_takers_at_once_take_each_job_once(store: Store) -> None:
    numbers = [queued(store) for _ in range(10)]

    def take(taker: int) -> int | None:
        job = take_job(store, ["train"], f"taker {taker}", NOW, 60)
        return job.id if job else None

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(take, range(30)))
    assert sorted(one for one in taken if one is not None) == numbers


def test_a_job_whose_taker_vanished_is_taken_again_and_given_up_in_the_end(store: Store) -> None:
    number = queued(store)
    for attempt in range(MOST_ATTEMPTS):
        job = take_job(store, ["train"], f"taker {attempt}", NOW + 100 * attempt, 60)
        assert job is not None
        assert job.attempts == attempt + 1
    assert take_job(store, ["train"], "last", NOW + 10_000, 60) is None
    assert job_state(store, number) == (JobState.FAILED, GIVEN_UP)


def test_who_lost_a_job_can_neither_keep_nor_finish_it(store: Store) -> None:
    number = queued(store)
    take_job(store, ["train"], "slow", NOW, 60)
    assert extend_lease(store, number, "slow", NOW + 50, 60)
    assert take_job(store, ["train"], "quick", NOW + 70, 60) is None
    assert take_job(store, ["train"], "quick", NOW + 110, 60) is not None
    assert not extend_lease(store, number, "slow", NOW + 111, 60)
    assert not finish_job(store, number, NOW + 111, holder="slow")
    assert finish_job(store, number, NOW + 112, "no room", holder="quick")
    assert job_state(store, number) == (JobState.FAILED, "no room")


def test_nobody_knows_a_job_that_was_never_queued(store: Store) -> None:
    assert job_state(store, 7) is None
    assert not finish_job(store, 7, NOW)


def test_a_lease_is_one_holders_until_it_runs_out_or_is_given_back(store: Store) -> None:
    assert hold_lease(store, "embedder", "one", NOW, 10)
    assert not hold_lease(store, "embedder", "two", NOW + 9, 10)
    assert hold_lease(store, "embedder", "one", NOW + 9, 10)
    assert not hold_lease(store, "embedder", "two", NOW + 18, 10)
    assert hold_lease(store, "embedder", "two", NOW + 19, 10)
    assert not hold_lease(store, "embedder", "one", NOW + 20, 10)
    assert hold_lease(store, "embedder", "two", NOW + 20, 0)
    assert hold_lease(store, "embedder", "one", NOW + 20, 10)
    assert hold_lease(store, "schedule", "two", NOW + 20, 10)


def test_of_many_who_ask_at_once_one_holds_the_lease(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        held = list(pool.map(lambda one: hold_lease(store, "x", f"{one}", NOW, 10), range(8)))
    assert sum(held) == 1
