"""A comparison of introductions is fair: all are measured alike, nobody sees what came later."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import pytest

from benchmarks.introduction_comparison import (
    COLD,
    IntroductionSettings,
    compare_introductions,
)
from benchmarks.introduction_contenders import (
    EVERYBODY,
    Ready,
    people_contenders,
    ready_for,
    slates_of,
)
from benchmarks.introduction_figures import KINDS, MAIN, OURS, Outcome, section
from benchmarks.introduction_ours import BelongPeople, belong_people_at
from benchmarks.introduction_rules import rules_of
from benchmarks.introduction_trials import Meeting, Met
from benchmarks.peers.peer import Settings
from benchmarks.people import Circle, PeoplePeer, PeopleScorer
from benchmarks.slates import Right
from benchmarks.trials import Cuts
from data.community import Community
from engine.errors import SettingError
from engine.index import VectorIndex
from engine.introductions import introduction_recommender
from engine.types import Matrix, Rows
from tests.benchmarks.circles import a_circle
from tests.benchmarks.small_town import day
from tests.builders import make
from tests.world import NOW, community
from training.figures_file import without_nan
from training.progress import Progress
from training.train import Workshop, snapshot_of


@dataclass(frozen=True, slots=True)
class Remembering:
    """Orders people by how many they have met; one setting counts backwards."""

    circles: list[Circle] = field(default_factory=list)
    name: ClassVar[str] = "remembering"
    package: ClassVar[str] = "numpy"
    grid: ClassVar[Sequence[Settings]] = ({"sign": -1}, {"sign": 1})

    def fit(self, circle: Circle, settings: Settings, seed: int) -> PeopleScorer:
        self.circles.append(circle)
        signed = circle.degrees() * np.float32(settings["sign"])

        def score(rows: Rows) -> Matrix:
            return np.tile(signed, (len(rows), 1))

        return score


@dataclass(frozen=True, slots=True)
class TooFew:
    """A peer that is made for other communities."""

    name: ClassVar[str] = "too_few"
    package: ClassVar[str] = "numpy"
    grid: ClassVar[Sequence[Settings]] = ({"seed": 1},)

    def fit(self, circle: Circle, settings: Settings, seed: int) -> PeopleScorer:
        raise SettingError("too_few takes three people at most")


NOBODY = Met(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))
"""No pair that is to be found."""


def unlearned(meeting: Meeting, workshop: Workshop, progress: Progress) -> BelongPeople:
    """Return Belong without anything learned, which is quicker."""
    snapshot = snapshot_of(meeting.early, workshop)
    index = VectorIndex.build(snapshot.members.interests.vectors)
    return BelongPeople(snapshot, introduction_recommender(snapshot, index))


@pytest.fixture(scope="module")
def by_time(town: Community, workshop: Workshop) -> tuple[dict[str, Any], Remembering]:
    """A town at one cut, and the peer that remembers what it was fitted on."""
    peer = Remembering()
    peers: dict[str, PeoplePeer] = {"remembering": peer, "too_few": TooFew()}
    settings = IntroductionSettings(Cuts((day(town, 0.6),)), show=2)
    return compare_introductions(town, settings, workshop, peers, ours=unlearned), peer


def test_every_system_is_measured_on_the_same_members_with_intervals_and_paired_ratios(
    by_time: tuple[dict[str, Any], Remembering],
) -> None:
    result, _ = by_time

    assert set(result["systems"]) == {OURS, "remembering"}
    for figures in result["systems"].values():
        assert set(figures) == {"ndcg_at_10", "recall_at_10", "coverage", "gini"}
        found = figures["ndcg_at_10"]
        assert found["low"] <= found["value"] <= found["high"]
        assert found["n"] == result["members"] > 0
    ours, theirs = (result["systems"][one]["gini"]["value"] for one in (OURS, "remembering"))
    assert result["ratios"]["remembering"]["gini"]["value"] == pytest.approx(ours / theirs)
    assert result["fairness"]["gini_over_peer"] == result["ratios"]["remembering"]["gini"]
    assert result["parts"] == {}
    assert {"with_ties", "without_ties"} <= {*result["slices"], *result["not_measured"]}


def test_a_peer_is_tuned_on_an_earlier_window_and_sees_nothing_later(
    by_time: tuple[dict[str, Any], Remembering],
) -> None:
    result, peer = by_time

    assert result["peers"]["remembering"]["settings"] == {"sign": 1}
    times = [circle.history.asof for circle in peer.circles]
    assert len(times) == 3
    assert times[0] == times[1] < times[2]
    for circle in peer.circles:
        assert np.nanmax(circle.met) < circle.history.asof
        assert np.nanmax(circle.active_at) < circle.history.asof


def test_a_peer_that_cannot_be_fitted_here_is_left_out_with_its_reason(
    by_time: tuple[dict[str, Any], Remembering],
) -> None:
    assert "three people at most" in by_time[0]["not_measured"]["too_few"]


def test_belong_breaks_no_rule_where_people_are_closed_blocked_and_of_two_audiences(
    by_time: tuple[dict[str, Any], Remembering], town: Community
) -> None:
    policies = by_time[0]["policies"]

    rules = rules_of(town)
    assert rules.blocked.nnz
    assert not rules.asks.all()
    assert not rules.found.all()
    assert policies["shown"] > policies["slates"] > 100
    assert policies["broken_in_all"] == 0
    assert set(policies["broken"].values()) == {0}


def test_belong_as_it_is_trained_introduces_whom_the_world_was_made_for(
    workshop: Workshop,
) -> None:
    world = community()
    ids = world.members["id"].to_list()

    belong = belong_people_at(Meeting("", world, NOW, NOBODY), workshop)
    [slate] = belong.slates(np.array([ids.index("ana")]))

    assert ids[slate[0]] == "bo"
    assert belong.reasons(ids.index("ana"), ids.index("bo"))


def test_a_pipeline_without_policies_is_found_to_break_rules(
    town: Community, workshop: Workshop
) -> None:
    def careless(meeting: Meeting, workshop: Workshop, progress: Progress) -> BelongPeople:
        belong = unlearned(meeting, workshop, progress)
        return replace(belong, pipeline=replace(belong.pipeline, policies=()))

    settings = IntroductionSettings(Cuts((day(town, 0.8),)), rehearse=True)
    policies = compare_introductions(town, settings, workshop, {}, ours=careless)["policies"]

    broken = policies["broken"]
    assert policies["broken_in_all"] == sum(broken.values())
    assert min(broken[rule] for rule in ("themselves", "already_tied", "another_audience")) > 0


def test_examples_say_who_was_met_and_why_they_are_shown(
    by_time: tuple[dict[str, Any], Remembering],
) -> None:
    shown = by_time[0]["examples"]

    assert len(shown) == 2
    for one in shown:
        assert one["items"]
        assert all(item["reasons"] for item in one["items"])


def test_a_comparison_is_json(by_time: tuple[dict[str, Any], Remembering]) -> None:
    result = without_nan(by_time[0])

    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_whoever_has_every_tie_hidden_is_measured_with_everything_fitted_anew(
    town: Community, workshop: Workshop
) -> None:
    peer = Remembering()
    settings = IntroductionSettings(Cuts(("80%",)), hide_ties=0.3, cold_seeds=1)

    result = compare_introductions(town, settings, workshop, {"remembering": peer}, ours=unlearned)

    # The first of the seeds is the one with which ties are hidden from everybody else's slates.
    cold, same = result["slices"][COLD], result["slices"]["without_ties"]
    assert cold["members"] == same["members"] > 0
    assert cold["systems"] == same["systems"]
    assert "1 seeds" in cold["about"]
    assert result["peers_without_ties"]["remembering"]["tried"] == 2
    # Two settings where ties are hidden again, once and then three times; a fit for either slice.
    assert len(peer.circles) == 2 + 1 + 2 * 3 + 1
    assert (result["until"], result["hidden_share"]) == (None, 0.3)


def test_a_rehearsal_measures_where_peers_are_tuned_and_never_looks_at_the_test(
    town: Community, workshop: Workshop
) -> None:
    peer = Remembering()
    settings = IntroductionSettings(Cuts((day(town, 0.8),), (day(town, 0.5),)), rehearse=True)

    result = compare_introductions(town, settings, workshop, {"remembering": peer}, ours=unlearned)

    tuned = max(result["peers"]["remembering"]["validation_ndcg_at_10"], 0)
    assert result["rehearsal"] is True
    assert result["systems"]["remembering"]["ndcg_at_10"]["value"] == pytest.approx(tuned)
    assert len({circle.history.asof for circle in peer.circles}) == 1
    assert result["until"][:10] == day(town, 0.5)


# By hand


def five_people() -> Ready:
    """Return five people: 0 met 1 (both ways) and 2; 3 had met 4 before, and met nobody new."""
    circle = a_circle(5, ties=[(3, 4)])
    met = Met(np.array([0, 0]), np.array([1, 2]), np.array([2, 1], np.float32))
    people = make([f"m{row}" for row in range(5)], ["g"], ties=[("m3", "m4", None, 1.0)])
    right = Right(
        5,
        np.array([0, 0, 1, 2]),
        np.array([1, 2, 0, 0]),
        np.array([2, 1, 2, 1], np.float32),
        np.ones(4, bool),
    )
    ids = people.members["id"].to_list()
    return Ready(Meeting("", people, 1.0, met), circle, rules_of(people), right,
                 circle.degrees() == 0, ids)  # fmt: skip


def test_an_exchange_both_ways_is_worth_twice_as_much() -> None:
    ready = five_people()
    slates = np.full((1, 10), -1)
    slates[0, :2] = [2, 1]

    values = ready.values(slates, np.array([0]))

    discount = 1 / np.log2(3)
    assert values["ndcg_at_10"] == pytest.approx((1 + 2 * discount) / (2 + discount))
    assert values["recall_at_10"] == pytest.approx(1)


def test_gini_counts_everybody_asked_and_those_never_shown() -> None:
    ready = five_people()
    rows = np.arange(5)
    slates = np.full((5, 10), -1)
    slates[:, 0] = [1, 0, 0, 0, 0]  # 0 is shown four times, 1 once, three never
    even = np.full((5, 10), -1)
    even[:, 0] = [1, 2, 3, 0, 2]

    found = section([Outcome(ready, rows, {OURS: slates, "even": even})], MAIN, exposure=True)

    assert found is not None
    # Ordered 0 0 0 1 4: (2·4 - 6 = 2 once, 4 four times) / (5 · 5).
    assert found["systems"][OURS]["gini"]["value"] == pytest.approx((2 * 1 + 4 * 4) / 25)
    assert found["systems"][OURS]["coverage"]["value"] == pytest.approx(2 / 5)
    assert found["systems"]["even"]["coverage"]["value"] == pytest.approx(4 / 5)
    assert (found["members"], found["pairs"]) == (3, 2)
    assert section([Outcome(ready, rows, {OURS: slates})], KINDS["with_ties"]) is None


def test_a_peers_slate_leaves_out_who_may_not_be_shown() -> None:
    ready = five_people()

    slates = slates_of(lambda rows: np.ones((len(rows), 5), np.float32), ready, np.array([3]))

    assert slates[0, :4].tolist() == [0, 1, 2, -1]


def test_a_peer_that_has_nobody_to_be_tuned_on_is_left_out(workshop: Workshop) -> None:
    meeting = Meeting("", make(["ana", "bo"], ["g"]), 1.0, NOBODY)

    peers: dict[str, PeoplePeer] = {"remembering": Remembering()}
    found, left_out = people_contenders(peers, [ready_for(meeting, workshop)], EVERYBODY, 0)

    assert not found
    assert "--validate" in left_out["remembering"]
