"""Every peer of people keeps its promises, and those that are a formula compute that formula."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.peers.peer import TRIES, Settings
from benchmarks.people import PEOPLE_PEERS, PeoplePeer, PeopleScorer
from benchmarks.people.companions import AdamicAdar, CommonNeighbours, ResourceAllocation
from benchmarks.people.counting import MostKnown
from benchmarks.people.likeness import SharedGroups
from tests.benchmarks.circles import PAIRS, a_circle, people_peer, two_kinds

NEVER = 36500.0
"""A half-life after which nothing has faded."""


@pytest.fixture(params=list(PEOPLE_PEERS))
def peer(request: pytest.FixtureRequest) -> PeoplePeer:
    return people_peer(request.param)


def best_not_met(scorer: PeopleScorer, row: int) -> int:
    circle = two_kinds()
    scores = scorer(np.array([row]))[0]
    scores[circle.ties()[[row]].toarray()[0] > 0] = -np.inf
    scores[row] = -np.inf
    return int(scores.argmax())


def test_every_viewer_has_a_finite_score_for_everybody_and_the_same_with_the_same_seed(
    peer: PeoplePeer,
) -> None:
    circle, rows = two_kinds(), np.array([9, 0])

    first, again = (peer.fit(circle, peer.grid[-1], seed=5)(rows) for _ in range(2))

    assert first.shape == (2, 16)
    assert first.dtype == np.float32
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, again)
    assert peer.fit(circle, peer.grid[0], seed=0)(rows[:0]).shape == (0, 16)


def test_every_peer_but_popularity_finds_those_who_are_alike_and_have_not_met(
    peer: PeoplePeer,
) -> None:
    if peer.name == "popularity":
        pytest.skip("popularity shows everybody the same people")
    scorer = peer.fit(two_kinds(), peer.grid[-1], seed=0)
    for one, other in PAIRS:
        assert best_not_met(scorer, one) == other
        assert best_not_met(scorer, other) == one


def test_every_peer_answers_where_nobody_has_met_and_nobody_is_anywhere(peer: PeoplePeer) -> None:
    circle = a_circle(3)

    scores = peer.fit(circle, peer.grid[0], seed=0)(np.arange(3))

    assert np.isfinite(scores).all()


def test_no_peer_has_more_tries_than_another_may_have(peer: PeoplePeer) -> None:
    assert 0 < len(peer.grid) <= TRIES
    assert len({frozenset(settings) for settings in peer.grid}) == 1


@pytest.mark.parametrize(
    ("formula", "worth"),
    # 0 and 1 both have met 2 (who has met three) and 3 (who has met two).
    [
        (CommonNeighbours(), 1 + 1),
        (AdamicAdar(), 1 / np.log(3) + 1 / np.log(2)),
        (ResourceAllocation(), 1 / 3 + 1 / 2),
    ],
)
def test_companions_of_companions_are_weighed_by_the_formula(
    formula: PeoplePeer, worth: float
) -> None:
    circle = a_circle(5, ties=[(0, 2), (0, 3), (1, 2), (1, 3), (2, 4)])

    plain = formula.fit(circle, {"half_life_days": NEVER, "normalised": False}, seed=0)
    divided = formula.fit(circle, {"half_life_days": NEVER, "normalised": True}, seed=0)

    assert plain(np.array([0]))[0, 1] == pytest.approx(worth)
    assert divided(np.array([0]))[0, 1] == pytest.approx(worth / np.sqrt(2))


def test_an_old_tie_counts_less() -> None:
    circle = a_circle(3, ties=[(0, 1), (1, 2)], days_ago=[365, 0])

    scorer = CommonNeighbours().fit(circle, {"half_life_days": 365.0, "normalised": False}, seed=0)

    assert scorer(np.array([0]))[0, 2] == pytest.approx(0.5)


def test_popularity_counts_ties_or_what_people_did() -> None:
    circle = a_circle(3, ties=[(0, 1), (0, 2)], active=[2, 2, 2, 1])

    def of(counted: str) -> list[float]:
        settings: Settings = {"counted": counted, "half_life_days": NEVER}
        return list(MostKnown().fit(circle, settings, seed=0)(np.array([1]))[0])

    assert of("ties") == [2, 1, 1]
    assert of("took_part") == [0, 1, 3]


def test_shared_groups_is_the_cosine_and_a_rare_group_counts_more() -> None:
    # Group 0 holds three of four, group 1 two, group 2 one: 0 and 1 share both of theirs.
    circle = a_circle(4, groups=[(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 2)])

    def of(rarity: float) -> list[float]:
        settings = {"rarity": rarity, "half_life_days": NEVER}
        return list(SharedGroups().fit(circle, settings, seed=0)(np.array([0]))[0])

    assert of(0.0) == pytest.approx([1, 1, 0.5, 0])
    common, rare, own = np.log(4 / 3), np.log(2), np.log(4)
    expected = common**2 / np.hypot(common, rare) / np.hypot(common, own)
    assert of(1.0)[2] == pytest.approx(expected)
