"""What became of suggestions makes a better ranker, and one that heeds where people look."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from engine.ranker import Weigher
from tests.training.suggestion_world import HAND, NAMES, Life, lived, pools, true_fit
from training.attention import Attention
from training.contest import PENALTY, Fitted, contest
from training.examples import Examples, together
from training.feedback_contest import (
    MOST_COUNTED,
    Past,
    attention_of,
    in_order,
    unsuggested,
    weighed,
    with_feedback,
)
from training.scorers import fit_linear, score_all
from training.suggested import Showings


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Trees this small are fitted sooner by one thread."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def past() -> Past:
    """Three hundred members, who look at rank r with the chance 1 / r and join by true fit."""
    return lived(Life(), seed=3)


@pytest.fixture(scope="module")
def fitted(past: Past) -> Fitted:
    """What is learned from their joins alone."""
    return contest(past.joins, past.hand, past.spans, past.wish)


def linear(*parts: Examples) -> Weigher:
    """Return the linear model of these examples."""
    found = together([part.of(part.sums(part.joined) > 0) for part in parts])
    return fit_linear(found, NAMES, score_all(HAND, found), PENALTY)


def taught(past: Past, attention: Attention) -> Weigher:
    """Return the linear model of joins and suggestions."""
    return linear(unsuggested(past.joins[0], past.shown[0]), weighed(past.shown[0], attention))


# In a world whose truth is known


def test_with_feedback_suggestions_fit_better_than_without(past: Past, fitted: Fitted) -> None:
    (scorer, calibration, told), story = with_feedback(past, fitted)
    assert story["used"]
    assert true_fit(scorer) > true_fit(fitted[0]) + 0.05
    assert story["in_order"]["with"] > story["in_order"]["without"]
    assert story["attention"]["fading"] == pytest.approx(1.0, abs=0.2)
    assert story["attention"]["by_rank"][:1] == [1.0]
    assert (story["slates"], story["shown"]) == (600, 6000)
    assert "what became of suggestions counts" in told["why"]
    assert told["kind"] == story["kind"]
    # Probabilities are of the scorer that is served.
    assert (calibration is None) == (fitted[1] is None)
    if calibration is not None and fitted[1] is not None:
        assert calibration.weights.tolist() != fitted[1].weights.tolist()


@pytest.mark.parametrize("seed", range(2))
def test_heeding_where_people_look_beats_taking_every_pass_for_a_no(seed: int) -> None:
    past = lived(Life(members=200), seed)
    aware, naive = taught(past, attention_of(past.shown)), taught(past, Attention(0.0))
    joins_alone = linear(past.joins[0])
    assert true_fit(aware) > true_fit(naive) + 0.02
    assert true_fit(aware) > true_fit(joins_alone) + 0.08


def test_where_members_take_anything_feedback_changes_nothing() -> None:
    past = lived(Life(members=200, random=True), seed=0)
    fitted = contest(past.joins, past.hand, past.spans, past.wish)
    same, story = with_feedback(past, fitted)
    assert same == fitted
    assert not story["used"]
    assert "not clearly better" in story["why"]


def test_with_few_suggestions_nothing_is_learned_and_the_story_says_so() -> None:
    past = lived(Life(members=9), seed=0)
    hand: Fitted = (past.hand, None, {"kind": "hand_weighted", "why": "", "validation": {}})
    same, story = with_feedback(past, hand)
    assert same == hand
    assert story["shown"] == 180
    assert story["used"] is False
    assert "too few suggestions were shown or taken" in story["why"]
    assert "attention" not in story


# By hand


def small(
    ranks: list[int],
    *,
    joined: Sequence[int] = (),
    refused: Sequence[int] = (),
    odds: Sequence[float] | None = None,
    places: Sequence[int] | None = None,
) -> Showings:
    """Return one viewer's showings, by the rank of each; of the first candidates if not said."""
    pool = pools(1, seed=0)
    every = np.arange(len(pool.rows))
    where = np.array(range(len(ranks)) if places is None else places)
    examples = replace(
        pool,
        joined=np.isin(every, joined),
        ideal=np.array([len(joined)]),
        counts=np.isin(every, where).astype(np.float32),
        values=np.ones_like(pool.values),  # all alike: the chance to take is one number
    )
    return Showings(
        examples=examples,
        refused=np.isin(every, refused),
        places=where,
        ranks=np.array(ranks),
        scores=np.zeros(len(ranks), np.float32),
        odds=np.array([1.0] * len(ranks) if odds is None else odds, np.float32),
        reacted=np.isin(where, [*joined, *refused]),
        slates=np.zeros(len(ranks), np.int64),
    )


