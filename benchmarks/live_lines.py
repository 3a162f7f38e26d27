"""Connections that are kept, and known to lead to a certain worker of a server."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import psutil
from yarl import URL

from benchmarks.load import HOST
from engine.errors import SettingError

AT_ONCE = 8
"""Connections tried at a time: the kernel decides which worker takes each."""

TRIED_AT_MOST = 400
KEPT_ALIVE_S = 1.0
"""Seconds between signs of life: a server hangs up on who is silent for five."""

TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer.

    Attributes:
        status: Its HTTP status.
        body: Its JSON.
        at: When its last byte had come, by `time.perf_counter`.
        took_ms: From sending the request until then.
    """

    status: int
    body: dict[str, Any]
    at: float
    took_ms: float

    def shows(self, one: str) -> bool:
        """Return whether an id is among the items."""
        return any(item["id"] == one for item in self.body.get("items", ()))


class Line:
    """One connection, which is kept."""

    def __init__(self, port: int) -> None:
        self._root = f"http://{HOST}:{port}"
        self._sockets: list[socket.socket] = []
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=1, keepalive_timeout=600, socket_factory=self._socket
            ),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            headers={"Content-Type": "application/json"},
        )
        self.used_at = 0.0

    def _socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, _ = address
        made = socket.socket(family, kind, protocol)
        self._sockets.append(made)
        return made

    @property
    def own_port(self) -> int:
        """The port on this side."""
        if len(self._sockets) != 1:
            raise SettingError("a connection was lost that had to be kept: measure again")
        port: int = self._sockets[0].getsockname()[1]
        return port

    async def ask(self, method: str, path: str, body: bytes | None = None) -> Heard:
        """Send a request and return the answer."""
        url = URL(self._root + path, encoded=True)
        self.used_at = start = time.perf_counter()
        async with self._session.request(method, url, data=body) as response:
            text = await response.read()
        at = time.perf_counter()
        return Heard(response.status, json.loads(text), at, (at - start) * 1e3)

    async def close(self) -> None:
        """Hang up."""
        await self._session.close()


class Lines:
    """The lines to one worker: whoever wants to ask takes one, and puts it back."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.all = list(lines)
        self._free: asyncio.Queue[Line] = asyncio.Queue()
        for line in lines:
            self._free.put_nowait(line)

    async def ask(self, method: str, path: str, body: bytes | None = None) -> Heard:
        """Ask over a line that is free; waiting for one is not in `took_ms`."""
        line = await self._free.get()
        try:
            return await line.ask(method, path, body)
        finally:
            self._free.put_nowait(line)

    async def keep_alive(self) -> None:
        """Say something over each line that has been silent, for as long as it runs."""
        while True:
            await asyncio.sleep(KEPT_ALIVE_S)
            for _ in self.all:
                line = await self._free.get()
                try:
                    if time.perf_counter() - line.used_at > KEPT_ALIVE_S:
                        await line.ask("GET", "/healthz")
                finally:
                    self._free.put_nowait(line)


@asynccontextmanager
async def lines_to_workers(
    port: int, pid: int, workers: int, each: int
) -> AsyncIterator[list[Lines]]:
    """Give some connections to every worker of a server.

    Args:
        port: Where it listens on this machine.
        pid: Its first process; the workers are its descendants, or itself.
        workers: How many there are.
        each: Connections to each.

    Raises:
        SettingError: A worker takes none, or a connection was lost meanwhile.
    """
    found: dict[int, list[Line]] = {}
    lines: list[Line] = []
    try:
        while len(found) < workers or min(map(len, found.values())) < each:
            if len(lines) >= TRIED_AT_MOST:
                raise SettingError(f"of {workers} workers only {len(found)} take connections")
            new = [Line(port) for _ in range(AT_ONCE)]
            lines += new
            await asyncio.gather(*(line.ask("GET", "/healthz") for line in new))
            for worker, line in _workers_of(pid, new):
                found.setdefault(worker, []).append(line)
            await _hang_up(found, each)
        kept = [Lines(some) for some in found.values()]
        alive = [asyncio.create_task(one.keep_alive()) for one in kept]
        yield kept
        for task in alive:
            task.cancel()
        for line in (line for one in kept for line in one.all):
            assert line.own_port
    finally:
        await asyncio.gather(*(line.close() for line in lines))


async def _hang_up(found: dict[int, list[Line]], each: int) -> None:
    """Close what a worker has too many of."""
    for worker, lines in found.items():
        for line in lines[each:]:
            await line.close()
        found[worker] = lines[:each]


def _workers_of(pid: int, lines: Sequence[Line]) -> list[tuple[int, Line]]:
    """Return which process is at the other end of each line."""
    parent = psutil.Process(pid)
    other_end = {
        connection.raddr.port: process.pid
        for process in (parent, *parent.children(recursive=True))
        for connection in process.net_connections("tcp")
        if connection.raddr and connection.status == psutil.CONN_ESTABLISHED
    }
    return [(other_end[line.own_port], line) for line in lines if line.own_port in other_end]
