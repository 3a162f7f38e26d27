"""How well Belong finds who answers the next questions, beside other ways of finding them.

    python -m benchmarks.responders DATA --split-by site --json OUT --report OUT.html

Of each part, the last fifth of the questions is measured; everything is chosen on two windows
before it. All systems know the same past and the same people, and none may name the author. With
`--rehearse` the earlier windows are measured, and the last fifth stays unseen.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from benchmarks.machine import command_line, machine, peak_mb
from benchmarks.peers.peer import Settings
from benchmarks.quality import write_page
from benchmarks.report import run, write_report
from benchmarks.resampling import Draws, figure, means, ratio
from benchmarks.responder_ours import belong_responders
from benchmarks.responder_page import render_responders
from benchmarks.responder_peers import RESPONDER_PEERS, ResponderPeer, Scores
from benchmarks.responder_trials import Window, Windows, windows_of
from benchmarks.table_cells import interval
from data.validate import read_community
from engine.types import Rows
from training.commands import DEFAULT_CACHE, DEFAULT_MODEL
from training.console import TerminalProgress
from training.figures_file import check_writable, without_nan
from training.metrics import coverage, gini, recall_at_k
from training.train import Workshop, open_workshop

PLACES = 3
"""People who are asked; the issue of who answers is settled among so many."""

MORE_PLACES = 10
"""The same where a platform asks as many as it may."""

OURS = "belong"

METRICS = {f"recall_at_{PLACES}": PLACES, f"recall_at_{MORE_PLACES}": MORE_PLACES}

CAVEAT = (
    "profiles are as of the end of the data; people stand in random order, so that equal scores "
    "gain nothing by it; who came after the cut cannot be found by anybody"
)

Slates = list[list[Rows]]
"""For each window and question, rows of those who are asked, best first."""


def measure(
    windows: Windows, workshop: Workshop, *, rehearse: bool = False, seed: int = 0
) -> dict[str, Any]:
    """Return how well each system finds who answers.

    Args:
        windows: What is asked.
        workshop: What embeds texts.
        rehearse: Measure the windows on which everything is chosen, and not the last ones.
        seed: Decides the draws of the intervals.

    Returns:
        Figures of each system with their intervals, ours over each peer's, and for comparison
        `same_people_for_all_at_best`: the recall of whoever names the same people whatever is
        asked, those who will answer most.
    """
    tested = windows.validation if rehearse else windows.test
    chosen = {name: _tuned(peer, windows.validation) for name, peer in RESPONDER_PEERS.items()}
    slates = {OURS: [belong_responders(window, workshop, MORE_PLACES) for window in tested]}
    for name, peer in RESPONDER_PEERS.items():
        slates[name] = [slates_of(window, peer.score(window, chosen[name])) for window in tested]
    systems, ratios, best = _figures(tested, slates, seed)
    foreseen = [slates_of(window, _foreseen(window)) for window in tested]
    return {
        "same_people_for_all_at_best": float(np.mean(_recalls(tested, foreseen, PLACES))),
        "systems": systems,
        "ratios": ratios,
        "best_peer": best,
        "peers": {
            name: {
                "settings": dict(chosen[name]),
                "package": _packaged(peer.package),
                "tried": len(peer.grid),
            }
            for name, peer in RESPONDER_PEERS.items()
        },
        "windows": [_told(window) for window in tested],
        "not_measured": windows.not_measured,
        "rehearsal": rehearse,
        "caveat": CAVEAT,
    }


def slates_of(window: Window, scores: Scores) -> list[Rows]:
    """Return whom a system asks by its scores; the author is not asked, equals come by row."""
    found = []
    for asked, line in zip(window.asked, scores, strict=True):
        line = line.copy()
        line[asked.authors] = -np.inf
        line[~asked.may] = -np.inf
        order = np.argsort(-line, kind="stable")[:MORE_PLACES]
        found.append(order[np.isfinite(line[order])])
    return found


def _foreseen(window: Window) -> Scores:
    """Return scores by who will answer most: no list that is the same for all can do better."""
    total = np.zeros(window.members)
    for asked in window.asked:
        total[asked.answered_by] += 1 / len(asked.answered_by)
    return np.tile(total, (len(window.asked), 1))


def _tuned(peer: ResponderPeer, windows: Sequence[Window]) -> Settings:
    """Return the settings with the best recall on earlier windows; of equals the first."""

    def worth(settings: Settings) -> float:
        slates = [slates_of(window, peer.score(window, settings)) for window in windows]
        return float(np.mean(_recalls(windows, slates, PLACES)))

    return max(peer.grid, key=worth)


def _recalls(windows: Sequence[Window], slates: Slates, places: int) -> NDArray[np.float64]:
    return np.array(
        [
            recall_at_k(slate, asked.answered_by, places)
            for window, told in zip(windows, slates, strict=True)
            for asked, slate in zip(window.asked, told, strict=True)
        ]
    )


def _figures(
    windows: Sequence[Window], slates: dict[str, Slates], seed: int
) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Return each system's figures, ours over each peer's, and which peer is the best."""
    count = sum(len(window.asked) for window in windows)
    draws = Draws(np.arange(count), seed)
    systems: dict[str, Any] = {name: {} for name in slates}
    ratios: dict[str, Any] = {name: {} for name in slates if name != OURS}
    for metric, places in METRICS.items():
        columns = [_recalls(windows, told, places) for told in slates.values()]
        whole, sampled = means(np.stack(columns, axis=1), draws)
        both = {name: (float(whole[i]), sampled[:, i]) for i, name in enumerate(slates)}
        for name, known in both.items():
            systems[name][metric] = figure(*known, count).as_dict()
            if name != OURS:
                ratios[name][metric] = ratio(both[OURS], known, count).as_dict()
    for name, told in slates.items():
        systems[name] |= _spread(windows, told)
    first = next(iter(METRICS))
    best = max(ratios, key=lambda name: float(systems[name][first]["value"]))
    return systems, ratios, best


