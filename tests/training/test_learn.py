"""What is learned of a community's past, and when the hand-set weights stay."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from data.community import Community
from engine.domain import DAY_S
from engine.group_ranker import GroupRanker
from engine.groups import group_recommender
from engine.index import VectorIndex
from engine.preferences import Preferences
from engine.query import query_of_member, query_of_text
from engine.ranker import WeightedSum
from engine.snapshot import Snapshot
from tests.builders import Membership, built, make, vectors_for
from tests.random_community import random_world
from tests.training.circles import circles, learned, slates
from tests.world import NOW, KeywordEncoder, community
from training.contest import LEARNED
from training.learn import seldom_shown, vectors_before
from training.split import past
from training.texts import texts_of

PLAIN = Preferences(intimacy=0, variety=0, exploration=0, new_groups=0)


@dataclass(frozen=True, slots=True)
class Case:
    """A community, and what was learned of it."""

    community: Community
    snapshot: Snapshot
    ranker: GroupRanker


@pytest.fixture(scope="module")
def case() -> Case:
    """Circles, learned from once."""
    found = circles()
    return Case(found, *learned(found))


# Too little


def test_a_community_too_small_to_learn_from_keeps_the_hand_set_weights_and_says_why() -> None:
    _, ranker = learned(community())
    assert ranker.known == GroupRanker().known
    assert ranker.newcomer == GroupRanker().newcomer
    assert ranker.calibration is None
    for who in ("known", "newcomer"):
        assert ranker.story[who]["kind"] == "hand_weighted"
        assert "too few to learn from: the hand-set weights stay" in ranker.story[who]["why"]
    assert ranker.story["windows"] == []


def test_what_the_operator_chose_is_kept_but_for_places_nobody_could_weigh() -> None:
    wish = Preferences(intimacy=0.5, preferred_size=8, variety=0.3, exploration=0, new_groups=1)
    # Nothing was learned, so nobody knows what a place for a new group costs: none is kept.
    assert learned(community(), wish)[1].preferences == replace(wish, new_groups=0)
    assert learned(community())[1].preferences == replace(Preferences(), new_groups=0)


# Enough


def test_what_is_chosen_did_at_least_as_well_as_any_single_column(case: Case) -> None:
    story = case.ranker.story["known"]
    values = story["validation"]
    simple = {name: value for name, value in values.items() if name not in LEARNED}
    assert {"hand_weighted", "ease", "co_membership", "liveliness"} <= simple.keys()
    assert not any(name.startswith("viewer_") for name in values)
    assert values[story["kind"]] >= max(simple.values())
    assert values[story["kind"]] > values["liveliness"] + 0.2, "all groups are alike lively"
    assert story["why"].startswith("NDCG@10 ")


def test_members_are_shown_the_rest_of_their_own_circle(case: Case) -> None:
    # Two of a circle's six groups are left to each of them.
    plain = replace(case.ranker, preferences=PLAIN)
    circle = [[row // 6 for row in slate[:2]] for slate in slates(case.snapshot, plain)]
    right = np.mean([[one == member % 3 for one in row] for member, row in enumerate(circle)])
    assert right > 0.97


def test_where_one_column_tells_all_nothing_learned_is_kept_that_does_no_better() -> None:
    # Without text and posts, being in a circle's groups is all there is to go by.
    found = circles(posts=False, texts=False, seed=1)
    _, ranker = learned(found)
    story = ranker.story["known"]
    best = max(value for name, value in story["validation"].items() if name not in LEARNED)
    assert story["validation"][story["kind"]] >= best
    if story["kind"] not in LEARNED:
        assert isinstance(ranker.known, WeightedSum)
        assert "nothing learned did clearly better" in story["why"]


def test_the_same_past_teaches_the_same(case: Case) -> None:
    _, again = learned(case.community)
    assert again.story == case.ranker.story
    assert again.seldom.tolist() == case.ranker.seldom.tolist()
    assert again.calibration is not None
    assert case.ranker.calibration is not None
    assert again.calibration.weights.tolist() == case.ranker.calibration.weights.tolist()
    assert slates(case.snapshot, again) == slates(case.snapshot, case.ranker)


def test_probabilities_are_over_all_members_those_who_joined_nothing_included() -> None:
    # Half of the members do nothing any more.
    snapshot, ranker = learned(circles(240, idle=240))
    calibration = ranker.calibration
    assert calibration is not None
    assert calibration.event == "join", "nobody takes part three times"
    assert calibration.horizon_days == ranker.story["windows"][0]["days"]
    index = VectorIndex.build(snapshot.groups.prototypes.vectors)
    pipeline = group_recommender(snapshot, index, replace(ranker, preferences=PLAIN))
    found = [
        pipeline.recommend(query_of_member(snapshot, row), 10).probabilities for row in range(480)
    ]
    total = np.array([0.0 if part is None else float(part.sum()) for part in found])
    # The busy join four in 360 days, and have two of their circle's six left by now.
    expected = 4 * calibration.horizon_days / 360
    assert 0.2 * expected < total[:240].mean() < 1.5 * expected
    assert total[240:].mean() < 0.35 * expected


def test_nothing_is_claimed_of_how_likely_a_newcomer_is_to_join(case: Case) -> None:
    index = VectorIndex.build(case.snapshot.groups.prototypes.vectors)
    words = query_of_text(
        KeywordEncoder().encode(["rocket"]), np.ones(1, np.float32), np.zeros(0, np.int64)
    )
    slate = group_recommender(case.snapshot, index, case.ranker).recommend(words, 5)
    assert len(slate.rows) == 5
    assert slate.probabilities is None


def test_the_vectors_of_a_past_are_those_of_its_posts() -> None:
    found = random_world(3).community
    cut = NOW - 60 * DAY_S
    early = past(found, cut)
    assert 0 < len(early.posts) < len(found.posts)
    one = vectors_before(found, vectors_for(texts_of(found)), cut)
    other = vectors_for(texts_of(early))
    assert one.posts.tolist() == other.posts.tolist()
    assert one.members.tolist() == other.members.tolist()


# Seldom shown


def test_a_living_group_on_nobodys_slate_is_seldom_shown_and_one_asleep_is_not() -> None:
    # Everybody is into rockets; there is one group about bread that was joined lately, one that
    # has slept for a year, and one founded just now.
    people = [f"m{place:02}" for place in range(40)]
    names = [*(f"rocket-{place}" for place in range(16)), "bread", "asleep", "new"]
    joined = [
        Membership(one, names[(place + turn) % 16], NOW - (place + 5 * turn) * DAY_S)
        for place, one in enumerate(people)
        for turn in range(3)
    ]
    joined += [
        Membership("m00", "bread", NOW - 20 * DAY_S),
        Membership("m01", "asleep", NOW - 300 * DAY_S),
    ]
    texts = {name: "rocket" if "rocket" in name else "sourdough" for name in names}
    snapshot = built(make(dict.fromkeys(people, "rocket"), texts, joined))
    by_name = WeightedSum({"interest_match": 1.0})
    ranker = GroupRanker(known=by_name, newcomer=by_name, preferences=PLAIN)
    seldom = seldom_shown(snapshot, ranker)
    found = dict(zip(names, seldom.tolist(), strict=True))
    assert found["bread"]
    assert found["new"]
    assert not found["asleep"]
    assert sum(seldom[:16]) < 8
