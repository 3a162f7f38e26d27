"""A whole community introduced at once: everybody who opted in meets somebody, or learns why not.

Pairs are a matching of nearly the largest summed quality in which nearly everybody is matched;
circles are grown and mended. Whatever is planned has passed every policy of introductions, both
ways round, at the moment of planning; it changes nothing until it is committed, where it passes
them again: see `data.store.rounds`.
"""

from __future__ import annotations

import numpy as np

from engine.affinities import GladBoth, Measure, PairQuality
from engine.recommender import Recommender
from engine.round_circles import circles_of
from engine.round_ground import Ground, ground_of
from engine.round_pairs import Pairing
from engine.round_wishes import PAIR, Match, Plan, Why, Wishes
from engine.types import Rows


def plan_round(
    recommender: Recommender,
    wishes: Wishes,
    at: float,
    measure: Measure = GladBoth.of_snapshot,
) -> Plan:
    """Return who meets whom.

    Args:
        recommender: What answers for the community, up to date.
        wishes: What the host wants.
        at: The moment, unix seconds.
        measure: Makes what measures pairs.

    Returns:
        A plan; the same for the same community, wishes and moment.

    Raises:
        DataError: The wishes contradict themselves, or what must be may not be.
        UnknownReferenceError: They name somebody who is not there.
    """
    wishes.check()
    ground = ground_of(recommender, wishes, at)
    quality = measure(recommender.bundle.snapshot)
    pairs = wishes.size == PAIR
    found = Pairing(ground, quality).plan() if pairs else circles_of(ground, quality)
    return _told(ground, quality, found)


def _told(ground: Ground, quality: PairQuality, found: tuple[list[Rows], dict[int, Why]]) -> Plan:
    """Return a plan by ids, best first."""
    circles, out = found
    ids = ground.snapshot.members.ids
    worth = _mean_quality(circles, quality)
    order = sorted(range(len(circles)), key=lambda n: (-worth[n], int(circles[n].min())))
    matches = tuple(
        Match(tuple(ids[row] for row in np.sort(circles[n]).tolist()), worth[n]) for n in order
    )
    left_out = {ids[row]: why for row, why in sorted({**ground.away, **out}.items())}
    return Plan(matches, left_out, ground.rules.recommender.bundle.manifest.version)


def _mean_quality(circles: list[Rows], quality: PairQuality) -> list[float]:
    nothing = np.zeros(0, np.int64)
    ends = [circle[list(np.triu_indices(len(circle), 1))] for circle in circles]
    one = np.concatenate([nothing, *(pairs[0] for pairs in ends)])
    other = np.concatenate([nothing, *(pairs[1] for pairs in ends)])
    owner = np.repeat(np.arange(len(circles)), [pairs.shape[1] for pairs in ends])
    sums = np.bincount(owner, weights=quality.of(one, other), minlength=len(circles))
    counts = np.maximum(np.bincount(owner, minlength=len(circles)), 1)
    return [round(float(mean), 6) for mean in sums / counts]
