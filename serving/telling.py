"""Changes on their way into the store: those that wait at the same moment are written together.

A transaction costs a wait for the disk and a dozen statements, whether it holds one change or a
hundred. So while one is being written, what comes waits, and goes into the next all together. Each
request's changes are still made all or none, and acknowledged only after they are durable.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import ParamSpec, TypeVar

from data.store.changes import Change, apply_changes
from data.store.connect import Store
from engine.errors import BelongError, StoreUnavailableError, UnknownError

WRITERS = 4
"""Threads that write. They are nobody else's: what restricts is never read behind them."""

TOGETHER = 64
"""Requests whose changes are written in one transaction, at most."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Waiting:
    changes: Sequence[Change]
    done: asyncio.Future[int]


class Teller:
    """Writes changes to the store, off the event loop.

    Args:
        store: Where to; None refuses everything.
        clock: Unix seconds.
    """

    def __init__(self, store: Store | None, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self.clock = clock
        self._writers = ThreadPoolExecutor(WRITERS, "changes")
        self._waiting: defaultdict[str, list[_Waiting]] = defaultdict(list)
        self._at_work: dict[str, asyncio.Task[None]] = {}

    @property
    def store(self) -> Store:
        """The store.

        Raises:
            UnknownError: There is none.
        """
        if self._store is None:
            raise UnknownError("this server keeps no changes: start it with --store")
        return self._store

    async def tell(self, community: str, changes: Sequence[Change]) -> int:
        """Make changes so, all or none, and return a sequence number that has them.

        Raises:
            UnknownError: There is no such community, or no store.
            UnknownReferenceError: A change names what is not there.
            DataError: A value is out of its limits.
            StoreUnavailableError: The database cannot be used.
        """
        assert self.store
        mine = _Waiting(changes, asyncio.get_running_loop().create_future())
        self._waiting[community].append(mine)
        if community not in self._at_work:
            self._at_work[community] = asyncio.create_task(self._write(community))
        return await mine.done

    async def writing(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what the work returns that writes to the store by itself."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writers, partial(work, *args, **kwargs))

    async def _write(self, community: str) -> None:
        """Write whatever waits, until nothing does."""
        while waiting := self._waiting.pop(community, []):
            together, later = waiting[:TOGETHER], waiting[TOGETHER:]
            if later:
                self._waiting[community] = later
            try:
                ends = await self.writing(self._together, community, together)
            except Exception as error:  # a fault of ours: nobody waits for ever
                ends = [error] * len(together)
            for one, end in zip(together, ends, strict=True):
                if one.done.done():  # the caller has gone
                    continue
                if isinstance(end, Exception):
                    one.done.set_exception(end)
                else:
                    one.done.set_result(end)
        del self._at_work[community]

    def _together(self, community: str, together: list[_Waiting]) -> list[int | Exception]:
        """Write several requests' changes in one transaction; one by one if that cannot be."""
        changes = [change for one in together for change in one.changes]
        end = self._end_of(community, changes)
        if len(together) == 1 or isinstance(end, int | StoreUnavailableError):
            return [end] * len(together)
        return [self._end_of(community, one.changes) for one in together]

    def _end_of(self, community: str, changes: Sequence[Change]) -> int | Exception:
        try:
            return apply_changes(self.store, community, changes, self.clock())
        except BelongError as error:
            return error
