"""What is taken on at once: the rest is refused, at once, so that what is accepted is quick."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest
from starlette.types import Message, Receive, Scope, Send

from engine.errors import SettingError
from serving.shedding import LoadShedding, Room

pytestmark = pytest.mark.alone

OK = 200


class Counted:
    """An app that counts how many requests are inside it, and at most were."""

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self.work = work
        self.inside = self.most = self.begun = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.inside += 1
        self.begun += 1
        self.most = max(self.most, self.inside)
        try:
            await self.work()
        finally:
            self.inside -= 1
        await send({"type": "http.response.start", "status": OK, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def ask(app: LoadShedding, path: str = "/x") -> tuple[int, dict[bytes, bytes]]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app({"type": "http", "path": path, "headers": []}, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"])


def test_no_more_than_there_is_room_for_are_inside_and_the_rest_is_refused() -> None:
    async def scenario() -> None:
        gate = asyncio.Event()
        inner = Counted(lambda: wait_for(gate))
        app = LoadShedding(inner, Room(handled=3, queued=4, wait_s=60))
        asked = [asyncio.ensure_future(ask(app)) for _ in range(20)]
        await until(lambda: inner.inside == 3)
        done = [one for one in asked if one.done()]
        assert len(done) == 13
        for one in done:
            status, headers = one.result()
            assert (status, headers[b"retry-after"]) == (503, b"1")
        gate.set()
        statuses = Counter(status for status, _ in await asyncio.gather(*asked))
        assert statuses == {OK: 7, 503: 13}
        assert inner.most == 3

    asyncio.run(scenario())


def test_who_waits_too_long_is_refused_and_who_is_inside_goes_on() -> None:
    async def scenario() -> None:
        gate = asyncio.Event()
        app = LoadShedding(Counted(lambda: wait_for(gate)), Room(handled=1, queued=4, wait_s=0.05))
        first = asyncio.ensure_future(ask(app))
        await asyncio.sleep(0)
        start = time.monotonic()
        assert [status for status, _ in await asyncio.gather(ask(app), ask(app))] == [503, 503]
        assert 0.04 < time.monotonic() - start < 5
        gate.set()
        assert (await first)[0] == OK
        assert (await ask(app))[0] == OK

    asyncio.run(scenario())


def test_health_is_answered_however_much_there_is_to_do() -> None:
    async def scenario() -> None:
        gate = asyncio.Event()
        inner = Counted(lambda: wait_for(gate))
        app = LoadShedding(inner, Room(handled=1, queued=0, wait_s=60))
        busy = asyncio.ensure_future(ask(app))
        await until(lambda: inner.inside == 1)
        assert (await ask(app))[0] == 503
        health = [asyncio.ensure_future(ask(app, path)) for path in ("/healthz", "/readyz")]
        await until(lambda: inner.inside == 3)
        gate.set()
        assert {status for status, _ in await asyncio.gather(busy, *health)} == {OK}

    asyncio.run(scenario())


def test_what_computes_is_begun_one_a_turn_so_that_newcomers_are_seen() -> None:
    """Requests that never wait must be counted as waiting too, and the loop look up between."""

    async def scenario() -> None:
        inner = Counted(nothing)
        app = LoadShedding(inner, Room(handled=1, queued=5, wait_s=60))
        seen: list[int] = []
        loop = asyncio.get_running_loop()

        def look() -> None:
            seen.append(inner.begun)
            if inner.begun < 7:
                loop.call_soon(look)

        # The first is done before the second is looked at; six wait, and the rest is refused.
        asked = [asyncio.ensure_future(ask(app)) for _ in range(10)]
        loop.call_soon(look)
        statuses = Counter(status for status, _ in await asyncio.gather(*asked))
        assert statuses == {OK: 7, 503: 3}
        assert max(later - sooner for sooner, later in pairwise(seen)) == 1

    asyncio.run(scenario())


@pytest.mark.parametrize("fault", [ValueError, asyncio.CancelledError])
def test_a_request_that_fails_gives_its_room_back(fault: type[BaseException]) -> None:
    async def fail() -> None:
        raise fault

    async def scenario() -> None:
        inner = Counted(fail)
        app = LoadShedding(inner, Room(handled=1, queued=3, wait_s=60))
        for _ in range(3):
            asked = [asyncio.ensure_future(ask(app)) for _ in range(4)]
            ended = await asyncio.gather(*asked, return_exceptions=True)
            assert {type(one) for one in ended} == {fault}
        inner.work = nothing
        assert (await ask(app))[0] == OK

    asyncio.run(scenario())


def test_one_that_is_cancelled_while_it_waits_leaves_its_place() -> None:
    async def scenario() -> None:
        gate = asyncio.Event()
        inner = Counted(lambda: wait_for(gate))
        app = LoadShedding(inner, Room(handled=1, queued=2, wait_s=60))
        busy, left, stays = (asyncio.ensure_future(ask(app)) for _ in range(3))
        await until(lambda: inner.inside == 1)
        left.cancel()
        await asyncio.sleep(0)
        comes = asyncio.ensure_future(ask(app))
        await asyncio.sleep(0)
        assert not comes.done()
        gate.set()
        assert {status for status, _ in await asyncio.gather(busy, stays, comes)} == {OK}
        assert left.cancelled()
        assert (await ask(app))[0] == OK

    asyncio.run(scenario())


def test_one_that_is_cancelled_as_it_is_called_gives_its_turn_to_the_next() -> None:
    async def scenario() -> None:
        gate = asyncio.Event()
        inner = Counted(lambda: wait_for(gate))
        app = LoadShedding(inner, Room(handled=1, queued=2, wait_s=60))

        async def busy_then_cancel() -> int:
            status, _ = await ask(app)
            called.cancel()  # it has been called by now, and has not woken up
            return status

        busy = asyncio.ensure_future(busy_then_cancel())
        await until(lambda: inner.inside == 1)
        called, stays = asyncio.ensure_future(ask(app)), asyncio.ensure_future(ask(app))
        await asyncio.sleep(0)
        gate.set()
        assert await busy == OK
        assert (await asyncio.wait_for(stays, 5))[0] == OK
        assert called.cancelled()
        assert (await ask(app))[0] == OK

    asyncio.run(scenario())


@pytest.mark.parametrize(("handled", "queued", "wait_s"), [(0, 1, 1), (1, -1, 1), (1, 1, 0)])
def test_room_without_a_meaning_is_refused(handled: int, queued: int, wait_s: float) -> None:
    with pytest.raises(SettingError):
        Room(handled, queued, wait_s)


async def nothing() -> None:
    return None


async def wait_for(gate: asyncio.Event) -> None:
    await gate.wait()


async def until(happened: Callable[[], bool]) -> None:
    """Let the loop turn until it has happened."""
    for _ in range(1_000):
        if happened():
            return
        await asyncio.sleep(0)
    raise AssertionError("did not happen")
