"""What Prometheus sees: counts and times by route, stage and community, never an id or a text.

With several workers each writes its numbers to files in one folder, and whichever is asked adds
them up; `share_between_workers` makes the folder and must come before the workers start.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from fastapi import FastAPI
from fastapi.responses import Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.pool import Trace
from serving.keys import route_of
from serving.logs import method_of

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""How prometheus_client learns, when a worker imports it, where the workers' files are."""

REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
LOAD_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
CANDIDATES = (0, 1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000)
NO_ROUTE = "none"
"""The route of what no route answered: unknown paths, and what was refused before."""

FLUSH_S = 1.0

MEMORY = Path("/dev/shm")
ROOM_BYTES = 32_000_000
"""Where the workers' files are kept if there is that much room: in memory, not on a disk."""

OldestOrMost = Literal["livemin", "livemax"]
"""Which worker's number stands for all that are alive."""


class Metrics:
    """The numbers of this process. Safe to use from several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.registry = registry = CollectorRegistry()

        def counter(name: str, told: str, *labels: str) -> Counter:
            return Counter(name, told, labels, registry=registry)

        self.requests = counter(
            "belong_requests", "Requests answered.", "route", "method", "status"
        )
        self.request_seconds = Histogram(
            "belong_request_seconds",
            "From a request's arrival in the process to the end of its answer.",
            ("route",),
            buckets=REQUEST_SECONDS,
            registry=registry,
        )
        self.answers = counter("belong_answers", "Slates made.", "purpose")
        self.cold_starts = counter("belong_cold_starts", "Slates for somebody unknown.", "purpose")
        self.stage_seconds = counter(
            "belong_stage_seconds", "Time spent in a stage.", "purpose", "stage"
        )
        self.removed = counter(
            "belong_removed", "Candidates a policy removed.", "purpose", "policy"
        )
        self.failed = counter("belong_failed_stages", "Stages that failed.", "purpose", "stage")
        self.candidates = Histogram(
            "belong_candidates",
            "Candidates a slate was chosen from.",
            ("purpose",),
            buckets=CANDIDATES,
            registry=registry,
        )
        self.overlay_size = _gauge(
            registry, "belong_overlay_entries", "Things changed since the bundle.", "livemax"
        )
        self.lag = _gauge(registry, "belong_lag_entries", "Log entries not yet applied.", "livemax")
        self.bundle_created = _gauge(
            registry,
            "belong_bundle_created_timestamp_seconds",
            "When the served bundle was made; where workers differ, the oldest.",
            "livemin",
        )
        self._count_loads()
        self._tally: dict[tuple[Counter, tuple[str, ...]], float] = defaultdict(float)
        self._turn = threading.Lock()
        self._flushed = clock()

    def _count_loads(self) -> None:
        registry = self.registry
        self.loaded = Gauge(
            "belong_loaded_communities",
            "Communities in memory.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.counted_bytes = Gauge(
            "belong_counted_bytes",
            "What the communities in memory are counted as; of the worker with most.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.load_seconds = Histogram(
            "belong_load_seconds", "Loads of bundles.", buckets=LOAD_SECONDS, registry=registry
        )
        self.evictions = Counter(
            "belong_evictions", "Communities that left to make room.", registry=registry
        )
        self.waits_for_load = Counter(
            "belong_waits_for_load",
            "Requests that came to a community that was not loaded.",
            registry=registry,
        )

    def add(self, counter: Counter, amount: float, *labels: str) -> None:
        """Add to a counter, by its labels. It shows within `FLUSH_S` if anything is going on.

        A slate has dozens of stages: adding to a plain number now and to the counter once a
        second costs a request next to nothing, even where counters are files.
        """
        with self._turn:
            self._tally[counter, labels] += amount

    def flush(self, after_s: float = 0.0) -> None:
        """Let counters show what was added, unless that was done less than `after_s` ago."""
        now = self.clock()
        with self._turn:
            if 0 <= now - self._flushed < after_s:
                return
            self._flushed = now
            tally, self._tally = self._tally, defaultdict(float)
        for (counter, labels), amount in tally.items():
            counter.labels(*labels).inc(amount)

    def exposition(self) -> bytes:
        """Return all numbers, of every worker, in Prometheus' text format."""
        self.flush()
        folder = os.environ.get(FOLDER_VARIABLE)
        if folder is None:
            return bytes(generate_latest(self.registry))
        forget_dead_workers(Path(folder))
        registry = CollectorRegistry()
        MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
        return bytes(generate_latest(registry))


