"""No slate of people breaks a policy, in random worlds; and one that would is found out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.policies import live_through_all, main
from benchmarks.policy_worlds import Count, Plan, World, base_bundle
from engine.bundle import Bundle
from engine.facts import Facts

WILLING = ((0, 0, True, True),) * 9


@pytest.fixture(scope="module")
def base() -> Bundle:
    """What every world begins with."""
    return base_bundle()


def test_no_slate_breaks_a_policy_whatever_happens_and_none_of_them_stands_idle() -> None:
    found = live_through_all(40)
    assert found.breaks == []
    assert found.people > 2 * found.worlds
    assert [name for name, removed in found.removed.items() if not removed] == []
    assert set(found.short) == {"closed", "weekly_introductions", "nobody_left"}


def test_a_recommender_that_is_not_told_is_found_out(base: Bundle) -> None:
    """Each of these would be heeded if the recommender knew of it."""
    happens: dict[str, Callable[[World], Facts]] = {
        "blocked": lambda world: world.truth.blocks_or_not("m0", "m1"),
        "set aside": lambda world: world.truth.answered(
            "m1", "m0", both_ways=True, until=world.truth.now + 60
        ),
        "reported": lambda world: world.truth.reported("m1", hidden=True),
        "gone": lambda world: world.truth.forgets("m1"),
        "no room": lambda world: _fill(world, "m1"),
        "invisible": lambda world: world.truth.wishes(
            "m1", replace(world.truth.members["m1"], discoverable=False), ""
        ),
        "closed": lambda world: world.truth.wishes(
            "m1", replace(world.truth.members["m1"], open=False), ""
        ),
        "band": lambda world: world.truth.wishes(
            "m1", replace(world.truth.members["m1"], band="minor"), ""
        ),
    }
    broken = Counter[str]()
    for rule, happen in happens.items():
        world = World(base, Plan(WILLING, (), (), ()), Count())
        world.ask("m0", 10)
        assert world.count.breaks == []
        happen(world)
        world.ask("m0", 10)
        broken[rule] += any(
            one.endswith(f"m1 is shown to m0: {rule}") for one in world.count.breaks
        )
    assert set(broken.values()) == {1}, broken


def _fill(world: World, who: str) -> Facts:
    return world.truth.shown(who, ["m2", "m3", "m4", "m5", "m6"])


def test_the_command_writes_what_it_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(worlds=3, drawn_from=1, json=tmp_path / "out.json")
    written = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert (written["worlds"], written["breaks"], written["broken"]) == (3, 0, [])
    assert written["requests"] > 30
    assert "0 breaks" in capsys.readouterr().out
