"""An input that ends or stops the process that reads it is a failure, and the next is tried."""

from __future__ import annotations

import os
import time
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.fuzz_target import Came
from benchmarks.fuzz_workers import READY, Workers

CRASHES, HANGS = 1, 2


def fragile(wire: Connection, place: str, seed: int) -> None:
    wire.send(READY)
    while True:
        _, number = wire.recv()
        if number == CRASHES:
            os._exit(7)
        if number == HANGS:
            time.sleep(60)
        wire.send((Came.READ.value, ""))


def test_a_process_that_crashes_or_hangs_is_told_of_and_replaced(tmp_path: Path) -> None:
    workers = Workers(tmp_path, 0, fragile, prepares_s=0.5)
    try:
        came = [workers.try_input("anything", number) for number in (0, CRASHES, HANGS, 3)]
    finally:
        workers.stop()
    assert [one.came for one in came] == [Came.READ, Came.FAILED, Came.FAILED, Came.READ]
    assert [one.why for one in came[1:3]] == ["the process ended with 7", "no end after 0.5 s"]
