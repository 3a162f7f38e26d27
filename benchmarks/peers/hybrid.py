"""The peer that learns from memberships and texts at once: LightFM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from benchmarks.peers.history import History, Viewers, unit_rows
from benchmarks.peers.peer import Scorer, Settings, grid_of, in_blocks, needed
from engine.types import BoolVector, Matrix

COMPONENTS = 64
LEARNING_RATE = 0.02
HALF_LIFE_DAYS = 365.0

TOPICS = 64
"""Clusters of texts, each a feature that members and groups can have in common."""

NEAREST = 3
"""Topics that a text is about."""

SHARPNESS = 10.0
"""How much more a text is about the nearest topic than about the next: softmax of cosines."""

SAMPLED = 5_000
"""Members' texts looked at to find topics, beside all groups' texts."""


@dataclass(frozen=True, slots=True)
class LightFm:
    """Factorisation machine of members and groups, each the sum of its features (Kula 2015).

    Features are the member or group itself and the topics of its texts. Someone known by a text
    alone, or who never joined anything, is the sum of their topics.
    """

    name: ClassVar[str] = "lightfm"
    package: ClassVar[str] = "lightfm-next"
    serves_text: ClassVar[bool] = True
    grid: ClassVar[Sequence[Settings]] = grid_of(
        epochs=[15, 30, 60], penalty=[0.0003, 0.0006], text_weight=[0.15, 0.3]
    )

    def fit(self, history: History, settings: Settings, seed: int) -> Scorer:
        """Descend along sampled groups that should rank lower (WARP, Weston et al. 2011)."""
        lightfm = needed("lightfm")
        features = _Features(
            history.matrix().getnnz(axis=1) > 0,
            _topics(history, seed),
            float(settings["text_weight"]),
        )
        members = Viewers(np.arange(history.members), history.member_texts)
        of_members = features.of_viewers(members)
        of_groups = features.of_groups(history.group_texts)
        strength = history.strength(HALF_LIFE_DAYS)
        model = lightfm.LightFM(
            no_components=COMPONENTS,
            loss="warp",
            learning_rate=LEARNING_RATE,
            user_alpha=settings["penalty"],
            item_alpha=settings["penalty"],
            random_state=seed,
        )
        model.fit(
            history.matrix().tocoo(),
            user_features=of_members,
            item_features=of_groups,
            sample_weight=history.matrix(strength / strength.mean()).tocoo(),
            epochs=settings["epochs"],
            num_threads=1,  # with more, the order of updates is a matter of chance
        )
        bias, groups = model.get_item_representations(of_groups)

        def score(viewers: Viewers) -> Matrix:
            _, vectors = model.get_user_representations(features.of_viewers(viewers))
            scores: Matrix = vectors @ groups.T + bias
            return scores

        return in_blocks(score, history.groups)


@dataclass(frozen=True, slots=True)
class _Features:
    """Rows of features: one for each member or group, then one for each topic.

    Attributes:
        joined: Which members have a group; only those have a feature of their own to learn.
        topics: Unit vectors, of shape (topics, d).
        weight: What all topics of a text count together, beside 1 for who it is.
    """

    joined: BoolVector
    topics: Matrix
    weight: float

    def of_viewers(self, viewers: Viewers) -> sparse.csr_matrix:
        known = np.flatnonzero(viewers.rows >= 0)
        known = known[self.joined[viewers.rows[known]]]
        own = sparse.csr_matrix(
            (np.ones(len(known), np.float32), (known, viewers.rows[known])),
            shape=(len(viewers), len(self.joined)),
        )
        return self._beside(own, viewers.texts)

    def of_groups(self, texts: Matrix) -> sparse.csr_matrix:
        return self._beside(sparse.identity(len(texts), np.float32, format="csr"), texts)

    def _beside(self, own: sparse.csr_matrix, texts: Matrix) -> sparse.csr_matrix:
        likeness = texts @ self.topics.T
        nearest = np.argsort(-likeness, axis=1, kind="stable")[:, :NEAREST]
        shares = np.exp(SHARPNESS * np.take_along_axis(likeness, nearest, axis=1))
        shares *= self.weight / shares.sum(axis=1, keepdims=True)
        about = np.zeros_like(likeness)
        np.put_along_axis(about, nearest, shares, axis=1)
        about[~texts.any(axis=1)] = 0
        return sparse.hstack([own, sparse.csr_matrix(about)], format="csr", dtype=np.float32)


def _topics(history: History, seed: int) -> Matrix:
    """Return the directions of clusters of what groups and members say (k-means)."""
    cluster, threads = needed("sklearn.cluster"), needed("threadpoolctl")
    rng = np.random.default_rng(seed)
    said = np.flatnonzero(history.member_texts.any(axis=1))
    said = rng.permutation(said)[:SAMPLED]
    texts: Any = np.concatenate([history.group_texts, history.member_texts[said]])
    texts = np.unique(texts[texts.any(axis=1)], axis=0)
    if not len(texts):
        return np.zeros((1, history.group_texts.shape[1]), dtype=np.float32)
    means = cluster.KMeans(min(TOPICS, len(texts)), n_init=1, random_state=seed)
    with threads.threadpool_limits(1):  # sums of several threads are rounded by chance
        means.fit(texts)
    return unit_rows(means.cluster_centers_)
