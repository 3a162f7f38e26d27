"""The benchmark's own rules agree with what the world was made for, and count what breaks them."""

from __future__ import annotations

import numpy as np

from benchmarks.introduction_rules import rules_of
from data.community import Community
from tests.world import MEMBERS, community


def rows_of(found: Community, *names: str) -> list[int]:
    ids = found.members["id"].to_list()
    return [ids.index(name) for name in names]


def test_whoever_is_invisible_closed_blocked_tied_or_of_another_audience_is_masked() -> None:
    world = community()
    ana = np.array(rows_of(world, "ana"))

    scores = rules_of(world).masked(np.ones((1, len(MEMBERS)), np.float32), ana)

    allowed = [world.members["id"][int(row)] for row in np.flatnonzero(scores[0] > 0)]
    never = {"ana", "di", "ed", "fay", "gus", "hal", "ivy", "lu", "mo"}
    assert sorted(allowed) == sorted(set(MEMBERS) - never)


def test_somebody_closed_is_shown_nobody() -> None:
    world = community()
    closed = np.array(rows_of(world, "ed", "lu"))

    scores = rules_of(world).masked(np.ones((2, len(MEMBERS)), np.float32), closed)

    assert np.isinf(scores).all()


def test_every_place_that_breaks_a_rule_is_counted_under_its_name() -> None:
    world = community()
    ana, bo, fay, hal, mo, di = rows_of(world, "ana", "bo", "fay", "hal", "mo", "di")
    slates = np.array([[bo, fay, hal, mo, ana, di, -1]])

    broken = rules_of(world).broken(slates, np.array([ana]))

    assert broken == {
        "themselves": 1, "already_tied": 1, "blocked": 1,
        "not_both_willing": 0, "not_discoverable": 1, "another_audience": 1,
    }  # fmt: skip
