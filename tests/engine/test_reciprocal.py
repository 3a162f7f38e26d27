"""One score for two people: one-sided interest loses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.errors import StageError
from engine.pool import Pool
from engine.query import NOBODY_ASKS
from engine.ranker import WeightedSum
from engine.reciprocal import ByTies, Reciprocal

SEEKS = Reciprocal(WeightedSum({"seek_offer": 4.0}))
ROWS = np.arange(3)


def pool(ahead: list[float], back: list[float]) -> Pool:
    columns = {"seek_offer": ahead, "seek_offer_back": back}
    return Pool(ROWS, columns={name: np.array(part, np.float32) for name, part in columns.items()})


def test_whom_both_want_a_little_comes_before_whom_one_side_wants_alone() -> None:
    # The first is all the viewer wants and wants nothing of them; the second is a fair match.
    scores = SEEKS.score(NOBODY_ASKS, pool([1.0, 0.6, 0.0], [0.0, 0.6, 1.0]))
    assert scores[1] > scores[0]
    assert scores.tolist() == pytest.approx([2.0, 2.4, 2.0])
    assert scores[0] == scores[2], "it does not matter which of the two is the keen one"


def test_a_symmetric_column_is_read_once_and_counts_from_either_side() -> None:
    alike = Reciprocal(WeightedSum({"adamic_adar": 1.0}))
    assert alike.columns == ("adamic_adar",)
    assert SEEKS.columns == ("seek_offer", "seek_offer_back")
    known = Pool(ROWS, columns={"adamic_adar": np.array([0, 1, 2], np.float32)})
    assert alike.score(NOBODY_ASKS, known).tolist() == [0.0, 0.5, 1.0]


def test_a_column_measured_from_one_side_only_is_refused_by_name() -> None:
    half = Pool(ROWS, columns={"seek_offer": np.zeros(3, np.float32)})
    with pytest.raises(StageError, match="seek_offer"):
        SEEKS.score(NOBODY_ASKS, half)


def test_strangers_and_newcomers_are_scored_by_their_own() -> None:
    names = ("known", "stranger", "newcomer")
    by_ties = ByTies(*(Reciprocal(WeightedSum({name: 1.0})) for name in names))
    one = np.array([1])
    strangers = replace(NOBODY_ASKS, groups=one)
    asked = (replace(strangers, companions=one), strangers, NOBODY_ASKS)
    assert [by_ties.scorer_for(query).columns[0] for query in asked] == list(names)
