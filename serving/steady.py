"""A clock for what must not come true again: it tells unix seconds and never goes back."""

from __future__ import annotations

import time
from collections.abc import Callable


class SteadyClock:
    """Tells the time of day; where that was set back, what it told before and the time since.

    A key whose grace has ended stays ended, however the machine's clock is set meanwhile. It knows
    nothing of what was told before the process started. For one event loop.

    Args:
        wall: Unix seconds, which may be set at any time.
        going: Seconds since some moment, which only ever rise.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        going: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._going = going
        self._last, self._at = wall(), going()

    def __call__(self) -> float:
        """Return unix seconds, no fewer than ever before."""
        at = self._going()
        self._last = max(self._wall(), self._last + at - self._at)
        self._at = at
        return self._last
