"""How well Belong suggests what happened later, beside other recommenders; and what that cost.

    python -m benchmarks.quality DATA --json quality.json
    python -m benchmarks.quality DATA --until DATE --peers --json quality.json --report quality.html

The first is `training.assess`'s: groups and introductions, beside simple recommenders. The second
is `benchmarks.comparison`'s: groups, beside tuned peers that others maintain, slice by slice. Each
figure has its 95 % interval and its sample size; one that cannot be computed (a ratio over zero)
is null.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks.comparison import CompareSettings, compare
from benchmarks.machine import command_line, machine, peak_mb
from benchmarks.ours import OurSettings
from benchmarks.peers import PEERS
from benchmarks.quality_report import render
from benchmarks.report import run, write_report
from benchmarks.trials import Cuts
from data.validate import read_community
from engine.errors import DataError, SettingError
from training.assess import AssessSettings, assess
from training.commands import DEFAULT_CACHE, DEFAULT_MODEL
from training.console import TerminalProgress, figures_table
from training.figures_file import check_writable, without_nan
from training.progress import SILENT, Progress
from training.train import open_workshop

DEFAULT_UNTIL = "80%"


def measure(
    data: Path,
    settings: AssessSettings | CompareSettings,
    cache: Path,
    model: str = DEFAULT_MODEL,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Return the quality of a community folder, with the seconds and the memory it took.

    Args:
        data: A community folder.
        settings: What to measure; `CompareSettings` for tuned peers.
        cache: Where vectors are kept between runs; texts that are in it cost nothing.
        model: A sentence-transformers model.
        progress: Told of every step.

    Raises:
        DataError: The folder cannot be used.
        SettingError: Nothing can be measured with these settings, or a peer is not installed.
    """
    start = time.perf_counter()
    community = read_community(data, now=time.time())
    workshop = open_workshop(cache, model, progress)
    if isinstance(settings, CompareSettings):
        result = compare(community, settings, workshop, PEERS, progress)
    else:
        result = assess(community, settings, workshop, progress)
    return {
        **result,
        "model": model,
        "set_aside": len(community.rejections),
        "cost": {"seconds": round(time.perf_counter() - start, 2), "peak_rss_mb": peak_mb()},
    }


def main(  # noqa: PLR0913
    data: Annotated[Path, typer.Argument(help="A community folder.")],
    json_file: Annotated[Path, typer.Option("--json", help="Where the figures go.")],
    until: Annotated[
        list[str] | None,
        typer.Option(help="The past ends at a date or a share; several with --peers.  [80%]"),
    ] = None,
    window: Annotated[float | None, typer.Option(help="Days after the cut that count.")] = None,
    split_by: Annotated[str | None, typer.Option(help="A community for each value.")] = None,
    hide_ties: Annotated[float | None, typer.Option(help="Share of ties hidden at random.")] = None,
    seed: Annotated[int, typer.Option(help="Decides what is left to chance.", min=0)] = 0,
    peers: Annotated[bool, typer.Option("--peers", help="Beside tuned peers.")] = False,
    validate: Annotated[
        list[str] | None, typer.Option(help="Earlier cuts, on which peers are tuned.")
    ] = None,
    intimacy: Annotated[
        list[float] | None, typer.Option(help="Values to measure beside the default.")
    ] = None,
    exploration: Annotated[
        list[float] | None, typer.Option(help="Values to measure beside the default.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Where a page for people goes.")] = None,
    model: Annotated[str, typer.Option(help="A model, by name or folder.")] = DEFAULT_MODEL,
    cache: Annotated[Path, typer.Option(help="Where vectors are kept.")] = DEFAULT_CACHE,
) -> None:
    """Measure suggestions on what happened later, beside other recommenders."""
    for path in (json_file, *([report] if report else [])):
        check_writable(path)
    here = machine()
    console = Console(stderr=True)
    settings: AssessSettings | CompareSettings
    cuts = tuple(until or (DEFAULT_UNTIL,))
    if peers:
        if hide_ties is not None:
            raise SettingError("--hide-ties is about introductions: leave it out with --peers")
        curves = [OurSettings(intimacy=value) for value in intimacy or ()]
        curves += [OurSettings(exploration=value) for value in exploration or ()]
        where = Cuts(cuts, tuple(validate or ()), window, split_by, seed)
        settings = CompareSettings(where, tuple(curves), seed)
    else:
        if len(cuts) > 1 or validate or intimacy or exploration:
            raise SettingError(
                "several --until, --validate, --intimacy and --exploration want --peers"
            )
        settings = AssessSettings(cuts[0], window, split_by, hide_ties, seed)
    result = measure(data, settings, cache, model, TerminalProgress(console))
    for title, section in _sections(result):
        heading = f"{title}, {section['members']} members of {result['dataset']}"
        console.print(figures_table(heading, section["systems"]))
    write_result(result, json_file, report, here)


def write_result(
    result: dict[str, Any], json_file: Path, report: Path | None, here: dict[str, Any]
) -> None:
    """Write the figures that may be shared and, if wanted, the page for people.

    Raises:
        DataError: One of them cannot be written.
    """
    write_report(json_file, shared_figures(result), here)
    if report:
        whole = {**result, "machine": here, "command": command_line()}
        write_page(report, render(without_nan(whole)))


def shared_figures(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result without real people's groups: those belong on the page that is looked at."""
    return {name: value for name, value in result.items() if name != "suggestions"}


def write_page(path: Path, page: str) -> None:
    """Write a page for people.

    Raises:
        DataError: It cannot be written.
    """
    try:
        path.write_text(page, "utf-8")
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from error


def _sections(result: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the tables to print, with what they are about."""
    found = [("groups", result), *result.get("slices", {}).items()]
    if "introductions" in result:
        found.append(("introductions", result["introductions"]))
    yield from ((title, section) for title, section in found if section["members"])


if __name__ == "__main__":
    run(main)
