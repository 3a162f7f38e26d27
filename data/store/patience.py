"""How long PostgreSQL is waited for, whatever becomes of it and of the network between.

`statement_timeout` is kept by the server: it says nothing once the server, or what lies between,
has stopped answering. Then a driver waits for ever, and with it a thread for every request.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg
from psycopg import OperationalError

LOOK_S = 0.1
"""Seconds between two looks at the time, while nothing comes."""

T = TypeVar("T")


class PatientConnection(psycopg.Connection[Any]):
    """A connection that is closed once the server has not answered for a time.

    Attributes:
        patience_s: Seconds one answer may take; None for as long as it needs.
    """

    patience_s: float | None = None

    def wait(self, gen: Generator[Any, Any, T], *args: Any, **kwargs: Any) -> T:  # noqa: ANN401
        """Do what a generator of the driver asks for, unless the server leaves it too long."""
        if self.patience_s is None:
            return super().wait(gen, *args, **kwargs)
        try:
            return super().wait(_in_time(gen, self.patience_s), LOOK_S)
        except _NoAnswerError:
            self.close()  # it is in the midst of a statement: nobody can go on with it
            raise


class _NoAnswerError(OperationalError):
    pass


def _in_time(gen: Generator[Any, Any, T], within_s: float) -> Generator[Any, Any, T]:
    """Do as a generator does, until nothing has come for too long."""
    deadline = time.monotonic() + within_s
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if not ready and time.monotonic() > deadline:
                raise _NoAnswerError(f"no answer within {within_s:g} s")
            wanted = gen.send(ready)
    except StopIteration as end:
        found: T = end.value
        return found
