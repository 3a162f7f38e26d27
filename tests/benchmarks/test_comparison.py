"""A comparison is fair: all are measured alike, and nobody sees what came later."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from benchmarks.comparison import CompareSettings, compare
from benchmarks.peers import Peer
from benchmarks.quality_report import render
from benchmarks.slices import MAIN, OURS, SLICES
from benchmarks.trials import Cuts
from data.community import Community
from tests.benchmarks.fake_peers import Counted, Speechless
from tests.benchmarks.small_town import day
from training.figures_file import without_nan
from training.train import Workshop


def test_every_system_is_measured_on_the_same_members_with_intervals_and_paired_ratios(
    compared: tuple[dict[str, Any], Counted],
) -> None:
    result, _ = compared

    assert set(result["systems"]) == {OURS, "counted", "speechless"}
    for figures in result["systems"].values():
        assert set(figures) == {"ndcg_at_10", "belonging_ndcg_at_10", "recall_at_10",
                                "coverage", "gini", "median_size"}  # fmt: skip
        found = figures["ndcg_at_10"]
        assert found["low"] <= found["value"] <= found["high"]
        assert found["n"] == result["members"] > 0
    ours, theirs = (result["systems"][one]["ndcg_at_10"]["value"] for one in (OURS, "counted"))
    assert result["ratios"]["counted"]["ndcg_at_10"]["value"] == pytest.approx(ours / theirs)
    assert len(result["until"]) == 2


def test_a_peer_that_cannot_answer_a_text_is_no_part_of_cold_members(
    compared: tuple[dict[str, Any], Counted],
) -> None:
    result, _ = compared

    assert set(result["slices"]["cold_members"]["systems"]) == {OURS, "counted"}
    assert {kind.name for kind in SLICES} == {
        *result["slices"], *(set(result["not_measured"]) - {"big"})
    }  # fmt: skip
    assert MAIN.name not in result["slices"]


def test_a_peer_is_tuned_on_earlier_cuts_and_no_history_holds_what_came_later(
    compared: tuple[dict[str, Any], Counted],
) -> None:
    result, counted = compared

    assert result["peers"]["counted"]["settings"] == {"sign": 1}
    assert result["peers"]["counted"]["tried"] == 2
    assert result["peers"]["counted"]["package"].startswith("numpy 2")
    # Two settings on one earlier window, then one fit at each cut.
    times = [history.asof for history in counted.histories]
    assert len(times) == 4
    assert times[0] == times[1] < times[2] < times[3]
    for history in counted.histories:
        assert np.nanmax(history.ts) < history.asof


def test_a_peer_that_cannot_be_fitted_here_is_left_out_with_its_reason(
    compared: tuple[dict[str, Any], Counted],
) -> None:
    result, _ = compared

    assert "three groups at most" in result["not_measured"]["big"]
    assert "big" not in result["peers"]


def test_settings_are_measured_beside_the_default(
    compared: tuple[dict[str, Any], Counted],
) -> None:
    result, _ = compared

    none, default, much = result["intimacy"]
    assert (none["intimacy"], much["intimacy"]) == (0.0, 1.0)
    assert [one["default"] for one in result["intimacy"]] == [False, True, False]
    assert default["ndcg_at_10"] == result["systems"][OURS]["ndcg_at_10"]
    # Each value reaches the slates, and small groups are favoured by it or nothing is.
    assert len({one["ndcg_at_10"]["value"] for one in result["intimacy"]}) == 3
    assert much["median_size"]["value"] <= none["median_size"]["value"]
    assert "exploration" not in result


def test_a_comparison_is_json_and_a_page(compared: tuple[dict[str, Any], Counted]) -> None:
    result = without_nan(compared[0])

    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert "counted" in render(result)


def test_the_same_seed_gives_the_same_comparison(town: Community, workshop: Workshop) -> None:
    settings = CompareSettings(Cuts((day(town, 0.8),), window_days=60))
    peers: dict[str, Peer] = {"speechless": Speechless()}

    one, other = (without_nan(compare(town, settings, workshop, peers)) for _ in range(2))

    for result in (one, other):
        del result["peers"]["speechless"]["seconds"]
    assert one == other
