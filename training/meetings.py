"""What introductions are worked out from beforehand, and the past with some of its ties hidden."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse

from engine.acquaintance import Acquaintance
from engine.columns import Links
from engine.snapshot import Snapshot
from engine.types import Matrix, Rows, Vector
from training.bridge import unit
from training.factors import MOST_CELLS, factors_of

DIRECTIONS = 32
"""Directions of the space that members lie in. 64 found no more on lastfm."""

GROUPS_SHARE = 0.5
"""What groups count beside ties in that space."""

SHRINK = 10.0
"""Pairs of tied people that a group is given before it is compared with everybody: the closeness
of one with few people says little."""


def acquaintance_of(snapshot: Snapshot) -> Acquaintance:
    """Return what introductions read of ties and groups; prices come later.

    Private groups place nobody: only how close their own people are is told, to themselves.
    """
    places, group_places = _places(snapshot)
    looking, met = _foretelling(snapshot)
    return Acquaintance(places, group_places, looking, met, _closeness(snapshot))


def _foretelling(snapshot: Snapshot) -> tuple[Matrix, Matrix]:
    """Return each member's vectors as one who looks and as one who is looked at."""
    ties, inside = matrix(snapshot.members.ties), matrix(snapshot.members.groups, snapshot)
    members = ties.shape[0]
    public = sparse.diags_array(snapshot.groups.public.astype(np.float32))
    # Everybody is one of their own circle: whoever is like my friends is then like me.
    circle = ties + sparse.eye_array(members, dtype=np.float32)
    table = sparse.csr_array(sparse.hstack([circle, inside @ public])).astype(np.float32)
    table.eliminate_zeros()
    if not ties.nnz or table.nnz > MOST_CELLS:
        return (np.zeros((members, 0), np.float32),) * 2
    looking, columns = factors_of(table)
    return looking, columns[:members]


def _places(snapshot: Snapshot) -> tuple[Matrix, Matrix]:
    """Return where members and groups lie: the largest directions of ties and memberships.

    Every tie counts by the roots of both people's ties, every group by how few are in it.
    Source: truncated singular values, found as in Halko et al. 2011.
    """
    from sklearn.utils.extmath import randomized_svd

    ties, inside = matrix(snapshot.members.ties), matrix(snapshot.members.groups, snapshot)
    degree = 1 / np.sqrt(np.maximum(np.asarray(ties.sum(axis=1)).ravel(), 1))
    public = snapshot.groups.public / np.sqrt(np.maximum(snapshot.groups.members.counts(), 1))
    rows = sparse.diags_array(degree)
    many = 1 / np.sqrt(np.maximum(snapshot.members.groups.counts(), 1))
    groups = sparse.diags_array(many) @ inside @ sparse.diags_array(public) * GROUPS_SHARE
    both = sparse.csr_array(sparse.hstack([rows @ ties @ rows, groups])).astype(np.float64)
    directions = min(DIRECTIONS, min(both.shape) - 1)
    if directions < 1 or not both.nnz:
        return (np.zeros((size, 0), np.float32) for size in (len(many), len(public)))  # type: ignore[return-value]
    left, strength, _ = randomized_svd(both, directions, random_state=0)
    places = unit((left * np.sqrt(strength)).astype(np.float32))
    of_groups = unit(np.asarray(groups.T @ places, np.float32))
    return places, of_groups


def _closeness(snapshot: Snapshot) -> Vector:
    """Return how much likelier two people of a group are tied than any two: see `Acquaintance`."""
    ties, inside = matrix(snapshot.members.ties), matrix(snapshot.members.groups, snapshot)
    members, pairs = ties.shape[0], ties.nnz
    if not pairs:
        return np.zeros(inside.shape[1], np.float32)
    one, other = sparse.coo_array(ties).coords
    tied = np.asarray(inside[one].multiply(inside[other]).sum(axis=0)).ravel()
    sizes = np.asarray(inside.sum(axis=0)).ravel()
    expected = sizes * (sizes - 1) * pairs / max(members * (members - 1), 1)
    ratio = np.log((tied + SHRINK) / (expected + SHRINK))
    closeness: Vector = np.maximum(ratio, 0).astype(np.float32)
    return closeness


def matrix(links: Links, snapshot: Snapshot | None = None) -> sparse.csr_array:
    """Return links as a matrix of ones: among members, or to groups if a snapshot is given."""
    wide = len(links) if snapshot is None else len(snapshot.groups.ids)
    ones = np.ones(len(links.targets))
    return sparse.csr_array((ones, links.targets, links.offsets), shape=(len(links), wide))


def pairs_of(links: Links) -> tuple[Rows, Rows]:
    """Return both ends of links among members, each pair once, the lower row first."""
    sources = np.repeat(np.arange(len(links)), links.counts())
    ahead = sources < links.targets
    return sources[ahead], links.targets[ahead]


def without_ties(snapshot: Snapshot, one: Rows, other: Rows) -> Snapshot:
    """Return the community as if these pairs had never met: no tie, no conversation, no answer.

    Args:
        snapshot: What is known.
        one: One of each pair: int64 of shape (n,).
        other: The other: int64 of shape (n,).
    """
    members, acts = snapshot.members, snapshot.behaviour
    size = len(members.ids)
    apart = np.unique(np.concatenate([one * size + other, other * size + one]))

    def left(links: Links) -> Links:
        sources = np.repeat(np.arange(len(links)), links.counts())
        keep = ~np.isin(sources * size + links.targets, apart)
        return Links.of(size, sources[keep], links.targets[keep], links.weights[keep])

    return replace(
        snapshot,
        members=replace(members, ties=left(members.ties), answered=left(members.answered)),
        behaviour=replace(acts, fellows=left(acts.fellows)),
    )
