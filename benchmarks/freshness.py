"""From the acknowledgement of a change until it is seen in the answers of every worker.

    python -m benchmarks.freshness --workers 1 --workers 4 --json freshness.json

Tells a live server of new texts at a rate; some of them say the same unusual thing as somebody who
is there already, and slates are asked over and over until they show it, in each worker. Meanwhile
people block, hide and leave: the first answer of every worker after the acknowledgement must not
show what that forbids. At last texts come faster than they can be embedded. Clients and server
share the machine.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.live_load import FreshnessSettings, Visit
from benchmarks.live_place import SQLITE, Place, copied_place, folder_and_store, town_place
from benchmarks.load import run_quietly
from benchmarks.machine import load_average, machine
from benchmarks.report import run, write_report
from benchmarks.server import running_server
from data.store.connect import open_store
from engine.manifest import read_manifest
from engine.registry import Registry
from training.commands import DEFAULT_CACHE
from training.figures_file import check_writable

FAILED = 1
"""Exit code: something forbidden was shown, or something new was never seen."""


def measure(
    settings: FreshnessSettings,
    workers: list[int],
    bundles: Path | None = None,
    community: str | None = None,
    cache: Path = DEFAULT_CACHE,
) -> dict[str, Any]:
    """Return how long changes took to be seen, for each number of workers.

    Args:
        settings: What is told, how fast.
        workers: Processes of the server, for each run.
        bundles: Where a bundle is that is to be copied and served; None for a synthetic town.
        community: Which of them; may be left out if there is only one.
        cache: Where vectors are kept between runs.

    Raises:
        UserError: There is no such community, or the server does not come up.
    """
    runs = []
    for count in workers:
        with folder_and_store(settings.store) as (folder, address):
            if bundles is None:
                place = town_place(folder, address, settings.members, cache)
            else:
                place = copied_place(bundles, community, folder, address)
            current = read_manifest(Registry(place.bundles).current(place.community))
            runs.append({"workers": count, **visit(place, settings, count)})
    return {
        "community": current.community,
        "sizes": current.sizes,
        "settings": asdict(settings),
        "runs": runs,
    }


def visit(place: Place, settings: FreshnessSettings, workers: int) -> dict[str, Any]:
    """Return what was measured of one server over a place that nobody has used."""
    store = open_store(place.store)
    try:
        with running_server(place.bundles, workers, place.store) as server:
            before = server.cpu_s()
            found = run_quietly(Visit(place, store, settings, server, workers).measure())
            return {
                "store": store.kind,
                **found,
                "server_cpu_s": round(server.cpu_s() - before, 1),
                "memory_mb": server.memory_mb(),
                "load_average_after": load_average(),
            }
    finally:
        store.close()


def is_sound(result: dict[str, Any]) -> bool:
    """Return whether nothing forbidden was shown, and everything new was seen."""
    return not any(
        one["texts"]["never_seen"]
        or one["restrictions"]["still_shown"]
        or ("beyond" in one and one["beyond"]["restrictions"]["still_shown"])
        for one in result["runs"]
    )


def said(one: dict[str, Any]) -> str:
    """Return what was measured of one server, in a sentence or two."""
    seen, held, beyond = one["texts"]["seen_ms"], one["restrictions"], one.get("beyond")
    if seen is None:
        return f"{one['workers']} workers: nothing was seen"
    sentence = (
        f"{one['workers']} workers, {one['texts']['acknowledged_per_s']:.0f} texts/s: seen "
        f"everywhere after p50 {seen['p50']['value']:.0f} ms, p99 {seen['p99']['value']:.0f} ms; "
        f"{held['still_shown']} of {held['first_answers']} first answers show what is forbidden"
    )
    if beyond is None:
        return sentence
    return (
        f"{sentence}; beyond: {beyond['acknowledged_per_s']:.0f} texts/s, at most "
        f"{beyond['most_waiting']} waiting, none after {beyond['drained_s']} s"
    )


def main(  # noqa: PLR0913
    json_file: Annotated[Path, typer.Option("--json", help="Where the figures go.")],
    workers: Annotated[list[int] | None, typer.Option(help="Processes; more than once.")] = None,
    rate: Annotated[float, typer.Option(help="Texts a second.", min=1, max=2000)] = 100,
    seconds: Annotated[float, typer.Option(help="How long.", min=1, max=300)] = 20,
    beyond: Annotated[float, typer.Option(help="Texts a second, at last.", min=0)] = 400,
    members: Annotated[int, typer.Option(help="Size of the town.", min=200)] = 300,
    bundles: Annotated[Path | None, typer.Option(help="Serve a copy of these instead.")] = None,
    community: Annotated[str | None, typer.Option(help="Needed if there are several.")] = None,
    store: Annotated[str, typer.Option(help="sqlite or postgresql.")] = SQLITE,
) -> None:
    """Measure how soon changes are seen, and whether restrictions hold at once."""
    check_writable(json_file)
    here = machine()
    settings = FreshnessSettings(rate, seconds, beyond, members=members, store=store)
    result = measure(settings, workers or [1, 4], bundles, community)
    write_report(json_file, result, here)
    for one in result["runs"]:
        typer.echo(said(one))
    if not is_sound(result):
        sys.stderr.write(f"not everything is as it must be: see {json_file}\n")
        sys.exit(FAILED)


if __name__ == "__main__":
    run(main)