def _gauge(registry: CollectorRegistry, name: str, told: str, of_workers: OldestOrMost) -> Gauge:
    return Gauge(name, told, ("community",), registry=registry, multiprocess_mode=of_workers)


def observe_answer(
    metrics: Metrics, purpose: str, trace: Trace, pool_size: int, cold: bool = False
) -> None:
    """Count one slate.

    Args:
        metrics: Where.
        purpose: What was asked for, of a handful of words such as groups.
        trace: What happened on the way.
        pool_size: Candidates it was chosen from.
        cold: Whether it was made for somebody known by a text alone.
    """
    add = metrics.add
    add(metrics.answers, 1, purpose)
    if cold:
        add(metrics.cold_starts, 1, purpose)
    for stage, seconds in trace.seconds.items():
        add(metrics.stage_seconds, seconds, purpose, stage)
    for policy, rows in trace.removed.items():
        add(metrics.removed, len(rows), purpose, policy)
    for stage in trace.failed:
        add(metrics.failed, 1, purpose, stage)
    metrics.candidates.labels(purpose).observe(pool_size)
    metrics.flush(FLUSH_S)


def observe_community(
    metrics: Metrics, community: str, overlay_size: int, lag: int, bundle_created_ts: float
) -> None:
    """Note how a community stands in this process.

    Args:
        metrics: Where.
        community: Its name.
        overlay_size: Things in its overlay.
        lag: Entries of its log that are not applied yet.
        bundle_created_ts: When its bundle was made, unix seconds.
    """
    metrics.overlay_size.labels(community).set(overlay_size)
    metrics.lag.labels(community).set(lag)
    metrics.bundle_created.labels(community).set(bundle_created_ts)


class MeasuredRequests:
    """Counts requests and their time by route. It stands outside whatever may refuse them."""

    def __init__(
        self, app: ASGIApp, metrics: Metrics, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.app = app
        self.metrics = metrics
        self.clock = clock
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._histograms: dict[str, Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and count it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = self.clock()
        status = 500  # what is answered if nothing is

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            self._count(scope, status, self.clock() - start)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        # Finding a counter by its labels costs more than counting, and there are few.
        route = route_of(scope) or NO_ROUTE
        labels = (route, method_of(scope), status)
        if labels not in self._counters:
            self._counters[labels] = self.metrics.requests.labels(*labels)
            self._histograms[route] = self.metrics.request_seconds.labels(route)
        self._counters[labels].inc()
        self._histograms[route].observe(seconds)


def add_metrics(app: FastAPI, metrics: Metrics) -> None:
    """Let an app answer `GET /metrics`."""

    @app.get(
        "/metrics",
        tags=["health"],
        summary="What is going on, for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    def exposed() -> Response:
        return Response(metrics.exposition(), media_type=CONTENT_TYPE_LATEST)


def folder_in_memory(folder: Path = MEMORY) -> Path | None:
    """Return where numbers are best kept, None if that is not there or has little room.

    The files are mapped: where the disk under them is full, counting ends the process (SIGBUS).
    """
    try:
        room = shutil.disk_usage(folder).free
    except OSError:
        return None
    return folder if room >= ROOM_BYTES and os.access(folder, os.W_OK) else None


@contextmanager
def share_between_workers(workers: int) -> Iterator[None]:
    """Give the workers that are started meanwhile a folder for their numbers; one needs none."""
    if workers == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="belong-metrics-", dir=folder_in_memory()) as folder:
        os.environ[FOLDER_VARIABLE] = folder
        try:
            yield
        finally:
            del os.environ[FOLDER_VARIABLE]


def forget_dead_workers(folder: Path) -> None:
    """Drop the gauges of workers that are gone; what they counted stays counted."""
    for file in folder.glob("gauge_live*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
