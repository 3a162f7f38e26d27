"""What is measured of a server that is asked for more than it can serve."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.load import Outcome
from benchmarks.shedding import (
    SheddingSettings,
    answered,
    compared,
    goals,
    is_sound,
    measure,
    recovery_s,
)

pytestmark = pytest.mark.alone


def outcome(
    latency_ms: list[float],
    status: list[int],
    *,
    apart_s: float = 0.1,
    begun_s: float = 0.0,
    errors: dict[str, int] | None = None,
) -> Outcome:
    count = len(status)
    due = np.arange(count, dtype=np.float64) * apart_s
    latency = np.array(latency_ms)
    statuses = np.array(status, np.int16)
    return Outcome(due, latency, np.zeros(count), statuses, errors or {}, 0, 1.0, begun_s)


def test_only_what_was_answered_counts_for_latency_and_other_ends_are_wrong() -> None:
    errors = {"status 503": 1, "status 503 without Retry-After": 1, "TimeoutError": 1}
    found = answered(outcome([10, 20, 1, 1, 900], [200, 200, 503, 503, 0], errors=errors))

    assert (found["requests"], found["answered"], found["refused"]) == (5, 2, 2)
    assert found["latency_ms"]["max"] == 20
    assert found["refused_ms"]["max"] == 1
    assert found["wrong"] == {"status 503 without Retry-After": 1, "TimeoutError": 1}


def test_the_ratio_is_of_the_p99_of_answers_alone() -> None:
    little = outcome([10.0] * 20, [200] * 20)
    much = outcome([25.0, 500.0], [200, 503])
    after = outcome([10.0] * 30, [200] * 30, begun_s=0.1)

    found = compared(little, much, after)

    assert found == {"p99_ratio": 2.5, "recovery_s": 0.0}
    reached = goals({**found, "much": {"refused": 1}})
    assert set(reached.values()) == {True}
    missed = goals({"p99_ratio": 3.0, "recovery_s": None, "much": {"refused": 0}})
    assert set(missed.values()) == {False}


def test_a_server_has_recovered_when_a_whole_second_is_good() -> None:
    # Asked ten times a second from 0.2 s after the load: slow at 0.2 s, refused at 0.9 s.
    latency, status = [5.0] * 40, [200] * 40
    latency[0], status[7] = 99.0, 503

    after = outcome(latency, status, begun_s=10.2)

    assert recovery_s(after, end_s=10.0, most_ms=30) == pytest.approx(0.9)


def test_a_server_that_is_never_good_for_a_second_has_not_recovered() -> None:
    after = outcome([5.0, 5.0, 5.0, 99.0] * 10, [200] * 40)

    assert recovery_s(after, end_s=0.0, most_ms=30) is None


def test_what_was_good_from_the_start_is_known_from_when_it_was_first_asked() -> None:
    assert recovery_s(outcome([5.0] * 20, [200] * 20, begun_s=9.0), 10.0, 30) == 0
    assert recovery_s(outcome([5.0] * 20, [200] * 20, begun_s=12.0), 10.0, 30) == 2


def test_a_small_run_refuses_what_is_too_much_and_says_when_to_try_again(
    world_bundles: Path,
) -> None:
    # The world is small and quickly answered: five times what one client gets out of it.
    settings = SheddingSettings(times=5, seconds=1, capacity_s=0.5, little_s=0.5, after_s=1.2)

    result = measure(world_bundles, None, settings)

    assert result["capacity_per_s"] > 0
    assert result["much"]["refused"] > 0
    assert result["much"]["answered"] > 0
    assert result["little"]["answered"] > 0
    assert is_sound(result), (result["little"]["wrong"], result["much"]["wrong"])
    assert result["p99_ratio"] is not None
    assert result["settings"]["times"] == 5
