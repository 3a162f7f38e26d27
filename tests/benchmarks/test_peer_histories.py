"""What a peer may know: who was where before the cut, how often, and how long ago."""

from __future__ import annotations

import numpy as np

from benchmarks.peers import history_of
from benchmarks.peers.history import unit_rows
from engine.domain import DAY_S
from tests.benchmarks.peer_histories import few
from tests.builders import Membership, Post, make, vectors_for
from tests.world import NOW
from training.split import past
from training.texts import texts_of


def test_a_history_ends_at_its_cut() -> None:
    ana, bo = "ana", "bo"
    found = make(
        {ana: "sourdough", bo: ""},
        {"bread": "sourdough", "space": ""},
        [
            Membership(ana, "bread", NOW - 9 * DAY_S, n=50),
            Membership(bo, "space", NOW - 8 * DAY_S),
            Membership(ana, "space", NOW - 1 * DAY_S),
        ],
        [
            Post("p1", (ana,), ("bread",), NOW - 7 * DAY_S, "sourdough"),
            Post("p2", (ana,), ("bread",), NOW - 6 * DAY_S, "rocket"),
            Post("p3", (bo,), ("space",), NOW - 1 * DAY_S, "rocket"),
        ],
        participations=[("p2", bo)],
    )
    cut = NOW - 2 * DAY_S
    early = past(found, cut)
    vectors = vectors_for(texts_of(early))

    history = history_of(early, vectors, cut)

    assert history.member.tolist() == [0, 1]
    assert history.group.tolist() == [0, 1]
    assert history.ts.tolist() == [NOW - 9 * DAY_S, NOW - 8 * DAY_S]
    assert history.n.tolist() == [2, 1]  # two posts of hers, none of his in his group
    # Her profile and two posts: twice sourdough, once rocket. His post came after the cut.
    sourdough, rocket = vectors.members[0], vectors.posts[1]
    both = unit_rows((2 * sourdough + rocket)[None, :])[0]
    np.testing.assert_allclose(history.member_texts[0], both, atol=1e-6)
    np.testing.assert_allclose(history.group_texts[0], both, atol=1e-6)
    assert not history.member_texts[1].any()


def test_strength_grows_slowly_with_times_and_halves_with_age() -> None:
    history = few(member=[0, 0, 1], group=[0, 1, 2], n=[1, 3, 7], days_ago=[0, 10, 20])

    # log2(1 + n) is 1, 2 and 3; ages are 0, 1 and 2 half-lives.
    np.testing.assert_allclose(history.strength(10), [1, 1, 0.75])


def test_a_join_without_a_date_counts_as_four_half_lives_old() -> None:
    history = few(member=[0, 0], group=[0, 1], days_ago=[0, np.nan])

    np.testing.assert_allclose(history.fading(10), [1, 1 / 16])


def test_where_nothing_is_dated_nothing_fades() -> None:
    history = few(member=[0, 1], group=[0, 1], days_ago=[np.nan, np.nan])

    np.testing.assert_array_equal(history.fading(10), [1, 1])
