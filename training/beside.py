"""One long step in a process of its own, while this one goes on with others."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar, cast

from threadpoolctl import threadpool_limits

log = logging.getLogger(__name__)

Given = TypeVar("Given")
Result = TypeVar("Result")


class Beside(Generic[Given, Result]):
    """Work under way in another process: what it waits for is given, then its result awaited."""

    def __init__(
        self,
        work: Callable[..., Result],
        known: tuple[Any, ...],
        process: BaseProcess,
        line: Connection,
    ) -> None:
        self._work, self._known, self._process, self._line = work, known, process, line
        self._given: Given | None = None

    def give(self, given: Given) -> None:
        """Give the work what it asks for by its last argument."""
        self._given = given
        with suppress(BrokenPipeError):  # it has ended: that is told by `result`
            self._line.send(given)

    def result(self) -> Result:
        """Wait for the result.

        If the process was killed, which is what happens where memory is short, the work is done
        again in this one.

        Raises:
            Exception: Whatever the work has raised.
        """
        try:
            failure, found = cast("tuple[Exception | None, Result]", self._line.recv())
        except (EOFError, ConnectionError):
            self._process.join()
            log.warning(
                "%s was ended in a process of its own (exit code %s): it is done again in this one",
                self._work.__name__,
                self._process.exitcode,
            )
            return self._work(*self._known, lambda: self._given)
        if failure is not None:
            raise failure
        return found


@contextmanager
def beside(work: Callable[..., Result], *known: Any) -> Iterator[Beside[Any, Result]]:  # noqa: ANN401
    """Begin work in another process; it is ended there if nobody waits for it to the end.

    Numerical libraries share the cores meanwhile, instead of each taking all of them.

    Args:
        work: A function of a module. Its last argument is asked, without any, for what is not known
            yet. All that it is given and returns can be pickled.
        known: Its other arguments.
    """
    cores = max((os.cpu_count() or 1) // 2, 1)
    context = multiprocessing.get_context("spawn")  # a fork would copy the locks of threads
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, cores, work, known), daemon=True)
    process.start()
    theirs.close()
    try:
        with threadpool_limits(cores):
            yield Beside(work, known, process, ours)
    finally:
        process.kill()
        process.join()
        ours.close()


def _work(line: Connection, cores: int, work: Callable[..., Any], known: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who waits
    with threadpool_limits(cores), ThreadPoolExecutor(1) as waiting:
        given = waiting.submit(line.recv)  # at once: who gives it must not wait until it is asked
        try:
            found = work(*known, given.result)
        except Exception as error:  # it is raised where it is waited for
            line.send((error, None))
        else:
            line.send((None, found))
