"""Stated chances are called honest or bold by how often they came true."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.calibration import calibration


def stated(boldness: float) -> dict[str, Any]:
    """Return the calibration of chances whose log-odds are too far from 0 by a factor."""
    rng = np.random.default_rng(5)
    odds = rng.normal(-2, 1, 6_000)
    happened = rng.random(6_000) < 1 / (1 + np.exp(-odds))
    return calibration(1 / (1 + np.exp(-odds * boldness)), happened, np.arange(6_000) // 10)


def test_honest_chances_have_a_slope_of_one_and_skill() -> None:
    found = stated(boldness=1)

    assert found["slope"]["low"] < 1 < found["slope"]["high"]
    assert found["intercept"]["low"] < 0 < found["intercept"]["high"]
    assert found["brier_skill"]["low"] > 0
    assert found["ece"] < 0.02
    assert len(found["bins"]) == 10
    assert sum(one["count"] for one in found["bins"]) == found["statements"] == 6_000
    assert all(one["low"] <= one["observed"] <= one["high"] for one in found["bins"])


def test_bold_chances_have_a_slope_below_one() -> None:
    assert stated(boldness=2)["slope"]["value"] == pytest.approx(0.5, abs=0.05)


def test_one_chance_for_all_has_no_slope_and_one_bin() -> None:
    found = calibration(np.full(4, 0.25), np.array([1, 0, 0, 0]), np.arange(4))

    assert np.isnan(found["slope"]["value"])
    assert found["brier_skill"]["value"] == pytest.approx(0)
    assert [one["predicted"] for one in found["bins"]] == [0.25]
