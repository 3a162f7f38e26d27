"""A person's posts and profile -> a few weighted interests.

Someone is into rocketry *and* sourdough: one blurred average would be near neither. So a
person's vectors are clustered bottom-up by average linkage, as PinnerSage does (Pal et al. 2020,
"PinnerSage: Multi-Modal User Embedding Framework for Recommendations at Pinterest"). We differ in
the linkage (average, since it reads as "how alike are these two sets of posts") and in keeping a
centroid instead of a medoid: with a handful of posts a medoid is one post's wording.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.types import Matrix, Rows, Vector

LIMIT = 5
"""Interests a person has at most; the lightest clusters beyond are left out."""

APART = 0.65
"""Two clusters whose texts are on average further apart than this (1 - cosine) stay two."""


@dataclass(frozen=True, slots=True)
class Interests:
    """What one person cares about, heaviest first.

    Attributes:
        vectors: Unit vectors, float32 of shape (k, d).
        weights: Shares that sum to 1, float32 of shape (k,).
        labels: Which interest each input vector went to, -1 for none: int64 of shape (m,).
    """

    vectors: Matrix
    weights: Vector
    labels: Rows


def find_interests(
    vectors: Matrix, weights: NDArray[np.floating], limit: int = LIMIT, apart: float = APART
) -> Interests:
    """Cluster a person's unit vectors, shape (m, d), into at most `limit` interests.

    Args:
        vectors: One unit vector a text.
        weights: How much each text counts, positive, shape (m,).
        limit: Interests kept at most.
        apart: Average distance (1 - cosine) beyond which texts are different interests.

    Returns:
        Interests, heaviest first; of equal weight, the one with the earlier text first. No
        vectors give no interests.
    """
    count = len(vectors)
    if count == 0:
        return Interests(vectors[:0], np.zeros(0, np.float32), np.zeros(0, np.int64))
    if count == 1:
        return Interests(vectors, np.ones(1, np.float32), np.zeros(1, np.int64))
    if count == 2:  # by far the most common: no tree is needed to tell one from two
        return _of_two(vectors, np.asarray(weights), apart)
    # Imported here: it costs a server a quarter of a second that only newcomers' texts need.
    from scipy.cluster.hierarchy import linkage

    exact = vectors.astype(np.float64)
    distances = (1 - exact @ exact.T)[np.triu_indices(count, 1)]
    clusters = _joined(linkage(distances.clip(min=0), method="average"), apart)
    mass = np.bincount(clusters, weights=weights)
    first = np.full(len(mass), count)
    np.minimum.at(first, clusters, np.arange(count))
    kept = np.lexsort((first, -mass))[:limit]
    rank = np.full(len(mass), -1, dtype=np.int64)
    rank[kept] = np.arange(len(kept))
    labels = rank[clusters]
    centroids = np.zeros((len(kept), vectors.shape[1]), dtype=np.float64)
    inside = labels >= 0
    weighted = vectors[inside] * np.asarray(weights)[inside, None]
    np.add.at(centroids, labels[inside], weighted)
    centroids /= np.linalg.norm(centroids, axis=1, keepdims=True)
    shares = mass[kept] / mass[kept].sum()
    return Interests(centroids.astype(np.float32), shares.astype(np.float32), labels)


def _joined(tree: NDArray[np.float64], apart: float) -> Rows:
    """Return the cluster of each text when all that is at most this far apart has been joined.

    Average linkage joins what is nearest first, so that every later step is as far or farther.
    """
    count = len(tree) + 1
    inside = [[text] for text in range(count)]
    for one, other, distance, _ in tree.tolist():
        if distance > apart:
            break
        inside.append(inside[int(one)] + inside[int(other)])
        inside[int(one)] = inside[int(other)] = []
    clusters = np.zeros(count, np.int64)
    for place, texts in enumerate(part for part in inside if part):
        clusters[texts] = place
    return clusters


def _of_two(vectors: Matrix, weights: NDArray[np.floating], apart: float) -> Interests:
    """Return one interest if the two texts are near enough, else one each, heaviest first."""
    if 1 - float(vectors[0].astype(np.float64) @ vectors[1]) <= apart:
        mean = weights[0] * vectors[0].astype(np.float64) + weights[1] * vectors[1]
        together = (mean / np.linalg.norm(mean)).astype(np.float32)[None, :]
        return Interests(together, np.ones(1, np.float32), np.zeros(2, np.int64))
    order = np.lexsort((np.arange(2), -weights))
    shares = (weights[order] / weights.sum()).astype(np.float32)
    return Interests(vectors[order], shares, np.argsort(order))