def _spread(windows: Sequence[Window], slates: Slates) -> dict[str, float]:
    """Return over how many people the first places are spread: means over the windows."""
    spread = []
    for window, told in zip(windows, slates, strict=True):
        shown = np.concatenate([np.zeros(0, np.int64), *(slate[:PLACES] for slate in told)])
        spread.append((coverage(shown, window.members), gini(shown, window.members)))
    covered, uneven = np.mean(spread, axis=0)
    return {"coverage": float(covered), "gini": float(uneven)}


def _told(window: Window) -> dict[str, Any]:
    return {
        "name": window.name,
        "cut": window.now,
        "questions": len(window.asked),
        "answers_to_be_found": sum(len(one.answered_by) for one in window.asked),
        "answers_by_people_who_came_later_or_are_not_open": window.lost,
        "questions_that_nobody_who_could_be_named_answered": window.unanswered,
        "people": window.members,
        "answers_before": len(window.given.answers),
    }


def _table(name: str, result: dict[str, Any]) -> Table:
    """Return the figures for people: a line for each system."""
    asked = sum(window["questions"] for window in result["windows"])
    table = Table(title=f"who answers {asked} questions of {name}", box=SIMPLE)
    table.add_column("")
    for column in (*METRICS, "belong / it", "coverage", "gini"):
        table.add_column(column, justify="right")
    for system, figures in result["systems"].items():
        over = result["ratios"].get(system, {}).get(next(iter(METRICS)))
        cells = [*(interval(figures[metric]) for metric in METRICS), interval(over)]
        spread = [f"{figures[part]:.3f}" for part in ("coverage", "gini")]
        table.add_row(system, *cells, *spread)
    return table


def _packaged(package: str) -> str:
    return f"{package} {version(package)}"


def main(  # noqa: PLR0913
    data: Annotated[Path, typer.Argument(help="A community folder.")],
    json_file: Annotated[Path, typer.Option("--json", help="Where the figures go.")],
    split_by: Annotated[str | None, typer.Option(help="A community for each value.")] = None,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="Measure where all is chosen; the test is unseen.")
    ] = False,
    report: Annotated[Path | None, typer.Option(help="Where a page for people goes.")] = None,
    seed: Annotated[int, typer.Option(help="Decides what is left to chance.", min=0)] = 0,
    model: Annotated[str, typer.Option(help="A model, by name or folder.")] = DEFAULT_MODEL,
    cache: Annotated[Path, typer.Option(help="Where vectors are kept.")] = DEFAULT_CACHE,
) -> None:
    """Measure who is asked by who answered, beside other ways of finding them."""
    for path in (json_file, *([report] if report else [])):
        check_writable(path)
    here, start = machine(), time.perf_counter()
    console = Console(stderr=True)
    community = read_community(data, now=time.time())
    workshop = open_workshop(cache, model, TerminalProgress(console))
    windows = windows_of(community, workshop, split_by, seed)
    result = measure(windows, workshop, rehearse=rehearse, seed=seed)
    console.print(_table(community.name, result))
    cost = {"seconds": round(time.perf_counter() - start, 2), "peak_rss_mb": peak_mb()}
    told = {"dataset": community.name, "split_by": split_by, "model": model, **result}
    whole = without_nan({**told, "cost": cost})
    write_report(json_file, whole, here)
    if report:
        page = {**whole, "machine": here, "command": command_line()}
        write_page(report, render_responders(page))


if __name__ == "__main__":
    run(main)
