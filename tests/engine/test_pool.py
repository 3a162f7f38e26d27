"""The one order of pools, and its beginning."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.pool import best_few, best_first, pool_of


@given(st.lists(st.integers(-3, 3), max_size=40), st.integers(0, 50))
def test_the_first_of_many_are_those_of_the_whole_order(values: list[int], k: int) -> None:
    scores = np.array(values, np.float32)  # few values: most tie with others
    rows = np.random.default_rng(0).permutation(len(scores))
    assert best_few(rows, scores, k).tolist() == best_first(rows, scores)[:k].tolist()


@given(st.lists(st.lists(st.integers(0, 30), max_size=10), max_size=4))
def test_a_pool_has_every_proposed_row_once_and_knows_who_proposed_it(
    proposed: list[list[int]],
) -> None:
    found = {str(place): np.array(rows, np.int64) for place, rows in enumerate(proposed)}
    pool = pool_of(found)
    assert pool.rows.tolist() == sorted({row for rows in proposed for row in rows})
    assert pool.rows.dtype == np.int64
    for name, rows in found.items():
        assert pool.rows[pool.found_by[name]].tolist() == sorted(set(rows.tolist()))
