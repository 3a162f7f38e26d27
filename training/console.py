"""Progress bars and tables for people at a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Column, Table
from rich.text import Text

STEPS = {
    "model": "opening the encoder",
    "embed": "embedding texts",
    "terms": "finding distinctive terms",
    "interests": "finding members' interests",
    "prototypes": "finding what groups are about",
    "windows": "looking back",
    "learn": "learning to rank",
    "exposure": "asking who is seldom shown",
    "meetings": "looking back at who met",
    "learn introductions": "learning to introduce",
    "cost of sharing out": "asking what fairness costs",
    "exposure of people": "asking whom few are shown",
    "introductions": "waiting for introductions",
    "discoveries": "finding missing groups",
    "index": "indexing",
    "save": "writing the bundle",
    "evaluate": "evaluating",
}
"""What each step is called before people."""

SHOWN = ("ndcg_at_10", "recall_at_10", "belonging_ndcg_at_10", "coverage", "gini")
"""Metrics in the table of an evaluation."""


class TerminalProgress:
    """Shows a bar for each step on standard error; that of a step within a step is below it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars: Bars | None = None  # while a step is under way

    @contextmanager
    def task(self, name: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show a bar until the step is over."""
        called = STEPS.get(name, name)
        if self._bars is not None:
            bars = self._bars
            bar = bars.add_task(f"  {called}", total=total)
            try:
                yield lambda done: bars.update(bar, advance=done)
            finally:
                bars.remove_task(bar)
            return
        columns = (
            TextColumn("{task.description:<30}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Bars(*columns, console=self._console) as bars:
            bar = bars.add_task(called, total=total)
            self._bars = bars
            try:
                yield lambda done: bars.update(bar, advance=done)
            finally:
                self._bars = None


def figures_table(title: str, systems: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Table:
    """Return a table of systems by metrics, each with its 95 % interval, in 80 characters."""
    # Headings may break between words; names and numbers may not.
    columns = (Column(metric.replace("_", " "), min_width=9) for metric in SHOWN)
    system = Column("system", no_wrap=True)
    table = Table(system, *columns, title=Text(title), box=SIMPLE, pad_edge=False)
    for name, figures in systems.items():
        table.add_row(name, *(_cell(figures.get(metric)) for metric in SHOWN))
    return table


def _cell(figure: Mapping[str, float] | None) -> str:
    if figure is None:
        return ""
    return f"{figure['value']:.3f}\n[dim]{figure['low']:.2f}–{figure['high']:.2f}[/dim]"
