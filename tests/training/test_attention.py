"""The chance to be looked at comes back from simulated slates, whatever ordered them."""

from __future__ import annotations

import numpy as np
import pytest

from engine.types import BoolVector, Matrix, Rows
from training.attention import EXPECTED, Attention, fit_attention, taking


def served(fading: float, slates: int, seed: int = 0) -> tuple[Matrix, Rows, BoolVector]:
    """Return slates of ten out of thirty, ordered by what also makes a group fit."""
    chance = np.random.default_rng(seed)
    values = chance.normal(size=(slates, 30, 6))
    order = np.argsort(-values[:, :, 0] - 0.5 * values[:, :, 2], axis=1)[:, :10]
    shown = np.take_along_axis(values, order[:, :, None], axis=1).reshape(-1, 6)
    ranks = np.tile(np.arange(1, 11), slates)
    fits = 1 / (1 + np.exp(1 - 2 * shown[:, 0] + 1.5 * shown[:, 1]))
    reacted = (chance.random(len(ranks)) < fits) & (chance.random(len(ranks)) < ranks**-fading)
    return shown.astype(np.float32), ranks, reacted


@pytest.mark.parametrize("fading", [0.0, 0.5, 1.0, 2.0])
def test_how_fast_attention_fades_comes_back_though_what_fits_stands_high(fading: float) -> None:
    assert fit_attention(*served(fading, 1000)).fading == pytest.approx(fading, abs=0.1)


def test_a_few_slates_are_enough_for_a_rough_guess() -> None:
    assert fit_attention(*served(1.0, 40)).fading == pytest.approx(1.0, abs=0.4)


def test_where_nothing_can_be_told_attention_fades_as_expected() -> None:
    values, ranks, reacted = served(2.0, 300)
    first = ranks == 1
    alone = fit_attention(values[first], ranks[first], reacted[first])
    assert alone.fading == pytest.approx(EXPECTED, abs=1e-3)


def test_the_chance_to_take_is_told_beside_the_chance_to_look() -> None:
    values, ranks, taken = served(1.0, 2000)
    chances = taking(values, Attention(1.0).at(ranks), taken)
    true = 1 / (1 + np.exp(1 - 2 * values[:, 0] + 1.5 * values[:, 1]))
    assert chances.mean() == pytest.approx(true.mean(), abs=0.02)
    assert np.abs(chances - true).mean() < 0.04
    # Who believes that everything was looked at finds the lower ones wanting.
    blind = taking(values, np.ones(len(ranks)), taken)
    assert blind[ranks == 10].mean() < 0.3 * true[ranks == 10].mean()
