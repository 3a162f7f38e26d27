"""The command of whoever works beside the servers: `belong worker`."""

from __future__ import annotations

import os
import re
import time
import uuid
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from data.store import STORE
from engine.errors import SettingError
from training.commands import (
    DEFAULT_CACHE,
    DEFAULT_MODEL,
    Bundles,
    Cache,
    Model,
    Processes,
)

app = typer.Typer()

UNITS = {"m": 60.0, "h": 3_600.0, "d": 86_400.0}
PAUSE_S = 2.0
"""Seconds between looks for work."""


@app.command()
def worker(  # noqa: PLR0913
    bundles: Bundles,
    store: Annotated[
        str | None, typer.Option(help="A path or postgresql://…; else that of --bundles.")
    ] = None,
    retrain_every: Annotated[
        str | None, typer.Option(help="Make bundles anew when they are so old: 24h, 7d, 90m.")
    ] = None,
    once: Annotated[bool, typer.Option(help="Do what waits, then end.")] = False,
    model: Model = DEFAULT_MODEL,
    cache: Cache = DEFAULT_CACHE,
    processes: Processes = 1,  # a server may be at work beside it
) -> None:
    """Train on a schedule, run queued jobs, and take whoever was forgotten out of every bundle."""
    from data.store.connect import open_store
    from engine.registry import Registry
    from training.console import TerminalProgress
    from training.store_commands import PATIENCE_S
    from training.train import TrainSettings
    from training.worker import Worker, WorkerSettings

    console = Console(stderr=True, emoji=False)
    every_s = None if retrain_every is None else seconds_of(retrain_every)
    settings = WorkerSettings(TrainSettings(model, None, cache, processes=processes), every_s)
    opened = open_store(store or Path(bundles) / STORE, PATIENCE_S)
    holder = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
    mine = Worker(opened, Registry(bundles), settings, holder, progress=TerminalProgress(console))
    try:
        while True:
            done = mine.work()
            if once:
                typer.echo(f"did {done} things")
                return
            if not done:
                time.sleep(PAUSE_S)
    finally:
        opened.close()


def seconds_of(span: str) -> float:
    """Return a span of time in seconds.

    >>> [seconds_of(span) for span in ("90m", "24h", "7d")]
    [5400.0, 86400.0, 604800.0]

    Raises:
        SettingError: It is none.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([mhd])", span.strip())
    if not found or float(found[1]) <= 0:
        raise SettingError(
            f"a span of time is a number and m, h or d, such as 24h, not {span[:80]!r}"
        )
    return float(found[1]) * UNITS[found[2]]
