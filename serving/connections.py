"""How long a connection may keep us waiting, and how many there are.

uvicorn bounds how long a connection may idle between two requests, and nothing else: half a head
is waited for without end, and an answer that nobody takes is kept in memory for ever, since
closing a connection waits until all has been taken. `PatientHttpTools` hangs up on both.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from serving.errors import MEDIA_TYPE, refusal
from serving.intake import BoundedHttpTools

HEAD_S = 10.0
"""Seconds in which a head must come: from the connection on, or from its first byte."""

TAKEN_S = 20.0
"""Seconds in which a caller must take some of an answer that waits for them."""

SOME_BYTES = 65_536
"""How much is some: who takes less in that time is hung up on."""

KERNEL_BYTES = 262_144
"""Bytes of an answer that the kernel may hold for one connection: without a bound it holds
megabytes, and we would not see for minutes whether anybody takes them."""

MOST_CONNECTIONS = 1_000

_FULL = refusal("overloaded", "There are too many connections.", {"retry-after": "1"})
_BODY = bytes(_FULL.body)
FULL_ANSWER = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"content-type: %b\r\nretry-after: 1\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
) % (MEDIA_TYPE.encode("ascii"), len(_BODY), _BODY)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long callers are waited for, and how many of them.

    Attributes:
        head_s: Seconds in which a head must come.
        taken_s: Seconds in which some of an answer must be taken.
        connections: Connections at most. Beyond that, whoever has been waited for longest is
            hung up on; if everybody is being answered, the newcomer is refused.
    """

    head_s: float = HEAD_S
    taken_s: float = TAKEN_S
    connections: int = MOST_CONNECTIONS


class PatientHttpTools(BoundedHttpTools):
    """uvicorn's protocol over httptools, closed by callers who do not go on.

    Args:
        args: As uvicorn gives them.
        patience: How long they are waited for.
        kwargs: As uvicorn gives them.
    """

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - uvicorn's own
        patience: Patience | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(*args, **kwargs)
        self.patience = patience or Patience()
        self.waited_since = self.loop.time()  # for a head; only while `_head` is there
        self._head: asyncio.TimerHandle | None = None
        self._taking: asyncio.TimerHandle | None = None
        self._untaken = 0

    @property
    def is_waited_for(self) -> bool:
        """Return whether nothing is being answered here."""
        return self.cycle is None or bool(self.cycle.response_complete)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take on a connection, if there is room, and wait for a head."""
        made: socket.socket | None = transport.get_extra_info("socket")
        if made is not None:
            with suppress(OSError):
                made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
        super().connection_made(transport)
        if len(self.connections) > self.patience.connections and not self._made_room():
            transport.write(FULL_ANSWER)
            transport.close()
            return
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of what was waited for."""
        self._head_came()
        if self._taking is not None:
            self._taking.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came; what is not a whole head yet must become one in time."""
        super().data_received(data)
        if self.is_waited_for and self._head is None and not self.transport.is_closing():
            self._wait_for_head()

    def on_headers_complete(self) -> None:
        """Note that a head has come."""
        self._head_came()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """See to it that the answer is taken."""
        super().on_response_complete()
        self.waited_since = self.loop.time()
        if self.transport.get_write_buffer_size():
            self._watch_taking()

    def pause_writing(self) -> None:
        """See to it that what waits is taken."""
        super().pause_writing()
        self._watch_taking()

    def _wait_for_head(self) -> None:
        self.waited_since = self.loop.time()
        self._head = self.loop.call_later(self.patience.head_s, self._hang_up)

    def _head_came(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _hang_up(self) -> None:
        self._head = None
        if self.is_waited_for:
            self.transport.close()
            self._watch_taking()

    def _watch_taking(self) -> None:
        """Look again in a while. An answer is only added once most of the one before is taken."""
        if self._taking is not None:
            self._taking.cancel()
        self._untaken = self.transport.get_write_buffer_size()
        self._taking = self.loop.call_later(self.patience.taken_s, self._look_at_taking)

    def _look_at_taking(self) -> None:
        self._taking = None
        left = self.transport.get_write_buffer_size()
        if not left:
            return
        if left > self._untaken - SOME_BYTES:
            self.transport.abort()
        else:
            self._watch_taking()

    def _made_room(self) -> bool:
        """Hang up on whoever has been waited for longest, and return whether there was anybody."""
        waited_for = [
            one
            for one in self.connections
            if isinstance(one, PatientHttpTools) and one is not self and one.is_waited_for
            if not one.transport.is_closing()
        ]
        if not waited_for:
            return False
        min(waited_for, key=lambda one: one.waited_since).transport.abort()
        return True
