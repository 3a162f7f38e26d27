"""One id a request, in its log lines and on its answer, so that two sides can speak of it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import refusal

HEADER = b"x-request-id"

USABLE = re.compile(rb"[\x21-\x7e]{1,128}")
"""Visible ASCII characters: what a log and a header can carry without a doubt."""

current_request_id: ContextVar[str] = ContextVar("current_request_id", default="")
"""The id of the request that is being answered, '' outside of any."""


def new_request_id() -> str:
    """Return an id nobody has had before."""
    return uuid.uuid4().hex


class RequestIds:
    """Gives each request an id, the caller's own if usable, and its answer the same.

    It is the outermost layer: even a fault of ours is answered here, as a problem with the id, and
    raised again for the server to log.
    """

    def __init__(self, app: ASGIApp, new_id: Callable[[], str] = new_request_id) -> None:
        self.app = app
        self.new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under its id."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        found = request_id_of(scope) or self.new_id()
        header = (HEADER, found.encode("ascii"))
        started = False

        async def with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message = {**message, "headers": [*message.get("headers", ()), header]}
            await send(message)

        token = current_request_id.set(found)
        try:
            await self.app(scope, receive, with_id)
        except Exception:
            if not started:
                await FAULT(scope, receive, with_id)
            raise
        finally:
            current_request_id.reset(token)


FAULT = refusal("internal", "The request was understood; answering it failed.")


def request_id_of(scope: Scope) -> str:
    """Return the id the caller gave, '' if none, several, or one that cannot be used."""
    given = [value for name, value in scope["headers"] if name == HEADER]
    if len(given) == 1 and USABLE.fullmatch(given[0]):
        return str(given[0].decode("ascii"))
    return ""
