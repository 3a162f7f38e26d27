"""Latency of whole requests over HTTP, beside start-up time, memory and throughput.

    python -m benchmarks.latency --bundles BUNDLES --json latency.json

Starts `belong serve`, sends requests for random members on schedule whether or not earlier ones
have come back (an open loop), and counts each from the moment it was due. Client and server share
the machine: `client_late_ms` says what the client itself added to the latencies.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import numpy as np
import typer

from benchmarks.load import SHED, Outcome, Request, closed_loop, open_loop, run_quietly
from benchmarks.machine import load_average, machine
from benchmarks.report import run, write_report
from benchmarks.server import Server, running_server
from benchmarks.timing import percentile, summary
from engine.columns import Strings
from engine.errors import BundleError
from engine.manifest import read_manifest
from engine.registry import Registry
from training.figures_file import check_writable

DIFFERENT = 2_000
"""Different requests that are made up; a longer run sends them again."""

WARM_UP_S = 1.0
REFUSED = f"status {SHED}"

SENDERS = 4
"""Senders of the closed loop, for each worker."""

FAILED = 1
"""Exit code: something was not answered as it should have been."""


class Kind(StrEnum):
    """What is asked for."""

    GROUPS = "groups"
    MEMBERS = "members"
    TEXT_GROUPS = "text-groups"
    TEXT_MEMBERS = "text-members"


@dataclass(frozen=True, slots=True)
class LatencySettings:
    """How a server is loaded.

    Attributes:
        kind: What is asked for.
        rate: Requests a second in the open loop.
        seconds: How long the open loop sends.
        closed_s: How long the closed loop sends, 0 to leave it out.
        workers: Processes of the server.
        limit: Items asked for.
        seed: Decides which members ask.
    """

    kind: Kind = Kind.GROUPS
    rate: float = 100.0
    seconds: float = 20.0
    closed_s: float = 3.0
    workers: int = 1
    limit: int = 10
    seed: int = 0


def measure(bundles: Path, community: str | None, settings: LatencySettings) -> dict[str, Any]:
    """Return start-up time, memory, latency under open-loop load and closed-loop throughput.

    Args:
        bundles: The folder of all communities' bundles; all of them are served.
        community: Whose members ask; may be left out if there is only one.
        settings: How the server is loaded.

    Raises:
        UserError: There is no such community, or the server does not come up.
    """
    registry = Registry(bundles)
    name = community or registry.only_community()
    folder = registry.current(name)
    requests = requests_for(name, folder, settings)
    with running_server(bundles, settings.workers) as server:
        loaded = _load(server, requests, settings)
    return {
        "community": name,
        "version": folder.name,
        "sizes": read_manifest(folder).sizes,
        "kind": settings.kind.value,
        "limit": settings.limit,
        "workers": settings.workers,
        "start_to_ready_s": round(server.ready_s, 3),
        **loaded,
    }


def requests_for(community: str, folder: Path, settings: LatencySettings) -> list[Request]:
    """Return requests of members drawn at random, or of newcomers who use their words.

    Raises:
        BundleError: The bundle has nobody who could ask.
    """
    rng = np.random.default_rng(settings.seed)
    start = f"/v1/communities/{quote(community, safe='')}"
    what = settings.kind.value.removeprefix("text-")
    if settings.kind in {Kind.GROUPS, Kind.MEMBERS}:
        ids = _strings(folder, "members.ids")
        query = f"/recommendations/{what}?limit={settings.limit}"
        return [
            Request(f"{start}/members/{quote(ids[row], safe='')}{query}")
            for row in rng.integers(0, len(ids), DIFFERENT).tolist()
        ]
    # The smallest communities have no distinctive terms yet.
    words = _column(folder, "vocabulary") or _strings(folder, "groups.names")
    bodies = []
    for one, two, three, four in rng.integers(0, len(words), (DIFFERENT, 4)).tolist():
        text = f"I am into {words[one]} and {words[two]}. Lately I have learnt a lot about "
        text += f"{words[three]}. I would like to meet people who know {words[four]}."
        bodies.append(json.dumps({"text": text, "limit": settings.limit}).encode())
    return [Request(f"{start}/recommendations/{what}", body) for body in bodies]


def _strings(folder: Path, name: str) -> list[str]:
    found = _column(folder, name)
    if not found:
        raise BundleError(f"{folder} has nothing in {name}: nobody could ask")
    return found


def _column(folder: Path, name: str) -> list[str]:
    try:
        parts = (np.load(folder / f"{name}.{part}.npy") for part in ("data", "offsets"))
        return Strings(*parts).tolist()
    except (OSError, ValueError) as error:
        raise BundleError(f"{folder} has no readable column {name}: train again") from error


def _load(server: Server, requests: list[Request], settings: LatencySettings) -> dict[str, Any]:
    at_start = server.memory_mb()
    first = run_quietly(open_loop(server.port, requests, 1, 1))
    run_quietly(open_loop(server.port, requests[::-1], settings.rate, WARM_UP_S))
    cpu, outcome = _with_cpu(
        server,
        lambda: run_quietly(open_loop(server.port, requests, settings.rate, settings.seconds)),
    )
    result: dict[str, Any] = {
        "open_loop": {
            "rate": settings.rate,
            "seconds": round(outcome.seconds, 3),
            **_outcome(outcome, cpu),
            "latency_ms": summary(outcome.latency_ms, outcome.due_s),
            "client_late_ms": {
                "p50": percentile(outcome.late_ms, 0.5),
                "p99": percentile(outcome.late_ms, 0.99),
            },
            "first_request_ms": float(first.latency_ms[0]),
            "load_average_after": load_average(),
        },
        "memory_mb": {"ready": at_start, "after_load": server.memory_mb()},
    }
    if settings.closed_s > 0:
        senders = SENDERS * settings.workers
        cpu, outcome = _with_cpu(
            server,
            lambda: run_quietly(closed_loop(server.port, requests, senders, settings.closed_s)),
        )
        result["closed_loop"] = {"senders": senders, **_outcome(outcome, cpu)}
    return result


def _with_cpu(server: Server, work: Callable[[], Outcome]) -> tuple[float, Outcome]:
    before = server.cpu_s()
    outcome = work()
    return server.cpu_s() - before, outcome


def _outcome(outcome: Outcome, cpu_s: float) -> dict[str, Any]:
    count = len(outcome.due_s)
    return {
        "requests": count,
        "requests_per_s": round(count / outcome.seconds, 1),
        "errors": sum(outcome.errors.values()) - outcome.errors.get(REFUSED, 0),
        "refused": outcome.errors.get(REFUSED, 0),
        "errors_by_kind": outcome.errors,
        "empty_answers": outcome.empty,
        # Hardly moved by what else runs on the machine, unlike latency.
        "server_cpu_ms_per_request": round(1e3 * cpu_s / count, 3),
    }


def main(  # noqa: PLR0913
    json_file: Annotated[Path, typer.Option("--json", help="Where the figures go.")],
    bundles: Annotated[Path, typer.Option(help="The folder of all bundles.")],
    community: Annotated[str | None, typer.Option(help="Needed if there are several.")] = None,
    rate: Annotated[float, typer.Option(help="Requests a second.", min=1, max=2000)] = 100,
    seconds: Annotated[float, typer.Option(help="How long to send.", min=1, max=300)] = 20,
    closed: Annotated[float, typer.Option(help="Seconds at full speed.", min=0, max=60)] = 3,
    workers: Annotated[int, typer.Option(help="Processes of the server.", min=1, max=64)] = 1,
    kind: Annotated[Kind, typer.Option(help="What is asked for.")] = Kind.GROUPS,
    limit: Annotated[int, typer.Option(help="Items asked for.", min=1, max=100)] = 10,
    seed: Annotated[int, typer.Option(help="Decides who asks.", min=0)] = 0,
) -> None:
    """Measure a server over HTTP: latency on schedule, throughput, start-up and memory."""
    check_writable(json_file)
    here = machine()
    settings = LatencySettings(kind, rate, seconds, closed, workers, limit, seed)
    result = measure(bundles, community, settings)
    write_report(json_file, result, here)
    loop = result["open_loop"]
    took = loop["latency_ms"]
    typer.echo(
        f"{kind.value}: p50 {took['p50']['value']:.1f} ms, p99 {took['p99']['value']:.1f} ms, "
        f"{loop['requests_per_s']} requests/s, {loop['errors']} errors and {loop['refused']} "
        f"refusals of {loop['requests']}; "
        f"ready after {result['start_to_ready_s']:.1f} s, "
        f"{result['memory_mb']['after_load']['rss']:.0f} MB"
    )
    # At full speed a server may refuse what would wait too long; at a set rate it may not.
    errors = loop["refused"] + sum(
        result.get(name, {}).get("errors", 0) for name in ("open_loop", "closed_loop")
    )
    if errors:
        sys.stderr.write(f"{errors} requests were not answered as they should: see {json_file}\n")
        sys.exit(FAILED)


if __name__ == "__main__":
    run(main)
