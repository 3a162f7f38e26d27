"""What a worker does beside answering: it follows the log, and one of all workers embeds texts."""

from __future__ import annotations

import asyncio
import logging
import os
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from data.store.connect import SQLITE, Store
from data.store.leases import hold_lease
from data.store.log import heads
from data.store.vectors import NewVectors, texts_to_embed, write_vectors
from engine.encoder import Encoder
from engine.errors import BelongError, BundleError, NotLoadedError
from serving.communities import Communities
from serving.live import Live
from serving.outline import Outline

log = logging.getLogger(__name__)

PACE_S = 0.01
"""Seconds between looks at the log."""

SHARE, LONGEST_S = 3.0, 0.1
"""After a catch-up that took t seconds, this many times t are left to answering, up to so long."""

LEASE = "embedder"
LEASE_S = 2.0
"""Seconds for which one worker is the one that embeds; it says so again well before they end.

Texts wait as long when that worker is killed."""

BATCH = 32
"""Entries of the log looked at at a time: texts of one batch are seen together."""

AWAY_S = 0.1
"""Seconds between looks at the logs of communities that are not in memory."""

KEPT_S = 10.0
"""Seconds for which an encoder that no community in memory has stays open after its last text."""

NOT_MINE_S = 0.5
"""Seconds before asking again for the work that another worker has."""

WRONG_S = 1.0
"""Seconds before trying again what went wrong."""


async def follow(communities: Communities, embedded: asyncio.Event) -> None:
    """Apply what the logs hold soon after it is written, for as long as the worker runs.

    Args:
        communities: Whose logs.
        embedded: Set when this worker has embedded texts: then it looks at once.
    """
    while True:
        started = time.monotonic()
        await _follow_all(communities)
        pause = max(PACE_S, min(SHARE * (time.monotonic() - started), LONGEST_S))
        with suppress(TimeoutError):
            await asyncio.wait_for(embedded.wait(), pause)
        embedded.clear()


async def _follow_all(communities: Communities) -> None:
    # In a function of its own: what it looks at must not be held in memory until the next look.
    for name, live in communities.loaded():
        try:
            head = await asyncio.to_thread(live.head) if live.waits else live.head()
            if head.last > live.applied:
                await asyncio.to_thread(live.catch_up)
        except BelongError as error:
            log.error("%s: changes cannot be read: %s", name, error)
            await asyncio.sleep(WRONG_S)
        except Exception:
            log.exception("%s: changes could not be applied", name)
            await asyncio.sleep(WRONG_S)


async def keep_embedding(communities: Communities, store: Store, embedded: asyncio.Event) -> None:
    """Embed new texts, if no other worker does, for as long as the worker runs.

    Args:
        communities: Whose texts.
        store: Where they are, and where their vectors go.
        embedded: Set whenever there are new ones.
    """
    embedder = _Embedder(communities, store, f"{os.getpid()}-{uuid.uuid4().hex[:8]}")
    # Always the same thread: each that has ever encoded keeps the memory it took.
    thread = ThreadPoolExecutor(1, thread_name_prefix="belong-embed")
    try:
        while True:
            await asyncio.sleep(await _embed_new(embedder, thread, embedded))
    finally:
        thread.shutdown(wait=False, cancel_futures=True)
        embedder.give_back()


async def _embed_new(
    embedder: _Embedder, thread: ThreadPoolExecutor, embedded: asyncio.Event
) -> float:
    """Embed what is new, and return the seconds until the next look."""
    try:
        due = await asyncio.to_thread(embedder.due) if embedder.waits else embedder.due()
        if embedder.looks_away():
            due += await asyncio.to_thread(embedder.due_away)
        if due:
            loop = asyncio.get_running_loop()
            pause = await loop.run_in_executor(thread, embedder.embed_some, due)
            embedded.set()
            return pause
    except BelongError as error:
        log.error("texts cannot be embedded: %s", error)
        return WRONG_S
    except Exception:
        log.exception("texts could not be embedded")
        return WRONG_S
    return PACE_S


@dataclass(frozen=True, slots=True)
class _Due:
    """A community with texts that are new, and whence its encoder comes.

    Attributes:
        name: Its name.
        version: Its bundle.
        after: Nothing up to this entry of the log is wanted.
        source: What is in memory of it, or what is known of its bundle.
    """

    name: str
    version: str
    after: int
    source: Live | Outline


