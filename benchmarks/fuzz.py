"""Readers of whatever comes from outside, tried with damaged input.

    python -m benchmarks.fuzz --minutes 10 --seed 1 --json benchmarks/results/fuzz.json

Valid seeds are damaged (bytes flipped, cut, moved; odd cells; JSON of other types; arrays of other
shapes) and read. Each input is either read rightly or refused with a reason that a person can
read. Anything else is a failure: another exception, a crash of the process, more than five seconds
of work, more than a gigabyte of memory, a file outside of the folder, something read as what it is
not. An input follows from the seed, its target and its number alone, so a failure is seen again
with `--target NAME --number N`.
"""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.fuzz_target import Came, Tried
from benchmarks.fuzz_workers import targets, workers
from benchmarks.machine import machine
from benchmarks.report import run, write_report
from engine.errors import SettingError
from training.figures_file import check_writable

MOST_TOLD = 20
"""Failures of one target that are told of."""
FAILED = 1
"""Exit code: there was a failure."""


@dataclass(slots=True)
class Tally:
    """What became of the inputs of one target."""

    inputs: int = 0
    read: int = 0
    refused: int = 0
    failed: int = 0
    slowest_s: float = 0.0
    failures: list[dict[str, Any]] = field(default_factory=list)

    def add(self, number: int, tried: Tried, seconds: float) -> None:
        """Count one input."""
        self.inputs += 1
        self.slowest_s = max(self.slowest_s, round(seconds, 2))
        setattr(self, tried.came.value, getattr(self, tried.came.value) + 1)
        if tried.came is Came.FAILED and len(self.failures) < MOST_TOLD:
            self.failures.append({"number": number, "why": tried.why})


def fuzz(names: list[str], seconds: float, seed: int) -> dict[str, Tally]:
    """Try inputs of all targets in turn, each for about the same time, and count."""
    tallies = {name: Tally() for name in names}
    spent = dict.fromkeys(names, 0.0)
    with workers(seed) as started:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            name = min(names, key=lambda one: spent[one])
            number, began = tallies[name].inputs, time.monotonic()
            tried = started.try_input(name, number)
            took = time.monotonic() - began
            # The first one has its target prepared as well.
            tallies[name].add(number, tried, took if number else 0.0)
            spent[name] += took
    return tallies


def retry(names: list[str], number: int, seed: int) -> None:
    """Try one input of some targets again, and tell all that is known of it."""
    with workers(seed) as started:
        for name in names:
            tried = started.try_input(name, number)
            typer.echo(f"{name} {number}: {tried.came} {tried.why}")


def tell(tallies: dict[str, Tally]) -> None:
    """Print a line for each target, and one for each failure."""
    for name, one in tallies.items():
        typer.echo(f"{name}: {one.inputs} inputs, {one.read} read, {one.failed} failures")
        for failure in one.failures:
            typer.echo(f"  input {failure['number']}: {failure['why'].strip().splitlines()[-1]}")


def main(
    json_file: Annotated[Path | None, typer.Option("--json", help="Where figures go.")] = None,
    minutes: Annotated[float, typer.Option(help="How long.", min=0.01, max=600)] = 10,
    seed: Annotated[int, typer.Option(help="What all inputs follow from.")] = 1,
    target: Annotated[list[str] | None, typer.Option(help="Only these.")] = None,
    number: Annotated[int | None, typer.Option(help="Try this input alone, and tell.")] = None,
) -> None:
    """Try the readers of everything that comes from outside with damaged input."""
    names = target or list(targets())
    unknown = set(names) - targets().keys()
    if unknown:
        raise SettingError(f"no target is called {min(unknown)!r}, but {', '.join(targets())}")
    if number is not None:
        retry(names, number, seed)
        return
    if json_file is not None:
        check_writable(json_file)
    here = machine()
    tallies = fuzz(names, minutes * 60, seed)
    failed = sum(one.failed for one in tallies.values())
    result = {
        "minutes": minutes,
        "seed": seed,
        "inputs": sum(one.inputs for one in tallies.values()),
        "failures": failed,
        "targets": {name: asdict(one) for name, one in tallies.items()},
    }
    if json_file is not None:
        write_report(json_file, result, here)
    tell(tallies)
    if failed:
        sys.exit(FAILED)


if __name__ == "__main__":
    run(main)
