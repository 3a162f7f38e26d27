"""Which groups would this member belong in: an assembly of stages."""

from __future__ import annotations

import numpy as np

from engine.errors import BundleError
from engine.group_features import group_features
from engine.group_ranker import GroupRanker
from engine.holds import NOTHING_HELD, Holds
from engine.index import VectorIndex
from engine.pipeline import Pipeline, Policy, Source
from engine.policies.fitness import NotAlreadyThere, NotMuted, RoomLeft
from engine.policies.holds import NotSetAside
from engine.policies.privacy import PublicGroup
from engine.ranker import ByAcquaintance
from engine.selection import Balanced, TopK
from engine.snapshot import Snapshot
from engine.sources import (
    DEPTH,
    CompanionsThere,
    LivelyGroups,
    NearestVectors,
    NewGroups,
    SharedMembers,
    VisitedGroups,
)


def group_recommender(
    snapshot: Snapshot,
    prototypes: VectorIndex,
    ranker: GroupRanker | None = None,
    holds: Holds = NOTHING_HELD,
) -> Pipeline:
    """Return the recommender of groups; rows of its slates are group rows.

    Args:
        snapshot: The community.
        prototypes: Index over groups' prototypes.
        ranker: What orders them; hand-set weights if absent.
        holds: What is set aside.

    Raises:
        BundleError: The ranker reads a column that is not measured.
    """
    ranker = ranker or GroupRanker()
    groups, acts = snapshot.groups, snapshot.behaviour
    seldom = ranker.seldom if len(ranker.seldom) else np.zeros(len(groups.ids), bool)
    fresh = acts.life.members == 0
    measures = group_features(snapshot)
    unheard = [name for name in ranker.columns if name not in measures]
    if unheard:
        raise BundleError(
            f"the ranker reads {unheard[0]!r}, which this version does not measure: train again"
        )
    balanced = Balanced(
        groups.size, acts.topics, groups.prototypes, seldom, fresh, ranker.preferences
    )
    return Pipeline(
        sources=_sources(snapshot, prototypes),
        policies=(*_policies(snapshot), NotSetAside(holds.groups)),
        features=[measures[name] for name in ranker.columns],
        scorer=ByAcquaintance(ranker.newcomer, ranker.known),
        selector=balanced,
        calibrator=ranker.calibration,
        odds=balanced,
    )


def group_measures(snapshot: Snapshot, prototypes: VectorIndex) -> Pipeline:
    """Return a pipeline that measures every column there is: what a ranker learns from."""
    return Pipeline(
        sources=_sources(snapshot, prototypes),
        policies=_policies(snapshot),
        features=list(group_features(snapshot).values()),
        scorer=GroupRanker().known,  # never asked
        selector=TopK(),
    )


def _sources(snapshot: Snapshot, prototypes: VectorIndex) -> tuple[Source, ...]:
    members, groups = snapshot.members, snapshot.groups
    # Only those that may be offered: a pool of private groups would leave newcomers with nothing.
    open_groups = np.flatnonzero(groups.public & (groups.capacity > groups.size))
    liveliest = open_groups[np.argsort(-groups.joins_decayed[open_groups], kind="stable")][:DEPTH]
    age = snapshot.behaviour.life.age[open_groups]
    newest = open_groups[np.argsort(age, kind="stable")][:DEPTH]
    return (
        NearestVectors(prototypes, groups.prototypes.owners()),
        SharedMembers(groups),
        CompanionsThere(members),
        VisitedGroups(),
        LivelyGroups(liveliest),
        NewGroups(newest),
    )


def _policies(snapshot: Snapshot) -> tuple[Policy, ...]:
    members, groups = snapshot.members, snapshot.groups
    return (
        PublicGroup(groups),
        NotAlreadyThere(members),
        RoomLeft(groups),
        NotMuted(members, groups),
    )
