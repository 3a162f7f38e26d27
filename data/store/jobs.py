"""A queue of work that outlives whoever queued it: each job is taken by one, and tried again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, insert, or_, select, update

from data.store.connect import Store
from data.store.leases import ahead
from data.store.schema import jobs

MOST_ATTEMPTS = 5
"""A job whose taker has vanished so often is given up."""

GIVEN_UP = f"given up: taken {MOST_ATTEMPTS} times and never finished"


class JobState(StrEnum):
    """How far a job has come."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """A job somebody has taken.

    Attributes:
        id: Its number.
        community: For which community.
        kind: What is to be done.
        payload: With what; any JSON. It names members by nothing but an erasure's digest.
        attempts: How often it has been taken, this time included.
        holder: Who has it.
    """

    id: int
    community: str
    kind: str
    payload: dict[str, Any]
    attempts: int
    holder: str


def queue_job(
    store: Store,
    community: str,
    kind: str,
    payload: dict[str, Any],
    now: float,
    run_after: float | None = None,
) -> int:
    """Queue a job and return its number.

    Args:
        store: Where.
        community: For which community.
        kind: What is to be done.
        payload: With what; any JSON.
        now: Unix seconds.
        run_after: Not before then; now if None.

    Raises:
        StoreUnavailableError: The database cannot be used.
    """
    row = {
        "community": community,
        "kind": kind,
        "payload": payload,
        "state": JobState.QUEUED.value,
        "run_after_ts": now if run_after is None else run_after,
        "created_ts": now,
    }
    with store.writing() as connection:
        made = connection.execute(insert(jobs).values(row).returning(jobs.c.id))
        return int(made.scalar_one())


def take_job(
    store: Store, kinds: Collection[str], holder: str, now: float, lease_s: float
) -> Job | None:
    """Take the job that has waited longest, so that nobody else does.

    A job whose taker let its lease run out is taken again, up to `MOST_ATTEMPTS` times in all;
    then it has failed.

    Args:
        store: Where.
        kinds: What the taker can do.
        holder: Who takes it.
        now: Unix seconds.
        lease_s: For how long it is theirs: see `extend_lease`.

    Returns:
        The job, or None if nothing is to be done.

    Raises:
        StoreUnavailableError: The database cannot be used.
    """
    over = or_(jobs.c.lease_until_ts <= now, ahead(jobs.c.lease_until_ts, now, lease_s))
    late = (jobs.c.state == JobState.RUNNING.value) & over
    # What was to run at once is due whatever the clock says: it may have been set back.
    ripe = or_(jobs.c.run_after_ts <= now, jobs.c.run_after_ts <= jobs.c.created_ts)
    due = (jobs.c.state == JobState.QUEUED.value) & ripe
    often = jobs.c.attempts >= MOST_ATTEMPTS
    given_up = {"state": JobState.FAILED.value, "finished_ts": now, "error": GIVEN_UP}
    with store.writing() as connection:
        connection.execute(update(jobs).where(late, often).values(given_up))
        first = connection.execute(
            select(jobs.c.id)
            .where(jobs.c.kind.in_(list(kinds)), or_(due, late))
            .order_by(jobs.c.run_after_ts, jobs.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        ).scalar()
        if first is None:
            return None
        taken = {
            "state": JobState.RUNNING.value,
            "holder": holder,
            "lease_until_ts": now + lease_s,
            "attempts": jobs.c.attempts + 1,
        }
        row = connection.execute(
            update(jobs).where(jobs.c.id == first).values(taken).returning(jobs)
        ).one()
    return Job(row.id, row.community, row.kind, row.payload, row.attempts, holder)


def extend_lease(store: Store, number: int, holder: str, now: float, lease_s: float) -> bool:
    """Keep a job for longer; False if it is no longer the taker's, who should then stop."""
    with store.writing() as connection:
        kept = update(jobs).where(_held(number, holder)).values(lease_until_ts=now + lease_s)
        return bool(connection.execute(kept).rowcount)


def finish_job(
    store: Store, number: int, now: float, error: str | None = None, holder: str | None = None
) -> bool:
    """Note that a job is done, or has failed and why.

    Args:
        store: Where.
        number: Which job.
        now: Unix seconds.
        error: Why it failed; None if it is done.
        holder: Who says so; None for whoever has it. Someone whose lease ran out, and whose job
            another has taken since, changes nothing.

    Returns:
        Whether it was under way, and theirs.
    """
    state = JobState.DONE if error is None else JobState.FAILED
    done = {"state": state.value, "finished_ts": now, "error": error, "lease_until_ts": None}
    with store.writing() as connection:
        finished = update(jobs).where(_held(number, holder)).values(done)
        return bool(connection.execute(finished).rowcount)


def waiting_for(store: Store, kind: str) -> set[str]:
    """Return the communities for which a job of a kind is queued or under way."""
    open_ = (JobState.QUEUED.value, JobState.RUNNING.value)
    mine = select(jobs.c.community).where(jobs.c.kind == kind, jobs.c.state.in_(open_))
    with store.reading() as connection:
        return set(connection.scalars(mine))


def job_state(store: Store, number: int) -> tuple[JobState, str | None] | None:
    """Return how far a job has come, and why it failed; None if there is none of that number."""
    with store.reading() as connection:
        row = connection.execute(
            select(jobs.c.state, jobs.c.error).where(jobs.c.id == number)
        ).one_or_none()
    return None if row is None else (JobState(row.state), row.error)


def _held(number: int, holder: str | None) -> ColumnElement[bool]:
    """Return that a job is under way, in the hands of this taker."""
    running = (jobs.c.id == number) & (jobs.c.state == JobState.RUNNING.value)
    return running if holder is None else running & (jobs.c.holder == holder)
