"""One community in this process: a bundle, what has changed since, and how far that is known.

Before each answer the worker compares what it has applied with the head of the community's log.
What restricts (a block, a preference, a leave, a deletion) is applied first, or the answer is 503;
what adds follows within a moment. Whoever has just made a change may ask to be answered with it:
`min_sequence`.
"""

from __future__ import annotations

import asyncio
import threading
import time

import numpy as np

from data.store.connect import SQLITE, Store
from data.store.erasure import secret_of
from data.store.head import Head
from data.store.holds import holds_now
from data.store.muted import muted_members
from data.store.reading import changes_since
from engine.bundle import Bundle
from engine.errors import BehindError, UnknownError
from engine.live import Overlay
from engine.recommender import Recommender

PATIENCE_S = 2.0
"""Seconds an answer waits for what it must know."""

ENTRIES = 5_000
"""Entries of the log that are applied at a time."""

LOOK_AGAIN_S = 0.005
"""Seconds between looks while an answer waits for a change that is not there yet."""


class Live:
    """What answers for one community. Reading never waits for writing, unless it must."""

    def __init__(self, name: str, bundle: Bundle, store: Store | None) -> None:
        self.name = name
        self.store: Store | None = None  # until it knows the community
        self.made_at = bundle.manifest.watermark  # the entry of the log its bundle knows last
        self.applied = self.made_at
        self._overlay = Overlay(bundle)
        self._known = store  # where it may become known
        self._turn = threading.Lock()
        self.follows()

    @property
    def recommender(self) -> Recommender:
        """What answers with what is applied so far."""
        return self._overlay.recommender

    @property
    def bundle(self) -> Bundle:
        """The bundle, with what is applied so far."""
        return self._overlay.recommender.bundle

    @property
    def members(self) -> int:
        """Members there are."""
        return len(self._overlay.recommender.members)

    @property
    def groups(self) -> int:
        """Groups there are."""
        return sum(map(bool, np.diff(self.bundle.snapshot.groups.ids.offsets)))

    @property
    def overlay_size(self) -> int:
        """How much is known beyond the bundle."""
        return len(self._overlay)

    def follows(self) -> bool:
        """Return whether there is a log to follow: a community may be imported after it is served.

        Raises:
            StoreUnavailableError: That cannot be told.
        """
        if self.store is not None or self._known is None or not _holds(self._known, self.name):
            return self.store is not None
        with self._turn, self._known.reading() as connection:
            if self.store is None:
                overlay = Overlay(self._overlay.bundle, secret_of(connection, self.name))
                overlay.take_in(muted_members(connection, self.name))
                overlay.take_in(holds_now(connection, self.name, time.time()))
                self._overlay, self.store = overlay, self._known
        return True

    @property
    def waits(self) -> bool:
        """Return whether `head` waits for another machine, so that an event loop must not ask."""
        return self._known is not None and (self._known.kind != SQLITE or self.store is None)

    def head(self) -> Head:
        """Return how far the community's log has come.

        Raises:
            StoreUnavailableError: That cannot be told.
        """
        if not self.follows() or self.store is None:
            return Head(self.applied, self.applied)
        return self.store.look(self.name)

    async def now(self, min_sequence: int = 0) -> Recommender:
        """Return what answers for now.

        Args:
            min_sequence: The change that must be known, 0 for none in particular.

        Raises:
            BehindError: It could not be brought up to date in `PATIENCE_S`.
            StoreUnavailableError: Nobody can tell what it should know.
        """
        if self._known is None:
            return self.recommender
        head = await asyncio.to_thread(self.head) if self.waits else self.head()
        needed = max(head.restricted, min_sequence)
        if self.applied < needed:
            await self._until(needed)
        return self.recommender

    async def _until(self, needed: int) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while self.applied < needed:
            try:
                async with asyncio.timeout_at(asyncio.get_running_loop().time() + PATIENCE_S):
                    await asyncio.to_thread(self.catch_up, needed)
            except TimeoutError:
                break
            if self.applied >= needed:
                return
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(LOOK_AGAIN_S)
        if self.applied < needed:
            raise BehindError(
                f"this worker knows changes up to {self.applied}, {needed} is needed: try again"
            )

    def catch_up(self, needed: int | None = None) -> int:
        """Apply everything the log holds by now, and return how many entries that was.

        Args:
            needed: It is enough to come so far.

        Raises:
            StoreUnavailableError: The log cannot be read; what was applied stays applied.
        """
        if not self.follows() or self.store is None:
            return 0
        with self._turn:
            before = self.applied
            # What comes meanwhile is left to the next time: somebody may be waiting for this turn,
            # and a log that is written to all the time has no end.
            goal = self.store.head_of(self.name) if needed is None else needed
            while self.applied < goal:
                with self.store.reading() as connection:
                    facts, reached = changes_since(connection, self.name, self.applied, ENTRIES)
                if reached == self.applied:
                    break
                self._overlay.take_in(facts, reached)
                self.applied = reached
            return self.applied - before


def _holds(store: Store, name: str) -> bool:
    try:
        store.head_of(name)
    except UnknownError:
        return False
    return True
