"""From scores to probabilities: those that are known come back, however idle members are drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.calibration import Calibration
from engine.pool import Pool
from engine.query import NOBODY_ASKS
from engine.types import Vector
from training.calibrate import DEEP, ENOUGH, calibrate
from training.examples import Examples

CANDIDATES = 20
MEMBER = replace(NOBODY_ASKS, member=0, groups=np.array([0]))
NAMES = ("viewer_activity", "unread")


def drawn(viewers: int, seed: int = 0) -> tuple[Examples, Vector, NDArray[np.float64]]:
    """Return examples, their scores, and how likely each join truly was."""
    chance = np.random.default_rng(seed)
    size = viewers * CANDIDATES
    keen = np.repeat(chance.normal(size=viewers), CANDIDATES)
    scores = chance.normal(size=size).astype(np.float32)
    likely = 1 / (1 + np.exp(4.0 - 1.2 * scores - 0.8 * keen))
    joined = chance.random(size) < likely
    examples = Examples(
        names=NAMES,
        values=np.stack([keen, chance.normal(size=size)], axis=1).astype(np.float32),
        starts=np.arange(viewers + 1) * CANDIDATES,
        rows=np.tile(np.arange(CANDIDATES), viewers),
        joined=joined,
        lasting=joined & (chance.random(size) < 0.5),
        ideal=joined.reshape(viewers, CANDIDATES).sum(axis=1),
        weights=np.ones(viewers, np.float32),
        members=np.arange(viewers),
        counts=np.ones(size, np.float32),
        seen=np.ones(size, np.float32),
    )
    return examples, scores, likely


def told(calibration: Calibration, examples: Examples, scores: Vector) -> NDArray[np.float64]:
    """Return the probability of every candidate, one pool after the other."""
    parts = []
    for start in range(0, len(scores), CANDIDATES):
        here = slice(start, start + CANDIDATES)
        columns = {name: examples.values[here, place] for place, name in enumerate(examples.names)}
        pool = Pool(examples.rows[here], columns=columns)
        likely = calibration.probability(MEMBER, pool, scores[here])
        assert likely is not None
        assert likely.dtype == np.float32
        parts.append(likely)
    return np.concatenate(parts).astype(np.float64)


def joins_only(examples: Examples) -> Examples:
    return replace(examples, lasting=np.zeros_like(examples.lasting))


def test_known_probabilities_are_recovered() -> None:
    examples, scores, _ = drawn(4_000)
    calibration = calibrate(joins_only(examples), scores, 182.0)
    assert calibration is not None
    assert (calibration.event, calibration.horizon_days) == ("join", 182.0)
    assert calibration.columns == ("viewer_activity",)
    # 1.2 of the score, nothing of its place, 0.8 of how keen the viewer is.
    assert calibration.weights == pytest.approx([1.2, 0, 0.8], abs=0.1)
    fresh, new_scores, likely = drawn(1_000, seed=1)
    found = told(calibration, fresh, new_scores)
    assert np.abs(found - likely).mean() < 0.005
    assert found.sum() / fresh.joined.sum() == pytest.approx(1, abs=0.08)


def test_a_join_that_lasts_is_the_event_where_there_are_enough_of_them() -> None:
    examples, scores, likely = drawn(4_000)
    calibration = calibrate(examples, scores, 182.0)
    assert calibration is not None
    assert calibration.event == "lasting_join"
    assert told(calibration, examples, scores).mean() == pytest.approx(likely.mean() / 2, rel=0.06)


def test_of_those_who_joined_nothing_a_sample_that_stands_for_all_tells_the_same() -> None:
    examples, scores, likely = drawn(6_000)
    idle = np.flatnonzero(examples.ideal == 0)
    chosen = np.random.default_rng(2).choice(idle, len(idle) // 5, replace=False)
    keep = examples.ideal > 0
    keep[chosen] = True
    weights = np.where(examples.ideal > 0, 1.0, len(idle) / len(chosen)).astype(np.float32)
    fewer = replace(joins_only(examples), weights=weights).of(keep)
    fewer_scores = scores[np.repeat(keep, CANDIDATES)]
    sampled, whole = (
        calibrate(part, values, 182.0)
        for part, values in ((fewer, fewer_scores), (joins_only(examples), scores))
    )
    assert sampled is not None
    assert whole is not None
    one, other = (told(found, examples, scores) for found in (sampled, whole))
    assert np.abs(one - other).mean() < 0.003
    assert one.mean() == pytest.approx(likely.mean(), rel=0.05)
    # Without their weights, those who join would seem to be everybody.
    blind = calibrate(replace(fewer, weights=np.ones_like(fewer.weights)), fewer_scores, 182.0)
    assert blind is not None
    assert told(blind, examples, scores).mean() > 1.3 * likely.mean()


def test_no_probability_is_above_what_was_seen_or_breaks_on_wild_scores() -> None:
    examples, scores, _ = drawn(500)
    calibration = calibrate(examples, scores, 91.0)
    assert calibration is not None
    wild = np.array([1e6, 0, -1e6], np.float32)
    pool = Pool(np.arange(3), columns={"viewer_activity": np.zeros(3, np.float32)})
    likely = calibration.probability(MEMBER, pool, wild)
    assert likely is not None
    assert likely[0] == np.float32(calibration.highest) < 1
    assert 0 <= likely[2] < likely[1] < likely[0]
    nobody = Pool(np.zeros(0, np.int64), columns={"viewer_activity": np.zeros(0, np.float32)})
    empty = calibration.probability(MEMBER, nobody, np.zeros(0, np.float32))
    assert empty is not None
    assert empty.shape == (0,)


def test_nothing_is_claimed_of_newcomers() -> None:
    examples, scores, _ = drawn(500)
    calibration = calibrate(examples, scores, 91.0)
    assert calibration is not None
    pool = Pool(np.arange(2), columns={"viewer_activity": np.zeros(2, np.float32)})
    assert calibration.probability(NOBODY_ASKS, pool, np.zeros(2, np.float32)) is None


def test_with_too_few_cases_or_nothing_but_cases_there_is_no_probability() -> None:
    examples, scores, _ = drawn(200)
    cases = np.flatnonzero(examples.joined)
    few = np.zeros_like(examples.joined)
    few[cases[: ENOUGH - 1]] = True
    assert calibrate(replace(joins_only(examples), joined=few), scores, 91.0) is None
    few[cases[ENOUGH - 1]] = True
    assert calibrate(replace(joins_only(examples), joined=few), scores, 91.0) is not None
    everything = np.ones_like(examples.joined)
    assert calibrate(replace(joins_only(examples), joined=everything), scores, 91.0) is None


def test_what_lies_too_deep_to_be_shown_is_not_looked_at() -> None:
    size = 2 * DEEP
    chance = np.random.default_rng(0)
    viewers = 300
    scores = np.tile(np.linspace(1, 0, size), viewers).astype(np.float32)
    joined = chance.random(len(scores)) < 0.1
    examples = Examples(
        names=(),
        values=np.zeros((len(scores), 0), np.float32),
        starts=np.arange(viewers + 1) * size,
        rows=np.tile(np.arange(size), viewers),
        joined=joined,
        lasting=np.zeros_like(joined),
        ideal=np.ones(viewers, np.int64),
        weights=np.ones(viewers, np.float32),
        members=np.arange(viewers),
        counts=np.ones(len(scores), np.float32),
        seen=np.ones(len(scores), np.float32),
    )
    deep = np.tile(np.arange(size) >= DEEP, viewers)
    calibration = calibrate(examples, scores, 91.0)
    otherwise = calibrate(replace(examples, joined=joined | deep), scores, 91.0)
    assert calibration is not None
    assert otherwise is not None
    assert otherwise.weights.tolist() == calibration.weights.tolist()
    assert otherwise.intercept == calibration.intercept
