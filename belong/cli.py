"""The command line: training's and serving's commands under one name, and how mistakes are told."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

import typer

import serving.backup_commands
import serving.commands
import serving.key_commands
import serving.round_command
import training.commands
import training.feedback_command
import training.fine_tune_command
import training.store_commands
import training.worker_command
from belong.demo import demo
from engine.errors import StoreUnavailableError, UserError

app = typer.Typer(
    name="belong",
    help="Finds where members of a community belong and whom they would be glad to meet.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.registered_commands += training.commands.app.registered_commands
app.registered_commands += training.fine_tune_command.app.registered_commands
app.registered_commands += training.feedback_command.app.registered_commands
app.registered_commands += training.store_commands.app.registered_commands
app.registered_commands += training.worker_command.app.registered_commands
app.registered_commands += serving.commands.app.registered_commands
app.registered_commands += serving.backup_commands.app.registered_commands
app.registered_commands += serving.round_command.app.registered_commands
app.registered_groups += training.commands.app.registered_groups
app.registered_groups += serving.key_commands.app.registered_groups
app.command()(demo)

MISTAKE, STOPPED = 2, 130
"""Exit codes: the user can mend it; the user pressed Ctrl-C."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a user's mistake is one sentence and exit code 2."""
    try:
        app(arguments)
    except (UserError, StoreUnavailableError) as error:
        _end(str(error), MISTAKE)
    except ModuleNotFoundError as error:
        _end(f"{error.name} is not installed: pip install 'belong[serve,train]'", MISTAKE)
    except OSError as error:  # a full disk, missing rights, a file where a folder should be
        where = f"{error.filename}: " if error.filename else ""
        _end(f"{where}{error.strerror or error}", MISTAKE)
    except KeyboardInterrupt:
        _end("stopped", STOPPED)
    except SystemExit as end:
        if end.code == STOPPED:  # typer turns Ctrl-C inside a command into a silent exit
            sys.stderr.write("belong: stopped\n")
        raise


def _end(message: str, code: int) -> NoReturn:
    """Say one sentence on one line, whatever a library put into it, and exit."""
    sys.stderr.write(f"belong: {' '.join(message.split())}\n")
    sys.exit(code)
