"""One score for two people: one-sided interest loses, and nobody is shown to everybody."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.errors import StageError
from engine.pool import Pool
from engine.query import NOBODY_ASKS
from engine.ranker import WeightedSum
from engine.reciprocal import AMONG, ByTies, Priced, Reciprocal, chances, priced

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


def test_a_price_moves_whom_many_fit_alike_and_not_whom_one_fits_best() -> None:
    fits = ByTies(SEEKS, SEEKS, SEEKS)
    dear = np.array([0.2, 0.0, 0.0], np.float32)
    close = pool([1.0, 0.95, 0.0], [1.0, 0.95, 0.0])
    assert SEEKS.score(NOBODY_ASKS, close).argmax() == 0
    assert Priced(fits, dear).score(NOBODY_ASKS, close).argmax() == 1
    apart = pool([1.0, 0.5, 0.0], [1.0, 0.5, 0.0])
    assert Priced(fits, dear).score(NOBODY_ASKS, apart).argmax() == 0


def test_without_prices_scores_stay_as_they_are() -> None:
    fits, found = ByTies(SEEKS, SEEKS, SEEKS), pool([1.0, 0.5, 0.0], [1.0, 0.5, 0.0])
    none = Priced(fits, np.zeros(0, np.float32))
    assert none.score(NOBODY_ASKS, found).tolist() == SEEKS.score(NOBODY_ASKS, found).tolist()


def test_who_came_after_the_training_has_no_price() -> None:
    fits, found = ByTies(SEEKS, SEEKS, SEEKS), pool([1.0, 1.0, 1.0], [1.0, 1.0, 1.0])
    scores = Priced(fits, np.array([0.1], np.float32)).score(NOBODY_ASKS, found)
    assert scores.tolist() == pytest.approx([1 / 3 - 0.1, 1 / 3, 1 / 3])


def test_a_bonus_lifts_nobody_from_outside_the_best() -> None:
    scores = (np.arange(AMONG + 1)[::-1] / 100).astype(np.float32)
    bonus = np.full(AMONG + 1, -0.5, np.float32)
    paid = priced(scores, bonus)
    assert paid.argmin() == AMONG
    assert paid[AMONG] == pytest.approx(chances(scores)[AMONG])
    assert paid[AMONG - 1] == pytest.approx(chances(scores)[AMONG - 1] + 0.5)
