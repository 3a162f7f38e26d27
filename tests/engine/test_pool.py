"""The one order of pools, and its beginning."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.pool import best_few, best_first


@given(st.lists(st.integers(-3, 3), max_size=40), st.integers(0, 50))
def test_the_first_of_many_are_those_of_the_whole_order(values: list[int], k: int) -> None:
    scores = np.array(values, np.float32)  # few values: most tie with others
    rows = np.random.default_rng(0).permutation(len(scores))
    assert best_few(rows, scores, k).tolist() == best_first(rows, scores)[:k].tolist()
