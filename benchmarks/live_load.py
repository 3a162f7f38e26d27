"""A live server under changes: what is seen when, and what must not be seen is not."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import numpy as np
from yarl import URL

from benchmarks.live_figures import Held, Tally, held_figures, texts_figures
from benchmarks.live_guests import (
    RESTRICTIONS,
    Change,
    Watched,
    authors,
    fillers,
    restrictions,
    watched,
)
from benchmarks.live_lines import Lines, lines_to_workers
from benchmarks.live_place import SQLITE, Place
from benchmarks.load import HOST
from benchmarks.server import Server
from data.store.connect import Store
from data.store.vectors import texts_to_embed
from engine.errors import SettingError

WATCHED_PER_S = 3.0
"""Of all texts, how many are looked for; asking for all would load the server more than they do."""

RESTRICTED_PER_S = 2.0
LINES = 4
"""Connections to each worker over which slates are asked."""

TELLERS = 64
"""Connections over which changes are told."""

LOOK_S = 0.015
"""Seconds between two looks of one who waits to see something, at first."""

SLACK = 0.1
"""Who has waited for t seconds waits this many times t more: else looking would be the load."""

SEEN_WITHIN_S = 60.0
"""After this, something new counts as never seen."""

DRAINED_WITHIN_S = 120.0
SAMPLE_S = 0.25
"""Seconds between two looks at how many texts wait."""

BATCH = 500
"""Lines of one `POST …/changes`."""

AGAIN = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class FreshnessSettings:
    """What a live server is told.

    Attributes:
        rate: Texts a second.
        seconds: For how long.
        beyond: Texts a second at last, 0 to leave that out.
        beyond_s: For how long at that rate.
        members: Size of the town.
        store: `sqlite`, `postgresql`, or the address of an empty store.
    """

    rate: float = 100.0
    seconds: float = 20.0
    beyond: float = 400.0
    beyond_s: float = 5.0
    members: int = 300
    store: str = SQLITE


class Visit:
    """One measurement of one server.

    Args:
        place: What it serves.
        store: Its store, opened by this process as well.
        settings: What it is told.
        server: The server.
        workers: How many processes answer.
    """

    def __init__(
        self, place: Place, store: Store, settings: FreshnessSettings, server: Server, workers: int
    ) -> None:
        self.place = place
        self.store = store
        self.settings = settings
        self.server = server
        self.workers = workers
        self.begun = store.head_of(place.community)
        rounds = -(-settings.seconds // 1)
        self.watched = watched(round(WATCHED_PER_S * rounds))
        much = settings.seconds + (settings.beyond_s if settings.beyond else 0)
        count = max(len(RESTRICTIONS), round(RESTRICTED_PER_S * much))
        self.restrictions = restrictions(count, len(self.watched))
        self.fillers = fillers(len(self.watched) + count)

    async def measure(self) -> dict[str, Any]:
        """Return the figures; see `benchmarks/freshness.py`."""
        async with self._tellers() as session:
            self.session = session
            await self._prepare()
            async with lines_to_workers(
                self.server.port, self.server.process.pid, self.workers, LINES
            ) as lines:
                self.lines = lines
                await self._all_know()
                usual = round(RESTRICTED_PER_S * self.settings.seconds)
                texts, held = await self._tell(
                    self.settings.rate, self.settings.seconds, self.watched, usual
                )
                figures = {"texts": texts_figures(texts), "restrictions": held_figures(held)}
                if self.settings.beyond:
                    figures["beyond"] = await self._beyond(usual)
        return figures

    @asynccontextmanager
    async def _tellers(self) -> AsyncIterator[aiohttp.ClientSession]:
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=TELLERS, keepalive_timeout=3),
            timeout=aiohttp.ClientTimeout(total=60),
            headers={"Content-Type": "application/json"},
        ) as session:
            yield session

    async def _prepare(self) -> None:
        """Tell of everybody who is to be there beforehand, and wait until they are embedded."""
        lines = [*authors(), *(line for one in self.watched for line in one.before)]
        lines += [line for one in self.restrictions for line in one.before]
        for start in range(0, len(lines), BATCH):
            body = "\n".join(map(json.dumps, lines[start : start + BATCH])).encode()
            told = await self._told(Change("POST", "/changes", body))
            if told is None:
                raise SettingError("the server does not take in changes")
        await self._drained()

    async def _all_know(self) -> None:
        """Wait until every worker has applied what was told."""
        head = self.store.head_of(self.place.community)
        for lines in self.lines:
            for line in lines.all:
                path = self.place.root + self.restrictions[0].question + f"&min_sequence={head}"
                while (await line.ask("GET", path)).status in AGAIN:
                    await asyncio.sleep(LOOK_S)

    async def _tell(
        self, rate: float, seconds: float, looked_for: Sequence[Watched], restricting: int
    ) -> tuple[Tally, Held]:
        """Tell texts on schedule, look for some of them, and restrict meanwhile."""
        tally, held = Tally(), Held()
        mine, self.restrictions = self.restrictions[:restricting], self.restrictions[restricting:]
        every = max(1, round(rate / WATCHED_PER_S))
        turns = iter(looked_for)
        running = [asyncio.create_task(self._restrict(mine, seconds, held))]
        start = time.perf_counter()
        for place in range(round(rate * seconds)):
            await asyncio.sleep(max(0.0, start + place / rate - time.perf_counter()))
            one = next(turns, None) if place % every == 0 else None
            running.append(asyncio.create_task(self._one(one, tally, place / rate)))
        await asyncio.gather(*running)
        return tally, held

    async def _one(self, one: Watched | None, tally: Tally, due_s: float) -> None:
        """Tell one text, and if it is looked for, wait until every worker shows it."""
        start = time.perf_counter()
        acknowledged = await self._told(next(self.fillers) if one is None else one.change)
        if acknowledged is None:
            tally.refused += 1
            return
        tally.acknowledged += 1
        tally.told_ms.append((acknowledged - start) * 1e3)
        tally.due_s.append(due_s)
        if one is None:
            return
        times = await asyncio.gather(*(self._seen(one, lines) for lines in self.lines))
        last = max(times)
        if last == np.inf:
            tally.never_seen[one.kind] += 1
            return
        tally.seen_ms.append((last - acknowledged) * 1e3)
        tally.seen_at.append(due_s)
        tally.seen_kind.append(one.kind)

    async def _seen(self, one: Watched, lines: Lines) -> float:
        """Return when a worker first showed it, infinity if it did not."""
        start = time.perf_counter()
        while (waited := time.perf_counter() - start) < SEEN_WITHIN_S:
            heard = await lines.ask("GET", self.place.root + one.question)
            if heard.status == 200 and heard.shows(one.item):
                return heard.at
            await asyncio.sleep(LOOK_S + SLACK * waited)
        return float("inf")

    async def _told(self, change: Change) -> float | None:
        """Send a change and return when it was acknowledged, None if it was refused."""
        url = URL(f"http://{HOST}:{self.server.port}{self.place.root}{change.path}", encoded=True)
        async with self.session.request(change.method, url, data=change.body) as response:
            text = await response.read()
        if response.status in AGAIN:
            return None
        if response.status not in {200, 202}:
            raise SettingError(f"{change.path} was answered {response.status}: {text[:300]!r}")
        return time.perf_counter()

    async def _restrict(self, mine: Sequence[Watched], seconds: float, held: Held) -> None:
        start = time.perf_counter()
        for place, one in enumerate(mine):
            at = place * seconds / len(mine)
            await asyncio.sleep(max(0.0, start + at - time.perf_counter()))
            before = await asyncio.gather(
                *(lines.ask("GET", self.place.root + one.question) for lines in self.lines)
            )
            shown = [heard.status == 200 and heard.shows(one.item) for heard in before]
            held.not_shown_before += not all(shown)
            while await self._told(one.change) is None:
                await asyncio.sleep(LOOK_S)
            held.made[one.kind] += 1
            took = await asyncio.gather(*(self._first(one, lines, held) for lines in self.lines))
            held.first_ms += took
            held.usual_ms += [heard.took_ms for heard in before]
            held.at += [at] * len(took)

    async def _first(self, one: Watched, lines: Lines, held: Held) -> float:
        """Return the milliseconds until the first answer after a restriction, and look at it.

        A refusal is none: it is asked again.
        """
        start = time.perf_counter()
        heard = await lines.ask("GET", self.place.root + one.question)
        held.refused_at_first += heard.status in AGAIN
        while heard.status in AGAIN:
            await asyncio.sleep(LOOK_S)
            heard = await lines.ask("GET", self.place.root + one.question)
        held.still_shown[one.kind] += heard.shows(one.item)
        return (heard.at - start) * 1e3

    async def _beyond(self, restricting: int) -> dict[str, Any]:
        """Tell texts faster than they can be embedded, and see how they wait."""
        waiting: list[int] = []
        watching = asyncio.create_task(self._watch_queue(waiting))
        start = time.perf_counter()
        texts, held = await self._tell(
            self.settings.beyond, self.settings.beyond_s, (), restricting
        )
        told_s = time.perf_counter() - start
        drained_s = await self._drained()
        watching.cancel()
        return {
            "rate": self.settings.beyond,
            "seconds": round(told_s, 2),
            "acknowledged": texts.acknowledged,
            "acknowledged_per_s": round(texts.acknowledged / told_s, 1),
            "refused": texts.refused,
            "most_waiting": max(waiting, default=0),
            "drained_s": round(drained_s, 2),
            "embedded_per_s": round(texts.acknowledged / (told_s + drained_s), 1),
            "restrictions": held_figures(held),
        }

    async def _watch_queue(self, waiting: list[int]) -> None:
        while True:
            waiting.append(await asyncio.to_thread(self._waiting))
            await asyncio.sleep(SAMPLE_S)

    def _waiting(self) -> int:
        return len(texts_to_embed(self.store, self.place.community, self.begun, 1_000_000)[0])

    async def _drained(self) -> float:
        """Return the seconds until no text waited any more."""
        start = time.perf_counter()
        while await asyncio.to_thread(self._waiting):
            if time.perf_counter() - start > DRAINED_WITHIN_S:
                raise SettingError(f"texts wait for vectors after {DRAINED_WITHIN_S:.0f} s")
            await asyncio.sleep(SAMPLE_S)
        return time.perf_counter() - start
