"""Work in a process of its own ends with it, fails where it is awaited, and is never lost."""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from threading import Timer

import psutil
import pytest

from training.beside import beside
from training.cores import cores_here

pytestmark = pytest.mark.timeout(60)

MUCH = 50_000_000
"""Bytes, far more than a pipe holds."""


def added(one: int, other: Callable[[], int]) -> tuple[int, int]:
    return one + other() + other(), os.getpid()


def refused(given: Callable[[], str]) -> None:
    raise ValueError(f"no {given()}")


def without_memory(here: int, given: Callable[[], str]) -> str:
    if os.getpid() != here:
        raise MemoryError
    return given()


def killed_elsewhere(here: int, given: Callable[[], str]) -> str:
    if os.getpid() != here:
        os.kill(os.getpid(), signal.SIGKILL)
    return given()


def killed_while_answering(here: int, given: Callable[[], str]) -> bytes:
    if os.getpid() != here:
        Timer(0.3, os.kill, (os.getpid(), signal.SIGKILL)).start()
        return bytes(MUCH)
    return b"here"


def endless(given: Callable[[], None]) -> None:
    time.sleep(3_600)


def threads_elsewhere(given: Callable[[], None]) -> list[int]:
    import sklearn.ensemble  # noqa: F401 - it loads libraries with threads of their own
    from threadpoolctl import threadpool_info

    return [library["num_threads"] for library in threadpool_info()]


def process_beside() -> int:
    (child,) = multiprocessing.active_children()
    assert child.pid is not None
    return child.pid


def test_work_is_given_what_it_waits_for_and_done_elsewhere() -> None:
    with beside(added, 1) as other:
        other.give(20)
        found, process = other.result()
    assert found == 41
    assert process != os.getpid()


def test_it_never_hears_ctrl_c() -> None:
    with beside(added, 1) as other:
        os.kill(process_beside(), signal.SIGINT)
        other.give(20)
        assert other.result()[1] != os.getpid()


def test_libraries_there_share_the_cores() -> None:
    with beside(threads_elsewhere) as other:
        found = other.result()
    assert found
    assert max(found) <= max(cores_here() // 2, 1)


def test_what_goes_wrong_is_raised_where_it_is_awaited_and_says_where_it_was() -> None:
    with beside(refused) as other:
        other.give("bread")
        with pytest.raises(ValueError, match="no bread") as error:
            other.result()
    assert "in refused" in "".join(traceback.format_exception(error.value))


@pytest.mark.parametrize("work", [killed_elsewhere, without_memory])
def test_work_that_was_killed_or_had_no_memory_is_done_here_and_said(
    work: Callable[[int, Callable[[], str]], str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), beside(work, os.getpid()) as other:
        other.give("bread" * MUCH)
        assert other.result() == "bread" * MUCH
    assert f"{work.__name__} " in caplog.text
    assert "done again in this one" in caplog.text


def test_half_an_answer_is_none(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), beside(killed_while_answering, os.getpid()) as other:
        other.give("")
        while multiprocessing.active_children():
            time.sleep(0.05)
        assert other.result() == b"here"
    assert "exit code -9" in caplog.text


def test_what_cannot_be_sent_is_said_and_nobody_waits_for_ever() -> None:
    with beside(added, lambda: 1) as other:
        other.give(20)
        with pytest.raises((AttributeError, pickle.PicklingError)):
            other.result()


def test_giving_does_not_wait_until_it_is_read() -> None:
    with beside(endless) as other:
        os.kill(process_beside(), signal.SIGSTOP)
        other.give(bytes(MUCH))


def test_work_that_nobody_awaits_is_ended() -> None:
    with pytest.raises(ZeroDivisionError), beside(endless):
        raise ZeroDivisionError
    assert not multiprocessing.active_children()


def test_it_ends_with_the_process_that_began_it() -> None:
    code = (
        "import multiprocessing, time\n"
        "from tests.training.test_beside import endless\n"
        "from training.beside import beside\n"
        "if __name__ == '__main__':\n"
        "    with beside(endless):\n"
        "        time.sleep(2)\n"  # until it is at work
        "        print(multiprocessing.active_children()[0].pid, flush=True)\n"
        "        time.sleep(3_600)\n"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE) as one:
        assert one.stdout is not None
        other = psutil.Process(int(one.stdout.readline()))
        one.kill()
    gone, left = psutil.wait_procs([other], timeout=20)
    assert gone
    assert not left
