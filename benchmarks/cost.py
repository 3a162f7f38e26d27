"""What training costs: seconds for each step, and memory, cold and with a warm cache.

    python -m benchmarks.cost DATA --json cost.json

Each run is a process of its own, so that its memory and its imports are its own. The first starts
with the cache as it is (`--cold`: with an empty one), the second finds every text embedded. Seconds
of a step are without those of steps within it: looking back embeds what newcomers said.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer

from benchmarks.machine import machine
from benchmarks.report import run, write_report
from data.validate import read_community
from engine.errors import DataError
from engine.registry import Registry
from training.commands import DEFAULT_CACHE, DEFAULT_MODEL, DEFAULT_PROCESSES, Processes
from training.figures_file import check_writable
from training.train import TrainSettings, train

ENCODING = ("model", "embed")
"""Steps that are encoding; all others are ours."""

LOOK_S = 0.02
"""Seconds between looks at the memory of all its processes."""


class Stopwatch:
    """Takes the seconds of every step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._within = [0.0]  # for each step under way, the seconds of steps within it

    @contextmanager
    def task(self, name: str, total: int) -> Iterator[Callable[[int], None]]:
        """Time a step, without those within it."""
        start = time.perf_counter()
        self._within.append(0.0)
        try:
            yield lambda done: None
        finally:
            whole, within = time.perf_counter() - start, self._within.pop()
            self._within[-1] += whole
            self.seconds[name] = round(self.seconds.get(name, 0.0) + whole - within, 3)


def one_run(data: Path, cache: Path, processes: int) -> dict[str, Any]:
    """Train once in this process and return seconds by step and in all."""
    start = time.perf_counter()
    watch = Stopwatch()
    with watch.task("read", 1):
        community = read_community(data, now=time.time())
    with tempfile.TemporaryDirectory() as bundles:
        settings = TrainSettings(DEFAULT_MODEL, None, cache, processes=processes)
        manifest = train(community, settings, Registry(Path(bundles)), datetime.now(UTC), watch)
    whole = time.perf_counter() - start
    encoding = sum(watch.seconds.get(step, 0.0) for step in ENCODING)
    return {
        "dataset": community.name,
        "sizes": manifest.sizes,
        "seconds": round(whole, 2),
        "seconds_without_encoding": round(whole - encoding, 2),
        "seconds_by_step": watch.seconds,
    }


def _in_its_own_process(data: Path, cache: Path, processes: int) -> dict[str, Any]:
    code = (
        "import json, sys; from pathlib import Path; from benchmarks.cost import one_run; "
        "print(json.dumps(one_run(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))))"
    )
    words = [str(data), str(cache), str(processes)]
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as wrong:
        started = subprocess.Popen([sys.executable, "-c", code, *words], stdout=said, stderr=wrong)
        peak = 0.0
        try:
            while started.poll() is None:
                peak = max(peak, sum(memory_of(started.pid)))
                time.sleep(LOOK_S)
        finally:
            started.kill()
        for file in (said, wrong):
            file.seek(0)
        if started.returncode:
            why = wrong.read().strip().splitlines() or [f"exit code {started.returncode}"]
            raise DataError(f"training on {data} failed: {why[-1]}")
        result: dict[str, Any] = json.loads(said.read().strip().splitlines()[-1])
    result["peak_rss_mb"] = round(peak / 1e6, 1)
    return result


def memory_of(pid: int) -> list[int]:
    """Return the resident bytes of a process and of each below it; what is shared counts twice."""
    found = []
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                found.append(one.memory_info().rss)
    return found


def main(
    data: Annotated[Path, typer.Argument(help="A community folder.")],
    json_file: Annotated[Path, typer.Option("--json", help="Where the figures go.")],
    cache: Annotated[Path, typer.Option(help="Where vectors are kept.")] = DEFAULT_CACHE,
    cold: Annotated[bool, typer.Option("--cold", help="Begin with an empty cache.")] = False,
    processes: Processes = DEFAULT_PROCESSES,
) -> None:
    """Measure what training on a community costs, twice."""
    check_writable(json_file)
    here = machine()
    with tempfile.TemporaryDirectory() as empty:
        place = Path(empty) if cold else cache
        runs = [_in_its_own_process(data, place, processes) for _ in range(2)]
    result = {
        "dataset": runs[0].pop("dataset"),
        "sizes": runs[0].pop("sizes"),
        "first": runs[0],
        "second": {key: runs[1][key] for key in runs[0]},
        "cold": cold,
        "processes": processes,
    }
    write_report(json_file, result, here)
    for name in ("first", "second"):
        took = result[name]
        typer.echo(
            f"{name} run: {took['seconds']} s, {took['seconds_without_encoding']} s of it not "
            f"encoding, {took['peak_rss_mb']:.0f} MB"
        )


if __name__ == "__main__":
    run(main)
