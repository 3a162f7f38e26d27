"""A real `belong serve` on a free loopback port, its memory and its time; always stopped again."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from benchmarks.load import HOST
from engine.errors import SettingError

READY_WITHIN_S = 60.0
"""How long a server may take before it can answer."""

STOP_WITHIN_S = 10.0
"""How long a server may take to stop before it is killed."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server.

    Attributes:
        port: Where it listens on this machine.
        process: The process that was started; workers are its children.
        ready_s: Seconds from its start until it could answer for every community.
    """

    port: int
    process: subprocess.Popen[bytes]
    ready_s: float

    def memory_mb(self) -> dict[str, float]:
        """Return the memory of all its processes in megabytes (of 10^6 bytes).

        `rss` counts what is shared once a process, `pss` once altogether, `uss` not at all.
        """
        total = {"rss": 0.0, "uss": 0.0, "pss": 0.0}
        found = _family(self.process.pid)
        for process in found:
            with suppress(psutil.NoSuchProcess):
                memory = process.memory_full_info()
                for name in total:
                    total[name] += getattr(memory, name, 0) / 1e6
        return {**{name: round(size, 1) for name, size in total.items()}, "processes": len(found)}

    def kill(self) -> None:
        """End all its processes at once, as a crash would: nothing is said, nothing is saved."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def cpu_s(self) -> float:
        """Return the processor time all its processes have used."""
        seconds = 0.0
        for process in _family(self.process.pid):
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                seconds += times.user + times.system
        return seconds


@contextmanager
def running_server(bundles: Path, workers: int = 1, store: str | None = None) -> Iterator[Server]:
    """Start a server over a folder of bundles, wait until it can answer, stop it at the end.

    Args:
        bundles: The folder of all bundles.
        workers: Processes that answer.
        store: The address of its store; the one beside the bundles if None.

    Raises:
        SettingError: It did not come up; the message has its last words.
    """
    port = _free_port()
    command = [sys.executable, "-m", "belong", "serve", "--bundles", str(bundles)]
    command += ["--host", HOST, "--port", str(port), "--workers", str(workers)]
    command += ["--store", store] if store is not None else []
    with tempfile.TemporaryFile() as words:
        start = time.perf_counter()
        # A session of its own, so that nothing but the server and its workers is ever stopped.
        process = subprocess.Popen(
            command, stdout=words, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            with _stop_on_terminate():
                ready_s = _wait_until_ready(process, port, workers, start, words)
                yield Server(port, process, ready_s)
        finally:
            _stop(process)


def _wait_until_ready(
    process: subprocess.Popen[bytes], port: int, workers: int, start: float, words: IO[bytes]
) -> float:
    # Nobody knows which worker answers: several are ready after an unbroken streak of answers.
    needed = 1 if workers == 1 else 20 * workers
    streak, since = 0, start
    while time.perf_counter() - start < READY_WITHIN_S:
        if process.poll() is not None:
            raise SettingError(f"belong serve has ended with {process.returncode}: {_last(words)}")
        if _answers(port):
            streak, since = streak + 1, since if streak else time.perf_counter()
            if streak == needed:
                return since - start
        else:
            streak = 0
            time.sleep(0.01)
    raise SettingError(
        f"belong serve was not ready after {READY_WITHIN_S:.0f} s: look at its bundles with "
        f"belong bundles list ({_last(words)})"
    )


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        response.read()
        return response.status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _last(words: IO[bytes]) -> str:
    words.seek(0)
    lines = words.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def _family(pid: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    return []


def _stop(process: subprocess.Popen[bytes]) -> None:
    family = _family(process.pid)
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_WITHIN_S)
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for worker in psutil.wait_procs(family[1:], timeout=3)[1]:
        with suppress(psutil.NoSuchProcess):
            worker.kill()


@contextmanager
def _stop_on_terminate() -> Iterator[None]:
    """Let SIGTERM end the benchmark through its finally blocks, so that no server is left."""

    def leave(number: int, frame: object) -> None:
        sys.exit(128 + number)

    try:
        before = signal.signal(signal.SIGTERM, leave)
    except ValueError:  # not the main thread: somebody else decides about signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        port: int = found.getsockname()[1]
        return port
