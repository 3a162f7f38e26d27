"""Who answers the next questions: what is asked, who may be found, and how systems are compared."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.peers.peer import TRIES
from benchmarks.responder_peers import RESPONDER_PEERS
from benchmarks.responder_trials import Asked, Given, Window, Windows, windows_of
from benchmarks.responders import OURS, measure, slates_of
from data.community import Community
from engine.errors import SettingError
from tests.benchmarks.peer_packages import needs
from tests.builders import Membership, Post, make
from tests.world import NOW
from training.train import Workshop

MODULES = {"bm25": "bm25s"}
"""What a peer imports that only the extra `bench` installs."""

DAY = 86_400.0


def forum(questions: int = 40) -> Community:
    """Every day somebody asks: of rockets, which Rita answers, or of bread, which Sam answers.

    From the 36th day on Zoe, who came then, answers as well; every tenth question nobody does.
    """
    posts = []
    for day in range(questions):
        at = NOW - (questions - day) * DAY
        about, who = ("rocket igniter", "rita") if day % 2 else ("sourdough levain", "sam")
        posts.append(Post(f"q{day}", (f"asks-{day % 5}",), ("hall",), at, f"My {about}"))
        if day % 10:
            answerers = [who] + (["zoe"] if day >= 36 else [])
            posts += [
                Post(f"q{day}-{one}", (one,), ("hall",), at + 60, f"The {about}", f"q{day}")
                for one in answerers
            ]
    people = [*(f"asks-{place}" for place in range(5)), "rita", "sam", "zoe"]
    return make(people, ["hall"], [Membership("rita", "hall", NOW - 300 * DAY)], posts)


@pytest.fixture(scope="module")
def windows(workshop: Workshop) -> Windows:
    return windows_of(forum(), workshop)


def test_the_last_fifth_is_measured_and_nothing_of_it_is_known_before(windows: Windows) -> None:
    (window,) = windows.test
    assert window.now == NOW - 8 * DAY, "the 33rd of 40 questions"
    assert len(window.asked) == 8
    assert all(one.now + 8 * DAY <= window.now for one in windows.validation)
    assert len(window.early.posts) == 32 + 28, "four of the 32 had no answer"
    assert len(window.given.members) == 28


def test_people_are_those_known_at_the_cut(windows: Windows) -> None:
    (window,) = windows.test
    names = window.early.members["id"].to_list()
    assert "zoe" not in names
    assert window.lost == 4, "Zoe's answers of the days 36 to 39"
    found = [{names[row] for row in one.answered_by.tolist()} for one in window.asked]
    assert found == [{"sam"}, {"rita"}] * 4
    (first, *_) = window.asked
    assert [names[row] for row in first.authors.tolist()] == ["asks-2"]


def test_too_few_questions_are_told_not_measured(workshop: Workshop) -> None:
    with pytest.raises(SettingError, match="no part has enough"):
        windows_of(forum(5), workshop)


def small(window: Window) -> Window:
    """Two questions of member 0; members 1 and 2 may answer, and 1 has answered far more."""
    texts = replace(window.texts, posts=["", "igniter", "igniter", "levain", "", ""])
    vectors = np.zeros((6, 4), np.float32)
    vectors[1:4] = np.eye(4, dtype=np.float32)[[0, 0, 1]]
    none = np.zeros(0, np.int64)
    may = np.ones(window.members, bool)
    said = np.eye(4, dtype=np.float32)[1:2]
    asked = Asked("levain", said, np.array([0]), none, np.array([2]), may, "")
    given = Given(
        np.array([1, 2, 3]), np.array([0, 4, 5]), np.array([1, 1, 2]), np.array([1.0, 1.0, 100.0])
    )
    return replace(window, texts=texts, vectors=vectors, given=given, asked=(asked, asked))


@pytest.mark.parametrize(
    ("peer", "settings", "first"),
    [
        ("most_active", {"half_life_days": 14.0, "per_group": False}, 1),
        ("bm25", {"k1": 1.2, "b": 0.75, "person": True, "questions": False}, 2),
        ("bm25", {"k1": 1.2, "b": 0.75, "person": False, "questions": True}, 2),
        ("minilm_centroids", {"of": "answers", "half_life_days": 36500.0, "sized": False}, 2),
        ("minilm_centroids", {"of": "both", "half_life_days": 30.0, "sized": True}, 2),
    ],
)
def test_a_peer_names_whom_its_formula_names(
    windows: Windows, peer: str, settings: dict[str, float | str | bool], first: int
) -> None:
    needs(peer, MODULES.get(peer))
    window = small(windows.test[0])
    scores = RESPONDER_PEERS[peer].score(window, settings)
    assert scores.shape == (2, window.members)
    assert [slate[0] for slate in slates_of(window, scores)] == [first, first]
    assert 0 not in np.concatenate(slates_of(window, scores)), "the author is not asked"


def test_every_peer_has_the_same_number_of_tries() -> None:
    assert {len(peer.grid) for peer in RESPONDER_PEERS.values()} == {TRIES}


def test_a_comparison_has_figures_ratios_and_what_could_not_be_found(
    windows: Windows, workshop: Workshop
) -> None:
    for peer, module in MODULES.items():
        needs(peer, module)
    result = measure(windows, workshop)
    json.dumps(result, default=str)
    assert set(result["systems"]) == {OURS, *RESPONDER_PEERS}
    assert set(result["ratios"]) == set(RESPONDER_PEERS)
    assert result["systems"][OURS]["recall_at_3"]["value"] == 1.0, "of two who ever answered"
    assert result["same_people_for_all_at_best"] == 1.0
    (window,) = result["windows"]
    assert (window["questions"], window["answers_by_people_who_came_later_or_are_not_open"]) == (
        8,
        4,
    )
    rehearsed = measure(windows, workshop, rehearse=True)
    assert len(rehearsed["windows"]) == len(windows.validation)
