"""Peers that look for people who are alike: in the same groups, or saying the same things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import sparse

from benchmarks.peers.history import unit_rows
from benchmarks.peers.peer import HALF_LIVES_DAYS, Settings, grid_of
from benchmarks.people.circle import Circle
from benchmarks.people.peer import PeopleScorer, in_blocks
from engine.types import Matrix


@dataclass(frozen=True, slots=True)
class SharedGroups:
    """Cosine over the groups people are in, rare groups counting more (`rarity` times idf)."""

    name: ClassVar[str] = "shared_groups"
    package: ClassVar[str] = "scipy"
    grid: ClassVar[Sequence[Settings]] = grid_of(
        rarity=[0.0, 1.0, 2.0], half_life_days=HALF_LIVES_DAYS
    )

    def fit(self, circle: Circle, settings: Settings, seed: int) -> PeopleScorer:
        """Weigh memberships by how rare the group is and how lately they were used."""
        history = circle.history
        joined = history.matrix(history.strength(float(settings["half_life_days"])))
        there = history.matrix().sum(axis=0)
        idf = np.log(history.members / np.maximum(np.asarray(there).ravel(), 1))
        weights = np.maximum(idf, 0) ** float(settings["rarity"])
        weighted = joined @ sparse.diags_array(weights).astype(np.float32)
        length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
        inverse = np.divide(1, length, out=np.zeros_like(length), where=length > 0)
        unit = sparse.csr_array(sparse.diags_array(inverse).astype(np.float32) @ weighted)
        turned = unit.T.tocsr()
        return in_blocks(lambda rows: (unit[rows] @ turned).toarray(), circle.members)


@dataclass(frozen=True, slots=True)
class SharedInterests:
    """Cosine between what people say: MiniLM vectors of profile and posts.

    `own_share` is the weight of their own texts beside those of the groups they are in; `centred`
    takes off every vector what all texts of the community have in common.
    """

    name: ClassVar[str] = "interests"
    package: ClassVar[str] = "sentence-transformers"
    grid: ClassVar[Sequence[Settings]] = grid_of(
        own_share=[0.0, 0.3, 0.6, 1.0], centred=[False, True]
    )

    def fit(self, circle: Circle, settings: Settings, seed: int) -> PeopleScorer:
        """Mix both directions."""
        history, share = circle.history, np.float32(settings["own_share"])
        around = unit_rows(history.matrix() @ history.group_texts)
        mixed = unit_rows(share * history.member_texts + (1 - share) * around)
        if settings["centred"]:
            mixed = _centred(mixed)
        return in_blocks(lambda rows: mixed[rows] @ mixed.T, circle.members)


def _centred(vectors: Matrix) -> Matrix:
    """Return vectors without their mean; one that says nothing stays zero."""
    said = (vectors != 0).any(axis=1)
    if not said.any():
        return vectors
    return unit_rows(np.where(said[:, None], vectors - vectors[said].mean(axis=0), 0))
