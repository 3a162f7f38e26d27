"""The command `belong fine-tune`: the encoder learns from one community, if it gains by it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from training.commands import DEFAULT_MODEL, Data, Model

app = typer.Typer()

NOT_BETTER = 1
"""Exit code: all went well, and the model has not become better."""


@app.command("fine-tune")
def fine_tune(  # noqa: PLR0913
    data: Data,
    out: Annotated[Path, typer.Option(help="The model's folder; must not be there yet.")],
    until: Annotated[str | None, typer.Option(help="Use the past of a date or a share.")] = None,
    model: Model = DEFAULT_MODEL,
    epochs: Annotated[int, typer.Option(help="Times each pair is learnt from.", min=1)] = 1,
    seed: Annotated[int, typer.Option(help="Decides all that is random.", min=0)] = 0,
    max_pairs: Annotated[int, typer.Option(help="Pairs at most, 200 or more.", min=1)] = 5_000,
) -> None:
    """Fine-tune the encoder on a community, for train's --model."""
    from data.validate import read_community
    from training.console import TerminalProgress
    from training.fine_tune import FineTuneSettings
    from training.fine_tune import fine_tune as run

    started = time.monotonic()
    console = Console(stderr=True, emoji=False)
    found = read_community(data, now=time.time())
    if found.rejections:
        aside = f"set aside {len(found.rejections)} rows (which: belong inspect {data})"
        console.print(aside, markup=False, highlight=False, soft_wrap=True)
    settings = FineTuneSettings(model, until, epochs, max_pairs, seed)
    outcome = run(found, settings, out, TerminalProgress(console))
    table = Table("pairs", "held out", "MRR@10 before", "after", box=SIMPLE, pad_edge=False)
    for name, count, before, after in outcome.rows():
        table.add_row(name, f"{count:,}", f"{before:.3f}", f"{after:.3f}")
    console.print(table)
    gain = outcome.gain()
    figures = {
        "folder": str(out) if outcome.improved else None,
        "learnt": outcome.learnt,
        "held_out": gain.count,
        "mrr_at_10": {
            "before": round(float(outcome.before.mean()), 4),
            "after": round(float(outcome.after.mean()), 4),
            "gain": round(gain.value, 4),
            "gain_low": round(gain.low, 4),
            "gain_high": round(gain.high, 4),
        },
        "seconds": round(time.monotonic() - started, 1),
    }
    typer.echo(json.dumps(figures))
    if not outcome.improved:
        console.print(
            "not better than before on the pairs held out: no model was written, go on with "
            f"{escape(model)}",
            soft_wrap=True,
        )
        raise typer.Exit(NOT_BETTER)
    sure = "" if gain.low > 0 else "; the interval of the gain includes 0, so it may be chance"
    console.print(
        f"[bold]{escape(str(out))}[/bold] is better on the pairs held out{sure}. "
        f"Whether suggestions gain is measured by belong evaluate {escape(str(data))} --model "
        f"{escape(str(out))}, beside the same with {escape(model)}; belong train takes it too.",
        soft_wrap=True,
    )
