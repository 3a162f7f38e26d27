"""How the tests run the command line, in this process and as a command of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
from typer.testing import CliRunner, Result

from belong.cli import app
from data.write import write_folder
from tests.world import tables

HEAVY = {
    "numpy", "polars", "torch", "faiss", "scipy", "sklearn", "onnxruntime", "fastapi", "uvicorn",
    "pydantic", "sentence_transformers",
}  # fmt: skip
WAIT_S = 30

# A shell that starts the tests in its background lets them inherit that Ctrl-C is ignored.
AT_A_TERMINAL = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from belong.cli import main
main(sys.argv[1:])
"""


def belong(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the real command."""
    return subprocess.run(
        [sys.executable, "-m", "belong", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=100,
        # Nothing is to be fetched, whatever model is named.
        env={**os.environ, "HF_HUB_OFFLINE": "1", **variables},
    )


def quick(*arguments: object) -> Result:
    """Run a command in this process, at a wide terminal."""
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, [str(one) for one in arguments])


def done(*arguments: object) -> str:
    result = quick(*arguments)
    assert result.exit_code == 0, result.output + repr(result.exception)
    return str(result.stdout)


def written(folder: Path, changed: dict[str, pl.DataFrame] | None = None) -> Path:
    write_folder(tables() | (changed or {}), folder)
    return folder
