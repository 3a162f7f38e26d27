"""What a server does at twice the rate it can serve: it refuses the rest, and stays quick.

    python -m benchmarks.shedding --bundles BUNDLES --json shedding.json

Starts `belong serve`, finds how much it can answer (a closed loop), how quick it is when little is
asked, then sends twice what it can answer, on schedule, from a process of its own, and looks on
from this one until the server answers as before. Latencies are of answers with status 200, each
counted from the moment it was due; what is refused must say when to try again.
"""

from __future__ import annotations

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.latency import Kind, LatencySettings, requests_for
from benchmarks.load import (
    SHED,
    Outcome,
    Request,
    closed_loop,
    open_loop,
    run_quietly,
    sent_on_schedule,
)
from benchmarks.machine import load_average, machine
from benchmarks.report import run, write_report
from benchmarks.server import Server, running_server
from benchmarks.timing import percentile, summary
from engine.manifest import read_manifest
from engine.registry import Registry
from training.figures_file import check_writable

OK = 200
WARM_UP_S = 1.0
SENDERS = 4
"""Senders of the closed loop, for each worker."""

MOST_RATIO = 3.0
"""p99 of what is answered under too much load, over p99 under little, is to stay below this."""

QUIET_S = 1.0
"""It has recovered once everything due for so long was answered, and quickly."""

HEALTH = Request("/healthz")

FAILED = 1
"""Exit code: something was neither answered nor refused as it should be."""


@dataclass(frozen=True, slots=True)
class SheddingSettings:
    """How a server is given too much to do.

    Attributes:
        kind: What is asked for.
        times: How many times what it can serve is asked for.
        seconds: For how long.
        capacity_s: How long what it can serve is measured.
        little: The share of that which is little.
        little_s: How long little is asked for.
        after_s: How long the server is watched after the load has ended.
        workers: Processes of the server.
        limit: Items asked for.
        seed: Decides who asks.
    """

    kind: Kind = Kind.GROUPS
    times: float = 2.0
    seconds: float = 20.0
    capacity_s: float = 5.0
    little: float = 0.1
    little_s: float = 20.0
    after_s: float = 7.0
    workers: int = 1
    limit: int = 10
    seed: int = 0


def measure(bundles: Path, community: str | None, settings: SheddingSettings) -> dict[str, Any]:
    """Return what a server can serve, how it fares beyond that, and how soon it recovers.

    Args:
        bundles: The folder of all communities' bundles; all of them are served.
        community: Whose members ask; may be left out if there is only one.
        settings: How it is loaded.

    Raises:
        UserError: There is no such community, or the server does not come up.
    """
    registry = Registry(bundles)
    name = community or registry.only_community()
    folder = registry.current(name)
    asking = LatencySettings(settings.kind, limit=settings.limit, seed=settings.seed)
    requests = requests_for(name, folder, asking)
    with running_server(bundles, settings.workers) as server:
        found = _load(server, requests, settings)
        memory = server.memory_mb()
    return {
        "community": name,
        "version": folder.name,
        "sizes": read_manifest(folder).sizes,
        "settings": asdict(settings),
        **found,
        "memory_mb": memory,
        "load_average_after": load_average(),
    }


def _load(server: Server, requests: list[Request], settings: SheddingSettings) -> dict[str, Any]:
    senders = SENDERS * settings.workers
    run_quietly(closed_loop(server.port, requests[::-1], senders, WARM_UP_S))
    most = run_quietly(closed_loop(server.port, requests, senders, settings.capacity_s))
    capacity = int((most.status == OK).sum()) / most.seconds
    rate = max(1.0, settings.little * capacity)
    little = run_quietly(open_loop(server.port, requests, rate, settings.little_s))
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as other:
        other.submit(percentile, np.zeros(1), 0.5).result()  # it has imported what it needs
        loading = other.submit(
            sent_on_schedule, server.port, requests, settings.times * capacity, settings.seconds
        )
        health = run_quietly(open_loop(server.port, [HEALTH], 5, settings.seconds))
        much = loading.result()
        after = run_quietly(open_loop(server.port, requests, rate, settings.after_s))
    return {
        "capacity_per_s": round(capacity, 1),
        "little": {"rate": round(rate, 1), **answered(little)},
        "much": {"rate": round(settings.times * capacity, 1), **answered(much)},
        "health_ms": {
            "p50": percentile(health.latency_ms, 0.5),
            "max": float(health.latency_ms.max()),
        },
        **compared(little, much, after),
    }


