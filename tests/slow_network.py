"""A network on loopback that can be made slow, or to swallow everything, and be mended again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

CHUNK = 65_536


@dataclass
class Network:
    """Passes on what comes to a port to a socket, both ways, as it is told.

    Attributes:
        to: The path of the socket.
        delay_s: How long each piece is held back.
        port: Where it listens on loopback.
    """

    to: str
    delay_s: float = 0.0
    port: int = 0
    _open: threading.Event = field(default_factory=threading.Event)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def swallow(self) -> None:
        """Let nothing through, while everybody stays connected."""
        self._open.clear()

    def mend(self) -> None:
        """Let through all that was held back, and what comes."""
        self.delay_s = 0.0
        self._open.set()

    def run(self, ready: threading.Event) -> None:
        asyncio.run(self._serve(ready))

    def stop(self) -> None:
        self._stopped.set()

    async def _serve(self, ready: threading.Event) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        while not self._stopped.is_set():
            await asyncio.sleep(0.02)
        server.close()

    async def _connected(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        try:
            far, there = await asyncio.open_unix_connection(self.to)
        except OSError:
            back.close()
            return
        pumps = [self._pump(near, there), self._pump(far, back)]
        await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(self, source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        try:
            while piece := await source.read(CHUNK):
                await asyncio.sleep(self.delay_s)
                while not self._open.is_set():
                    await asyncio.sleep(0.01)
                to.write(piece)
                await to.drain()
        finally:
            to.close()


@contextmanager
def network(to: str) -> Iterator[Network]:
    """Give a network that is as it should be; it ends with all its connections."""
    made, ready = Network(to), threading.Event()
    made.mend()
    thread = threading.Thread(target=made.run, args=(ready,), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield made
    finally:
        made.mend()
        made.stop()
        thread.join(10)
