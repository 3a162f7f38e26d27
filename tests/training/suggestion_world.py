"""A world whose truth is known: who would belong where, what is shown, and where people look."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.preferences import Preferences
from engine.ranker import Weigher, WeightedSum
from engine.types import BoolVector, Matrix
from training.attention import Floats
from training.examples import Examples
from training.feedback_contest import Past
from training.scorers import score_all, standing
from training.suggested import Showings
from training.windows import Window

NAMES = ("near", "busy", "noise", "group_members")
CANDIDATES = 40
SLATE = 10
EXPLORED = 0.1
HAND = WeightedSum({"busy": 1.0, "near": 0.5})
"""What is served by: it loves what is busy, though people rather stay where it is quiet."""


@dataclass(frozen=True, slots=True)
class Life:
    """How the members of a world live.

    Attributes:
        members: How many there are.
        fading: The chance to look at rank r is r to the power of minus this.
        slates: How many each is shown.
        alone: Chance of a member to look at a group that nobody suggested.
        random: Whether members take what they look at without any regard to fit.
    """

    members: int = 300
    fading: float = 1.0
    slates: int = 2
    alone: float = 0.05
    random: bool = False


def true_chance(values: Matrix) -> Floats:
    """Return how likely who looks at a group would belong there, and join: of shape (n,)."""
    wish = -2.0 + 1.5 * values[:, 0] - 1.0 * values[:, 1]
    chances: Floats = 1 / (1 + np.exp(-wish.astype(np.float64)))
    return chances


def pools(members: int, seed: int) -> Examples:
    """Return candidates of members, of which nothing has become yet."""
    chance = np.random.default_rng(seed)
    size = members * CANDIDATES
    values = chance.normal(size=(size, len(NAMES))).astype(np.float32)
    values[:, 3] = 2 + np.abs(values[:, 3])  # a logarithm of members
    return Examples(
        names=NAMES,
        values=values,
        starts=np.arange(members + 1) * CANDIDATES,
        rows=np.tile(np.arange(CANDIDATES), members),
        joined=np.zeros(size, bool),
        lasting=np.zeros(size, bool),
        ideal=np.zeros(members, np.int64),
        weights=np.ones(members, np.float32),
        members=np.arange(members),
        counts=np.ones(size, np.float32),
        seen=np.ones(size, np.float32),
    )


def lived(life: Life, seed: int) -> Past:
    """Return what became of a window: joins, and what was shown."""
    chance = np.random.default_rng(seed)
    pool = pools(life.members, seed)
    likely = true_chance(pool.values)
    if life.random:
        likely = np.full(len(likely), likely.mean())
    wanted = chance.random(len(likely)) < likely
    shown = _shown(pool, life, wanted, chance)
    # A few look around by themselves, anywhere.
    found = wanted & (shown.examples.counts == 0) & (chance.random(len(wanted)) < life.alone)
    return Past(
        joins=[_labelled(pool, shown.examples.joined | found)],
        shown=[shown],
        spans=[Window(0.0, 90 * 86_400.0)],
        hand=HAND,
        wish=Preferences(),
    )


def _shown(pool: Examples, life: Life, wanted: BoolVector, chance: np.random.Generator) -> Showings:
    """Show each member their slates; who looks at what they want takes it."""
    scores = score_all(HAND, pool)
    place = standing(pool, scores)
    owner = pool.owner()
    parts: list[Matrix] = []
    for slate in range(life.slates):
        # Now and then one of the next ten takes the last place.
        explores = (chance.random(life.members) < EXPLORED)[owner]
        lucky = (place == chance.integers(SLATE, 2 * SLATE, life.members)[owner]) & explores
        here = np.flatnonzero(lucky | (place < SLATE - explores))
        ranks, odds = np.minimum(place[here] + 1, SLATE), np.where(lucky, EXPLORED / SLATE, 1.0)
        looks = chance.random(len(here)) < ranks.astype(np.float64) ** -life.fading
        parts.append(np.stack([here, ranks, odds[here], looks & wanted[here], here * 0 + slate]))
    places, ranks, served, taken, slates = np.concatenate(parts, axis=1)
    shown = np.bincount(places.astype(np.int64), minlength=len(wanted)) > 0
    joined = np.bincount(places.astype(np.int64), taken, len(wanted)) > 0
    return Showings(
        examples=replace(_labelled(pool, joined), counts=shown.astype(np.float32)),
        refused=np.zeros(len(wanted), bool),
        places=places.astype(np.int64),
        ranks=ranks.astype(np.int64),
        scores=scores[places.astype(np.int64)],
        odds=served.astype(np.float32),
        reacted=taken > 0,
        slates=(owner[places.astype(np.int64)] * life.slates + slates).astype(np.int64),
    )


def _labelled(pool: Examples, joined: BoolVector) -> Examples:
    return replace(pool, joined=joined, ideal=pool.sums(joined).astype(np.int64))


def true_fit(scorer: Weigher, seed: int = 99) -> float:
    """Return the mean chance to belong in the best ten groups of members nobody has seen yet."""
    pool = pools(300, seed)
    best = standing(pool, score_all(scorer, pool)) < SLATE
    return float(true_chance(pool.values)[best].mean())
