"""A short queue takes up a burst; where one never empties, the newest are answered, and quickly."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.types import Message, Receive, Scope, Send

from serving.app import create_app
from serving.settings import ServeSettings
from serving.shedding import LoadShedding, Room

pytestmark = pytest.mark.alone


@dataclass
class Clock:
    """A clock that is set by hand."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class OneByOne:
    """An app that answers each request when it is told to, and notes in which order they came."""

    begun: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun.append(scope["path"])
        await self.gate.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def ask(app: LoadShedding, path: str) -> tuple[int, float]:
    """Return the status, and how long that took."""
    sent: list[Message] = []
    begun = time.monotonic()

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app({"type": "http", "path": path, "headers": []}, receive, send)
    return sent[0]["status"], time.monotonic() - begun


async def begun_in_order(wait_s: float, passed_s: float) -> list[str]:
    """Return in which order four are begun, if the queue is as old as that when the last comes."""
    clock, inner = Clock(), OneByOne()
    app = LoadShedding(inner, Room(handled=1, queued=9, wait_s=wait_s), clock=clock)
    asked = []
    for path in ("first", "second", "third"):
        asked.append(asyncio.ensure_future(ask(app, path)))
        await asyncio.sleep(0)
    clock.now += passed_s
    asked.append(asyncio.ensure_future(ask(app, "fourth")))
    await asyncio.sleep(0)
    inner.gate.set()
    assert {status for status, _ in await asyncio.gather(*asked)} == {200}
    return inner.begun


def test_a_burst_is_answered_in_the_order_it_came() -> None:
    begun = asyncio.run(begun_in_order(wait_s=60, passed_s=59))
    assert begun == ["first", "second", "third", "fourth"]


def test_where_somebody_has_always_been_waiting_the_newest_is_answered_first() -> None:
    begun = asyncio.run(begun_in_order(wait_s=60, passed_s=61))
    assert begun == ["first", "fourth", "third", "second"]


def test_newcomers_to_a_queue_that_never_empties_are_refused_soon_until_it_has_been_calm() -> None:
    async def scenario() -> None:
        clock, inner = Clock(), OneByOne()
        app = LoadShedding(inner, Room(handled=1, queued=9, wait_s=0.4), clock=clock)
        busy = asyncio.ensure_future(ask(app, "busy"))
        await asyncio.sleep(0)
        early = asyncio.ensure_future(ask(app, "early"))
        await asyncio.sleep(0)
        clock.now += 1
        late = asyncio.ensure_future(ask(app, "late"))
        status, took = await late
        assert (status, early.done()) == (503, False)
        assert 0.08 < took < 0.3
        assert (await early)[0] == 503
        # The queue is empty now, because all in it were refused: that is not calm.
        status, took = await ask(app, "next")
        assert status == 503
        assert took < 0.3
        clock.now += 1  # nobody was refused for a while
        status, took = await ask(app, "calm")
        assert status == 503
        assert took > 0.3
        inner.gate.set()
        assert (await busy)[0] == 200

    asyncio.run(scenario())


def test_between_two_turns_the_loop_looks_for_newcomers_before_it_chooses() -> None:
    """Who is read from a socket after a turn takes two more rounds until it is in the queue."""

    async def scenario() -> None:
        clock, inner = Clock(), OneByOne()
        inner.gate.set()
        app = LoadShedding(inner, Room(handled=1, queued=9, wait_s=60), clock=clock)
        loop = asyncio.get_running_loop()
        asked = [asyncio.ensure_future(ask(app, path)) for path in ("first", "second")]
        await asyncio.sleep(0)
        clock.now += 61
        # As a transport does when it reads: a task is made, which runs in the next round.
        loop.call_soon(lambda: asked.append(loop.create_task(ask(app, "newest"))))
        await asyncio.sleep(0.05)
        await asyncio.gather(*asked)
        assert inner.begun == ["first", "newest", "second"]

    asyncio.run(scenario())


def asked_before(dependant: Dependant) -> Iterator[Dependant]:
    for one in dependant.dependencies:
        yield one
        yield from asked_before(one)


def test_no_route_takes_its_parameters_by_way_of_a_thread(tmp_path: Path) -> None:
    """Each such hop lets others begin in between, until all are begun and none is done."""
    app = create_app(ServeSettings(tmp_path))
    found = [
        (route.path, one.call)
        for route in app.routes
        if isinstance(route, APIRoute)
        for one in asked_before(route.dependant)
    ]
    assert found
    assert [path for path, call in found if not inspect.iscoroutinefunction(call)] == []
