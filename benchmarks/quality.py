"""How well Belong suggests what happened later, beside simple recommenders; and what that cost.

    python -m benchmarks.quality DATA --json quality.json

The figures are `training.assess`'s, each with its 95 % interval and its sample size. A figure that
cannot be computed (a ratio over zero) is null.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks.machine import machine
from benchmarks.report import run, write_report
from data.validate import read_community
from training.assess import AssessSettings, assess
from training.commands import DEFAULT_CACHE, DEFAULT_MODEL
from training.console import TerminalProgress, figures_table
from training.figures_file import check_writable
from training.progress import SILENT, Progress
from training.train import open_workshop


def measure(
    data: Path,
    settings: AssessSettings,
    cache: Path,
    model: str = DEFAULT_MODEL,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Return the quality of a community folder, with the seconds and the memory it took.

    Args:
        data: A community folder.
        settings: What to measure.
        cache: Where vectors are kept between runs; texts that are in it cost nothing.
        model: A sentence-transformers model.
        progress: Told of every step.

    Raises:
        DataError: The folder cannot be used.
        SettingError: Nothing can be measured with these settings.
    """
    start = time.perf_counter()
    community = read_community(data, now=time.time())
    result = assess(community, settings, open_workshop(cache, model, progress), progress)
    return {
        **result,
        "model": model,
        "set_aside": len(community.rejections),
        "cost": {"seconds": round(time.perf_counter() - start, 2), "peak_rss_mb": _peak_mb()},
    }


def main(  # noqa: PLR0913
    data: Annotated[Path, typer.Argument(help="A community folder.")],
    json_file: Annotated[Path, typer.Option("--json", help="Where the figures go.")],
    until: Annotated[str, typer.Option(help="The past ends at a date or a share.")] = "80%",
    window: Annotated[float | None, typer.Option(help="Days after the cut that count.")] = None,
    split_by: Annotated[str | None, typer.Option(help="A community for each value.")] = None,
    hide_ties: Annotated[float | None, typer.Option(help="Share of ties hidden at random.")] = None,
    seed: Annotated[int, typer.Option(help="Decides which ties are hidden.", min=0)] = 0,
    model: Annotated[str, typer.Option(help="A model, by name or folder.")] = DEFAULT_MODEL,
    cache: Annotated[Path, typer.Option(help="Where vectors are kept.")] = DEFAULT_CACHE,
) -> None:
    """Measure suggestions on what happened later, beside simple recommenders."""
    check_writable(json_file)
    here = machine()
    console = Console(stderr=True)
    settings = AssessSettings(until, window, split_by, hide_ties, seed)
    result = measure(data, settings, cache, model, TerminalProgress(console))
    for title, section in (("groups", result), ("introductions", result["introductions"])):
        if section["members"]:
            heading = f"{title}, {section['members']} members of {result['dataset']}"
            console.print(figures_table(heading, section["systems"]))
    write_report(json_file, result, here)


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts kilobytes, macOS bytes.
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3), 1)


if __name__ == "__main__":
    run(main)
