"""What is read of a request at all: headers up to a size, and bodies as they are.

uvicorn's usual parser, httptools, sets no bound to a request's head: a header that never ends
grows in memory until the process dies (`h11_max_incomplete_event_size` is of the other parser, h11,
alone). `BoundedHttpTools` bounds what may arrive without completing a head, a piece of a body or a
trailer; `Intake` bounds what a complete head may hold, whatever the server.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.errors import MEDIA_TYPE, refusal

MOST_HEADERS = 100
MOST_HEADER_BYTES = 32_768
"""Names and values of all headers together."""

MOST_PENDING_BYTES = 65_536
"""Bytes of a request line, headers or trailers that are kept while the rest has not come."""

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
    """Refuses header floods (431) and compressed bodies (415): there is no bomb to defuse."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

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
        await self.app(scope, receive, send)


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