def test_what_stood_low_counts_less_as_passed_over_and_what_was_refused_counts_whole() -> None:
    shown = small([1, 2, 4, 4], refused=[3])
    seen = weighed(shown, Attention(1.0)).seen
    # Nobody takes anything, so to be passed over is to be looked at: 1, 1/2, 1/4; but one was no.
    assert seen[:4].tolist() == pytest.approx([1, 0.5, 0.25, 1], abs=0.02)
    assert seen[4:].tolist() == [1.0] * 36


def test_what_is_liked_was_rather_not_seen_when_it_was_not_taken() -> None:
    shown = small([1, 1, 1, 2], joined=[0, 1, 2])
    # Half of 1 - t, beside the half that never looked: below a half.
    assert weighed(shown, Attention(1.0)).seen[3] < 0.3


def test_what_was_shown_twice_was_seen_at_either_time() -> None:
    twice = small([2, 2], places=[0, 0])
    # 1 - 1/2 x 1/2.
    assert weighed(twice, Attention(1.0)).seen[0] == pytest.approx(0.75, abs=0.02)


def test_what_is_rarely_served_counts_for_its_like_within_bounds() -> None:
    shown = small([1, 2, 3, 4], odds=[1.0, 1.0, 0.5, 0.001])
    counts = weighed(shown, Attention(1.0)).counts
    # 1, 1, 2 and, instead of a thousand, ten; their mean is 3.5.
    expected = np.array([1, 1, 2, MOST_COUNTED]) / 3.5
    assert counts[:4].tolist() == pytest.approx(expected.tolist())
    assert counts[4:].tolist() == [0.0] * 36
    # Served for certain another time, it is no rarity.
    often = small([1, 2, 3, 3], odds=[1.0, 0.5, 0.001, 1.0], places=[0, 1, 2, 2])
    assert weighed(often, Attention(1.0)).counts[:3].tolist() == pytest.approx([0.75, 1.5, 0.75])


def test_what_was_suggested_is_no_join_of_its_own() -> None:
    joins = replace(pools(2, seed=0), ideal=np.array([2, 1]))
    joined = joins.joined.copy()
    joined[[0, 7, 41]] = True
    joins = replace(joins, joined=joined, members=np.array([5, 0]))
    shown = small([1, 2], joined=[0])
    # It was shown to member 0, the second viewer here.
    rest = unsuggested(joins, shown)
    assert np.flatnonzero(rest.joined).tolist() == [0, 7]
    assert np.flatnonzero(rest.counts == 0).tolist() == [40, 41]
    assert rest.ideal.tolist() == [2, 0]


def test_pairs_in_order_by_hand() -> None:
    shown = small([1, 2, 4], joined=[1])
    examples = replace(shown.examples, seen=np.where(np.arange(40) == 2, 0.25, 1.0))

    def share(*scores: float) -> float:
        return float(in_order(examples, np.array([*scores, *[9.0] * 37], np.float32))[0])

    # The second was taken; the first was seen for certain, the third one time in four.
    assert share(1, 2, 3) == pytest.approx(1 / 1.25)
    assert share(3, 2, 1) == pytest.approx(0.25 / 1.25)
    assert share(2, 2, 1) == pytest.approx(0.75 / 1.25)  # a tie is half right


def test_who_has_more_pairs_counts_for_more() -> None:
    one, other = small([1, 2, 4], joined=[1]).examples, small([1, 2], joined=[0]).examples
    both = together([one, replace(other, seen=np.full(40, 0.5, np.float32))])
    scores = np.concatenate([[3, 2, 3], np.zeros(37), [2, 1], np.zeros(38)]).astype(np.float32)
    # Two pairs of weight 1, none in order; and one of a half, in order: a half of two and a half.
    shares = in_order(both, scores)
    assert shares.tolist() == pytest.approx([0, 0.5 / 1.25])
    assert shares.mean() == pytest.approx(0.5 / 2.5)


def test_a_viewer_without_pairs_has_no_share() -> None:
    shown = small([1, 2])
    assert np.isnan(in_order(shown.examples, np.zeros(40, np.float32))).all()
