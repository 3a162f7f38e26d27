"""How a benchmark ends: one JSON file, or one sentence that says what to mend."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from benchmarks.machine import command_line
from engine.errors import DataError, UserError

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


def check_writable(path: Path) -> None:
    """Refuse a place that cannot be written, before the work and not after it.

    Raises:
        DataError: The folder is not there, or the path is a folder.
    """
    if path.is_dir():
        raise DataError(f"{path} is a folder: name a file to write figures to")
    if not path.parent.is_dir():
        raise DataError(f"{path} cannot be written: the folder {path.parent} does not exist")


def write_report(path: Path, result: dict[str, Any], machine: dict[str, Any]) -> None:
    """Write the figures, the machine and the command that gave them.

    Raises:
        DataError: The file cannot be written.
    """
    report = {**result, "machine": machine, "command": command_line()}
    text = json.dumps(without_nan(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from error


def without_nan(value: Any) -> Any:  # noqa: ANN401
    """Return a JSON value with null where a number is not finite: it could not be measured.

    >>> without_nan({"ratio": {"value": float("nan"), "n": 3}, "all": [1.0, float("inf")]})
    {'ratio': {'value': None, 'n': 3}, 'all': [1.0, None]}
    """
    if isinstance(value, dict):
        return {name: without_nan(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
