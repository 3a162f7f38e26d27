"""Columns -> scores -> the slate's places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import StageError
from engine.pool import Pool
from engine.query import Query, query_of_text
from engine.ranker import ByAcquaintance, WeightedSum
from engine.selection import TopK

NEWCOMER = query_of_text(
    np.zeros((0, 2), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64)
)


def known() -> Query:
    one, weight = np.array([0], np.int64), np.ones(1, np.float32)
    return replace(NEWCOMER, member=0, groups=one, group_weights=weight, joined_weights=weight)


def pool(**columns: list[float]) -> Pool:
    size = len(next(iter(columns.values())))
    measured = {name: np.array(column, np.float32) for name, column in columns.items()}
    return Pool(np.arange(size), {}, measured)


def test_columns_are_stretched_over_the_pool_before_they_are_weighed() -> None:
    # near: (4 - 2) / (6 - 2) = 0.5; lively: (7 - 1) / (7 - 1) = 1. So 2 x 0.5 + 0.5 x 1.
    scores = WeightedSum({"near": 2.0, "lively": 0.5}).score(
        NEWCOMER, pool(near=[2, 4, 6], lively=[1, 7, 1])
    )
    assert scores.tolist() == [0.0, 1.5, 2.0]
    assert scores.dtype == np.float32


def test_a_column_that_is_equal_for_all_decides_nothing() -> None:
    assert WeightedSum({"near": 1.0}).score(NEWCOMER, pool(near=[3, 3])).tolist() == [0, 0]


def test_an_empty_pool_has_no_scores() -> None:
    assert WeightedSum({"near": 1.0}).score(NEWCOMER, pool(near=[])).shape == (0,)


def test_a_weight_without_its_column_is_refused() -> None:
    with pytest.raises(StageError, match="'nearness', which no feature measures"):
        WeightedSum({"nearness": 1.0}).score(NEWCOMER, pool(near=[1]))


def test_a_column_without_a_weight_does_not_count() -> None:
    scores = WeightedSum({"near": 1.0}).score(NEWCOMER, pool(near=[0, 1], likes=[9, 0]))
    assert scores.tolist() == [0, 1]


def test_who_is_in_no_group_is_ranked_by_the_newcomers_weights() -> None:
    scorer = ByAcquaintance(WeightedSum({"near": 1.0}), WeightedSum({"shared": 1.0}))
    columns = pool(near=[0, 1], shared=[1, 0])
    assert scorer.score(NEWCOMER, columns).tolist() == [0, 1]
    assert scorer.score(known(), columns).tolist() == [1, 0]


@given(st.lists(st.sampled_from([-1.0, 0.0, 0.25, 3.0]), max_size=12), st.integers(0, 14))
def test_the_k_highest_scores_are_chosen_and_equals_stand_by_row(
    scores: list[float], k: int
) -> None:
    rows = np.arange(len(scores)) * 3
    chosen = TopK().select(NEWCOMER, Pool(rows), np.array(scores, np.float32), k)
    expected = sorted(range(len(scores)), key=lambda place: (-scores[place], place))[:k]
    assert chosen.tolist() == expected
    assert chosen.dtype == np.int64
