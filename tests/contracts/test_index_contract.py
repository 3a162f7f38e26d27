"""What both forms of the index owe, compared with brute force by value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.errors import BundleError, NotUnitNormError
from engine.index import AT_ONCE, Neighbours, VectorIndex
from engine.types import Matrix

Build = Callable[[Matrix], VectorIndex]

EXACT, GRAPH = 10**9, 0
DIMENSION = 24


@pytest.fixture(params=[EXACT, GRAPH], ids=["exact", "graph"])
def exact_below(request: pytest.FixtureRequest) -> int:
    """Every test runs over both forms."""
    return int(request.param)


@pytest.fixture
def build(exact_below: int) -> Build:
    return lambda vectors: VectorIndex.build(vectors, exact_below=exact_below)


def clustered(count: int, seed: int) -> Matrix:
    """Return unit vectors around forty centres, as texts are."""
    chance = np.random.default_rng(seed)
    centres = chance.normal(size=(40, DIMENSION))
    vectors = centres[chance.integers(40, size=count)] + 0.5 * chance.normal(
        size=(count, DIMENSION)
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32)


def brute_force(vectors: Matrix, queries: Matrix, k: int) -> Neighbours:
    scores = queries.astype(np.float64) @ vectors.astype(np.float64).T
    rows = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return Neighbours(rows, np.take_along_axis(scores, rows, 1).astype(np.float32))


def test_it_finds_what_brute_force_finds(build: Build, exact_below: int) -> None:
    vectors, queries = clustered(3_000, 1), clustered(100, 2)
    found, right = build(vectors).search(queries, 10), brute_force(vectors, queries, 10)
    hits = [len(np.intersect1d(*pair)) for pair in zip(found.rows, right.rows, strict=True)]
    assert np.sum(hits) / right.rows.size >= (0.98 if exact_below == GRAPH else 1)
    assert found.rows.dtype == np.int64
    assert found.scores.dtype == np.float32
    assert found.rows.shape == found.scores.shape == (100, 10)


@pytest.mark.parametrize("count", [AT_ONCE, AT_ONCE + 1, 2 * AT_ONCE + 1])
def test_many_queries_find_what_each_finds_alone(build: Build, count: int) -> None:
    index, queries = build(clustered(1_000, 1)), clustered(count, 2)
    found = index.search(queries, 10)
    alone = [index.search(query[None, :], 10) for query in queries]
    np.testing.assert_array_equal(found.rows, np.concatenate([one.rows for one in alone]))
    scores = np.concatenate([one.scores for one in alone])
    np.testing.assert_allclose(found.scores, scores, atol=1e-6)


def test_every_score_is_the_cosine_of_its_row_best_first_each_row_once(build: Build) -> None:
    vectors, queries = clustered(2_000, 3), clustered(50, 4)
    found = build(vectors).search(queries, 20)
    cosines = np.einsum("qd,qkd->qk", queries, vectors[found.rows])
    # One byte a dimension would be off by a thousandth; the exact vectors are not.
    assert np.abs(found.scores - cosines).max() < 1e-6
    assert (np.diff(found.scores, axis=1) <= 0).all()
    assert all(len(set(rows)) == 20 for rows in found.rows.tolist())


def test_a_vector_is_its_own_nearest(build: Build) -> None:
    vectors = clustered(1_000, 5)
    found = build(vectors).search(vectors[:200], 1)
    assert found.rows[:, 0].tolist() == list(range(200))
    assert found.scores[:, 0] == pytest.approx(1, abs=1e-6)
    assert found.scores.max() <= 1


def test_equal_scores_are_ordered_by_row(build: Build) -> None:
    # Rows 0, 4, 8, ... are the first axis, rows 1, 5, 9, ... the second, and so on.
    vectors = np.tile(np.eye(4, dtype=np.float32), (6, 1))
    found = build(vectors).search(np.eye(4, dtype=np.float32)[[2]], 24)
    assert found.rows[0, :6].tolist() == [2, 6, 10, 14, 18, 22]
    assert found.rows[0, 6:].tolist() == [row for row in range(24) if row % 4 != 2]
    assert found.scores[0].tolist() == [1.0] * 6 + [0.0] * 18


def test_of_equals_at_the_edge_the_lower_rows_are_found() -> None:
    vectors = np.tile(np.eye(4, dtype=np.float32), (6, 1))
    found = VectorIndex.build(vectors).search(np.eye(4, dtype=np.float32)[[2]], 4)
    assert found.rows.tolist() == [[2, 6, 10, 14]]


def test_the_opposite_direction_comes_last_with_minus_one(build: Build) -> None:
    vectors = np.array([[-1, 0], [0, 1], [1, 0]], np.float32)
    found = build(vectors).search(np.array([[1, 0]], np.float32), 3)
    assert found.rows.tolist() == [[2, 1, 0]]
    assert found.scores.tolist() == [[1.0, 0.0, -1.0]]


def test_more_than_there_are_gives_all_there_are(build: Build) -> None:
    vectors = clustered(7, 6)
    index, queries = build(vectors), clustered(3, 7)
    found, right = index.search(queries, 50), brute_force(vectors, queries, 50)
    assert len(index) == 7
    assert found.rows.tolist() == right.rows.tolist()
    assert found.scores == pytest.approx(right.scores, abs=1e-6)


def test_all_of_a_large_index_can_be_asked_for(build: Build) -> None:
    vectors = clustered(700, 8)
    found = build(vectors).search(clustered(2, 9), 700)
    assert [sorted(rows) for rows in found.rows.tolist()] == [list(range(700))] * 2


def test_an_empty_index_finds_nothing(build: Build) -> None:
    index = build(np.zeros((0, DIMENSION), np.float32))
    found = index.search(clustered(3, 10), 5)
    assert (len(index), found.rows.shape, found.scores.shape) == (0, (3, 0), (3, 0))


def test_no_queries_find_nothing(build: Build) -> None:
    found = build(clustered(9, 11)).search(np.zeros((0, DIMENSION), np.float32), 5)
    assert found.rows.shape == found.scores.shape == (0, 5)
    assert found.rows.dtype == np.int64
    assert found.scores.dtype == np.float32


@pytest.mark.parametrize("length", [0.0, 0.99, 1.01, np.nan, np.inf])
def test_a_vector_that_is_not_of_length_one_is_refused(build: Build, length: float) -> None:
    good = clustered(30, 12)
    bad = good.copy()
    bad[17] = np.eye(DIMENSION)[0] * np.float32(length) if np.isfinite(length) else length
    with pytest.raises(NotUnitNormError, match="vector 17 has length"):
        build(bad)
    with pytest.raises(NotUnitNormError, match="vector 17 has length"):
        build(good).search(bad, 3)


def test_a_saved_index_answers_the_same(build: Build, exact_below: int, tmp_path: Path) -> None:
    vectors, queries = clustered(500, 13), clustered(20, 14)
    index = build(vectors)
    written = index.save(tmp_path / "graph.faiss")
    assert written == (tmp_path / "graph.faiss").exists() == (exact_below == GRAPH)
    again = VectorIndex.load(vectors, tmp_path / "graph.faiss")
    before, after = index.search(queries, 9), again.search(queries, 9)
    assert after.rows.tolist() == before.rows.tolist()
    assert after.scores == pytest.approx(before.scores, abs=1e-6)


@pytest.mark.parametrize("content", [b"", b"not an index", b"IHNs" + bytes(200)])
def test_a_file_that_is_no_index_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "members.faiss").write_bytes(content)
    with pytest.raises(BundleError, match=r"members\.faiss"):
        VectorIndex.load(clustered(20, 15), tmp_path / "members.faiss")


def test_half_an_index_is_refused(tmp_path: Path) -> None:
    vectors, path = clustered(300, 16), tmp_path / "members.faiss"
    VectorIndex.build(vectors, exact_below=GRAPH).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(BundleError, match=r"members\.faiss"):
        VectorIndex.load(vectors, path)


@pytest.mark.parametrize(("rows", "columns"), [(299, DIMENSION), (300, DIMENSION - 1)])
def test_an_index_of_other_vectors_is_refused(rows: int, columns: int, tmp_path: Path) -> None:
    VectorIndex.build(clustered(300, 17), exact_below=GRAPH).save(tmp_path / "members.faiss")
    with pytest.raises(BundleError, match="train again"):
        VectorIndex.load(clustered(300, 17)[:rows, :columns], tmp_path / "members.faiss")
