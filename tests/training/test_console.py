"""Bars for people at a terminal."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from training.console import TerminalProgress


def test_a_step_within_a_step_has_a_bar_of_its_own_that_goes_with_it() -> None:
    shown = StringIO()
    progress = TerminalProgress(Console(file=shown, width=100))
    with progress.task("windows", 2) as outer:
        with progress.task("embed", 5) as inner:
            inner(5)
        outer(2)
    with progress.task("learn", 1) as next_one:
        next_one(1)
    left = shown.getvalue()
    assert "looking back" in left
    assert "learning to rank" in left
    assert "embedding texts" not in left
