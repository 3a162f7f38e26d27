"""Latencies are counted from when a request was due, and load does not wait for answers."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable

import numpy as np
import pytest
from aiohttp import web

from benchmarks.load import Outcome, Request, closed_loop, open_loop
from benchmarks.timing import latencies_ms, summary

pytestmark = pytest.mark.alone


def test_a_request_is_counted_from_when_it_was_due() -> None:
    # One request a second; the first takes 3 s and holds up the two behind it, which are sent at
    # 3 s and answered at once: nothing since they were sent, but 2 s and 1 s since they were due.
    due, finished = np.array([0.0, 1.0, 2.0]), np.array([3.0, 3.0, 3.0])

    assert latencies_ms(due, finished).tolist() == [3000, 2000, 1000]


def test_percentiles_are_values_that_occurred_with_the_largest_as_maximum() -> None:
    values = np.arange(1.0, 1001.0)  # 1 ms to 1000 ms

    found = summary(values, np.linspace(0, 10, 1000))

    # Of 1000 values, 500 do not exceed 500, 990 do not exceed 990, 999 do not exceed 999.
    assert [found[name]["value"] for name in ("p50", "p99", "p99_9")] == [500, 990, 999]
    assert found["max"] == 1000
    assert found["mean"] == 500.5
    assert found["p50"]["n"] == 1000


def test_the_interval_of_a_percentile_knows_that_slow_requests_come_together() -> None:
    # Ten seconds of a hundred requests, three of them slow throughout: the median is 1 ms. Of ten
    # seconds drawn again, six or more are slow in 4.7 % of cases (binomial, 0.3): more than the
    # 2.5 % beyond the interval. Single requests drawn would all but never give that.
    values = np.repeat([100.0] * 3 + [1.0] * 7, 100)

    figure = summary(values, np.arange(1000) / 100)["p50"]

    assert (figure["value"], figure["low"], figure["high"]) == (1, 1, 100)


Handler = Callable[[web.Request], Awaitable[web.Response]]


async def loaded(answer: Handler, path: str = "/") -> tuple[Outcome, Outcome]:
    """Load a server of one handler: 50 requests a second for 0.6 s, then as fast as it answers."""
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port, requests = runner.addresses[0][1], [Request(path)]
        return (
            await open_loop(port, requests, rate=50, seconds=0.6),
            await closed_loop(port, requests, senders=2, seconds=0.2),
        )
    finally:
        await runner.cleanup()


def test_a_stall_is_seen_by_all_requests_due_while_it_lasts() -> None:
    seen = itertools.count(1)

    async def answer(request: web.Request) -> web.Response:
        if next(seen) == 3:
            time.sleep(0.3)  # the loop, and so the sender, stands still as well
        return web.Response(text='{"items":[]}')

    outcome, _ = asyncio.run(loaded(answer))

    # The third is due at 0.04 s, the stall ends at 0.34 s: of those due until then, the ones
    # before 0.24 s (3 to 12) wait more than 0.1 s.
    assert (outcome.latency_ms[2:12] > 100).all()
    assert outcome.latency_ms[2] >= 300
    assert outcome.due_s.tolist() == pytest.approx((np.arange(30) / 50).tolist())
    assert not outcome.errors
    assert outcome.empty == 30


def test_requests_on_schedule_do_not_wait_for_one_another() -> None:
    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(0.2)
        return web.Response(text='{"items":[1]}')

    paced, fast = asyncio.run(loaded(answer))

    # One after the other, 30 answers of 0.2 s would take 6 s.
    assert paced.seconds < 3
    assert paced.empty == 0
    # Two senders with 0.2 s to send send one or two each.
    assert 2 <= len(fast.latency_ms) <= 4


def test_answers_that_are_no_success_are_counted_as_errors_by_kind() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=500)

    paced, fast = asyncio.run(loaded(answer))

    assert paced.errors == {"status 500": 30}
    assert fast.errors == {"status 500": len(fast.latency_ms)}
