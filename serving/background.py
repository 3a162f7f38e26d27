"""What a worker does beside answering: it follows the log, and one of all workers embeds texts."""

from __future__ import annotations

import asyncio
import logging
import os
import time
import uuid
from contextlib import suppress

from data.store.connect import Store
from data.store.leases import hold_lease
from data.store.vectors import NewVectors, texts_to_embed, write_vectors
from engine.errors import BelongError
from serving.communities import Communities
from serving.live import Live

log = logging.getLogger(__name__)

PACE_S = 0.01
"""Seconds between looks at the log."""

SHARE = 3.0
"""After a catch-up that took t seconds, this many times t are left to answering."""

LEASE = "embedder"
LEASE_S = 5.0
"""Seconds for which one worker is the one that embeds; it says so again well before they end."""

BATCH = 32
"""Entries of the log looked at at a time: texts of one batch are seen together."""

NOT_MINE_S = 0.5
"""Seconds before asking again for the work that another worker has."""

WRONG_S = 1.0
"""Seconds before trying again what went wrong."""


async def follow(communities: Communities) -> None:
    """Apply what the logs hold soon after it is written, for as long as the worker runs."""
    while True:
        started = time.monotonic()
        for name, live in communities.loaded():
            try:
                if live.head().last > live.applied:
                    await asyncio.to_thread(live.catch_up)
            except BelongError as error:
                log.error("%s: changes cannot be read: %s", name, error)
                await asyncio.sleep(WRONG_S)
            except Exception:
                log.exception("%s: changes could not be applied", name)
                await asyncio.sleep(WRONG_S)
        await asyncio.sleep(max(PACE_S, min(SHARE * (time.monotonic() - started), 0.05)))


async def keep_embedding(communities: Communities, store: Store) -> None:
    """Embed new texts, if no other worker does, for as long as the worker runs."""
    embedder = _Embedder(store, f"{os.getpid()}-{uuid.uuid4().hex[:8]}")
    try:
        while True:
            await asyncio.sleep(await _embed_new(communities, embedder))
    finally:
        embedder.give_back()


async def _embed_new(communities: Communities, embedder: _Embedder) -> float:
    """Embed what is new, and return the seconds until the next look."""
    try:
        loaded = [live for _, live in communities.loaded() if live.store is not None]
        if any(live.head().last > live.embedded for live in loaded):
            done = await asyncio.to_thread(embedder.embed_some, loaded)
            return 0.0 if done else NOT_MINE_S
    except BelongError as error:
        log.error("texts cannot be embedded: %s", error)
        return WRONG_S
    except Exception:
        log.exception("texts could not be embedded")
        return WRONG_S
    return PACE_S


class _Embedder:
    """Embeds texts while it holds the lease."""

    def __init__(self, store: Store, holder: str) -> None:
        self._store = store
        self._holder = holder
        self._mine_until = 0.0

    def embed_some(self, loaded: list[Live]) -> bool:
        """Embed a batch of each community's new texts; False if that is another worker's work."""
        now = time.time()
        if self._mine_until - now < LEASE_S / 2:
            if not hold_lease(self._store, LEASE, self._holder, now, LEASE_S):
                self._mine_until = 0.0
                return False
            self._mine_until = now + LEASE_S
        for live in loaded:
            self._embed(live)
        return True

    def give_back(self) -> None:
        """Let another worker embed at once, rather than when the lease has run out."""
        if self._mine_until:
            with suppress(BelongError):
                hold_lease(self._store, LEASE, self._holder, time.time(), 0.0)

    def _embed(self, live: Live) -> None:
        encoder = live.bundle.encoder
        texts, reached = texts_to_embed(
            self._store, live.name, live.embedded, BATCH, encoder.fingerprint
        )
        written = [text for text in texts if text.text.strip()]
        if written:
            vectors = encoder.encode([text.text for text in written])
            rows = [
                NewVectors(text.kind, text.id, text.digest, vectors[place : place + 1], (1.0,))
                for place, text in enumerate(written)
            ]
            write_vectors(self._store, live.name, encoder.fingerprint, rows, reached, time.time())
        live.embedded = reached
