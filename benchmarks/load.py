"""Sends requests to a server on this machine, on schedule or as fast as it answers."""

from __future__ import annotations

import asyncio
import gc
import itertools
import time
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
import numpy as np
from numpy.typing import NDArray
from yarl import URL

from benchmarks.timing import Times, latencies_ms

HOST = "127.0.0.1"
"""The only address that is ever sent to."""

CONNECTIONS = 256
"""Connections kept alive at most; a request that waits for one is still counted from its time."""

TIMEOUT_S = 10.0
"""How long a request may take before it is an error."""

EARLY_S = 0.0015
"""Timers of an event loop are off by up to a millisecond: the last moments are waited out."""

SHED = 503
"""How a server refuses what it cannot answer in time; it must say when to try again."""

T = TypeVar("T")

Statuses = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Request:
    """A request to be sent: a GET, or a POST if it has a body of JSON."""

    path: str
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the requests of a run, in the order they were due.

    Attributes:
        due_s: When each should have gone out, seconds since the first one.
        latency_ms: From that moment to its last byte (or its failure).
        late_ms: How late the client itself sent it; its share of the latency.
        status: What each was answered with, 0 if it was not; int16.
        errors: What went wrong, with how often.
        empty: Answers without a single item.
        seconds: From the first request due to the last answer.
        begun_s: When the first was due, by the clock that all processes here share.
    """

    due_s: Times
    latency_ms: Times
    late_ms: Times
    status: Statuses
    errors: dict[str, int]
    empty: int
    seconds: float
    begun_s: float

    @property
    def end_s(self) -> float:
        """When the last request was due, by the same clock."""
        return self.begun_s + float(self.due_s[-1])


class _Tally:
    """Counts what is not a full answer."""

    def __init__(self) -> None:
        self.errors: dict[str, int] = {}
        self.empty = 0

    def fail(self, what: str) -> None:
        self.errors[what] = self.errors.get(what, 0) + 1


async def open_loop(port: int, requests: Sequence[Request], rate: float, seconds: float) -> Outcome:
    """Send rate x seconds requests, evenly spaced, whether or not earlier ones have come back.

    Args:
        port: Where the server listens on this machine.
        requests: What to send, in turn, from the start again if there are too few.
        rate: Requests a second.
        seconds: How long to send; answers are waited for beyond.
    """
    count = max(1, round(rate * seconds))
    tally = _Tally()
    scheduled = np.zeros(count)
    sent, finished = np.zeros(count), np.zeros(count)
    status = np.zeros(count, np.int16)
    clock = time.perf_counter

    async def one(place: int, request: Request) -> None:
        sent[place] = clock()
        status[place] = await _send(session, port, request, tally)
        finished[place] = clock()

    async with _session() as session:
        running: set[asyncio.Task[None]] = set()
        scheduled[:] = clock() + 0.05 + np.arange(count) / rate
        turns = zip(scheduled.tolist(), itertools.cycle(requests), strict=False)
        for place, (due, request) in enumerate(turns):
            await _until(due)
            task = asyncio.create_task(one(place, request))
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.gather(*running)
    return Outcome(
        due_s=scheduled - scheduled[0],
        latency_ms=latencies_ms(scheduled, finished),
        late_ms=latencies_ms(scheduled, sent),
        status=status,
        errors=tally.errors,
        empty=tally.empty,
        seconds=float(finished.max() - scheduled[0]),
        begun_s=float(scheduled[0]),
    )


async def closed_loop(
    port: int, requests: Sequence[Request], senders: int, seconds: float
) -> Outcome:
    """Let each sender send its next request as soon as its last was answered: the most there is.

    Latencies are counted from sending: they say how busy the server was, not what people waited.
    """
    tally = _Tally()
    starts: list[float] = []
    ends: list[float] = []
    statuses: list[int] = []
    clock = time.perf_counter
    begin = clock()

    async def sender(turns: Iterator[Request]) -> None:
        while clock() - begin < seconds:
            start = clock()
            statuses.append(await _send(session, port, next(turns), tally))
            starts.append(start)
            ends.append(clock())

    async with _session() as session:
        turns = itertools.cycle(requests)
        await asyncio.gather(*(sender(turns) for _ in range(senders)))
    due = np.array(starts)
    return Outcome(
        due_s=due - begin,
        latency_ms=latencies_ms(due, np.array(ends)),
        late_ms=np.zeros(len(due)),
        status=np.array(statuses, np.int16),
        errors=tally.errors,
        empty=tally.empty,
        seconds=max(ends) - begin,
        begun_s=begin,
    )


def sent_on_schedule(
    port: int, requests: Sequence[Request], rate: float, seconds: float
) -> Outcome:
    """Do as `open_loop` does for some seconds; to be called in a process of its own."""
    return run_quietly(open_loop(port, requests, rate, seconds))


def run_quietly(work: Coroutine[None, None, T]) -> T:
    """Run a coroutine with uvloop if it is there, without pauses to collect garbage."""
    try:
        import uvloop

        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    except ImportError:
        runner = asyncio.Runner()
    with runner, _no_collection():
        return runner.run(work)


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=60),
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
        headers={"Content-Type": "application/json"},
    )


async def _send(session: aiohttp.ClientSession, port: int, request: Request, tally: _Tally) -> int:
    """Return the status of the answer, 0 if there was none."""
    url = URL(f"http://{HOST}:{port}{request.path}", encoded=True)
    method = "GET" if request.body is None else "POST"
    try:
        async with session.request(method, url, data=request.body) as response:
            body = await response.read()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        tally.fail(type(error).__name__)
        return 0
    if response.status == SHED and "Retry-After" not in response.headers:
        tally.fail(f"status {SHED} without Retry-After")
    elif response.status != 200:
        tally.fail(f"status {response.status}")
    elif b'"items":[]' in body:
        tally.empty += 1
    return int(response.status)


async def _until(due: float) -> None:
    early = due - time.perf_counter() - EARLY_S
    if early > 0:
        await asyncio.sleep(early)
    while time.perf_counter() < due:
        await asyncio.sleep(0)


@contextmanager
def _no_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
