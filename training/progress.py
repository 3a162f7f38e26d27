"""How a long job says how far it is, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Progress(Protocol):
    """Someone who is told of steps; a terminal, a log, nobody."""

    def task(self, name: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        """Begin a step of `total` units; the callable yielded takes the units done since."""


class Silent:
    """Listens to nothing."""

    @contextmanager
    def task(self, name: str, total: int) -> Iterator[Callable[[int], None]]:
        """Take the units done and forget them."""
        yield lambda done: None


SILENT = Silent()
