"""The five stages: who may fail, what each owes, and what the trace says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.errors import StageError
from engine.pipeline import Pipeline
from engine.pool import Pool
from engine.query import Query, query_of_text
from engine.selection import TopK
from engine.types import BoolVector, Rows, Vector

ANYONE = query_of_text(np.zeros((0, 2), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))


@dataclass(frozen=True)
class Proposes:
    rows: Sequence[int]
    name: str = "source"

    def propose(self, query: Query) -> Rows:
        return np.array(self.rows, np.int64)


@dataclass(frozen=True)
class Fails:
    """A stage of any kind that cannot answer."""

    name: str

    def propose(self, query: Query) -> Rows:
        raise RuntimeError("out of reach")

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        raise RuntimeError("out of reach")

    def measure(self, query: Query, pool: Pool) -> Vector:
        raise RuntimeError("out of reach")


@dataclass(frozen=True)
class Answers:
    """A stage of any kind that answers with the given array, whatever it should be."""

    make: Callable[[Pool], object]
    name: str = "odd"

    def propose(self, query: Query) -> Rows:
        return self.make(Pool(np.arange(3)))  # type: ignore[return-value]

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        return self.make(pool)  # type: ignore[return-value]

    def measure(self, query: Query, pool: Pool) -> Vector:
        return self.make(pool)  # type: ignore[return-value]

    def score(self, query: Query, pool: Pool) -> Vector:
        return self.make(pool)  # type: ignore[return-value]

    def select(self, query: Query, pool: Pool, scores: Vector, k: int) -> Rows:
        return self.make(pool)  # type: ignore[return-value]


@dataclass(frozen=True)
class Removes:
    rows: Sequence[int]
    name: str = "policy"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        return ~np.isin(pool.rows, self.rows)


@dataclass(frozen=True)
class Measures:
    """Measures each row by its own number."""

    name: str = "own_number"

    def measure(self, query: Query, pool: Pool) -> Vector:
        return pool.rows.astype(np.float32)


@dataclass(frozen=True)
class Scores:
    """Scores by a table, everyone else 0."""

    table: dict[int, float]
    name: str = "table"

    def score(self, query: Query, pool: Pool) -> Vector:
        return np.array([self.table.get(row, 0) for row in pool.rows.tolist()], np.float32)


PLAIN = Pipeline((Proposes([4, 1, 3]),), (), (), Scores({1: 0.5, 3: 2, 4: 0.5}), TopK())


def floats(values: Sequence[float]) -> NDArray[np.float32]:
    return np.array(values, np.float32)


def test_a_slate_is_ordered_by_score_then_row() -> None:
    slate = PLAIN.recommend(ANYONE, 10)
    assert slate.rows.tolist() == [3, 1, 4]
    assert slate.ranked_scores.tolist() == [2.0, 0.5, 0.5]
    assert slate.pool.rows.tolist() == [1, 3, 4]
    assert slate.scores.tolist() == [0.5, 2.0, 0.5]
    assert PLAIN.recommend(ANYONE, 2).rows.tolist() == [3, 1]
    assert PLAIN.recommend(ANYONE, 0).rows.tolist() == []


@given(st.dictionaries(st.integers(0, 30), st.sampled_from([0.0, 1.0, 2.5]), max_size=12))
def test_scores_never_part_from_their_rows(table: dict[int, float]) -> None:
    pipeline = replace(
        PLAIN, sources=(Proposes(list(table)),), scorer=Scores(table), features=(Measures(),)
    )
    slate = pipeline.recommend(ANYONE, 5)
    expected = sorted(table, key=lambda row: (-table[row], row))[:5]
    assert slate.rows.tolist() == expected
    assert slate.ranked_scores.tolist() == [table[row] for row in expected]
    assert slate.pool.columns["own_number"].tolist() == slate.pool.rows.tolist()


def test_who_was_found_twice_is_there_once_and_both_sources_are_named() -> None:
    sources = (Proposes([5, 2, 5], "one"), Proposes([2, 7], "other"))
    slate = replace(PLAIN, sources=sources).recommend(ANYONE, 10)
    assert slate.pool.rows.tolist() == [2, 5, 7]
    assert slate.pool.found_by["one"].tolist() == [True, True, False]
    assert slate.pool.found_by["other"].tolist() == [True, False, True]


def test_a_failing_source_is_named_and_the_rest_answers() -> None:
    slate = replace(PLAIN, sources=(Fails("far"), Proposes([3, 1]))).recommend(ANYONE, 10)
    assert slate.rows.tolist() == [3, 1]
    assert slate.trace.failed == {"far": "RuntimeError: out of reach"}
    assert "far" not in slate.pool.found_by


@pytest.mark.parametrize(
    "rows",
    [
        floats([1, 2]),
        floats([np.nan]),
        np.array([[1, 2]]),
        np.array([1, 2], np.int32),
        np.array([True, False]),
        np.array(1),
        np.array([2, -1]),
        [1, 2],
        None,
    ],
    ids=str,
)
def test_a_source_that_gives_no_rows_is_named_and_the_rest_answers(rows: object) -> None:
    odd = Answers(lambda _: rows)
    slate = replace(PLAIN, sources=(odd, Proposes([3, 1]))).recommend(ANYONE, 10)
    assert slate.rows.tolist() == [3, 1]
    assert slate.trace.failed["odd"].startswith("StageError: odd owes rows")


def test_when_all_sources_fail_the_slate_is_empty_and_says_so() -> None:
    slate = replace(PLAIN, sources=(Fails("far"), Fails("near"))).recommend(ANYONE, 10)
    assert len(slate.rows) == 0
    assert slate.trace.failed.keys() == {"far", "near"}


def test_the_trace_names_who_removed_whom_and_each_only_once() -> None:
    policies = (Removes([3], "first"), Removes([3, 4], "second"))
    slate = replace(PLAIN, policies=policies).recommend(ANYONE, 10)
    assert slate.rows.tolist() == [1]
    assert {name: rows.tolist() for name, rows in slate.trace.removed.items()} == {
        "first": [3],
        "second": [4],
    }


def test_a_failing_policy_lets_nobody_through() -> None:
    slate = replace(PLAIN, policies=(Fails("lookup"),)).recommend(ANYONE, 10)
    assert len(slate.rows) == 0
    assert slate.trace.failed == {"lookup": "RuntimeError: out of reach"}
    assert slate.trace.removed["lookup"].tolist() == [1, 3, 4]


@pytest.mark.parametrize(
    "make",
    [
        lambda pool: np.ones(len(pool)),
        lambda pool: np.ones(len(pool), np.int64),
        lambda pool: np.full(len(pool), np.nan),
        lambda pool: np.ones(len(pool) - 1, bool),
        lambda pool: np.ones((len(pool), 1), bool),
        lambda pool: [True] * len(pool),
        lambda pool: np.True_,
        lambda pool: True,
    ],
)
def test_a_policy_that_gives_no_yes_or_no_lets_nobody_through(
    make: Callable[[Pool], object],
) -> None:
    slate = replace(PLAIN, policies=(Answers(make),)).recommend(ANYONE, 10)
    assert len(slate.rows) == 0
    assert slate.trace.failed["odd"].startswith("StageError: odd owes")
    assert slate.trace.removed["odd"].tolist() == [1, 3, 4]


NO_COLUMN: list[Callable[[Pool], object]] = [
    lambda pool: np.ones(len(pool)),
    lambda pool: np.ones(len(pool), np.int64),
    lambda pool: np.ones(len(pool) + 1, np.float32),
    lambda pool: np.ones((len(pool), 1), np.float32),
    lambda pool: np.float32(1),
    lambda pool: [1.0] * len(pool),
    lambda pool: None,
    lambda pool: floats([1, np.nan, 1]),
    lambda pool: floats([1, np.inf, 1]),
]


@pytest.mark.parametrize("make", NO_COLUMN)
def test_a_feature_that_gives_no_column_is_refused(make: Callable[[Pool], object]) -> None:
    with pytest.raises(StageError, match=r"^odd "):
        replace(PLAIN, features=(Answers(make),)).recommend(ANYONE, 10)


@pytest.mark.parametrize("make", NO_COLUMN)
def test_a_scorer_that_gives_no_column_is_refused(make: Callable[[Pool], object]) -> None:
    with pytest.raises(StageError, match=r"^odd "):
        replace(PLAIN, scorer=Answers(make)).recommend(ANYONE, 10)


def test_a_value_that_is_not_finite_is_refused_with_its_row() -> None:
    with pytest.raises(StageError, match="odd gave a value for row 3 that is not finite"):
        replace(PLAIN, features=(Answers(NO_COLUMN[-1]),)).recommend(ANYONE, 10)


def test_a_failing_feature_is_never_passed_over() -> None:
    with pytest.raises(RuntimeError, match="out of reach"):
        replace(PLAIN, features=(Fails("far"),)).recommend(ANYONE, 10)


@pytest.mark.parametrize(
    "chosen",
    [
        np.array([0, 1, 2]),
        np.array([1, 1]),
        np.array([3]),
        np.array([-1]),
        np.array([[0, 1]]),
        np.array([True, False, True]),
        floats([0, 1]),
        floats([np.nan]),
        [0, 1],
        None,
    ],
    ids=["too many", "twice", "beyond", "before", "2-d", "mask", "floats", "nan", "list", "none"],
)
def test_a_selector_that_chooses_wrongly_is_refused(chosen: object) -> None:
    with pytest.raises(StageError, match=r"^odd owes"):
        replace(PLAIN, selector=Answers(lambda _: chosen)).recommend(ANYONE, 2)


def test_a_selector_may_choose_any_order_and_fewer() -> None:
    slate = replace(PLAIN, selector=Answers(lambda _: np.array([2, 0]))).recommend(ANYONE, 3)
    assert slate.rows.tolist() == [4, 1]
    assert slate.ranked_scores.tolist() == [0.5, 0.5]


def test_an_empty_pool_gives_an_empty_slate_and_every_stage_is_still_timed() -> None:
    pipeline = Pipeline((Proposes([]),), (Removes([1]),), (Measures(),), Scores({}), TopK())
    slate = pipeline.recommend(ANYONE, 10)
    assert slate.rows.shape == slate.ranked_scores.shape == (0,)
    assert slate.trace.failed == {}
    assert slate.trace.seconds.keys() == {"source", "policy", "own_number", "table", "top_k"}
    assert min(slate.trace.seconds.values()) >= 0


def test_no_stages_find_nobody() -> None:
    assert len(Pipeline((), (), (), Scores({}), TopK()).recommend(ANYONE, 10).rows) == 0
