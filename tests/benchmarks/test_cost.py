"""What training costs is told by step, and each second once."""

from __future__ import annotations

import os
import time

import pytest

from benchmarks.cost import Stopwatch, memory_of

pytestmark = pytest.mark.alone


def test_a_step_is_timed_without_the_steps_within_it() -> None:
    watch = Stopwatch()
    with watch.task("windows", 1):
        for _ in range(2):
            with watch.task("embed", 1):
                time.sleep(0.2)
    assert watch.seconds["embed"] >= 0.4
    assert watch.seconds["windows"] < 0.2


def test_memory_is_of_a_process_and_those_below_it() -> None:
    assert memory_of(os.getpid())[0] > 10_000_000
    assert memory_of(2**22 + 1) == []
