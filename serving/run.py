"""Runs the server, in one process or several."""

from __future__ import annotations

import os

import uvicorn
from fastapi import FastAPI

from engine.index import use_threads
from serving.app import create_app
from serving.settings import ServeSettings

SETTINGS_VARIABLE = "BELONG_SERVE_SETTINGS"
"""How a worker process learns the settings its parent was given."""


def serve(settings: ServeSettings) -> None:
    """Serve until told to stop."""
    os.environ[SETTINGS_VARIABLE] = settings.to_json()
    uvicorn.run(
        "serving.run:app_of_worker",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        log_level="warning",
        access_log=False,
    )


def app_of_worker() -> FastAPI:
    """Return the application of this process."""
    use_threads(1)  # requests run side by side; one search must not take every core
    return create_app(ServeSettings.from_json(os.environ[SETTINGS_VARIABLE]))
