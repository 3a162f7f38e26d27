"""Pairs of largest weight, beside every pairing there is, and beside a bound."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.matching import BONUS, FREE, greedy, heaviest_pairs, upper_bound, weight_of
from engine.odd_cycles import Leaving
from engine.pair_graph import Graph


def graph(size: int, *edges: tuple[int, int, float]) -> Graph:
    one, other, weight = zip(*edges, strict=True)
    return Graph(size, np.array(one), np.array(other), np.array(weight, np.float64))


def random_graph(size: int, each: int, seed: int) -> Graph:
    """Return a graph in which some are wanted by everybody, so that they must be shared out."""
    chance = np.random.default_rng(seed)
    one, other = np.repeat(np.arange(size), each), chance.integers(size, size=size * each)
    keys = np.unique(np.minimum(one, other) * size + np.maximum(one, other))
    one, other = keys // size, keys % size
    one, other = one[one != other], other[one != other]
    worth = chance.random(size)
    return Graph(size, one, other, worth[one] * worth[other])


def every_matching(graph: Graph) -> Iterator[float]:
    """Give the worth of every matching: its weight, and the bonus of each pair."""
    edges = list(zip(graph.one.tolist(), graph.other.tolist(), graph.weight.tolist(), strict=True))

    def further(place: int, used: frozenset[int], worth: float) -> Iterator[float]:
        yield worth
        for following in range(place, len(edges)):
            one, other, weight = edges[following]
            if not used & {one, other}:
                yield from further(following + 1, used | {one, other}, worth + weight + BONUS)

    yield from further(0, frozenset(), 0.0)


def worth_of(graph: Graph, partner: np.ndarray) -> float:
    return weight_of(graph, partner) + BONUS * float((partner != FREE).sum()) / 2


def test_two_good_pairs_are_taken_rather_than_the_best_one() -> None:
    line = graph(4, (0, 1, 0.5), (1, 2, 0.9), (2, 3, 0.5))
    assert greedy(line).tolist() == [-1, 2, 1, -1]
    assert heaviest_pairs(line, 0).tolist() == [1, 0, 3, 2]


def test_of_three_who_all_fit_the_best_two_meet() -> None:
    three = graph(3, (0, 1, 0.5), (1, 2, 0.9), (0, 2, 0.7))
    assert heaviest_pairs(three, 0).tolist() == [-1, 2, 1]


def test_nobody_is_matched_without_a_pair_to_be() -> None:
    nothing = Graph(2, *(np.zeros(0, np.int64),) * 2, np.zeros(0))
    assert heaviest_pairs(nothing, 0).tolist() == [FREE, FREE]
    assert upper_bound(nothing) == 0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 8))
def test_a_small_matching_is_within_a_hundredth_of_the_best_of_all(seed: int, size: int) -> None:
    drawn = random_graph(size, 3, seed)
    found = heaviest_pairs(drawn, seed)
    there = found != FREE
    assert (found[found[there]] == np.flatnonzero(there)).all()
    assert worth_of(drawn, found) >= 0.99 * max(every_matching(drawn))


def test_a_thousand_are_within_one_per_cent_of_the_bound_and_nearly_all_are_matched() -> None:
    drawn = random_graph(1_000, 8, 0)
    found = heaviest_pairs(drawn, 0)
    assert weight_of(drawn, found) >= 0.99 * upper_bound(drawn)
    assert (found != FREE).mean() >= 0.99


def test_region_by_region_it_comes_to_nearly_as_much() -> None:
    drawn = random_graph(2_000, 6, 1)
    found = heaviest_pairs(drawn, 0, part=300)
    there = np.flatnonzero(found != FREE)
    assert (found[found[there]] == there).all()
    assert len(there) >= 0.99 * 2_000
    assert weight_of(drawn, found) >= 0.98 * upper_bound(drawn)


def test_the_same_seed_gives_the_same_matching() -> None:
    drawn = random_graph(1_000, 6, 1)
    once, again = (heaviest_pairs(drawn, 5, part=300) for _ in range(2))
    assert once.tolist() == again.tolist()


def test_from_a_matching_only_the_free_are_looked_at_again() -> None:
    line = graph(6, (0, 1, 0.5), (2, 3, 0.5), (4, 5, 0.5))
    start = np.array([1, 0, FREE, FREE, 5, 4])
    assert heaviest_pairs(line, 0, start).tolist() == [1, 0, 3, 2, 5, 4]
    assert start.tolist() == [1, 0, FREE, FREE, 5, 4]


def test_the_bound_is_that_of_halves_around_a_triangle() -> None:
    # Half of each edge: (0.5 + 0.9 + 0.7) / 2; no matching has more than 0.9.
    assert upper_bound(graph(3, (0, 1, 0.5), (1, 2, 0.9), (0, 2, 0.7))) == pytest.approx(1.05)


def test_who_leaves_an_odd_cycle_is_measured_by_the_pairs_that_stay() -> None:
    # Edges 0-1, 1-2, 2-3, 3-4, 4-0. Without 0 the pairs are 1-2 and 3-4, and so on around.
    around = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    without = np.array([2 + 8, 4 + 16, 8 + 1, 16 + 2, 1 + 4])
    found = Leaving.of([np.arange(5)], [around], 5)
    assert found.loss.tolist() == (20 - without).tolist()
    assert found.best.tolist() == [1]
