"""What is learned of who met whom: hidden and later ties, the contest, how often one is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from data.community import Community
from engine.domain import DAY_S
from engine.index import VectorIndex
from engine.introduction_ranker import WEIGHTS, WHO, IntroductionRanker, by_hand
from engine.introductions import introduction_recommender
from engine.query import query_of_member
from engine.reciprocal import Reciprocal
from engine.snapshot import Snapshot
from tests.builders import Membership, Post, built, make, vectors_for
from tests.world import NOW, community
from training.exposure import COST, MOST, SETTLED, Moment, Slates, cheapest, prices_of
from training.factors import factors_of
from training.introduction_contest import FEW, FEWEST, HAND, compete, graded_ndcg, mean_of
from training.introduction_windows import Lesson, lessons_of, met_between, there, windows_of_ties
from training.learn_introductions import FEWEST_JUDGES, learn_introductions
from training.meeting_scorers import fit_linear
from training.meetings import acquaintance_of, pairs_of, without_ties
from training.metrics import gini
from training.scorers import score_all
from training.texts import texts_of
from training.windows import Window


def friends(people: int = 90, *, dated: bool = False) -> Community:
    """Return people in clubs of six, who are friends with most of their own club.

    Everybody is in one hall with everybody else as well, which tells nothing.
    """
    chance = np.random.default_rng(4)
    names = [f"m{person:02}" for person in range(people)]
    clubs = [f"club-{place}" for place in range(people // 6)]
    inside = [Membership(name, clubs[row // 6], None) for row, name in enumerate(names)]
    inside += [Membership(name, "hall", None) for name in names]
    ties = [
        (names[one], names[other], NOW - age * DAY_S if dated else None, 1.0)
        for one in range(people)
        for other in range(one + 1, people)
        if one // 6 == other // 6 and (age := float(chance.uniform(0, 300))) < 200
    ]
    posts = [Post(f"p{row}", (name,), ts=NOW - 320 * DAY_S) for row, name in enumerate(names)]
    words = {name: ("rocket", "sourdough", "chat")[row // 6 % 3] for row, name in enumerate(names)}
    return make(words, [*clubs, "hall"], inside, posts if dated else [], ties=ties)


@dataclass(frozen=True, slots=True)
class Case:
    """A community, and what was learned of it."""

    community: Community
    snapshot: Snapshot
    ranker: IntroductionRanker
    lesson: Lesson


@pytest.fixture(scope="module")
def case() -> Case:
    """Friends whose ties have no dates, learned from once."""
    found = friends()
    snapshot = built(found)
    ranker = learn_introductions(found, vectors_for(texts_of(found)), lambda: snapshot)
    lesson = next(iter(lessons_of(found, vectors_for(texts_of(found)), lambda: snapshot)))
    return Case(found, snapshot, ranker, lesson)


# What is known beforehand


def test_people_of_a_group_whose_people_know_each_other_are_close(case: Case) -> None:
    closeness = acquaintance_of(case.snapshot).closeness
    assert closeness[:-1].min() > 0.3, "in a club of six nearly all are friends"
    assert closeness[-1] == 0, "in the hall nobody is for being there"


def test_friends_lie_near_each_other_and_strangers_do_not(case: Case) -> None:
    places = acquaintance_of(case.snapshot).places
    near = places @ places.T
    assert near[0, 1:6].mean() > 0.5 > near[0, 6:].mean() + 0.3


def test_a_community_without_ties_and_groups_places_nobody() -> None:
    learned = acquaintance_of(built(make(["ana", "bo"], ["club"], ties=[])))
    assert learned.places.shape == (2, 0)
    assert learned.closeness.tolist() == [0]


# Moments of the past


def test_pairs_whose_tie_is_hidden_have_never_met(case: Case) -> None:
    one, other = pairs_of(case.snapshot.members.ties)
    early = without_ties(case.snapshot, one[:3], other[:3])
    left = set(zip(*(part.tolist() for part in pairs_of(early.members.ties)), strict=True))
    gone = set(zip(one[:3].tolist(), other[:3].tolist(), strict=True))
    assert not left & gone
    assert len(left) == len(one) - 3
    assert len(early.members.ties.targets) == 2 * len(left)


def test_what_was_hidden_is_what_is_to_be_found_and_strangers_know_nobody(case: Case) -> None:
    lesson = case.lesson
    ties = case.snapshot.members.ties
    examples = lesson.known
    for viewer, member in enumerate(examples.members.tolist()):
        rows = slice(*examples.starts[viewer : viewer + 2])
        right = examples.rows[rows][examples.joined[rows]]
        assert set(right.tolist()) <= set(ties.of_row(member)[0].tolist())
        still = lesson.snapshot.members.ties.of_row(member)[0]
        assert not np.isin(examples.rows[rows], [*still.tolist(), member]).any()
    assert not lesson.stranger.column("adamic_adar").any()
    assert not lesson.newcomer.column("shared_groups").any()


def test_an_exchange_both_ways_is_worth_two_and_later_ones_are_not_looked_at() -> None:
    day = 10 * DAY_S
    asked = [Post("q", ("ana",), ts=NOW - 2 * day), Post("r", ("bo",), ts=NOW - 2 * day)]
    said = [
        Post("a", ("bo",), ts=NOW - day, parent="q"),
        Post("b", ("ana",), ts=NOW - day, parent="r"),
        Post("c", ("cy",), ts=NOW - day, parent="q"),
        Post("d", ("ana",), ts=NOW, parent="a"),
    ]
    found = make(["ana", "bo", "cy"], ["club"], posts=asked + said)
    met = met_between(found, Window(NOW - 1.5 * day, NOW - 0.5 * day), np.ones(3, bool))
    assert met == {0: {1: 2, 2: 1}, 1: {0: 2}, 2: {0: 1}}
    known = np.array([True, True, False])
    assert met_between(found, Window(NOW - 1.5 * day, NOW), known) == {0: {1: 2}, 1: {0: 2}}


def test_windows_lie_side_by_side_and_a_few_early_ties_make_none_longer() -> None:
    dates = [NOW - 4000 * DAY_S, *(NOW - age * DAY_S for age in np.linspace(0, 800, 99))]
    windows = windows_of_ties(pl.DataFrame({"first_ts": dates}), NOW)
    assert windows[0].end == NOW + 1
    assert all(new.cut == pytest.approx(old.end) for new, old in pairwise(windows))
    assert 90 < windows[0].days < 100, "an eighth of 800 days, not of 4000"


def test_of_dated_ties_only_later_ones_are_to_be_found() -> None:
    found = friends(dated=True)
    snapshot = built(found)
    lessons = list(lessons_of(found, vectors_for(texts_of(found)), lambda: snapshot))
    assert len(lessons) > 1
    first = {(row["a"], row["b"]): row["first_ts"] for row in found.ties.to_dicts()}
    for lesson in lessons:
        assert there(lesson.snapshot).all(), "everybody wrote before the first tie"
        known = set(zip(*map(list, pairs_of(lesson.snapshot.members.ties)), strict=True))
        latest = max(first[pair] for pair in known) if known else 0.0
        owner = lesson.known.owner()[lesson.known.joined]
        for one, other in zip(
            lesson.known.members[owner].tolist(),
            lesson.known.rows[lesson.known.joined].tolist(),
            strict=True,
        ):
            assert first[min(one, other), max(one, other)] >= latest


# The contest


def test_with_too_few_meetings_the_hand_set_weights_stay_and_the_story_says_so() -> None:
    found = community()
    ranker = learn_introductions(found, vectors_for(texts_of(found)), lambda: built(found))
    for who in WHO:
        assert getattr(ranker, who) == getattr(IntroductionRanker(), who)
        assert ranker.story[who]["kind"] == HAND
        assert "too few to learn from" in ranker.story[who]["why"]


def test_what_is_chosen_did_at_least_as_well_as_the_hand_set_weights(case: Case) -> None:
    for who in WHO:
        story = case.ranker.story[who]
        assert story["viewers"] >= FEWEST
        assert story["validation"][story["kind"]] >= story["validation"][HAND]


def test_friends_who_are_hidden_are_found_again(case: Case) -> None:
    one, other = pairs_of(case.snapshot.members.ties)
    early = without_ties(case.snapshot, one[::9], other[::9])
    index = VectorIndex.build(early.members.interests.vectors)
    ranker = replace(case.ranker, acquaintance=acquaintance_of(early))
    pipeline = introduction_recommender(early, index, ranker=ranker)
    hits = [
        b in pipeline.recommend(query_of_member(early, a), 5).rows
        for a, b in zip(one[::9].tolist(), other[::9].tolist(), strict=True)
    ]
    assert np.mean(hits) > 0.9


def test_learning_twice_gives_the_same(case: Case) -> None:
    again = learn_introductions(
        case.community, vectors_for(texts_of(case.community)), lambda: case.snapshot
    )
    assert again.story == case.ranker.story
    for name in ("places", "closeness", "prices"):
        ours, theirs = (getattr(one.acquaintance, name) for one in (again, case.ranker))
        assert ours.tolist() == theirs.tolist()


def test_graded_ndcg_counts_an_exchange_both_ways_double(case: Case) -> None:
    lesson = case.lesson
    one = lesson.known.of(np.arange(lesson.known.viewers) == 0)
    places = np.flatnonzero(one.joined)[:1]
    single = replace(one, joined=np.isin(np.arange(len(one.rows)), places), ideal=np.array([2]))
    scores = np.zeros(len(one.rows), np.float32)
    scores[places] = 1
    # Found at the first place, of two: 1 / (1 + 1 / log2(3)).
    assert graded_ndcg(single, scores)[0] == pytest.approx(1 / (1 + 1 / np.log2(3)))
    double = replace(single, lasting=single.joined)
    assert graded_ndcg(double, scores)[0] == pytest.approx(2 / (2 + 1 / np.log2(3)))


def test_what_a_few_members_teach_is_the_mean_with_what_was_set_by_hand(case: Case) -> None:
    examples, hand = case.lesson.known, by_hand(WEIGHTS)
    told = [name for name in FEW if np.ptp(examples.column(name)) > 0]
    learned = fit_linear(examples, told, score_all(hand, examples), 0.1)
    parts = (mean_of(learned, hand), Reciprocal(learned), hand)
    both, alone, set_ = (score_all(one, examples) for one in parts)
    for start, end in pairwise(examples.starts.tolist()):
        apart = both[start:end] - (alone + set_)[start:end] / 2
        assert np.ptp(apart) < 1e-3, "but for what is alike for all of a pool"


def test_one_window_is_compared_half_by_half(case: Case) -> None:
    lesson = case.lesson
    _, story = compete([lesson.known], by_hand(WEIGHTS))
    assert story["compared"] == lesson.known.of(lesson.known.sums(lesson.known.joined) > 0).viewers


# How often each is shown


def crowd() -> Slates:
    """Return pools of 300 viewers: ten stars fit everyone best, the other 290 nearly as well."""
    chance = np.random.default_rng(0)
    rows = np.stack([np.r_[:10, chance.permutation(290)[:90] + 10] for _ in range(300)])
    fits = np.concatenate([np.linspace(2, 1, 10), np.linspace(0.98, 0.8, 90)])
    fits = fits * np.exp(chance.normal(0, 0.1, (300, 100)))
    order = np.argsort(-fits, axis=1)
    best = (np.take_along_axis(part, order, axis=1) for part in (rows, fits))
    return Slates(next(best), next(best).astype(np.float32), 300)


HARD = 1e-9
"""A width at which everybody has a place or none."""


def test_prices_keep_the_popular_from_flooding_and_let_the_quiet_be_seen() -> None:
    slates = crowd()
    free = slates.shown(np.zeros(300, np.float32), 5, HARD)
    fair = slates.shown(prices_of(slates, 300, 5), 5, HARD)
    best = np.bincount(slates.rows[:, :5].ravel(), minlength=300)
    assert free.max() == 300
    assert (free == 0).sum() > 40
    assert (fair >= best).all(), "who fits best is shown, however popular"
    assert fair[best < MOST * 10].max() <= 1.1 * MOST * 10
    assert (fair > 0).all()
    assert gini_of(fair) < 0.6 < 0.85 < gini_of(free)


def test_a_small_sample_of_slates_tells_whom_hardly_anybody_sees() -> None:
    slates = crowd()
    sample = replace(slates, rows=slates.rows[:50], fits=slates.fits[:50])  # 250 places for 300
    free = slates.shown(np.zeros(300, np.float32), 5, HARD)
    fair = slates.shown(prices_of(sample, 300, 5), 5, HARD)
    assert (free == 0).sum() > 40
    assert (fair == 0).sum() < 15
    assert gini_of(fair) < 0.75


def test_nobody_is_counted_more_often_than_there_are_places() -> None:
    one = Slates(np.array([[3, 1, 2] + [-1] * 97]), np.zeros((1, 100), np.float32), 4)
    assert one.shown(np.zeros(4, np.float32), 1, 0.01).tolist() == [0, 1, 1, 1]
    alike = replace(one, rows=np.arange(100)[None, :])
    assert alike.shown(np.zeros(100, np.float32), 1, 0.01).sum() == pytest.approx(10)


def test_who_nearly_has_the_last_place_counts_as_having_a_part_of_it() -> None:
    fits = np.full((1, 100), -1, np.float32)
    fits[0, :11] = [1.0] * 9 + [0.52, 0.48]  # the last place goes to who fits 0.52
    shown = Slates(np.arange(100)[None, :], fits, 100).shown(np.zeros(100, np.float32), 9, 0.02)
    assert shown[8:12].round(2).tolist() == [1, 0.73, 0.27, 0]


def gini_of(shown: np.ndarray) -> float:
    return gini(np.repeat(np.arange(len(shown)), np.rint(shown).astype(int)), len(shown))


def moment(ndcg: Callable[[np.ndarray, int], np.ndarray]) -> Moment:
    return Moment(crowd(), 300, ndcg)


def test_as_many_places_are_shared_out_as_cost_little() -> None:
    dear, figures = cheapest([moment(lambda prices, first: np.full(50, 0.1 + 0.04 * first))])
    assert dear == SETTLED[-1], "one place goes round whatever it costs"
    assert figures["none"] == pytest.approx(0.5)
    assert list(figures) == ["none", *(f"{share:g}" for share in SETTLED)]

    def steep(prices: np.ndarray, first: int) -> np.ndarray:
        return np.full(50, 0.5 if first >= 8 else 0.5 * (1 - 1.5 * COST))

    assert cheapest([moment(steep)])[0] == 0.8
    assert cheapest([moment(lambda prices, first: np.full(50, 0.5))])[0] == SETTLED[0]


def test_what_it_costs_is_told_by_all_windows_together() -> None:
    def lost(share: float) -> Moment:
        return moment(lambda prices, first: np.full(25, 0.5 * (1 - share * (first < 8))))

    # Neither the first nor the last alone decides.
    assert {
        cheapest(both)[0] for both in ([lost(4 * COST), lost(0)], [lost(0), lost(4 * COST)])
    } == {0.8}
    assert {
        cheapest(both)[0] for both in ([lost(1.2 * COST), lost(0)], [lost(0), lost(1.2 * COST)])
    } == {SETTLED[0]}


def test_several_windows_tell_what_it_costs_where_none_has_many() -> None:
    found = friends(dated=True)
    snapshot, vectors = built(found), vectors_for(texts_of(found))
    viewers = [lesson.known.viewers for lesson in lessons_of(found, vectors, lambda: snapshot)]
    assert max(viewers) < FEWEST_JUDGES <= sum(viewers)
    ranker = learn_introductions(found, vectors, lambda: snapshot)
    assert ranker.settled == ranker.story["exposure"]["settled"]
    assert "none" in ranker.story["exposure"], "without prices"


def test_where_nobody_wants_to_be_introduced_nobody_is_priced() -> None:
    found = friends()
    closed = found.members.with_columns(weekly_introductions=pl.lit(0, pl.Int64))
    found = replace(found, members=closed)
    ranker = learn_introductions(found, vectors_for(texts_of(found)), lambda: built(found))
    assert np.isfinite(ranker.acquaintance.prices).all()
    assert not ranker.acquaintance.prices.any()


def test_what_may_have_cost_little_by_chance_is_not_taken_for_cheap() -> None:
    chance = np.random.default_rng(0).normal(0, 1, 50)
    chance -= chance.mean()  # nothing is lost in the mean, but that may well be luck
    settled, _ = cheapest([moment(lambda prices, first: 0.5 + (first < 8) * chance)])
    assert settled == 0.8


# What foretells ties


def test_factors_foretell_a_tie_within_a_circle_and_none_to_another() -> None:
    # Two circles of eight who all know each other, but for the pair 0 and 1.
    ties = np.kron(np.eye(2), np.ones((8, 8))) - np.eye(16)
    ties[0, 1] = ties[1, 0] = 0
    looking, met = factors_of(sparse.csr_array(np.hstack([ties] * 4).astype(np.float32)))
    likely = looking @ met[:16].T
    assert likely[0, 1] > 10 * abs(likely[0, 8:]).max()
    assert likely[0, 2] > likely[0, 1], "whom one knows is foretold best"


def test_who_knows_nobody_is_foretold_nothing() -> None:
    table = sparse.csr_array(np.array([[0, 1, 1], [1, 0, 1], [0, 0, 0]], np.float32))
    looking, _ = factors_of(table)
    assert looking[2].tolist() == [0.0] * looking.shape[1]
