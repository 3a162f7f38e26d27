"""When the other half of a pair counts as found, and when a model as better."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tests.training.fine_tune.two_tongues import pair
from training.fine_tune import Outcome, reciprocal_ranks
from training.pairs import Kind, Pair


def ranked(pairs: Sequence[Pair], scores: list[list[float]]) -> list[float]:
    """Return reciprocal ranks for scores of each anchor with the candidates c0, c1 and so on."""
    candidates = [f"c{place}" for place in range(len(scores[0]))]
    anchors = np.array(scores, dtype=np.float32)
    unit = np.eye(len(candidates), dtype=np.float32)
    return [float(rank) for rank in reciprocal_ranks(pairs, anchors, candidates, unit)]


def test_a_rank_counts_who_stands_before_it_ties_included() -> None:
    pairs = [pair("a", "c1"), pair("b", "c1"), pair("d", "c1")]
    scores = [[0.1, 0.9, 0.3], [0.8, 0.5, 0.6], [0.5, 0.5, 0.5]]
    assert ranked(pairs, scores) == pytest.approx([1, 1 / 3, 1 / 3])


def test_beyond_the_tenth_place_nothing_is_found() -> None:
    falling = [1 - place / 20 for place in range(12)]
    pairs = [pair("a", "c9"), pair("b", "c10")]
    assert ranked(pairs, [falling, falling]) == pytest.approx([0.1, 0])


def test_an_anchors_other_positives_stand_in_nobodys_way() -> None:
    scores = [0.9, 0.8, 0.7]
    pairs = [pair("a", "c0"), pair("a", "c2"), pair("b", "c2")]
    # For "a", c2 has only c1 before it; for "b", both.
    assert ranked(pairs, [scores] * 3) == pytest.approx([1, 1 / 2, 1 / 3])


def test_a_model_gone_astray_finds_nothing() -> None:
    nan = float("nan")
    pairs = [pair("a", "c0"), pair("b", "c0")]
    assert ranked(pairs, [[nan, nan, nan], [1.0, nan, 0.5]])[0] == 0


def test_better_means_better_on_average_and_not_merely_as_good() -> None:
    kinds = [Kind.JOINED, Kind.ANSWERED]
    before = np.array([0.5, 0.5])
    assert not Outcome(9, kinds, before, before).improved
    assert not Outcome(9, kinds, before, np.array([1.0, 0.0])).improved
    assert not Outcome(9, kinds, before, np.array([np.nan, 1.0])).improved
    better = Outcome(9, kinds, before, np.array([1.0, 0.25]))
    assert better.improved
    assert list(better.rows()) == [
        ("all", 2, 0.5, 0.625),
        ("joined", 1, 0.5, 1.0),
        ("answered", 1, 0.5, 0.25),
    ]
