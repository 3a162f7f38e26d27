"""What was learned -> scores, the same ones after a bundle as before it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from engine.errors import BundleError, StageError
from engine.query import NOBODY_ASKS
from engine.ranker import Blend, Boosted, WeightedSum
from engine.trees import Trees
from tests.engine.pools import LINEAR, pool, row
from training.trees_file import graph_of


@pytest.fixture(scope="module")
def model() -> HistGradientBoostingClassifier:
    """Trees over whole numbers, whose thresholds are halves, and over any float64."""
    chance = np.random.default_rng(0)
    whole = chance.integers(-3, 4, (600, 2))
    any_number = chance.normal(size=(600, 2))
    liked = whole[:, 0] * any_number[:, 0] + whole[:, 1] > chance.normal(size=600)
    trees = HistGradientBoostingClassifier(
        max_iter=15, max_leaf_nodes=7, max_bins=63, early_stopping=False, random_state=0
    )
    return trees.fit(np.concatenate([whole, any_number], axis=1), liked)


@pytest.fixture(scope="module")
def graph(model: HistGradientBoostingClassifier) -> bytes:
    """The same trees for a server."""
    return graph_of(model)


# Linear, Blend


def test_a_linear_score_reads_roots_and_what_is_missing_to_the_best_of_the_pool() -> None:
    # Roots: near 2 and 0, far -3 and 0. To the best, in spreads: near 0 and -1, far -1 and 0.
    # (2 - 2) / 2 - 30 + 0 - 1000, and (0 - 2) / 2 + 0 - 100 + 0.
    scores = LINEAR.score(NOBODY_ASKS, pool(near=[4, 0], far=[-9, 0]))
    assert scores.tolist() == [-1030, -101]
    assert scores.dtype == np.float32


def test_a_column_that_is_equal_for_all_is_nobodys_advantage() -> None:
    # Nothing is missing to the best: (1 - 2) / 2 and 10 x 2 each.
    assert LINEAR.score(NOBODY_ASKS, pool(near=[1, 1], far=[4, 4])).tolist() == [19.5, 19.5]


def test_a_blend_is_the_mean_of_its_parts_each_by_its_spread() -> None:
    near, far = WeightedSum({"near": 4.0}), WeightedSum({"far": 1.0})
    mixed = Blend((near, far), (2.0, 0.5))
    # Half of 4 / 2, and half of 1 / 0.5.
    assert mixed.score(NOBODY_ASKS, pool(near=[0, 9], far=[1, 0])).tolist() == [1.0, 1.0]
    assert mixed.score(NOBODY_ASKS, pool(near=[0, 9], far=[0, 1])).tolist() == [0.0, 2.0]


def test_a_blend_names_each_column_its_parts_read_once() -> None:
    assert Blend((LINEAR, WeightedSum({"far": 1.0, "new": 1.0})), (1.0, 1.0)).columns == (
        "near",
        "far",
        "new",
    )


def test_every_learned_scorer_is_empty_for_an_empty_pool_and_wants_its_columns(
    graph: bytes,
) -> None:
    boosted = Boosted(("a", "b", "c", "d"), Trees(graph))
    nobody = pool(near=[], far=[], a=[], b=[], c=[], d=[])
    for scorer in (LINEAR, boosted, Blend((LINEAR, boosted), (1.0, 1.0))):
        assert scorer.score(NOBODY_ASKS, nobody).shape == (0,)
        with pytest.raises(StageError, match="which no feature measures"):
            scorer.score(NOBODY_ASKS, pool(other=[1.0]))


# Trees


def test_trees_add_up_as_they_did_in_training(
    model: HistGradientBoostingClassifier, graph: bytes
) -> None:
    values = np.random.default_rng(1).normal(scale=2, size=(2_000, 4)).astype(np.float32)
    assert Trees(graph).predict(values) == pytest.approx(model.decision_function(values), abs=1e-5)


def test_a_value_at_a_threshold_or_next_to_it_takes_the_branch_it_took_in_training(
    model: HistGradientBoostingClassifier, graph: bytes
) -> None:
    values = borders(model)
    assert len(values) > 100
    assert Trees(graph).predict(values) == pytest.approx(model.decision_function(values), abs=1e-5)


def borders(model: HistGradientBoostingClassifier) -> NDArray[np.float32]:
    """Return rows with each threshold as a float32, and with the float32 on either side of it."""
    nodes = np.concatenate([stage[0].nodes for stage in model._predictors])
    nodes = np.repeat(nodes[nodes["is_leaf"] == 0], 20)  # a node is reached from few rows
    at = nodes["num_threshold"].astype(np.float32)
    others = np.random.default_rng(3).normal(size=(len(nodes), 4)).astype(np.float32)
    rows = []
    for near in (at, np.nextafter(at, row(-np.inf)), np.nextafter(at, row(np.inf))):
        values = others.copy()
        values[np.arange(len(nodes)), nodes["feature_idx"]] = near
        rows.append(values)
    return np.concatenate(rows)


def renamed(graph: bytes) -> bytes:
    other = onnx.load_from_string(graph)
    other.graph.input[0].name = other.graph.node[0].input[0] = "y"
    renamed: bytes = other.SerializeToString()
    return renamed


@pytest.mark.parametrize(
    "damage",
    [
        lambda graph: graph[: len(graph) // 2],
        lambda graph: b"",
        lambda graph: b"no graph at all",
        lambda graph: graph.replace(b"TreeEnsembleRegressor", b"TreeEnsembleRecluster"),
        renamed,
    ],
    ids=["cut short", "empty", "something else", "unheard of", "another input"],
)
def test_a_damaged_graph_is_refused(graph: bytes, damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(BundleError, match=r"trees cannot be read .*: train again"):
        Trees(damage(graph))
