"""The town's right answers, worked by hand on three members and four groups."""

from __future__ import annotations

import numpy as np
import pytest

from data.town.interests import Vocabulary, read_interests
from data.town.people import NOBODY, People
from data.town.truth import About, Groups, Truth

SOUGH, CHEESE, BEES = (read_interests()[row] for row in (0, 1, 11))


def little_truth() -> Truth:
    """Two areas; interests 0 and 1 in the first, 2 in the second; three members, four groups."""
    vocabulary = Vocabulary((SOUGH, CHEESE, BEES))
    people = People(
        interests=np.array([[0, 2], [0, NOBODY], [1, NOBODY]]),
        weights=np.array([[0.8, 0.2], [1.0, 0.0], [1.0, 0.0]]),
        areas=np.array([[0, 1], [0, NOBODY], [0, NOBODY]]),
        preferred_size=np.array([20.0, 20.0, 20.0]),
        talkativeness=np.ones(3),
        openness=np.array([1.0, 1.0, 0.0]),
        created_ts=np.zeros(3, dtype=np.int64),
    )
    groups = Groups(
        about=np.array([About.INTEREST, About.INTEREST, About.AREA, About.GENERAL]),
        interest=np.array([0, 2, NOBODY, NOBODY]),
        area=np.array([0, 1, 0, NOBODY]),
        size=np.full(4, 20.0),
        warmth=np.array([1.0, 1.0, 1.0, 0.0]),
        created_ts=np.zeros(4, dtype=np.int64),
        host=np.zeros(4, dtype=np.int64),
        new=np.zeros(4, dtype=np.bool_),
    )
    return Truth(vocabulary, people, groups, np.zeros(0, np.int64), np.zeros(0, np.bool_))


def test_group_fit_is_what_one_works_out_by_hand() -> None:
    fit = little_truth().group_fit(np.arange(3)[:, None], np.arange(4)[None, :])
    # Sizes are as preferred (factor 1). Member 0 holds 2 at a quarter of the dearest: root 0.5.
    # Member 2 only shares the area: 0.2. An area counts 0.6, general chat 0.2 halved by no warmth.
    expected = [[1.0, 0.5, 0.6, 0.1], [1.0, 0.0, 0.6, 0.1], [0.2, 0.0, 0.6, 0.1]]
    assert fit == pytest.approx(np.array(expected))


def test_pair_fit_is_what_one_works_out_by_hand_and_symmetric() -> None:
    fit = little_truth().pair_fit(np.arange(3)[:, None], np.arange(3)[None, :])
    assert fit == pytest.approx(fit.T)
    # 0 and 1 share 0.8 of interest 0 and of its area; 1 and 2 an area only (0.2), half open: 0.7.
    assert fit[0, 1] == pytest.approx(0.8)
    assert fit[1, 2] == pytest.approx(0.2 * 0.7)
    assert fit[1, 1] == pytest.approx(1.0)
