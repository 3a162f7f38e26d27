"""Boosted trees as an ONNX graph: quick to run, and a file that can do nothing but add numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnxruntime as ort

from engine.errors import BundleError
from engine.types import Matrix, Vector


@dataclass(frozen=True, slots=True)
class Trees:
    """An ensemble of regression trees.

    Attributes:
        graph: The serialised ONNX graph: input `x`, float32 of shape (n, columns); one output of
            shape (n, 1).
    """

    graph: bytes
    _session: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Open the graph.

        Raises:
            BundleError: It is no such graph.
        """
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            session = ort.InferenceSession(self.graph, options, providers=["CPUExecutionProvider"])
            if [given.name for given in session.get_inputs()] != ["x"]:
                raise ValueError("its input is not x")
        except Exception as error:  # onnxruntime's own exceptions have no common base
            raise BundleError(
                f"the ranker's trees cannot be read ({error}): train again"
            ) from error
        object.__setattr__(self, "_session", session)

    def predict(self, columns: Matrix) -> Vector:
        """Return the sum of the trees for each row of shape (n, columns): float32 of shape (n,)."""
        if not len(columns):
            return np.zeros(0, np.float32)
        total: Vector = self._session.run(None, {"x": columns})[0][:, 0]
        return total
