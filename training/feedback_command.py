"""`belong feedback-report`: how suggestions are taken."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from engine.domain import DAY_S
from training.store_commands import Bundles, StoreUrl, only_community_in, opened_store

if TYPE_CHECKING:
    from training.feedback_report import Line, Rate

app = typer.Typer()


@app.command("feedback-report")
def feedback_report(
    store: StoreUrl = None,
    bundles: Bundles = None,
    community: Annotated[str | None, typer.Option(help="Needed if there are several.")] = None,
    days: Annotated[float, typer.Option(help="How far to look back.", min=0)] = 180.0,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show how often suggestions are opened, joined and accepted, by slice and by arm."""
    from data.store.outcomes import outcomes
    from training.feedback_report import feedback_report as report
    from training.feedback_report import to_json

    with opened_store(store, bundles, make=False) as opened:
        name = community or only_community_in(opened)
        lines = report(outcomes(opened, name, time.time() - days * DAY_S))
    if as_json:
        typer.echo(json.dumps({"community": name, "days": days, "lines": to_json(lines)}))
        return
    Console().print(lines_table(f"how suggestions are taken in {name}", lines))


def lines_table(title: str, lines: Iterable[Line]) -> Table:
    """Return a table of slices with their 95 % intervals, in 80 characters."""
    columns = (Column(name, min_width=9) for name in ("opened", "joined", "accepted"))
    shown = Column("shown", justify="right", no_wrap=True)
    table = Table("slice", shown, *columns, title=Text(title), box=SIMPLE, pad_edge=False)
    for line in lines:
        rates = map(_cell, (line.opened, line.joined, line.accepted))
        table.add_row(Text(f"{line.slice} {line.value}".strip()), f"{line.shown:,}", *rates)
    return table


def _cell(rate: Rate) -> str:
    return f"{rate.share:.1%}\n[dim]{rate.low:.1%}–{rate.high:.1%}[/dim]"