def answered(outcome: Outcome) -> dict[str, Any]:
    """Return how much was answered and refused, and how quickly; `wrong` is everything else.

    Refused without `Retry-After` is wrong.
    """
    good, shed = outcome.status == OK, outcome.status == SHED
    wrong = {kind: count for kind, count in outcome.errors.items() if kind != f"status {SHED}"}
    result: dict[str, Any] = {
        "requests": len(good),
        "answered": int(good.sum()),
        "answered_per_s": round(int(good.sum()) / outcome.seconds, 1),
        "refused": int(shed.sum()),
        "wrong": wrong,
        "latency_ms": None,
        "refused_ms": None,
        "client_late_ms": {"p99": percentile(outcome.late_ms, 0.99)},
    }
    for name, chosen in (("latency_ms", good), ("refused_ms", shed)):
        if chosen.any():
            result[name] = summary(outcome.latency_ms[chosen], outcome.due_s[chosen])
    return result


def compared(little: Outcome, much: Outcome, after: Outcome) -> dict[str, Any]:
    """Return the ratio of the p99 of answers, and the seconds until all was as before.

    Returns:
        `p99_ratio`, None if nothing was answered; `recovery_s`, None if it did not recover while
        it was watched.
    """
    usual = percentile(little.latency_ms[little.status == OK], 0.99)
    busy = much.latency_ms[much.status == OK]
    return {
        "p99_ratio": percentile(busy, 0.99) / usual if len(busy) else None,
        "recovery_s": recovery_s(after, much.end_s, MOST_RATIO * usual),
    }


def recovery_s(after: Outcome, end_s: float, most_ms: float) -> float | None:
    """Return the seconds from the end of the load until everything was answered quickly.

    Args:
        after: What was asked from about then on.
        end_s: When the load ended, by the clock of `Outcome.begun_s`.
        most_ms: What is quick.

    Returns:
        When the first whole second began of which everything was answered in time, or when
        anything was asked at all if that was later; None if there was no such second.
    """
    due = after.due_s + (after.begun_s - end_s)
    bad = due[(after.status != OK) | (after.latency_ms > most_ms)].tolist()
    for start, end in pairwise([float(due[0]), *bad, float(due[-1])]):
        if end - start >= QUIET_S:
            return float(round(max(0.0, start), 3))
    return None


def goals(result: dict[str, Any]) -> dict[str, bool]:
    """Return what was to be reached, and whether it was."""
    ratio, recovery = result["p99_ratio"], result["recovery_s"]
    return {
        "it sheds": result["much"]["refused"] > 0,
        "p99 of what is answered under 3 times the usual": ratio is not None and ratio < MOST_RATIO,
        "it recovers in 5 s": recovery is not None and recovery < 5,
    }


def is_sound(result: dict[str, Any]) -> bool:
    """Return whether everything was answered, or refused with a word on when to try again."""
    return not result["little"]["wrong"] and not result["much"]["wrong"]


def main(  # noqa: PLR0913
    json_file: Annotated[Path, typer.Option("--json", help="Where the figures go.")],
    bundles: Annotated[Path, typer.Option(help="The folder of all bundles.")],
    community: Annotated[str | None, typer.Option(help="Needed if there are several.")] = None,
    times: Annotated[float, typer.Option(help="Times what it can serve.", min=1, max=10)] = 2,
    seconds: Annotated[float, typer.Option(help="For how long.", min=1, max=120)] = 20,
    workers: Annotated[int, typer.Option(help="Processes of the server.", min=1, max=16)] = 1,
    kind: Annotated[Kind, typer.Option(help="What is asked for.")] = Kind.GROUPS,
    seed: Annotated[int, typer.Option(help="Decides who asks.", min=0)] = 0,
) -> None:
    """Ask a server for more than it can serve, and see that it stays quick and recovers."""
    check_writable(json_file)
    here = machine()
    settings = SheddingSettings(kind, times, seconds, workers=workers, seed=seed)
    result = measure(bundles, community, settings)
    reached = goals(result)
    write_report(json_file, {**result, "goals": reached}, here)
    much, little = result["much"], result["little"]
    typer.echo(
        f"{result['capacity_per_s']:.0f} requests/s can be served; of {much['rate']:.0f} "
        f"{much['answered_per_s']:.0f} were answered and {much['refused']:,} refused; "
        f"p99 {_p99(much)} beside {_p99(little)}; recovered after {result['recovery_s']} s"
    )
    for goal, met in reached.items():
        typer.echo(f"{'yes' if met else ' no'}  {goal}")
    if not is_sound(result):
        sys.stderr.write(f"not everything was answered or refused well: see {json_file}\n")
        sys.exit(FAILED)


def _p99(part: dict[str, Any]) -> str:
    took = part["latency_ms"]
    return "none" if took is None else f"{took['p99']['value']:.1f} ms"


if __name__ == "__main__":
    run(main)
