"""Which communities are in memory, and which leave when there is no room for another.

The least recently asked leave first, never one that is being asked. What leaves is only let go of:
an answer under way keeps what it needs until it is given.
"""

from __future__ import annotations

import ctypes
import logging
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from engine.errors import NotLoadedError
from serving.live import Live
from serving.metrics import Metrics
from serving.outline import A_CHANGE, Outline

log = logging.getLogger(__name__)


LOADING = "the community is being loaded: try again in a moment"
"""What is said of one that is on its way or waits for room: of others it tells nothing."""


class Residents:
    """The communities in memory. Safe to use from several threads; no look waits for a load."""

    def __init__(self, limit: int | None, metrics: Metrics) -> None:
        self._limit = limit
        self._metrics = metrics
        # Least recently asked first, with the bundle each answers from.
        self._here: OrderedDict[str, tuple[Outline, Live]] = OrderedDict()
        self._coming: list[Outline] = []
        self._asking: Counter[str] = Counter()
        self._turn = threading.Condition()
        self._left = False  # since memory was last given back

    @contextmanager
    def asking(self, name: str) -> Iterator[Live | None]:
        """Give what answers for a community, None if it is not here; it stays until the end."""
        with self._turn:
            self._asking[name] += 1
        try:
            yield self.find(name)
        finally:
            with self._turn:
                self._asking[name] -= 1
                if not self._asking[name]:
                    del self._asking[name]
                    self._turn.notify_all()

    def find(self, name: str) -> Live | None:
        """Return what answers for a community that was just asked, None if it is not here."""
        with self._turn:
            if name not in self._here:
                return None
            self._here.move_to_end(name)
            return self._here[name][1]

    def outline(self, name: str) -> Outline | None:
        """Return the bundle a community answers from, None if it is not here."""
        with self._turn:
            return self._here[name][0] if name in self._here else None

    def all(self) -> list[tuple[str, Live]]:
        """Return the communities that are here, by name."""
        with self._turn:
            return sorted((name, live) for name, (_, live) in self._here.items())

    def names(self) -> list[str]:
        """Return the communities that are here, least recently asked first."""
        with self._turn:
            return list(self._here)

    def size(self) -> int:
        """Return the bytes that all that is here, and on its way, is counted as."""
        with self._turn:
            return self._size()

    @contextmanager
    def room(self, outline: Outline, wait_s: float, beyond: bool = False) -> Iterator[None]:
        """Keep room for what is about to be loaded, letting others go.

        Args:
            outline: What it is.
            wait_s: Seconds to wait for those that are being asked.
            beyond: Whether to go on without room: for a new bundle of one that is here.

        Raises:
            NotLoadedError: There is none.
        """
        with self._turn:
            found = self._turn.wait_for(lambda: self._fits(outline), wait_s)
            if not (found or beyond):
                raise NotLoadedError(LOADING)
            self._coming.append(outline)
        try:
            yield
        finally:
            with self._turn:
                self._forget_coming(outline)

    def put(self, outline: Outline, live: Live) -> None:
        """Let a community answer; it has been asked just now, unless it was here already."""
        with self._turn:
            self._forget_coming(outline)
            self._here[outline.name] = outline, live
            self._count()

    def drop(self, name: str) -> None:
        """Let go of a community that is no more."""
        with self._turn:
            if self._here.pop(name, None) is not None:
                self._left = True
            self._count()

    def keep_within(self) -> None:
        """Let go of what has become too much, and give back to the system what is free."""
        with self._turn:
            self._fits(None)
            self._count()
            left, self._left = self._left, False
        if left:
            give_back()

    def _fits(self, more: Outline | None) -> bool:
        """Return whether there is room for this too, letting go of what is not asked."""
        if self._limit is None:
            return True
        while self._size(more) > self._limit:
            # One that has grown beyond the limit by itself stays: it would only come back.
            spare = more.name if more else next(reversed(self._here), "")
            idle = (name for name in self._here if name not in self._asking and name != spare)
            name = next(idle, None)
            if name is None:
                return False
            del self._here[name]
            self._left = True
            self._metrics.evictions.inc()
            log.info("%s: left to make room", name)
        return True

    def _size(self, more: Outline | None = None) -> int:
        outlines = [outline for outline, _ in self._here.values()] + self._coming
        outlines += [more] if more else []
        # Who has the same encoder shares it.
        encoders = {outline.encoder: outline.encoder_size for outline in outlines}
        changes = sum(live.overlay_size for _, live in self._here.values())
        columns = sum(outline.size for outline in outlines)
        return columns + sum(encoders.values()) + A_CHANGE * changes

    def _forget_coming(self, outline: Outline) -> None:
        with suppress(ValueError):
            self._coming.remove(outline)

    def _count(self) -> None:
        self._metrics.loaded.set(len(self._here))
        self._metrics.counted_bytes.set(self._size())


def give_back() -> None:
    """Give memory that is free to the system, where the C library would rather keep it."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
