"""The command line: training's and serving's commands under one name, and how mistakes are told."""

from __future__ import annotations

import sys

import typer

import serving.commands
import training.commands
from belong.demo import demo
from engine.errors import UserError

app = typer.Typer(
    name="belong",
    help="Finds where members of a community belong and whom they would be glad to meet.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.registered_commands += training.commands.app.registered_commands
app.registered_commands += serving.commands.app.registered_commands
app.registered_groups += training.commands.app.registered_groups
app.command()(demo)

MISTAKE, STOPPED = 2, 130
"""Exit codes: the user can mend it; the user pressed Ctrl-C."""


def main() -> None:
    """Run the command line; a user's mistake is one sentence and exit code 2."""
    try:
        app(standalone_mode=True)
    except UserError as error:
        sys.stderr.write(f"belong: {error}\n")
        sys.exit(MISTAKE)
    except KeyboardInterrupt:
        sys.stderr.write("belong: stopped; nothing was changed\n")
        sys.exit(STOPPED)
