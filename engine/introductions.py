"""Whom would this member be glad to meet: an assembly of stages."""

from __future__ import annotations

from engine.holds import NOTHING_HELD, Holds
from engine.index import VectorIndex
from engine.introduction_ranker import UNLEARNED, IntroductionRanker
from engine.pair_features import PairFeatures
from engine.people_sources import (
    Complementary,
    Everybody,
    NearestPlaces,
    SameThread,
    ShortWalks,
)
from engine.pipeline import Pipeline, Source
from engine.policies.fitness import NotAlreadyTied
from engine.policies.holds import NotReported, NotSetAside
from engine.policies.privacy import Discoverable, NotBlocked, OpenToIntroductions, SameAudience
from engine.snapshot import Snapshot
from engine.sources import (
    CompanionsOfCompanions,
    NearestInBand,
    NearestVectors,
    Regulars,
    SmallGroupFellows,
)

NEAREST = 100
"""Nearest interests looked at: the graph finds a hundred in half the time of two hundred."""


def introduction_recommender(
    snapshot: Snapshot,
    interests: VectorIndex,
    holds: Holds = NOTHING_HELD,
    ranker: IntroductionRanker = UNLEARNED,
) -> Pipeline:
    """Return the recommender of people to meet; rows of its slates are member rows.

    Args:
        snapshot: The community.
        interests: Index over members' interests.
        holds: What members have set aside, and who is hidden.
        ranker: What orders people.
    """
    members = snapshot.members
    features = PairFeatures.of(snapshot, ranker.acquaintance)
    return Pipeline(
        sources=(*people_sources(snapshot, interests, features), Regulars.of(members)),
        policies=(
            NotAlreadyTied(),
            Discoverable(members),
            OpenToIntroductions(members),
            NotBlocked(members),
            SameAudience(members),
            NotSetAside(holds.members),
            NotReported(holds.hidden),
        ),
        features=(features,),
        scorer=ranker.scorer,
        selector=ranker.selector,
    )


def people_sources(
    snapshot: Snapshot, interests: VectorIndex, features: PairFeatures
) -> tuple[Source, ...]:
    """Return where people to meet come from, whoever asks."""
    members, groups = snapshot.members, snapshot.groups
    return (
        NearestVectors(interests, members.interests.owners(), NEAREST),
        CompanionsOfCompanions(members.ties),
        SmallGroupFellows(groups),
        NearestInBand.of(members, NEAREST),
        ShortWalks(features.paths),
        SameThread(),
        Complementary(members),
        NearestPlaces(features.learned),
        Everybody.of(members),
    )
