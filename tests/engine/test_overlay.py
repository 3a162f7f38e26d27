"""Vectors replaced, added and gone, over either form of index: as brute force over what is left."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.columns import Links, Profiles, Strings, spliced
from engine.ids import IdMap
from engine.index import VectorIndex
from engine.overlay import REPLACED, ROOM, PatchedIndex, PatchedProfiles
from engine.since import Rows
from engine.types import Matrix

DIMENSION = 8


def unit(count: int, seed: int) -> Matrix:
    vectors = np.random.default_rng(seed).normal(size=(count, DIMENSION))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32)


def profiles(rows: int, seed: int) -> Profiles:
    counts = np.random.default_rng(seed).integers(0, 4, rows)
    parts = [
        (unit(count, seed + row), np.full(count, 1 / max(count, 1)))
        for row, count in enumerate(counts)
    ]
    return Profiles.of(DIMENSION, parts)


def patched(rows: int, seed: int, changed: int) -> PatchedProfiles:
    chance = np.random.default_rng(seed)
    places = chance.choice(rows + 5, changed, replace=False).tolist()
    fresh = {
        int(row): (
            unit(count := int(chance.integers(0, 4)), 999 + row),
            np.full(count, 0.5, np.float32),
        )
        for row in places
    }
    return PatchedProfiles.over(profiles(rows, seed), fresh, rows + 5)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 12))
def test_search_finds_what_is_left_and_what_is_new(seed: int, changed: int) -> None:
    now = patched(40, seed, changed)
    index = PatchedIndex(VectorIndex.build(now.vectors), now)
    owners = now.owners()
    alive = np.flatnonzero(owners != REPLACED)
    queries = unit(3, seed + 1)
    found = index.search(queries, 10)
    assert len(index) == len(alive)
    cosines = queries @ now.at(alive).T
    for line in range(3):
        right = alive[np.lexsort((alive, -cosines[line]))][:10]
        assert found.rows[line].tolist() == right.tolist()
        assert found.scores[line] == pytest.approx(np.sort(cosines[line])[::-1][:10], abs=1e-5)


def test_a_graph_finds_nearly_all_of_it_and_nothing_that_is_gone() -> None:
    hits = 0
    for seed in range(10):
        now = patched(400, seed, 60)
        index = PatchedIndex(VectorIndex.build(now.vectors, exact_below=0), now)
        owners, queries = now.owners(), unit(5, seed + 1)
        alive = np.flatnonzero(owners != REPLACED)
        found, cosines = index.search(queries, 10), queries @ now.at(alive).T
        assert (owners[found.rows] != REPLACED).all()
        right = alive[np.argsort(-cosines, axis=1)[:, :10]]
        hits += sum(len(np.intersect1d(*pair)) for pair in zip(found.rows, right, strict=True))
    assert hits >= 0.97 * 500


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 12))
def test_rows_are_told_as_if_they_had_been_written_whole(seed: int, changed: int) -> None:
    now = patched(20, seed, changed)
    whole = Profiles.of(DIMENSION, [now.of_row(row) for row in range(len(now))])
    queries, rows = unit(2, seed), np.arange(len(now))
    assert now.best_match(queries, rows) == pytest.approx(whole.best_match(queries, rows), abs=1e-6)
    owners = now.owners()
    kept = np.flatnonzero(owners != REPLACED)
    order = np.argsort(owners[kept], kind="stable")
    assert owners[kept][order].tolist() == whole.owners().tolist()
    assert now.at(kept[order]).tolist() == whole.vectors.tolist()


def test_all_gone_leaves_nothing_to_find() -> None:
    base = profiles(5, 3)
    nothing = (np.zeros((0, DIMENSION), np.float32), np.zeros(0, np.float32))
    now = PatchedProfiles.over(base, dict.fromkeys(range(5), nothing), 5)
    index = PatchedIndex(VectorIndex.build(base.vectors), now)
    assert len(index) == 0
    assert index.search(unit(2, 1), 10).rows.shape == (2, 0)


def test_rows_in_the_place_of_others_leave_the_rest_as_it_was() -> None:
    links = Links.of(3, np.array([0, 0, 1, 2]), np.array([4, 6, 5, 4]), np.array([1, 2, 3, 4.0]))
    now = links.with_rows({1: (np.array([7, 8]), np.array([9, 9], np.float32))}, 5)
    assert [now.of_row(row)[0].tolist() for row in range(5)] == [[4, 6], [7, 8], [4], [], []]
    assert now.of_row(2)[1].tolist() == [4]
    assert links.of_row(1)[0].tolist() == [5], "the links before stay as they were"
    gone = now.without_targets(np.array([4, 8]))
    assert [gone.of_row(row)[0].tolist() for row in range(5)] == [[6], [7], [], [], []]
    offsets, [flat] = spliced(np.array([0, 0]), [np.array([], np.int64)], {2: [np.array([3])]}, 3)
    assert (offsets.tolist(), flat.tolist()) == ([0, 0, 0, 1], [3])
    assert Strings.of([]).with_items({1: "é"}, 2).tolist() == ["", "é"]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_patch_upon_patch_is_as_one_and_leaves_every_reader_what_it_had(
    seed: int,
    forks: bool,
) -> None:
    chance = np.random.default_rng(seed)
    base = profiles(12, seed)
    true = {row: base.of_row(row) for row in range(12)}
    steps = [(PatchedProfiles.over(base, {}, 12), dict(true))]
    for size in range(13, 40):
        now, true = steps[-1]
        if forks and chance.random() < 0.2:
            now, true = steps[chance.integers(len(steps))]
        fresh = {
            int(row): (unit(count := int(chance.integers(0, 4)), size), np.ones(count, np.float32))
            for row in chance.choice(size, 3, replace=False)
        }
        steps.append((PatchedProfiles.over(now, fresh, size), true | fresh))
    none = np.zeros((0, DIMENSION), np.float32), np.zeros(0, np.float32)
    for now, true in steps:
        for row in range(len(now)):
            for found, right in zip(now.of_row(row), true.get(row, none), strict=True):
                assert found.tolist() == right.tolist()
        flat = np.concatenate([true.get(row, none)[0] for row in range(len(now))])
        query = unit(1, seed)
        near = PatchedIndex(VectorIndex.build(base.vectors), now).search(query, 5)
        assert near.scores[0] == pytest.approx(np.sort(flat @ query[0])[::-1][:5], abs=1e-5)


def test_vectors_that_are_taken_away_stay_nowhere() -> None:
    secret = unit(1, 77)
    now = PatchedProfiles.over(profiles(3, 1), {1: (secret, np.ones(1, np.float32))}, 3)
    nothing = np.zeros((0, DIMENSION), np.float32), np.zeros(0, np.float32)
    assert secret.tobytes() in now.pool.vectors.tobytes()
    gone = PatchedProfiles.over(now, {1: nothing}, 3)
    assert secret.tobytes() not in gone.pool.vectors.tobytes()


def test_what_is_replaced_over_and_over_takes_no_more_room() -> None:
    now, one = PatchedProfiles.over(profiles(3, 1), {}, 3), np.full(3, 1 / 3, np.float32)
    for turn in range(2 * ROOM):
        now = PatchedProfiles.over(now, {turn % 3: (unit(3, turn % 7), one)}, 3)
    assert len(now.pool.weights) <= 5 * ROOM


def test_ids_that_came_and_went_since_are_told_apart_from_those_before() -> None:
    before = IdMap(Strings.of(["a", "b", "c"]), "member")
    now = before.since(Strings.of(["", "b", "c", "d", "a"]), {"a": 4, "b": None, "d": 3, "e": None})
    assert [now.find(one) for one in "abcde"] == [4, None, 2, 3, None]
    assert len(now) == 3
    assert [before.find(one) for one in "abcde"] == [0, 1, 2, None, None]
    assert len(before) == 3


def test_whoever_came_since_and_is_gone_leaves_no_id_behind() -> None:
    rows = Rows(IdMap(Strings.of(["a"]), "member"))
    rows.claim("secret")
    assert rows.drop("secret") == 1
    assert rows.drop("a") == 0
    assert "secret" not in str(vars(rows))
    assert (rows.find("a"), rows.find("secret"), rows.ids()) == (None, None, [])
    assert rows.claim("a") == 2
