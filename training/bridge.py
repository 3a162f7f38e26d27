"""From text to behaviour: linear maps on frozen text vectors, fitted to who joined what.

All are ridge regressions with a closed form: no seed, no epochs, under a second.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from data.community import Community
from engine.types import Matrix
from training.texts import TextVectors

PLACES = 48
"""Dimensions of the space of co-membership."""

BELIEVED = 5.0
"""Members from which a group's own place counts more than the one its text predicts."""

RIDGE = 3.0
"""How strongly a map from text is held back, in texts."""

MAX_TEXTS = 50_000
"""Texts a map is fitted on at most, the newest first."""


def unit(vectors: NDArray[np.floating]) -> Matrix:
    """Return each row at length 1; a zero row stays zero."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Matrix = (vectors / np.where(length > 0, length, 1)).astype(np.float32)
    return scaled


def places_of(memberships: sparse.csr_array, topics: Matrix) -> tuple[Matrix, Matrix]:
    """Return where each group lies in the space of co-membership, and the bridge from text.

    The space is a truncated SVD of memberships, members and groups both scaled by the root of
    their degree. Where a group has few members, its place leans on what its topic predicts.

    Args:
        memberships: Members x groups, ones.
        topics: Unit vectors of shape (groups, d).

    Returns:
        Places, unit vectors of shape (groups, p), and the bridge of shape (d, p).
    """
    groups, dimension = topics.shape
    sizes = np.asarray(memberships.sum(axis=0)).ravel()
    rank = min(PLACES, int((sizes > 0).sum()) - 1, memberships.shape[0] - 1)
    if rank < 2:
        return np.zeros((groups, 1), np.float32), np.zeros((dimension, 1), np.float32)
    from sklearn.utils.extmath import randomized_svd

    degrees = np.asarray(memberships.sum(axis=1)).ravel()
    left = sparse.diags_array(1 / np.sqrt(np.maximum(degrees, 1)))
    right = sparse.diags_array(1 / np.sqrt(np.maximum(sizes, 1)))
    _, _, axes = randomized_svd(
        sparse.csr_array(left @ memberships @ right), n_components=rank, random_state=0
    )
    own = unit(axes.T)
    told = topics.any(axis=1) & (sizes > 0)
    trust = np.log1p(sizes[told])[:, None]
    texts = topics[told].astype(np.float64)
    penalty = RIDGE * np.eye(dimension)
    bridge = np.linalg.solve(texts.T @ (texts * trust) + penalty, texts.T @ (own[told] * trust))
    predicted = unit(topics @ bridge)
    blend = own * sizes[:, None] + BELIEVED * predicted
    return unit(blend), bridge.astype(np.float32)


def text_weights_of(
    community: Community, vectors: TextVectors, memberships: sparse.csr_array, topics: Matrix
) -> Matrix:
    """Return for each group the direction along which texts are found in it.

    The texts are public posts, which are found in their groups, and profiles, which are found in
    the groups their members are in. A group in which none was found takes its topic, scaled like
    the others.

    Returns:
        float32 of shape (groups, d); text @ weights.T is about the share of such texts.
    """
    texts, found = _found(community, vectors, memberships)
    groups, dimension = topics.shape
    weights = np.zeros((groups, dimension), np.float32)
    if len(texts):
        gram = texts.T @ texts + RIDGE * np.eye(dimension)
        weights = np.linalg.solve(gram, np.asarray(found.T @ texts).T).T.astype(np.float32)
    silent = np.asarray(found.sum(axis=0)).ravel() == 0
    usual = np.linalg.norm(weights[~silent], axis=1).mean() if (~silent).any() else 1.0
    weights[silent] = topics[silent] * np.float32(usual)
    return weights


def meaning_of(
    community: Community, vectors: TextVectors, memberships: sparse.csr_array, topics: Matrix
) -> Matrix:
    """Return the map that turns a text's vector towards the topics of the groups it is found in.

    A ridge regression drawn to the identity: without evidence, near means what it meant before.

    Returns:
        float32 of shape (d, d).
    """
    texts, found = _found(community, vectors, memberships)
    dimension = topics.shape[1]
    identity = np.eye(dimension)
    if not len(texts):
        return identity.astype(np.float32)
    welcoming = unit(np.asarray(found @ topics))
    held = RIDGE * 10
    gram = texts.T @ texts + held * identity
    return np.linalg.solve(gram, texts.T @ welcoming + held * identity).astype(np.float32)


def _found(
    community: Community, vectors: TextVectors, memberships: sparse.csr_array
) -> tuple[Matrix, sparse.csr_array]:
    """Return texts and the groups they were found in: (n, d), and shares of shape (n, groups)."""
    when = community.posts["ts"].fill_null(0).to_numpy()
    where = sparse.csr_array(
        (
            np.ones(len(community.post_groups), np.float32),
            (community.post_groups["post"].to_numpy(), community.post_groups["group"].to_numpy()),
        ),
        shape=(len(community.posts), len(community.groups)),
    )
    placed = np.diff(where.indptr) > 0
    posts = np.flatnonzero(vectors.posts.any(axis=1) & placed)
    posts = posts[np.argsort(-when[posts], kind="stable")][:MAX_TEXTS]
    profiled = np.flatnonzero(vectors.members.any(axis=1) & (np.diff(memberships.indptr) > 0))
    profiled = profiled[: max(MAX_TEXTS - len(posts), 0)]
    texts = np.concatenate([vectors.posts[posts], vectors.members[profiled]])
    found = sparse.vstack([where[posts], memberships[profiled]], format="csr")
    counts = np.maximum(np.diff(found.indptr), 1)
    shares = sparse.csr_array(sparse.diags_array(1 / counts) @ found)
    return texts, shares
