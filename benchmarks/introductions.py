"""How well Belong introduces people who met later, beside other ways of finding people.

    python -m benchmarks.introductions DATA --peers --json OUT
    python -m benchmarks.introductions DATA --peers --hide-ties 0.2 --cold-seeds 20 --json OUT

By time, the past of each cut is all that is known, and the pairs that meet for the first time in
the window after it are to be found. Where ties have no dates, 20 % of them are hidden at random.
Each figure has its 95 % interval and its sample size; one that cannot be computed is null.
`--show` prints some members' slates with reasons; they go into the page that is looked at
(`--report`), never into the file.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.introduction_comparison import IntroductionSettings, compare_introductions
from benchmarks.introduction_examples import told
from benchmarks.introduction_figures import OURS
from benchmarks.introduction_page import METRICS, render_introductions
from benchmarks.machine import command_line, machine, peak_mb
from benchmarks.people import PEOPLE_PEERS
from benchmarks.quality import write_page
from benchmarks.quality_figures import NDCG
from benchmarks.report import run, write_report
from benchmarks.table_cells import interval
from benchmarks.trials import Cuts
from data.community import Community
from data.validate import read_community
from engine.errors import SettingError
from training.commands import DEFAULT_CACHE, DEFAULT_MODEL
from training.console import TerminalProgress
from training.figures_file import check_writable, without_nan
from training.train import open_workshop

DEFAULT_UNTIL = "80%"

DEFAULT_HIDDEN = 0.2
"""Share of ties hidden where none has a date."""


def main(  # noqa: PLR0913
    data: Annotated[Path, typer.Argument(help="A community folder.")],
    json_file: Annotated[Path, typer.Option("--json", help="Where the figures go.")],
    peers: Annotated[bool, typer.Option("--peers", help="Beside tuned peers.")] = False,
    until: Annotated[
        list[str] | None, typer.Option(help="The past ends at a date or a share.  [80%]")
    ] = None,
    validate: Annotated[
        list[str] | None, typer.Option(help="Earlier cuts, on which peers are tuned.")
    ] = None,
    window: Annotated[float | None, typer.Option(help="Days after the cut that count.")] = None,
    split_by: Annotated[str | None, typer.Option(help="A community for each value.")] = None,
    hide_ties: Annotated[
        float | None, typer.Option(help="Share of ties hidden at random, instead of a cut.")
    ] = None,
    cold_seeds: Annotated[
        int, typer.Option(help="Seeds for members whose every tie is hidden.", min=0)
    ] = 0,
    seed: Annotated[int, typer.Option(help="Decides what is left to chance.", min=0)] = 0,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="Measure where peers are tuned; the test is unseen.")
    ] = False,
    report: Annotated[Path | None, typer.Option(help="Where a page for people goes.")] = None,
    show: Annotated[int, typer.Option(help="Members whose slates are printed.", min=0)] = 0,
    model: Annotated[str, typer.Option(help="A model, by name or folder.")] = DEFAULT_MODEL,
    cache: Annotated[Path, typer.Option(help="Where vectors are kept.")] = DEFAULT_CACHE,
) -> None:
    """Measure introductions by who met later, beside other ways of finding people."""
    for path in (json_file, *([report] if report else [])):
        check_writable(path)
    here, start = machine(), time.perf_counter()
    console = Console(stderr=True)
    progress = TerminalProgress(console)
    community = read_community(data, now=time.time())
    cuts = Cuts(tuple(until or (DEFAULT_UNTIL,)), tuple(validate or ()), window, split_by, seed)
    share = hidden_share(community, hide_ties, by_time=bool(until))
    if share is None and cold_seeds:
        raise SettingError("--cold-seeds hides ties: it wants --hide-ties")
    settings = IntroductionSettings(cuts, share, cold_seeds, rehearse, show)
    workshop = open_workshop(cache, model, progress)
    chosen = PEOPLE_PEERS if peers else {}
    result = compare_introductions(community, settings, workshop, chosen, progress)
    told(result["examples"], console)
    _print(result, console)
    cost = {"seconds": round(time.perf_counter() - start, 2), "peak_rss_mb": peak_mb()}
    whole = {**result, "model": model, "cost": cost}
    write_report(json_file, shared(whole), here)
    if report:
        page = {**whole, "machine": here, "command": command_line()}
        write_page(report, render_introductions(without_nan(page)))


def hidden_share(community: Community, asked: float | None, *, by_time: bool) -> float | None:
    """Return the share of ties to hide; None to cut by time.

    Raises:
        SettingError: Both are asked for.
    """
    if asked is not None:
        if by_time:
            raise SettingError("--hide-ties takes the place of --until: leave one of them out")
        return asked
    dated = community.ties["first_ts"].null_count() < len(community.ties)
    return None if dated or by_time else DEFAULT_HIDDEN


def shared(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result without real people's slates: those are for reading only."""
    return {name: value for name, value in result.items() if name != "examples"}


def _print(result: dict[str, Any], console: Console) -> None:
    for title, found in (("introductions", result), *result["slices"].items()):
        heading = f"{title}, {found['members']} members of {result['dataset']}"
        metrics = [one for one in METRICS if one.key in found["systems"][OURS]]
        table = Table("system", title=Text(heading), box=SIMPLE, pad_edge=False)
        for head in (*(one.label for one in metrics), "Belong / it, NDCG@10"):
            table.add_column(head)
        for name, figures in found["systems"].items():
            ratio = found["ratios"].get(name, {}).get(NDCG.key)
            cells = [interval(figures.get(one.key)) for one in metrics]
            table.add_row(name, *cells, interval(ratio, digits=2))
        console.print(table)


if __name__ == "__main__":
    run(main)
