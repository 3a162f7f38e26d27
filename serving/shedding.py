"""How many requests are taken on at once, so that those that are keep their latency."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from engine.errors import SettingError
from serving.errors import refusal

HEALTH = frozenset({"/healthz", "/readyz"})
"""Paths that are always answered: an orchestrator must not take a busy server for a dead one."""

OVERLOADED = refusal(
    "overloaded", "More requests came than can be answered in time.", {"retry-after": "1"}
)


@dataclass(frozen=True, slots=True)
class Room:
    """How much one worker takes on.

    Attributes:
        handled: Requests being answered at once, at least 1.
        queued: Requests that wait beside them, at least 0; what comes beyond is refused at once.
        wait_s: Seconds a request may wait before it is refused.
    """

    handled: int = 32
    queued: int = 128
    wait_s: float = 0.1

    def __post_init__(self) -> None:
        """Refuse numbers without a meaning."""
        if self.handled < 1 or self.queued < 0 or not self.wait_s > 0:
            raise SettingError(
                f"room for at least 1 request, 0 waiting, for more than 0 s, got {self}"
            )


class LoadShedding:
    """Refuses what cannot be answered in time: 503 with `Retry-After`.

    Answering mostly computes, and a request that computes holds the event loop. Were all that have
    arrived begun in one turn of the loop, each would wait for all before it, uncounted, while
    newcomers wait unread in their sockets. So one request begins a turn; between two turns the
    loop reads what has come, and what finds the queue full is refused within milliseconds.
    """

    def __init__(self, app: ASGIApp, room: Room, exempt: frozenset[str] = HEALTH) -> None:
        self.app = app
        self.room = room
        self.exempt = exempt
        self._handled = 0
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._turn_taken = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on when it is its turn, or refuse it."""
        if scope["type"] != "http" or scope["path"] in self.exempt:
            await self.app(scope, receive, send)
            return
        if not await self._admitted():
            await OVERLOADED(scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        finally:
            self._handled -= 1
            self._call_next()

    async def _admitted(self) -> bool:
        """Return whether the request may begin, waiting for its turn; if so it is counted."""
        if self._handled < self.room.handled and not self._turn_taken and not self._waiting:
            self._begin()
            return True
        if self._handled + len(self._waiting) >= self.room.handled + self.room.queued:
            return False
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bool] = loop.create_future()
        self._waiting.append(turn)
        too_late = loop.call_later(self.room.wait_s, self._give_up, turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result():
                self._handled -= 1  # it had been called, and will not come
                self._call_next()
            elif turn in self._waiting:
                self._waiting.remove(turn)
            raise
        finally:
            too_late.cancel()

    def _begin(self) -> None:
        """Count a request as begun, and begin no other before the loop has looked around."""
        self._handled += 1
        self._turn_taken = True
        asyncio.get_running_loop().call_soon(self._end_turn)

    def _end_turn(self) -> None:
        self._turn_taken = False
        self._call_next()

    def _call_next(self) -> None:
        """Call the one that has waited longest, if there is room and nobody else begins now."""
        if self._turn_taken or self._handled >= self.room.handled:
            return
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(True)
                self._begin()
                return

    def _give_up(self, turn: asyncio.Future[bool]) -> None:
        if not turn.done():
            self._waiting.remove(turn)
            turn.set_result(False)
