"""What every stage of both recommenders owes, for every member and for a newcomer."""

from __future__ import annotations

import numpy as np
import pytest

from engine.groups import group_recommender
from engine.index import VectorIndex
from engine.introductions import introduction_recommender
from engine.pipeline import Pipeline, columns_of
from engine.pool import Pool
from engine.query import Query, query_of_member, query_of_text
from tests.world import MEMBERS, ROCKETS, KeywordEncoder, World, world

HERE = world()


def recommenders(here: World) -> dict[str, tuple[Pipeline, int]]:
    snapshot = here.snapshot
    prototypes = VectorIndex.build(snapshot.groups.prototypes.vectors)
    interests = VectorIndex.build(snapshot.members.interests.vectors)
    return {
        "groups": (group_recommender(snapshot, prototypes), len(snapshot.groups.ids)),
        "members": (introduction_recommender(snapshot, interests), len(snapshot.members.ids)),
    }


def queries(here: World) -> list[Query]:
    newcomer = KeywordEncoder().encode([ROCKETS])
    nothing = np.zeros((0, 4), np.float32)
    return [
        *(query_of_member(here.snapshot, row) for row in range(len(MEMBERS))),
        query_of_text(newcomer, np.ones(1, np.float32), np.zeros(0, np.int64), audience=0),
        query_of_text(nothing, np.zeros(0, np.float32), np.zeros(0, np.int64)),
    ]


@pytest.mark.parametrize("kind", ["groups", "members"])
def test_sources_propose_rows_that_exist(kind: str) -> None:
    pipeline, size = recommenders(HERE)[kind]
    for query in queries(HERE):
        for source in pipeline.sources:
            rows = source.propose(query)
            assert rows.dtype == np.int64, source.name
            assert rows.ndim == 1, source.name
            assert ((rows >= 0) & (rows < size)).all(), source.name


@pytest.mark.parametrize("kind", ["groups", "members"])
def test_columns_fit_the_pool_and_do_not_depend_on_who_else_is_in_it(kind: str) -> None:
    pipeline, size = recommenders(HERE)[kind]
    everyone = Pool(np.arange(size))
    odd = np.arange(size) % 2 == 1
    for query in queries(HERE):
        for policy in pipeline.policies:
            allowed = policy.allows(query, everyone)
            assert allowed.dtype == np.bool_, policy.name
            assert allowed.shape == (size,), policy.name
            alone = policy.allows(query, everyone.kept(odd))
            assert alone.tolist() == allowed[odd].tolist(), policy.name
        for feature in pipeline.features:
            others = columns_of(feature, query, everyone.kept(odd))
            for name, column in columns_of(feature, query, everyone).items():
                assert column.dtype == np.float32, name
                assert column.shape == (size,), name
                assert np.isfinite(column).all(), name
                assert others[name] == pytest.approx(column[odd], abs=1e-6), name


@pytest.mark.parametrize("kind", ["groups", "members"])
def test_an_empty_pool_has_empty_columns(kind: str) -> None:
    pipeline, _ = recommenders(HERE)[kind]
    nobody = Pool(np.zeros(0, np.int64))
    for query in queries(HERE):
        for policy in pipeline.policies:
            assert policy.allows(query, nobody).shape == (0,), policy.name
        for feature in pipeline.features:
            for name, column in columns_of(feature, query, nobody).items():
                assert column.shape == (0,), name
