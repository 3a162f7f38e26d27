"""Which groups would this member belong in: an assembly of stages."""

from __future__ import annotations

import numpy as np

from engine.features import CoMembership, Companions, InterestMatch, Liveliness
from engine.index import VectorIndex
from engine.pipeline import Pipeline
from engine.policies.fitness import NotAlreadyThere, RoomLeft
from engine.policies.privacy import PublicGroup
from engine.ranker import ByAcquaintance, WeightedSum
from engine.selection import TopK
from engine.snapshot import Snapshot
from engine.sources import DEPTH, CompanionsThere, LivelyGroups, NearestVectors, SharedMembers

WEIGHTS = {
    CoMembership.name: 1.0,
    Liveliness.name: 0.8,
    InterestMatch.name: 0.4,
    Companions.name: 0.3,
}
"""Chosen by hand on validation windows; see the README's Decisions."""

NEWCOMER_WEIGHTS = {InterestMatch.name: 1.0, Companions.name: 0.3, Liveliness.name: 0.2}
"""For those who are in no group yet: what they say counts more than what is lively."""


def group_recommender(snapshot: Snapshot, prototypes: VectorIndex) -> Pipeline:
    """Return the recommender of groups; rows of its slates are group rows."""
    members, groups = snapshot.members, snapshot.groups
    # Only those that may be offered: a pool of private groups would leave newcomers with nothing.
    open_groups = np.flatnonzero(groups.public & (groups.capacity > groups.size))
    liveliest = open_groups[np.argsort(-groups.joins_decayed[open_groups], kind="stable")][:DEPTH]
    return Pipeline(
        sources=(
            NearestVectors(prototypes, groups.prototypes.owners()),
            SharedMembers(groups),
            CompanionsThere(members),
            LivelyGroups(liveliest),
        ),
        policies=(PublicGroup(groups), NotAlreadyThere(members), RoomLeft(groups)),
        features=(
            CoMembership(groups),
            Liveliness(groups),
            InterestMatch(groups.prototypes),
            Companions(members),
        ),
        scorer=ByAcquaintance(WeightedSum(NEWCOMER_WEIGHTS), WeightedSum(WEIGHTS)),
        selector=TopK(),
    )
