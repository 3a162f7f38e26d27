"""One long step in a process of its own, while this one goes on with others."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import Any, Generic, TypeVar, cast

from threadpoolctl import threadpool_limits

from training.cores import cores_here

log = logging.getLogger(__name__)

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""How numerical libraries are told how many threads to use, as they are loaded."""

Result = TypeVar("Result")


class Beside(Generic[Result]):
    """Work in another process: what it waits for is given to it once, then its result awaited."""

    def __init__(
        self,
        work: Callable[..., Result],
        known: tuple[Any, ...],
        process: BaseProcess,
        line: Connection,
        sender: ThreadPoolExecutor,
    ) -> None:
        self._work, self._known, self._process = work, known, process
        self._line, self._sender = line, sender
        self._given: Any = None
        self._sent: list[Future[None]] = []
        self._send((work, known))

    def give(self, given: Any) -> None:  # noqa: ANN401
        """Give the work what it asks for by its last argument."""
        self._given = given
        self._send(given)

    def result(self) -> Result:
        """Wait for the result, once; what the work asks for must have been given.

        If the process was killed or had no memory, the work is done again in this one.

        Raises:
            Exception: Whatever the work has raised.
        """
        try:
            for sent in self._sent:
                sent.result()
            failure, found = cast("tuple[Exception | None, Result]", self._line.recv())
        except (EOFError, OSError):  # of a message that was broken off, too
            self._process.join()
            return self._done_here(f"was ended (exit code {self._process.exitcode})")
        if isinstance(failure, MemoryError):
            return self._done_here("had no memory left")
        if failure is not None:
            raise failure
        return found

    def _done_here(self, why: str) -> Result:
        name = self._work.__name__
        log.warning("%s %s in a process of its own: it is done again in this one", name, why)
        return self._work(*self._known, lambda: self._given)

    def _send(self, thing: Any) -> None:  # noqa: ANN401
        # In a thread: this one must not wait until it is read.
        self._sent.append(self._sender.submit(self._line.send, thing))


@contextmanager
def beside(work: Callable[..., Result], *known: Any) -> Iterator[Beside[Result]]:  # noqa: ANN401
    """Begin work in another process; it is ended there if nobody waits for it to the end.

    Numerical libraries share the cores meanwhile, instead of each taking all of them.

    Args:
        work: A function of a module. Its last argument is asked, without any, for what is not known
            yet. All that it is given and returns can be pickled.
        known: Its other arguments.
    """
    cores = max(cores_here() // 2, 1)
    context = multiprocessing.get_context("spawn")  # a fork would copy the locks of threads
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, cores), daemon=True)
    with ThreadPoolExecutor(1) as sender, ours:
        try:
            with _deaf():
                process.start()  # it stays deaf: Ctrl-C is for the one who waits
            theirs.close()
            with threadpool_limits(cores):
                yield Beside(work, known, process, ours, sender)
        finally:
            if process.pid is not None:
                process.kill()
                process.join()


@contextmanager
def _deaf() -> Iterator[None]:
    """Keep Ctrl-C from this thread, and for good from a process that it starts meanwhile."""
    resource_tracker.ensure_running()  # to start it later would let Ctrl-C through again
    free = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, free)


def _work(line: Connection, cores: int) -> None:
    Thread(target=_end_with_parent, daemon=True).start()
    os.environ.update(dict.fromkeys(THREADS, str(cores)))  # read by what is imported from now on
    told: tuple[Exception | None, Any]
    # Whoever waited may be killed: then nobody is left to tell.
    with suppress(EOFError, BrokenPipeError):
        work, known = line.recv()
        with ThreadPoolExecutor(1) as waiting:
            # Asked for at once, so that the line is free.
            given = waiting.submit(line.recv)
            try:
                told = None, work(*known, given.result)
            except Exception as error:  # it is raised where it is waited for
                error.add_note(f"In a process of its own:\n{traceback.format_exc()}")
                told = error, None
            line.send(told)


def _end_with_parent() -> None:
    """End this process when the one that started it has ended, however that was."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
