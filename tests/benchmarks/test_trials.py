"""Where the past is cut, and that no window reaches into another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.trials import Cuts, shuffled, trials_of
from data.community import Community
from engine.domain import DAY_S
from engine.errors import SettingError
from tests.benchmarks.small_town import day


def test_the_order_of_groups_is_random_and_nothing_else_changes(town: Community) -> None:
    mixed = shuffled(town, seed=1)

    def pairs(community: Community, table: str, other: str) -> list[tuple[Any, ...]]:
        frame = getattr(community, table)
        return sorted(zip(community.groups["id"].gather(frame["group"]), frame[other], strict=True))

    assert mixed.groups["id"].to_list() != town.groups["id"].to_list()
    assert pairs(mixed, "memberships", "member") == pairs(town, "memberships", "member")
    assert pairs(mixed, "post_groups", "post") == pairs(town, "post_groups", "post")
    assert mixed.groups.sort("id").equals(town.groups.sort("id"))


def test_no_window_reaches_into_the_next_one(town: Community) -> None:
    days = [day(town, share) for share in (0.4, 0.5, 0.7, 0.8)]
    cuts = Cuts((days[2], days[3]), (days[0], days[1]), window_days=10_000)

    trials = trials_of(town, cuts)

    assert [trial.name for trial in trials.test] == days[2:]
    assert trials.validation[0].end == trials.validation[1].cut
    assert trials.validation[1].end == trials.test[0].cut
    assert trials.test[0].end == trials.test[1].cut


def test_without_a_date_peers_are_tuned_on_one_window_before_the_first_cut(
    town: Community,
) -> None:
    trials = trials_of(town, Cuts((day(town, 0.8),), window_days=30))

    assert [trial.cut for trial in trials.validation] == [trials.test[0].cut - 30 * DAY_S]
    assert trials.validation[0].end == trials.test[0].cut


def test_without_a_window_peers_are_tuned_on_the_last_fifth_of_the_past(town: Community) -> None:
    trials = trials_of(town, Cuts(("80%",)))

    joins = np.sort(town.memberships["first_ts"].drop_nulls().to_numpy())
    share = np.mean(joins < trials.validation[0].cut)
    assert share == pytest.approx(0.64, abs=0.01)
    assert trials.validation[0].end == trials.test[0].cut


def test_a_cut_to_tune_on_after_the_first_test_is_refused(town: Community) -> None:
    with pytest.raises(SettingError, match="before the first --until"):
        trials_of(town, Cuts((day(town, 0.5),), (day(town, 0.6),)))
