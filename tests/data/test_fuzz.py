"""The short version of `python -m benchmarks.fuzz`, and whether it would notice anything."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from benchmarks.fuzz import Tally
from benchmarks.fuzz_mutations import damaged
from benchmarks.fuzz_target import Came, Tried, try_one
from benchmarks.fuzz_workers import Prepared, targets
from engine.errors import DataError

INPUTS = {
    **{"folder_bytes": 15, "folder_cells": 8, "json_values": 15},
    **dict.fromkeys(("bundle_on_a_faulty_disk", "bundle_of_a_faulty_writer"), 12),
    **{"registry_files": 20, "backups": 3},
    **dict.fromkeys(("change_lines", "cursors", "keys", "options"), 100),
}
"""Inputs of each target, as many as take about half a second."""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Every target, prepared once."""
    return Prepared(tmp_path_factory.mktemp("fuzz"), seed=0)


@pytest.mark.parametrize("name", list(targets()))
def test_damaged_input_is_read_rightly_or_refused_with_a_reason(
    prepared: Prepared, name: str
) -> None:
    tally = Tally()
    for number in range(INPUTS[name]):
        tally.add(number, prepared.try_input(name, number), 0.0)
    assert tally.failures == []
    assert tally.inputs == tally.read + tally.refused == INPUTS[name]


def outcome(raised: Exception, folder: Path) -> Tried:
    def attempt(random: Random, folder: Path) -> bool:
        raise raised

    return try_one(attempt, "0", folder / "input")


def test_whatever_is_no_clear_reason_is_a_failure(tmp_path: Path) -> None:
    assert outcome(DataError("the file is empty"), tmp_path).came is Came.REFUSED
    for odd in ("", " ", "x" * 5_000, "a bell \a", "\x1b[2J"):
        assert outcome(DataError(odd), tmp_path).came is Came.FAILED
    failed = outcome(KeyError("id"), tmp_path)
    assert (failed.came, "KeyError: 'id'" in failed.why) == (Came.FAILED, True)
    assert list(tmp_path.iterdir()) == []


def test_an_input_follows_from_its_seed_alone() -> None:
    content = b"id,name\nann,Ann\n"
    once = [damaged(Random(seed), content) for seed in range(50)]
    assert once == [damaged(Random(seed), content) for seed in range(50)]
    assert len(set(once)) > 40
