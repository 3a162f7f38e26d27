"""What is told is seen in every worker, what is forbidden in none, and both are measured."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from benchmarks.freshness import is_sound, measure, said
from benchmarks.live_guests import RESTRICTIONS, WATCHED, restrictions, watched
from benchmarks.live_lines import lines_to_workers
from benchmarks.live_load import FreshnessSettings
from benchmarks.server import running_server
from engine.errors import SettingError

pytestmark = pytest.mark.alone


def test_a_small_run_sees_every_kind_of_text_and_no_restricted_one(world_bundles: Path) -> None:
    # Ten texts a second, three of them looked for: in two seconds each kind once, two twice.
    settings = FreshnessSettings(rate=10, seconds=2, beyond=30, beyond_s=1)

    result = measure(settings, [1], bundles=world_bundles)

    run = result["runs"][0]
    texts, held, beyond = run["texts"], run["restrictions"], run["beyond"]
    assert texts["acknowledged"] + texts["refused"] == 20
    assert texts["never_seen"] == 0
    assert set(texts["seen_ms_by_kind"]) <= set(WATCHED)
    assert texts["seen_ms"]["n"] >= 4
    assert held["first_answers"] == sum(held["made"].values()) == 4
    assert held["still_shown"] == 0
    assert beyond["acknowledged"] > 0
    assert beyond["restrictions"]["still_shown"] == 0
    assert is_sound(result)
    assert "1 workers" in said(run)


def test_a_run_in_which_something_forbidden_was_shown_is_not_sound() -> None:
    def result(shown: int, never: int, beyond: int) -> dict[str, list[dict[str, object]]]:
        run = {"texts": {"never_seen": never}, "restrictions": {"still_shown": shown}}
        return {"runs": [{**run, "beyond": {"restrictions": {"still_shown": beyond}}}]}

    assert is_sound(result(0, 0, 0))
    assert not is_sound(result(1, 0, 0))
    assert not is_sound(result(0, 1, 0))
    assert not is_sound(result(0, 0, 1))


def test_every_worker_has_lines_of_its_own_and_one_that_has_none_is_missed(
    world_bundles: Path, tmp_path: Path
) -> None:
    async def lines_of(workers: int) -> list[int]:
        async with lines_to_workers(server.port, server.process.pid, workers, each=2) as lines:
            return [len({line.own_port for line in one.all}) for one in lines]

    with running_server(world_bundles, 2, str(tmp_path / "belong.sqlite3")) as server:
        assert asyncio.run(lines_of(2)) == [2, 2]
        with pytest.raises(SettingError, match="of 3 workers only 2"):
            asyncio.run(lines_of(3))


def test_guests_are_told_apart_and_each_kind_comes_in_turn() -> None:
    texts, held = watched(8), restrictions(9, first=8)
    assert [one.kind for one in texts] == [*WATCHED, *WATCHED]
    assert [one.kind for one in held] == list(RESTRICTIONS)
    lines = [line for one in texts for line in one.before]
    lines += [line for one in held for line in one.before]
    names = {line.get("member") or line.get("group") for line in lines}
    assert len(names) == len(lines)
