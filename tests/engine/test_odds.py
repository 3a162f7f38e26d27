"""With what probability each item of a slate was served."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from engine.pool import Pool
from engine.preferences import Preferences
from engine.query import NOBODY_ASKS
from tests.engine.test_selection import CURIOUS, PLAIN, apart, balanced

SCORES = np.linspace(1, 0, 8, dtype=np.float32)
POOL = Pool(np.arange(8))


@pytest.mark.parametrize(
    ("preferences", "seldom"),
    [
        (CURIOUS, (5, 6, 7)),
        (CURIOUS, (6,)),
        (replace(CURIOUS, new_groups=3), (5, 6)),
        (replace(CURIOUS, variety=0.2, intimacy=0.5), (5, 6, 7)),
    ],
)
def test_an_explored_place_has_the_share_of_draws_that_give_it_and_others_are_certain(
    preferences: Preferences, seldom: tuple[int, ...]
) -> None:
    selector = balanced(preferences, apart(8), seldom=seldom, fresh=(7,))
    served: Counter[int] = Counter()
    told: dict[int, float] = {}
    draws = 3_000
    for draw in range(draws):
        query = replace(NOBODY_ASKS, draw=draw / draws)
        chosen = selector.select(query, POOL, SCORES, 4)
        odds = selector.odds(query, POOL, SCORES, chosen)
        assert odds.shape == chosen.shape
        served.update(chosen.tolist())
        for row, likely in zip(chosen.tolist(), odds.tolist(), strict=True):
            if likely < 1:
                told[row] = likely
    assert told
    for row, likely in told.items():
        assert served[row] / draws == pytest.approx(likely, abs=2 / draws)
    usual = selector.select(replace(NOBODY_ASKS, draw=0.999), POOL, SCORES, 4).tolist()
    assert set(served) == {*usual, *told}


@pytest.mark.parametrize("draw", [0.0, 0.1, 0.5])
def test_where_nothing_is_or_can_be_explored_all_is_certain(draw: float) -> None:
    query = replace(NOBODY_ASKS, draw=draw)
    for selector in (balanced(PLAIN, apart(8), seldom=(7,)), balanced(CURIOUS, apart(8))):
        for pool, scores in ((POOL, SCORES), (Pool(np.arange(0)), SCORES[:0])):
            chosen = selector.select(query, pool, scores, 4)
            assert selector.odds(query, pool, scores, chosen).tolist() == [1.0] * len(chosen)
