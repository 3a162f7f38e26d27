"""What a round reads in batch is what a member's own policies say, in communities at random."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from engine.facts import Facts, HiddenFact, IntroducedFact, SetAsideFact, Written
from engine.live import Overlay
from engine.pool import Pool
from engine.query import Query
from engine.recommender import Recommender
from engine.round_rules import PairRules
from engine.round_wishes import Wishes
from engine.rounds import plan_round
from engine.types import BoolVector
from engine.weeks import week_of
from tests.live_facts import bundle_of
from tests.random_community import random_world
from tests.world import NOW, world


def overlay(seed: int) -> Overlay:
    """Return a community at random, in which things were set aside, reported and introduced."""
    chance = np.random.default_rng(seed)
    snapshot = random_world(seed).snapshot
    ids = snapshot.members.ids.tolist()

    def drawn() -> tuple[str, str]:
        one, other = chance.permutation(ids)[:2].tolist()
        return one, other

    found = Overlay(bundle_of(snapshot), clock=lambda: NOW)
    found.take_in(
        Facts(
            set_aside=tuple(
                SetAsideFact(*drawn(), Written.MEMBER, NOW + gap) for gap in (-60, 60, 60, 9e9)
            ),
            hidden=(HiddenFact(ids[0], bool(seed % 2)),),
            introduced=tuple(
                IntroducedFact(min(two), max(two), week_of(NOW) - ago, rest)
                for ago, rest in ((0, 0.0), (0, NOW + 60), (1, NOW + 60), (1, NOW - 60), (0, 0.0))
                for two in (drawn(),)
            ),
        )
    )
    return found


@pytest.mark.parametrize("seed", range(6))
def test_a_pair_has_fallen_if_a_policy_refuses_it_either_way(seed: int) -> None:
    recommender = overlay(seed).recommender
    ids = [one for one in recommender.bundle.snapshot.members.ids.tolist() if one]
    pairs = [tuple(sorted(two)) for two in combinations(ids, 2)]
    rules = PairRules.of(recommender, NOW)
    fallen = rules.fallen(pairs, tied=False)
    for one, other in pairs:
        rows = [recommender.members.row(one), recommender.members.row(other)]
        refused = bool(rules.refused_by_any(rows))
        # Who has no room but was introduced to the other may be shown them again; not in a round.
        assert not refused or (one, other) in fallen, (one, other)
        full = rules.away(np.array(sorted(rows), np.int64), 1)
        assert refused or (one, other) not in fallen or full, (one, other)


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_every_pair_that_is_planned_passes_every_policy(seed: int, size: int) -> None:
    recommender = overlay(seed).recommender
    ids = [one for one in recommender.bundle.snapshot.members.ids.tolist() if one]
    plan = plan_round(recommender, Wishes(tuple(ids), size=size, seed=seed), NOW)
    rules = PairRules.of(recommender, NOW)
    for match in plan.matches:
        assert not rules.refused_by_any([recommender.members.row(one) for one in match.members])
    placed = [one for match in plan.matches for one in match.members]
    assert sorted([*placed, *plan.left_out]) == sorted(ids)


class NotWithBo:
    """A policy that batches know nothing of."""

    name = "not_with_bo"

    def __init__(self, bo: int) -> None:
        self.bo = bo

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        return np.full(len(pool), query.member != self.bo)


def test_a_policy_that_is_not_read_in_batch_is_asked_pair_by_pair() -> None:
    recommender = Recommender(bundle_of(world().snapshot), clock=lambda: NOW)
    usual = PairRules.of(recommender, NOW)
    assert usual.others() is None
    one, other = "ana", "bo"
    assert not usual.fallen([(one, other)], tied=False)
    row = recommender.members.row(one)
    policies = [*usual.pipeline.policies, NotWithBo(row)]
    rules = replace(usual, pipeline=replace(usual.pipeline, policies=policies))
    assert rules.refused([row, recommender.members.row(other)])
    assert (min(one, other), max(one, other)) in rules.fallen([(one, other)], tied=False)