class _Embedder:
    """Embeds texts while it holds the lease."""

    def __init__(self, communities: Communities, store: Store, holder: str) -> None:
        self._communities = communities
        self._store = store
        self._holder = holder
        self._mine_until = 0.0
        self._reached: dict[str, tuple[str, int]] = {}  # by community: its bundle, how far
        self._looked_away = 0.0
        self._lent = ExitStack()  # an encoder that no community in memory may have
        self._lent_encoder: Encoder | None = None
        self._lent_key, self._lent_at = "", 0.0

    @property
    def waits(self) -> bool:
        """Return whether looking at logs waits for another machine."""
        return self._store.kind != SQLITE

    def due(self) -> list[_Due]:
        """Return the communities in memory whose logs go on beyond what has been looked at."""
        found = []
        for name, live in self._communities.loaded():
            if live.store is not None:
                version = live.bundle.manifest.version
                after = self._after(name, version, live.made_at)
                if live.head().last > after:
                    found.append(_Due(name, version, after, live))
        return found

    def looks_away(self) -> bool:
        """Return whether it is time to look at the logs of communities that are not in memory."""
        now = time.monotonic()
        if self._lent_key and now - self._lent_at > KEPT_S:
            self._let_go()
        if now - self._looked_away < AWAY_S:
            return False
        self._looked_away = now
        return self._communities.come_and_go

    def due_away(self) -> list[_Due]:
        """Return the same of those that are not in memory, by encoder."""
        here = set(self._communities.residents.names())
        away = [outline for outline in self._communities.known() if outline.name not in here]
        with self._store.reading() as connection:
            last = heads(connection)
        found = []
        for outline in sorted(away, key=lambda one: one.encoder):
            after = self._after(outline.name, outline.version, outline.watermark)
            if last.get(outline.name, 0) > after:
                found.append(_Due(outline.name, outline.version, after, outline))
        return found

    def embed_some(self, due: Sequence[_Due]) -> float:
        """Embed a batch of new texts of each; return the seconds until the next look."""
        now = time.time()
        # More is left than there ever was if the clock was set back.
        if not LEASE_S / 2 <= self._mine_until - now <= LEASE_S:
            if not hold_lease(self._store, LEASE, self._holder, now, LEASE_S):
                self._mine_until = 0.0
                self._let_go()
                return NOT_MINE_S
            self._mine_until = now + LEASE_S
        pause = 0.0
        for one in due:
            try:
                self._embed(one, self._encoder_of(one.source))
            except NotLoadedError:
                pause = WRONG_S  # no room for its encoder: others come first
            except BundleError as error:
                log.error("%s: texts cannot be embedded: %s", one.name, error)
        return pause

    def give_back(self) -> None:
        """Let another worker embed at once, rather than when the lease has run out."""
        self._let_go()
        if self._mine_until:
            with suppress(BelongError):
                hold_lease(self._store, LEASE, self._holder, time.time(), 0.0)

    def _after(self, name: str, version: str, made_at: int) -> int:
        reached = self._reached.get(name)
        return reached[1] if reached and reached[0] == version else made_at

    def _encoder_of(self, source: Live | Outline) -> Encoder:
        if isinstance(source, Live):
            return source.bundle.encoder
        if self._lent_encoder is None or self._lent_key != source.encoder:
            self._let_go()
            self._lent_encoder = self._lent.enter_context(self._communities.encoder_of(source))
            self._lent_key = source.encoder
        self._lent_at = time.monotonic()
        return self._lent_encoder

    def _let_go(self) -> None:
        self._lent_encoder, self._lent_key = None, ""
        self._lent.close()

    def _embed(self, due: _Due, encoder: Encoder) -> None:
        texts, reached = texts_to_embed(
            self._store, due.name, due.after, BATCH, encoder.fingerprint
        )
        if texts:
            vectors = encoder.encode([text.text for text in texts])
            rows = [
                NewVectors(text.kind, text.id, text.digest, vectors[place : place + 1], (1.0,))
                for place, text in enumerate(texts)
            ]
            write_vectors(self._store, due.name, encoder.fingerprint, rows, reached, time.time())
        self._reached[due.name] = due.version, reached
