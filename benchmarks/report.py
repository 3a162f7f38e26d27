"""How a benchmark ends: one JSON file, or one sentence that says what to mend."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from benchmarks.machine import command_line
from engine.errors import UserError
from training.figures_file import write_figures

MISTAKE, STOPPED = 2, 130
"""Exit codes, as the command line has them: the user can mend it; the user pressed Ctrl-C."""


def run(command: Callable[..., None]) -> None:
    """Run a benchmark's command; a user's mistake is one sentence and exit code 2."""
    app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    app.command()(command)
    try:
        app()
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(MISTAKE)
    except KeyboardInterrupt:
        sys.stderr.write("stopped; nothing was written\n")
        sys.exit(STOPPED)


def write_report(path: Path, result: dict[str, Any], machine: dict[str, Any]) -> None:
    """Write the figures, the machine and the command that gave them.

    Raises:
        DataError: The file cannot be written.
    """
    write_figures(path, {**result, "machine": machine, "command": command_line()})
