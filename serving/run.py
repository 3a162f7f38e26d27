"""Runs the server, in one process or several."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from types import FrameType

import uvicorn
from fastapi import FastAPI

from engine.errors import SettingError
from engine.index import use_threads
from serving.app import create_app
from serving.connections import PatientHttpTools
from serving.logs import log_as_json
from serving.metrics import share_between_workers
from serving.settings import ServeSettings

SETTINGS_VARIABLE = "BELONG_SERVE_SETTINGS"
"""How a worker process learns the settings its parent was given."""

SWITCH_S = 0.0005
"""Seconds a thread computes before another has its turn. With Python's 5 ms, whoever follows the
log or embeds waits as long after each of many statements while requests are answered."""


def serve(settings: ServeSettings) -> None:
    """Serve until told to stop."""
    # uvicorn shuts down on SIGTERM, then raises it once more: to have been stopped is no failure.
    signal.signal(signal.SIGTERM, _leave)
    os.environ[SETTINGS_VARIABLE] = settings.to_json()
    with share_between_workers(settings.workers):
        uvicorn.run(
            "serving.run:app_of_worker",
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            http=PatientHttpTools,
            ws="none",
            log_config=None,
            access_log=False,
        )


def check_address(host: str, port: int) -> None:
    """Refuse an address before any work is done for it.

    Raises:
        SettingError: Nothing can listen there: it is taken, or not of this machine.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise SettingError(
            f"cannot listen on {host}:{port} ({error.strerror or error}): "
            "choose another --port or --host"
        ) from error


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(0)


def app_of_worker() -> FastAPI:
    """Return the application of this process."""
    log_as_json(sys.stderr)
    sys.setswitchinterval(SWITCH_S)
    use_threads(1)  # requests run side by side; one search must not take every core
    # What is there by then stays: to look through it for garbage takes 0.1 s every few seconds.
    return create_app(ServeSettings.from_json(os.environ[SETTINGS_VARIABLE]), gc.freeze)
