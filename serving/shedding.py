"""How many requests are taken on at once, so that those that are keep their latency."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from fastapi.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.errors import SettingError
from serving.errors import refusal

HEALTH = frozenset({"/healthz", "/readyz"})
"""Paths that are always answered: an orchestrator must not take a busy server for a dead one."""

AGAIN = {"retry-after": "1"}
TOO_MUCH = "More requests came than can be answered in time."
OVERLOADED = refusal("overloaded", TOO_MUCH, AGAIN)
TOO_SLOW = refusal(
    "too-slow",
    "It took too long. A change may have been made: sending it again does no harm.",
    AGAIN,
)

PATIENCE_S = 0.05
"""Seconds a caller may keep a request waiting before others are answered in its place."""


FEW = 4
"""Requests that may always wait: whoever keeps so many under way sends the next when one is
answered, which is no crowd."""

LOOKS = 3
"""Rounds of the event loop in a turn: one computes, one reads what has come meanwhile, and in one
that comes here. With fewer, the next would be chosen before the newest are known."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much one worker takes on.

    Attributes:
        handled: Requests being answered at once, at least 1.
        queued: Requests that wait beside them, at least 0; what comes beyond is refused at once.
        wait_s: Seconds a request may wait before it is refused; if more than `FEW` have been
            waiting for as long, a quarter of it until nobody waits.
        sending: Requests whose callers are slow to send the rest; what comes beyond is refused.
        answer_s: Seconds an answer may take, the waiting for its caller left out.
    """

    handled: int = 32
    queued: int = 128
    wait_s: float = 0.1
    sending: int = 256
    answer_s: float = 15.0

    def __post_init__(self) -> None:
        """Refuse numbers without a meaning."""
        if self.handled < 1 or self.queued < 0 or self.sending < 0:
            raise SettingError(f"room for at least 1 request, and 0 that wait, got {self}")
        if not (self.wait_s > 0 and self.answer_s > 0):
            raise SettingError(f"a time longer than 0 s, got {self}")


class LoadShedding:
    """Refuses what cannot be answered in time: 503 with `Retry-After`.

    Answering mostly computes, and a request that computes holds the event loop. Were all that have
    arrived begun in one turn of the loop, each would wait for all before it, uncounted, while
    newcomers wait unread in their sockets. So one request begins a turn; between two turns the
    loop reads what has come, and what finds the queue full is refused within milliseconds.

    A short queue takes up a burst. A queue that never empties takes up nothing: everybody in it
    only waits. Once more than `FEW` have been waiting all the time for `wait_s`, the newest is
    called first, and who has waited for a quarter of that is refused, until nobody waits: those
    who are answered have hardly waited then (adaptive LIFO and controlled delay: Maurer, "Fail at
    Scale", ACM Queue 2015).

    A request whose caller does not send the rest of it, or does not take its answer, makes room
    for others meanwhile: a few slow callers must not keep everybody out.
    """

    def __init__(
        self,
        app: ASGIApp,
        room: Room,
        exempt: frozenset[str] = HEALTH,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.app = app
        self.room = room
        self.exempt = exempt
        self.clock = clock
        self._handled = 0
        self._sending = 0
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._returning: deque[asyncio.Future[bool]] = deque()
        self._turn_taken = False
        self._calm_at = clock()  # when few were waiting, and not because others were refused
        self._refused_at = float("-inf")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on when it is its turn, or refuse it."""
        if scope["type"] != "http" or scope["path"] in self.exempt:
            await self.app(scope, receive, send)
            return
        if not await self._admitted():
            await OVERLOADED(scope, receive, send)
            return
        visit = Visit(self, receive, send)
        try:
            async with asyncio.timeout(self.room.answer_s) as visit.limit:
                await self.app(scope, visit.receive, visit.send)
        except TimeoutError:
            if visit.started or not visit.limit.expired():
                raise
            await TOO_SLOW(scope, receive, send)
        finally:
            visit.step_out()

    async def come_back(self) -> None:
        """Wait until a request that has stepped out may go on: before all who have not begun."""
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._returning.append(turn)
        self._call_next()
        await self._called(turn, self._returning)

    def leave(self) -> None:
        """Make room for another."""
        self._handled -= 1
        self._call_next()

    def may_send_slowly(self) -> bool:
        """Return whether another request may wait for its caller."""
        return self._sending < self.room.sending

    def count_sending(self, change: int) -> None:
        """Count how many requests wait for their callers."""
        self._sending += change

    async def _admitted(self) -> bool:
        """Return whether the request may begin, waiting for its turn; if so it is counted."""
        self._note_calm()
        if not self._waiting and self._is_free():
            self._begin()
            return True
        if self._handled + len(self._waiting) >= self.room.handled + self.room.queued:
            self._refused_at = self.clock()
            return False
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bool] = loop.create_future()
        self._waiting.append(turn)
        wait_s = self.room.wait_s / 4 if self._is_crowded() else self.room.wait_s
        too_late = loop.call_later(wait_s, self._give_up, turn)
        try:
            return await self._called(turn, self._waiting)
        finally:
            too_late.cancel()

    async def _called(self, turn: asyncio.Future[bool], among: deque[asyncio.Future[bool]]) -> bool:
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result():
                self.leave()  # it had been called, and will not come
            elif turn in among:
                among.remove(turn)
            raise

    def _is_free(self) -> bool:
        room = self._handled < self.room.handled
        return room and not self._turn_taken and not self._returning

    def _note_calm(self) -> None:
        now = self.clock()
        if self._is_crowded():
            calm = not self._waiting and now - self._refused_at > self.room.wait_s
        else:
            calm = len(self._waiting) <= FEW
        if calm:
            self._calm_at = now

    def _is_crowded(self) -> bool:
        """Return whether many have been waiting all the time, and some wait still."""
        return self.clock() - self._calm_at > self.room.wait_s

    def _begin(self) -> None:
        """Count a request as begun, and begin no other before the loop has looked around."""
        self._handled += 1
        self._turn_taken = True
        self._end_turn(LOOKS)

    def _end_turn(self, looks: int) -> None:
        if looks:
            asyncio.get_running_loop().call_soon(self._end_turn, looks - 1)
            return
        self._turn_taken = False
        self._call_next()

    def _call_next(self) -> None:
        """Call the next, if there is room and nobody else begins now."""
        if self._turn_taken or self._handled >= self.room.handled:
            return
        turn = self._next()
        if turn is not None:
            turn.set_result(True)
            self._begin()

    def _next(self) -> asyncio.Future[bool] | None:
        """Take out who has waited longest, or if that would not help, who has just come."""
        while self._returning:
            turn = self._returning.popleft()
            if not turn.done():
                return turn
        while self._waiting:
            turn = self._waiting.pop() if self._is_crowded() else self._waiting.popleft()
            if not turn.done():
                return turn
        return None

    def _give_up(self, turn: asyncio.Future[bool]) -> None:
        if not turn.done():
            self._waiting.remove(turn)
            self._refused_at = self.clock()
            turn.set_result(False)


