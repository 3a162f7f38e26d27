"""Work in a process of its own ends with it, fails where it is awaited, and is never lost."""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import signal
import time
from collections.abc import Callable

import pytest

from training.beside import beside


def added(one: int, other: Callable[[], int]) -> tuple[int, int]:
    return one + other() + other(), os.getpid()


def refused(given: Callable[[], str]) -> None:
    raise ValueError(f"no {given()}")


def killed_elsewhere(here: int, given: Callable[[], str]) -> str:
    if os.getpid() != here:
        os.kill(os.getpid(), signal.SIGKILL)
    return given()


def endless(given: Callable[[], None]) -> None:
    time.sleep(3_600)


def test_work_is_given_what_it_waits_for_and_done_elsewhere() -> None:
    with beside(added, 1) as other:
        other.give(20)
        found, process = other.result()
    assert found == 41
    assert process != os.getpid()


def test_what_goes_wrong_is_raised_where_it_is_awaited() -> None:
    with beside(refused) as other:
        other.give("bread")
        with pytest.raises(ValueError, match="no bread"):
            other.result()


def test_work_whose_process_was_killed_is_done_here_and_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING), beside(killed_elsewhere, os.getpid()) as other:
        other.give("bread" * 100_000)  # more than a pipe holds
        assert other.result() == "bread" * 100_000
    assert "killed_elsewhere was ended" in caplog.text
    assert "-9" in caplog.text


def test_what_cannot_be_sent_is_said_and_nobody_waits_for_ever() -> None:
    with beside(added, lambda: 1) as other:
        other.give(20)
        with pytest.raises((AttributeError, pickle.PicklingError)):
            other.result()


def test_giving_does_not_wait_until_it_is_asked_for() -> None:
    with beside(endless) as other:
        start = time.monotonic()
        other.give("bread" * 10_000_000)
        assert time.monotonic() - start < 60


def test_work_that_nobody_awaits_is_ended() -> None:
    with pytest.raises(ZeroDivisionError), beside(endless):
        raise ZeroDivisionError
    assert not multiprocessing.active_children()
