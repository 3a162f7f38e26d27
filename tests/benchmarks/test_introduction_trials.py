"""Who is there before people meet, which pairs are to be found, and what they are worth."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.introduction_trials import (
    BOTH_WAYS,
    ONE_WAY,
    Meeting,
    hidden,
    meetings_by_hiding,
    meetings_by_time,
    with_members,
)
from benchmarks.trials import Cuts
from data.community import Community
from engine.domain import DAY_S
from engine.errors import SettingError
from tests.benchmarks.small_town import day
from tests.builders import Membership, Post, make
from tests.world import NOW


def then(days: float) -> float:
    return NOW - days * DAY_S


def pairs_of(meeting: Meeting) -> dict[frozenset[str], float]:
    ids = meeting.early.members["id"].to_list()
    met = meeting.met
    ends = zip(met.one.tolist(), met.other.tolist(), met.grades.tolist(), strict=True)
    return {frozenset((ids[one], ids[other])): grade for one, other, grade in ends}


def a_year_of_questions() -> Community:
    """Return people who answer each other before and after day 50; eva is heard of only later."""
    people = ["ana", "bo", "cy", "di", "eva"]
    joins = [Membership(name, "g", then(300 - 5 * place)) for place, name in enumerate(people[:4])]
    joins += [Membership("eva", "g", then(10)), Membership("ana", "h", then(200))]
    joins += [Membership("bo", "h", then(5)), Membership("cy", "h", then(4))]
    posts = [
        Post("a", ("ana",), ("g",), then(100)),
        Post("a-bo", ("bo",), ("g",), then(99), parent="a"),
        Post("a-cy", ("cy",), ("g",), then(20), parent="a"),
        Post("c", ("cy",), ("g",), then(19)),
        Post("c-ana", ("ana",), ("g",), then(18), parent="c"),
        Post("c-di", ("di",), ("g",), then(17), parent="c"),
        Post("c-eva", ("eva",), ("g",), then(9), parent="c"),
    ]
    return make(people, ["g", "h"], joins, posts)


def test_only_pairs_of_known_people_who_had_not_met_are_to_be_found() -> None:
    cuts = Cuts(("2025-04-26",), validate=("2024-12-01",))  # day 50
    [meeting] = meetings_by_time(a_year_of_questions(), cuts).test

    # Ana and Bo had met; Eva had not been heard of. Ana and Cy answered each other.
    assert pairs_of(meeting) == {
        frozenset(("ana", "cy")): BOTH_WAYS,
        frozenset(("cy", "di")): ONE_WAY,
    }
    assert sorted(meeting.early.members["id"]) == ["ana", "bo", "cy", "di"]
    assert len(meeting.early.ties) == 1
    assert meeting.early.posts["id"].to_list() == ["a", "a-bo"]


def test_members_stand_in_random_order_and_keep_what_is_theirs(town: Community) -> None:
    [meeting] = meetings_by_time(town, Cuts((day(town, 0.8),))).test
    early = meeting.early

    def ties(community: Community) -> set[frozenset[str]]:
        ids = community.members["id"].to_list()
        pairs = zip(community.ties["a"].to_list(), community.ties["b"].to_list(), strict=True)
        return {frozenset((ids[a], ids[b])) for a, b in pairs}

    assert early.members["id"].to_list() != sorted(early.members["id"])
    assert ties(early)
    assert ties(early) <= ties(town)
    assert not ties(early) & set(pairs_of(meeting))
    assert (early.ties["a"] < early.ties["b"]).all()
    first = early.ties["first_ts"].max()
    assert isinstance(first, float)
    assert first < meeting.now


def test_what_refers_to_somebody_left_out_is_dropped() -> None:
    kept = with_members(a_year_of_questions(), np.array([2, 0]))

    assert kept.members["id"].to_list() == ["cy", "ana"]
    assert kept.ties.select("a", "b").rows() == [(0, 1)]
    assert set(kept.authors["member"]) == {0, 1}
    assert set(kept.memberships["member"]) == {0, 1}


def undated() -> Community:
    people = [f"m{row}" for row in range(20)]
    ties = [(people[a], people[b], None, 1.0) for a in range(20) for b in range(a + 1, 20, 3)]
    return make(people, ["g"], [Membership(name, "g", None) for name in people], ties=ties)


def test_hidden_ties_are_to_be_found_and_no_longer_known() -> None:
    meeting = hidden("", undated(), share=0.2, seed=3)

    known, found = len(meeting.early.ties), len(meeting.met.one)
    assert known + found == len(undated().ties)
    assert found == pytest.approx(0.2 * len(undated().ties), abs=10)
    there = meeting.early.ties.select("a", "b").rows()
    assert not {frozenset(pair) for pair in there} & {
        frozenset(pair) for pair in zip(meeting.met.one, meeting.met.other, strict=True)
    }


def test_peers_are_tuned_on_ties_hidden_among_those_that_are_left() -> None:
    meetings = meetings_by_hiding(undated(), share=0.2, seed=0)

    [test], [inner] = meetings.test, meetings.validation
    assert len(inner.early.ties) + len(inner.met.one) == len(test.early.ties)
    assert not set(pairs_of(inner)) & set(pairs_of(test))


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0])
def test_a_share_that_hides_nothing_or_everything_is_refused(share: float) -> None:
    with pytest.raises(SettingError, match="--hide-ties"):
        meetings_by_hiding(undated(), share, seed=0)


def test_a_community_without_ties_has_nothing_to_hide() -> None:
    lonely = make(["ana", "bo"], ["g"], ties=[])
    with pytest.raises(SettingError, match="no ties"):
        meetings_by_hiding(lonely, 0.2, seed=0)