class Visit:
    """One request that is being answered. It steps out while it waits for its caller."""

    def __init__(self, shedding: LoadShedding, receive: Receive, send: Send) -> None:
        self.limit: asyncio.Timeout
        self.started = False
        self._shedding = shedding
        self._receive = receive
        self._send = send
        self._inside = True
        self._read = False  # whether the whole body has come

    async def receive(self) -> Message:
        """Return what the caller sends next."""
        if self._read:
            return await self._receive()
        try:
            async with asyncio.timeout(PATIENCE_S) as patience:
                message = await self._receive()
        except TimeoutError:
            if not patience.expired():
                raise
            message = await self._received_slowly()
        self._read = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Send a part of the answer; a caller who does not take it makes others wait no longer."""
        self.started = True
        impatient = asyncio.get_running_loop().call_later(PATIENCE_S, self.step_out)
        try:
            await self._send(message)
        finally:
            impatient.cancel()

    def step_out(self) -> None:
        """Make room for another, unless that was done."""
        if self._inside:
            self._inside = False
            self._shedding.leave()

    async def _received_slowly(self) -> Message:
        if not self._shedding.may_send_slowly():
            raise HTTPException(503, TOO_MUCH, AGAIN | {"connection": "close"})
        loop, shedding = asyncio.get_running_loop(), self._shedding
        self.limit.reschedule(None)  # the body has a limit of its own
        self.step_out()
        shedding.count_sending(1)
        try:
            message = await self._receive()
        finally:
            shedding.count_sending(-1)
            self.limit.reschedule(loop.time() + shedding.room.answer_s)
        await shedding.come_back()
        self._inside = True
        return message
