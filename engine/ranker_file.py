"""Scorers as a file holds them: plain numbers, and boosted trees as a graph beside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine.json_file import names_in, number_in, numbers_in, part_of
from engine.ranker import Blend, Boosted, Linear, Weigher, WeightedSum
from engine.trees import Trees
from engine.types import Vector


def written_scorer(scorer: Weigher, folder: Path, name: str) -> dict[str, Any]:
    """Return a scorer as JSON can hold it; trees are written into the folder, called `name`.

    Raises:
        TypeError: It is of a kind that cannot be stored.
    """
    if isinstance(scorer, WeightedSum):
        return {"kind": scorer.name, "weights": dict(scorer.weights)}
    if isinstance(scorer, Linear):
        numbers = {key: getattr(scorer, key).tolist() for key in ("means", "scales", "weights")}
        return {"kind": scorer.name, "columns": list(scorer.columns), **numbers}
    if isinstance(scorer, Boosted):
        (folder / f"{name}.onnx").write_bytes(scorer.trees.graph)
        return {"kind": scorer.name, "columns": list(scorer.columns), "file": f"{name}.onnx"}
    if isinstance(scorer, Blend):
        parts = [written_scorer(part, folder, f"{name}-{n}") for n, part in enumerate(scorer.parts)]
        return {"kind": scorer.name, "parts": parts, "scales": list(scorer.scales)}
    raise TypeError(f"{type(scorer).__name__} cannot be stored")


def read_scorer(plain: dict[str, Any], folder: Path) -> Weigher:
    """Return the scorer that a file holds.

    Raises:
        ValueError: It does not hold one.
        BundleError: Its trees cannot be read.
    """
    kind = part_of(plain, "kind", str)
    if kind == WeightedSum.name:
        weights = part_of(plain, "weights", dict)
        return WeightedSum({name: number_in(weights, name) for name in weights})
    if kind == Linear.name:
        columns = names_in(plain, "columns")
        means, scales, weights = (
            numbers_of(plain, key, 2 * len(columns)) for key in ("means", "scales", "weights")
        )
        if not scales.all():
            raise ValueError("a scale is 0")
        return Linear(columns, means, scales, weights)
    if kind == Boosted.name:
        name = Path(part_of(plain, "file", str)).name
        if not name.endswith(".onnx"):
            raise ValueError(f"{name[:80]!r} is no file of trees")
        columns = names_in(plain, "columns")
        trees = Trees((folder / name).read_bytes())
        trees.predict(np.zeros((1, len(columns)), np.float32))
        return Boosted(columns, trees)
    if kind == Blend.name:
        parts = tuple(
            read_scorer(part_of({"part": part}, "part", dict), folder)
            for part in part_of(plain, "parts", list)
        )
        spreads = numbers_of(plain, "scales", len(parts))
        if not (parts and spreads.all()):
            raise ValueError("there is nothing to blend, or a scale is 0")
        return Blend(parts, tuple(part_of(plain, "scales", list)))
    raise ValueError(f"a scorer of the kind {kind[:80]!r} is not known")


def numbers_of(plain: dict[str, Any], name: str, size: int) -> Vector:
    """Return so many finite numbers.

    Raises:
        ValueError: They are none, or of another number.
    """
    found = np.array(numbers_in(plain, name), np.float32)
    if len(found) != size or not np.isfinite(found).all():
        raise ValueError(f"{name!r} is not {size} finite numbers")
    return found
