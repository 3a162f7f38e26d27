"""An interval is of people drawn whole, and of systems drawn together."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.resampling import Draws, figure, means, ratio


def test_a_system_over_itself_is_one_in_every_resample() -> None:
    values = np.random.default_rng(3).random((80, 1))
    whole, samples = means(values, Draws(np.arange(80)))

    found = ratio((whole[0], samples[:, 0]), (whole[0], samples[:, 0]), 80)

    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_a_member_is_drawn_with_all_their_answers() -> None:
    owners = np.array([0, 1, 0, 2])

    blocks = np.concatenate(list(Draws(owners).blocks(100)))

    assert (blocks[:, 0] == blocks[:, 2]).all()
    assert (blocks[:, 0] + blocks[:, 1] + blocks[:, 3] == 3).all()  # three people each time
    assert len(np.unique(blocks[:, 0])) > 1


def test_the_same_members_at_more_cuts_make_no_interval_narrower() -> None:
    values = np.random.default_rng(4).random(60)
    once, samples = means(values[:, None], Draws(np.arange(60)))
    again, twice = means(np.tile(values, 2)[:, None], Draws(np.tile(np.arange(60), 2)))

    one, other = figure(once[0], samples[:, 0], 60), figure(again[0], twice[:, 0], 120)

    assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=1e-6)


def test_an_interval_that_repeats_would_shift_lies_around_its_ratio() -> None:
    # A resample always shows fewer groups: 0.4 and 0.8 instead of 0.5 and 0.9.
    ours, theirs = (0.5, np.full(9, 0.4)), (0.9, np.full(9, 0.8))

    found = ratio(ours, theirs, 9, centred=True)

    assert (found.low, found.high) == pytest.approx((found.value, found.value))


def test_a_ratio_over_nothing_is_not_known() -> None:
    nothing, something = (0.0, np.zeros(9)), (0.3, np.full(9, 0.3))

    assert np.isnan(ratio(something, nothing, 9).value)
