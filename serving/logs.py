"""What the server says: one JSON object a line, and nothing of what members wrote or who they are.

A line names routes by their template and keys by their id. An error is told by its type and by
where in the code it arose; its message stays out, since it may quote an id or a text.
"""

from __future__ import annotations

import json
import logging
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TextIO

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.keys import key_of, route_of
from serving.request_ids import current_request_id

requests = logging.getLogger("belong.requests")

OURS = ("belong", "data", "engine", "serving", "training")
FRAMES = 8
"""Innermost places in the code that are named of an error."""


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        moment = datetime.fromtimestamp(record.created, tz=UTC)
        line: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
        }
        of_request = getattr(record, "of_request", None)
        if of_request is None:
            line |= {"logger": record.name, "message": _message(record)}
        if asked := current_request_id.get():
            line["request_id"] = asked
        line |= of_request or {}
        if record.exc_info and record.exc_info[1] is not None:
            line |= _told(record.exc_info[1])
        return json.dumps(line)


def _message(record: logging.LogRecord) -> str:
    said = record.getMessage()
    # asyncio goes on to describe tasks, and with them what they were doing for whom.
    return said.partition("\n")[0] if record.name == "asyncio" else said


def _told(error: BaseException) -> dict[str, Any]:
    """Return an error's type and where it arose, without its words."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    cause = error.__cause__ or error.__context__
    told: dict[str, Any] = {"error": type(error).__name__, "at": places}
    return told | {"because_of": type(cause).__name__} if cause else told


def log_as_json(stream: TextIO, level: int = logging.INFO) -> None:
    """Let everything the process logs go to a stream, as JSON lines and nowhere else.

    Call it once, first thing in a process; run uvicorn with ``log_config=None``.

    Args:
        stream: Where lines go, such as standard error.
        level: From which level on our own packages are heard. Others are heard from warnings on:
            what a library tells of its daily work, such as the address of a request, is not known
            to be free of ids.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for ours in OURS:
        logging.getLogger(ours).setLevel(level)


class RequestLog:
    """Logs each request when it has been answered: one line, of level info."""

    def __init__(self, app: ASGIApp, clock: Callable[[], float] = time.perf_counter) -> None:
        self.app = app
        self.clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note how it went."""
        if scope["type"] != "http" or not requests.isEnabledFor(logging.INFO):
            await self.app(scope, receive, send)
            return
        start = self.clock()
        status = 500  # what is answered if nothing is

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            key = key_of(scope)
            line = {
                "method": method_of(scope),
                "route": route_of(scope),
                "status": status,
                "milliseconds": round(1000 * (self.clock() - start), 3),
                "key": key.id if key else "",
            }
            requests.info("request", extra={"of_request": line})


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def method_of(scope: Scope) -> str:
    """Return a request's method, "other" for one that a caller has made up."""
    method: str = scope["method"]
    return method if method in METHODS else "other"
