"""What is read of a request at all: headers up to a size, and bodies as they are, in time.

uvicorn's usual parser, httptools, sets no bound to a request's head: a header that never ends
grows in memory until the process dies (`h11_max_incomplete_event_size` is of the other parser, h11,
alone). `BoundedHttpTools` bounds what may arrive without completing a head, a piece of a body or a
trailer; `Intake` bounds what a complete head may hold, and how long its body may take, whatever
the server. How long a connection may take is in `serving/connections.py`.
"""

from __future__ import annotations

import asyncio

from fastapi.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.errors import MEDIA_TYPE, refusal

MOST_HEADERS = 100
MOST_HEADER_BYTES = 32_768
"""Names and values of all headers together."""

MOST_PENDING_BYTES = 65_536
"""Bytes of a request line, headers or trailers that are kept while the rest has not come."""

BODY_S = 10.0
"""Seconds a body may take to come, from when it is first asked for."""

TOO_LARGE = refusal(
    "headers",
    f"A request may have {MOST_HEADERS} headers and {MOST_HEADER_BYTES} bytes of them at most.",
    {"connection": "close"},
)
ENCODED = refusal(
    "encoded",
    "Send the body as it is, without Content-Encoding: nothing is decompressed here.",
    {"connection": "close"},
)


class Intake:
    """Refuses header floods (431), compressed bodies (415: no bomb to defuse) and late ones (408).

    Args:
        app: What answers.
        body_s: Seconds a body may take.
    """

    def __init__(self, app: ASGIApp, body_s: float = BODY_S) -> None:
        self.app = app
        self.body_s = body_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it unread."""
        if scope["type"] == "http":
            headers: list[tuple[bytes, bytes]] = scope["headers"]
            if too_large(headers):
                await TOO_LARGE(scope, receive, send)
                return
            if is_encoded(headers):
                await ENCODED(scope, receive, send)
                return
            receive = in_time(receive, self.body_s)
        await self.app(scope, receive, send)


def in_time(receive: Receive, within_s: float) -> Receive:
    """Return what receives a body, or answers 408 if it has not come whole in so many seconds."""
    deadline: float | None = None
    whole = False

    async def received() -> Message:
        nonlocal deadline, whole
        if whole:
            return await receive()
        now = asyncio.get_running_loop().time()
        deadline = now + within_s if deadline is None else deadline
        try:
            async with asyncio.timeout_at(deadline) as limit:
                message = await receive()
        except TimeoutError:
            if not limit.expired():
                raise
            why = f"The rest of the body did not come within {within_s:g} s."
            raise HTTPException(408, why, {"connection": "close"}) from None
        whole = not message.get("more_body", False)
        return message

    return received


def too_large(headers: list[tuple[bytes, bytes]]) -> bool:
    """Return whether there are more or longer headers than are read."""
    if len(headers) > MOST_HEADERS:
        return True
    return sum(len(name) + len(value) for name, value in headers) > MOST_HEADER_BYTES


def is_encoded(headers: list[tuple[bytes, bytes]]) -> bool:
    """Return whether the body is anything but the bytes of its content.

    >>> is_encoded([(b"content-encoding", b"identity")])
    False
    >>> is_encoded([(b"content-encoding", b"identity, GZIP")])
    True
    >>> is_encoded([(b"transfer-encoding", b"gzip, chunked")])
    True
    """
    return any(
        coding.strip().lower() not in PLAIN[name]
        for name, value in headers
        if name in PLAIN
        for coding in value.split(b",")
    )


PLAIN = {
    b"content-encoding": {b"", b"identity"},
    b"transfer-encoding": {b"", b"identity", b"chunked"},
}

_BODY = bytes(TOO_LARGE.body)
FLOOD_ANSWER = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
) % (MEDIA_TYPE.encode("ascii"), len(_BODY), _BODY)


class BoundedHttpTools(HttpToolsProtocol):
    """uvicorn's protocol over httptools, closed by a head or a trailer that does not end."""

    _pending = 0

    def data_received(self, data: bytes) -> None:
        """Parse what came, or refuse and hang up once too much of it has led to nothing."""
        self._pending += len(data)
        super().data_received(data)
        if self._pending > MOST_PENDING_BYTES and not self.transport.is_closing():
            if self.cycle is None or self.cycle.response_complete:  # else one is being sent
                self.transport.write(FLOOD_ANSWER)
            self.transport.close()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body, which has its own limit."""
        self._pending = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note the end of the request."""
        self._pending = 0
        super().on_message_complete()
