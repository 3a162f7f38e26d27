"""The process that tries inputs: when one ends it or stops it, another takes its place."""

from __future__ import annotations

import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.fuzz_target import Attempt, Came, Target, Tried, try_one

SLOW_S = 5.0
"""Seconds of work that no input may take; a busy machine does not count."""

STUCK_S = 30.0
"""Seconds by the clock after which an input is taken for endless."""

PREPARES_S = STARTS_S = 120.0
SWELLS_MB = 1_000
"""Megabytes of memory that no input may take."""
READY = "ready"


def targets() -> dict[str, Target]:
    """Return what can be fuzzed, by name."""
    from benchmarks.fuzz_backups import backups
    from benchmarks.fuzz_bundles import (
        bundle_of_a_faulty_writer,
        bundle_on_a_faulty_disk,
        registry_files,
    )
    from benchmarks.fuzz_folders import folder_bytes, folder_cells, json_values
    from benchmarks.fuzz_requests import change_lines, cursors, keys, options

    prepared = (
        *(folder_bytes, folder_cells, json_values, bundle_on_a_faulty_disk),
        *(bundle_of_a_faulty_writer, registry_files, backups),
        *(change_lines, cursors, keys, options),
    )
    return {one.__name__: Target(one.__name__, one) for one in prepared}


class Prepared:
    """The targets, each prepared when it is first asked for, in a folder of its own."""

    def __init__(self, place: Path, seed: int) -> None:
        self._place = place
        self._seed = seed
        self._targets = targets()
        self._attempts: dict[str, Attempt] = {}

    def try_input(self, name: str, number: int) -> Tried:
        """Try one input of a target."""
        folder = self._place / name
        if name not in self._attempts:
            folder.mkdir()
            self._attempts[name] = self._targets[name].prepare(folder)
        before, began = _peak_mb(), time.process_time()
        tried = try_one(self._attempts[name], f"{self._seed}:{name}:{number}", folder / "input")
        grown, worked = _peak_mb() - before, time.process_time() - began
        if tried.came is not Came.FAILED and (grown > SWELLS_MB or worked > SLOW_S):
            return Tried(Came.FAILED, f"it took {worked:.1f} s of work, {grown:.0f} MB of memory")
        return tried


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def work(wire: Connection, place: str, seed: int) -> None:
    """Try what comes over the wire, until nothing does. Runs in a process of its own."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libraries print what they panic about
    prepared = Prepared(Path(place), seed)
    wire.send(READY)
    while (asked := wire.recv()) is not None:
        tried = prepared.try_input(*asked)
        wire.send((tried.came.value, tried.why))


class StoppedError(Exception):
    """Nothing can be tried, whatever the input."""


Work = Callable[[Connection, str, int], None]


class Workers:
    """One process that tries inputs; when it dies or hangs, another takes its place."""

    def __init__(
        self, place: Path, seed: int, work: Work = work, prepares_s: float = PREPARES_S
    ) -> None:
        self._place = place
        self._seed = seed
        self._work = work
        self._prepares_s = prepares_s
        self._started = 0
        self._known: set[str] = set()
        self._start()

    def try_input(self, name: str, number: int) -> Tried:
        """Try one input; what kills or stops the process is a failure of that input."""
        self._wire.send((name, number))
        patience_s = STUCK_S if name in self._known else self._prepares_s
        try:
            if self._wire.poll(patience_s):
                came, why = self._wire.recv()
                self._known.add(name)
                return Tried(Came(came), why)
            why = f"no end after {patience_s} s"
        except EOFError:
            self._process.join()
            why = f"the process ended with {self._process.exitcode}"
        self.stop()
        self._start()
        return Tried(Came.FAILED, why)

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._wire.close()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._started += 1
        place = self._place / str(self._started)
        place.mkdir()
        self._wire, theirs = context.Pipe()
        self._process = context.Process(
            target=self._work, args=(theirs, str(place), self._seed), daemon=True
        )
        self._process.start()
        theirs.close()
        if not self._wire.poll(STARTS_S) or self._wire.recv() != READY:
            raise StoppedError("the process that tries inputs does not start")
        self._known = set()


@contextmanager
def workers(seed: int) -> Iterator[Workers]:
    """Give what tries inputs; its folder and its process are gone in the end."""
    with tempfile.TemporaryDirectory(prefix="belong-fuzz-", ignore_cleanup_errors=True) as folder:
        started = Workers(Path(folder), seed)
        try:
            yield started
        finally:
            started.stop()
