"""Whom would this member be glad to meet: an assembly of stages."""

from __future__ import annotations

from engine.features import InterestMatch, MutualCompanions, SharedGroups, TakesPart
from engine.holds import NOTHING_HELD, Holds
from engine.index import VectorIndex
from engine.pipeline import Pipeline
from engine.policies.fitness import NotAlreadyTied
from engine.policies.holds import NotReported, NotSetAside
from engine.policies.privacy import Discoverable, NotBlocked, OpenToIntroductions, SameAudience
from engine.ranker import ByAcquaintance, WeightedSum
from engine.selection import TopK
from engine.snapshot import Snapshot
from engine.sources import (
    CompanionsOfCompanions,
    NearestInBand,
    NearestVectors,
    Regulars,
    SmallGroupFellows,
)

WEIGHTS = {
    MutualCompanions.name: 1.0,
    SharedGroups.name: 0.5,
    InterestMatch.name: 0.4,
    TakesPart.name: 0.4,
}
"""Chosen by hand on validation windows; see the README's Decisions."""

NEAREST = 100
"""Nearest interests looked at: the graph finds a hundred in half the time of two hundred."""

NEWCOMER_WEIGHTS = {MutualCompanions.name: 1.0, InterestMatch.name: 1.0, TakesPart.name: 0.2}
"""For those who are in no group yet: what they say counts more than who is active."""


def introduction_recommender(
    snapshot: Snapshot, interests: VectorIndex, holds: Holds = NOTHING_HELD
) -> Pipeline:
    """Return the recommender of people to meet; rows of its slates are member rows."""
    members, groups = snapshot.members, snapshot.groups
    return Pipeline(
        sources=(
            NearestVectors(interests, members.interests.owners(), NEAREST),
            CompanionsOfCompanions(members.ties),
            SmallGroupFellows(groups),
            NearestInBand.of(members, NEAREST),
            Regulars.of(members),
        ),
        policies=(
            NotAlreadyTied(),
            Discoverable(members),
            OpenToIntroductions(members),
            NotBlocked(members),
            SameAudience(members),
            NotSetAside(holds.members),
            NotReported(holds.hidden),
        ),
        features=(
            MutualCompanions(members.ties),
            SharedGroups(members, groups),
            InterestMatch(members.interests),
            TakesPart.of(members),
        ),
        scorer=ByAcquaintance(WeightedSum(NEWCOMER_WEIGHTS), WeightedSum(WEIGHTS)),
        selector=TopK(),
    )
