"""Ragged columns and strings, compared with plain Python lists."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.columns import Links, Profiles, Strings, contains, expand

TEXTS = st.lists(st.text(st.characters(), max_size=6), max_size=8)
PAIRS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 7), st.integers(1, 9)), max_size=30)


@given(TEXTS)
def test_strings_come_back_as_they_went_in(texts: list[str]) -> None:
    column = Strings.of(texts)
    assert column.tolist() == texts
    assert [column[row] for row in range(len(column))] == texts


def test_a_lone_surrogate_in_an_id_survives() -> None:
    assert Strings.of(["a\ud800", "b"]).tolist() == ["a\ud800", "b"]


@given(PAIRS)
def test_links_keep_the_larger_weight_of_a_link_given_twice(
    pairs: list[tuple[int, int, int]],
) -> None:
    expected: dict[tuple[int, int], int] = {}
    for source, target, weight in pairs:
        expected[source, target] = max(weight, expected.get((source, target), 0))
    columns = np.array(pairs, np.int64).reshape(-1, 3)
    links = Links.of(6, columns[:, 0], columns[:, 1], columns[:, 2])
    got = {
        (row, int(target)): int(weight)
        for row in range(6)
        for target, weight in zip(*links.of_row(row), strict=True)
    }
    assert got == expected
    assert all((np.diff(links.of_row(row)[0]) > 0).all() for row in range(6))
    assert links.counts().tolist() == [sum(s == row for s, _ in expected) for row in range(6)]


@given(PAIRS)
def test_links_reversed_twice_are_the_links(pairs: list[tuple[int, int, int]]) -> None:
    columns = np.array(pairs, np.int64).reshape(-1, 3)
    links = Links.of(6, columns[:, 0], columns[:, 1], columns[:, 2])
    there = links.reversed(8)
    assert len(there) == 8
    for target in range(8):
        assert there.of_row(target)[0].tolist() == [
            row for row in range(6) if target in links.of_row(row)[0]
        ]
    back = there.reversed(6)
    assert back.targets.tolist() == links.targets.tolist()
    assert back.weights.tolist() == links.weights.tolist()
    assert back.offsets.tolist() == links.offsets.tolist()


@given(PAIRS, st.lists(st.integers(0, 5), max_size=6))
def test_links_of_several_rows_are_those_of_each(
    pairs: list[tuple[int, int, int]], rows: list[int]
) -> None:
    columns = np.array(pairs, np.int64).reshape(-1, 3)
    links = Links.of(6, columns[:, 0], columns[:, 1], columns[:, 2])
    position, targets, weights = links.of_rows(np.array(rows, np.int64))
    expected = [
        (place, int(target), float(weight))
        for place, row in enumerate(rows)
        for target, weight in zip(*links.of_row(row), strict=True)
    ]
    got = list(zip(position.tolist(), targets.tolist(), weights.tolist(), strict=True))
    assert got == expected


def test_expanding_no_rows_gives_nothing() -> None:
    position, flat = expand(np.array([0, 2, 2]), np.zeros(0, np.int64))
    assert (position.tolist(), flat.tolist()) == ([], [])


@given(st.sets(st.integers(0, 20)), st.lists(st.integers(-3, 25)))
def test_contains_agrees_with_a_set(inside: set[int], asked: list[int]) -> None:
    rows = np.array(sorted(inside), np.int64)
    got = contains(rows, np.array(asked, np.int64))
    assert got.tolist() == [row in inside for row in asked]


def test_the_best_match_is_the_best_cosine_of_any_of_a_rows_vectors() -> None:
    # Row 0 points along x and y, row 1 has no vectors, row 2 points half way between.
    half = float(np.sqrt(0.5))
    profiles = Profiles.of(
        2,
        [
            (np.eye(2), np.array([0.5, 0.5])),
            (np.zeros((0, 2)), np.zeros(0)),
            (np.array([[half, half]]), np.ones(1)),
        ],
    )
    queries = np.array([[1, 0], [0, -1]], np.float32)
    cosines = profiles.best_match(queries, np.array([2, 1, 0, 1]))
    # Row 2 meets x at 45 degrees and -y at 135; row 0 meets x exactly, and -y at 90 at best.
    expected = np.array([[half, -half], [-1, -1], [1, 0], [-1, -1]])
    assert np.abs(cosines - expected).max() < 1e-6
    assert profiles.owners().tolist() == [0, 0, 2]


def test_no_queries_match_nothing() -> None:
    profiles = Profiles.of(2, [(np.eye(2), np.ones(2))])
    cosines = profiles.best_match(np.zeros((0, 2), np.float32), np.array([0]))
    assert cosines.shape == (1, 0)
