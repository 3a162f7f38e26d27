"""scikit-learn's boosted trees -> an ONNX graph that a server runs without scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper


def graph_of(model: Any) -> bytes:  # noqa: ANN401
    """Return a fitted HistGradientBoostingClassifier (two classes) as ONNX.

    Its one output is the decision function: log-odds of the second class. Thresholds are rounded
    down to float32, so that a float32 value takes the branch it took in training.
    """
    trees = [stage[0].nodes for stage in model._predictors]
    columns: dict[str, list[Any]] = {
        name: []
        for name in (
            "treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids",
            "missing_value_tracks_true",
        )
    }  # fmt: skip
    leaves: dict[str, list[Any]] = {name: [] for name in ("treeids", "nodeids", "ids", "weights")}
    for number, nodes in enumerate(trees):
        leaf = nodes["is_leaf"].astype(bool)
        count = len(nodes)
        columns["treeids"] += [number] * count
        columns["nodeids"] += range(count)
        columns["featureids"] += np.where(leaf, 0, nodes["feature_idx"]).tolist()
        columns["modes"] += ["LEAF" if end else "BRANCH_LEQ" for end in leaf]
        columns["values"] += np.where(leaf, 0, _rounded_down(nodes["num_threshold"])).tolist()
        columns["truenodeids"] += np.where(leaf, 0, nodes["left"]).tolist()
        columns["falsenodeids"] += np.where(leaf, 0, nodes["right"]).tolist()
        columns["missing_value_tracks_true"] += nodes["missing_go_to_left"].astype(int).tolist()
        ends = np.flatnonzero(leaf)
        leaves["treeids"] += [number] * len(ends)
        leaves["nodeids"] += ends.tolist()
        leaves["ids"] += [0] * len(ends)
        leaves["weights"] += nodes["value"][ends].tolist()
    node = helper.make_node(
        "TreeEnsembleRegressor",
        ["x"],
        ["score"],
        domain="ai.onnx.ml",
        n_targets=1,
        base_values=[float(np.ravel(model._baseline_prediction)[0])],
    )
    attributes = {f"nodes_{name}": values for name, values in columns.items()}
    attributes |= {f"target_{name}": values for name, values in leaves.items()}
    node.attribute.extend(helper.make_attribute(*item) for item in attributes.items())
    graph = helper.make_graph(
        [node],
        "ranker",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, model.n_features_in_])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [None, 1])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    built = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    onnx.checker.check_model(built)
    serialised: bytes = built.SerializeToString()
    return serialised


def _rounded_down(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    finite = np.clip(thresholds, -3e38, 3e38)
    near = finite.astype(np.float32)
    return np.where(near > finite, np.nextafter(near, np.float32(-np.inf)), near)
