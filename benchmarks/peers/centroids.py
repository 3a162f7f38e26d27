"""The peer made of text alone: what a good engineer writes in an afternoon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from benchmarks.peers.history import History, Viewers, unit_rows
from benchmarks.peers.peer import Scorer, Settings, grid_of, in_blocks, needed
from engine.types import Matrix


@dataclass(frozen=True, slots=True)
class MiniLmCentroids:
    """Groups nearest to the mean of what a member said and of the groups they are in.

    The vectors are those of the sentence-transformers model all-MiniLM-L6-v2, mean-pooled, and
    the search is FAISS's exact inner product. `centred` takes the mean of all groups off every
    vector, since texts of one community are all a little alike.
    """

    name: ClassVar[str] = "minilm_centroids"
    package: ClassVar[str] = "faiss-cpu"
    serves_text: ClassVar[bool] = True
    grid: ClassVar[Sequence[Settings]] = grid_of(
        own_share=[0.1, 0.3, 0.6], centred=[False, True], half_life_days=[180.0, 3650.0]
    )

    def fit(self, history: History, settings: Settings, seed: int) -> Scorer:
        """Put the groups into an index."""
        faiss = needed("faiss")
        middle = _mean(history.group_texts) if settings["centred"] else np.float32(0)
        groups = _moved(history.group_texts, middle)
        index = faiss.IndexFlatIP(groups.shape[1])
        index.add(groups)
        joined = history.matrix(history.strength(float(settings["half_life_days"])))
        around = unit_rows(joined @ groups)
        own_share = float(settings["own_share"])

        def score(viewers: Viewers) -> Matrix:
            said = _moved(viewers.texts, middle)
            member = viewers.rows >= 0
            queries = own_share * said
            queries[member] += (1 - own_share) * around[viewers.rows[member]]
            found, rows = index.search(unit_rows(queries), len(groups))
            scores: Matrix = np.empty_like(found)
            np.put_along_axis(scores, rows, found, axis=1)
            return scores

        return in_blocks(score, history.groups)


def _mean(texts: Matrix) -> Matrix:
    said = texts[texts.any(axis=1)]
    mean: Matrix = said.mean(axis=0) if len(said) else texts.mean(axis=0)
    return mean


def _moved(texts: Matrix, middle: Matrix | np.float32) -> Matrix:
    """Return the texts without what they have in common; one that says nothing stays zero."""
    return unit_rows(np.where(texts.any(axis=1, keepdims=True), texts - middle, 0))
