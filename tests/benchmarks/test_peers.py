"""The peers, every one on a tiny world whose right answers follow by construction.

Bakers are in four groups and write about bread, cyclists in four others and about bicycles; one
of each is in three of the four. Group 8 is new: it is about sourdough and has no member yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.util import find_spec
from typing import ClassVar

import numpy as np
import pytest

from benchmarks.peers import PEERS, TEXT_ALONE, History, Viewers, history_of, tune, viewers_of
from benchmarks.peers.counting import Popularity, RecentPopularity
from benchmarks.peers.history import unit_rows
from benchmarks.peers.peer import BLOCK, TRIES, Peer, Scorer, Settings, needed
from engine.domain import DAY_S
from engine.errors import SettingError
from engine.types import Matrix
from tests.builders import Membership, Post, make, vectors_for
from tests.world import NOW
from training.split import past
from training.texts import texts_of

BAKING, CYCLING, NEW = [0, 1, 2, 3], [4, 5, 6, 7], 8
BAKER, CYCLIST, NEWCOMER = 0, 12, 24
"""A baker who is not in group 3, a cyclist who is not in group 7, someone in no group."""

MODULES = {
    "item_knn": "implicit",
    "ials": "implicit",
    "bpr": "implicit",
    "ease": "irspack",
    "lightfm": "lightfm",
}
"""What a peer imports that only the extra `bench` installs."""

FROM_MEMBERSHIPS = ["item_knn", "ials", "bpr", "ease", "lightfm", "minilm_centroids"]
FROM_TEXT = ["lightfm", "minilm_centroids"]


def peer_named(name: str) -> Peer:
    module = MODULES.get(name)
    if module and find_spec(module) is None:
        pytest.skip(f"{name} needs {module}: pip install 'belong[bench]' (make bench)")
    return PEERS[name]


@pytest.fixture(params=list(PEERS))
def peer(request: pytest.FixtureRequest) -> Peer:
    return peer_named(request.param)


def a_history() -> History:
    pairs = [(member, group) for member in range(12) for group in BAKING]
    pairs += [(member, group) for member in range(12, 24) for group in CYCLING]
    pairs.remove((BAKER, 3))
    pairs.remove((CYCLIST, 7))
    member, group = np.array(pairs).T
    own = np.eye(11, dtype=np.float32)
    bread, bicycles = own[9], own[10]
    groups = [0.6 * own[row] + 0.8 * (bicycles if row in CYCLING else bread) for row in range(9)]
    members = [bread] * 12 + [bicycles] * 12 + [0 * bread]
    return History(
        members=25,
        groups=9,
        member=member.astype(np.int64),
        group=group.astype(np.int64),
        ts=NOW - DAY_S * np.arange(len(member), dtype=np.float64),
        n=np.ones(len(member), dtype=np.float32),
        asof=NOW,
        member_texts=np.stack(members).astype(np.float32),
        group_texts=np.stack(groups).astype(np.float32),
    )


def saying(vector: Matrix) -> Viewers:
    return Viewers(np.array([TEXT_ALONE]), vector[None, :].astype(np.float32))


SILENT = saying(np.zeros(1, np.float32))
"""Someone who is to be told what everybody is told."""


def best_not_joined(history: History, scorer: Scorer, member: int) -> int:
    scores = scorer(viewers_of(history, np.array([member])))[0]
    scores[history.group[history.member == member]] = -np.inf
    return int(scores.argmax())


def finds_both_fourths(history: History, scorer: Scorer) -> bool:
    found = [best_not_joined(history, scorer, member) for member in (BAKER, CYCLIST)]
    return found == [3, 7]


def a_silent_history() -> History:
    """Return the same where members say nothing."""
    history = a_history()
    return replace(history, member_texts=0 * history.member_texts)


@cache
def fitted(name: str, world: Callable[[], History] = a_history) -> Scorer:
    """Return a peer with the first of its settings that offers both what they lack."""
    history, peer = world(), peer_named(name)
    scorers = (peer.fit(history, settings, seed=0) for settings in peer.grid)
    return next(scorer for scorer in scorers if finds_both_fourths(history, scorer))


def test_every_viewer_has_a_finite_score_for_every_group(peer: Peer) -> None:
    history = a_history()
    rows = np.array([BAKER, NEWCOMER, TEXT_ALONE, CYCLIST])
    texts = np.where(rows[:, None] >= 0, history.member_texts[rows], history.group_texts[NEW])

    scorer = peer.fit(history, peer.grid[0], seed=0)
    scores = scorer(Viewers(rows, texts))

    assert scores.shape == (4, 9)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    assert scorer(Viewers(rows[:0], texts[:0])).shape == (0, 9)


def test_the_same_seed_gives_the_same_scores(peer: Peer) -> None:
    history = a_history()
    everyone = viewers_of(history, np.arange(history.members))

    one, other = (peer.fit(history, peer.grid[-1], seed=7)(everyone) for _ in range(2))

    np.testing.assert_array_equal(one, other)


def test_an_answer_does_not_depend_on_who_else_asks(peer: Peer) -> None:
    history = a_history()
    scorer = peer.fit(history, peer.grid[0], seed=0)
    alone = scorer(viewers_of(history, np.array([BAKER])))[0]
    other = scorer(viewers_of(history, np.array([CYCLIST])))[0]
    rows = np.full(BLOCK + 2, BAKER)
    rows[[1, BLOCK]] = CYCLIST

    crowd = scorer(viewers_of(history, rows))

    np.testing.assert_allclose(crowd[[0, 1, BLOCK, -1]], [alone, other, other, alone], atol=1e-5)


@pytest.mark.parametrize("name", FROM_MEMBERSHIPS)
def test_a_member_of_three_of_four_groups_is_offered_the_fourth(name: str) -> None:
    assert finds_both_fourths(a_history(), fitted(name))


@pytest.mark.parametrize("name", FROM_TEXT)
def test_a_member_who_says_nothing_is_known_by_their_groups(name: str) -> None:
    assert finds_both_fourths(a_silent_history(), fitted(name, a_silent_history))


@pytest.mark.parametrize("name", FROM_TEXT)
def test_someone_known_by_a_text_about_bread_is_offered_baking(name: str) -> None:
    history = a_history()
    scorer = fitted(name)

    bread = scorer(saying(history.member_texts[BAKER]))[0]
    bicycles = scorer(saying(history.member_texts[CYCLIST]))[0]

    assert bread.argmax() in [*BAKING, NEW]
    assert bread[BAKING].mean() > bread[CYCLING].mean()
    assert bicycles.argmax() in CYCLING
    assert bicycles[CYCLING].mean() > bicycles[BAKING].mean()


def test_a_new_group_about_sourdough_is_offered_to_who_writes_about_sourdough() -> None:
    history = a_history()

    scores = fitted("minilm_centroids")(saying(history.group_texts[NEW]))[0]

    assert scores.argmax() == NEW


def test_the_topics_of_a_new_group_lift_it_for_those_who_like_them() -> None:
    history = a_history()

    scores = fitted("lightfm")(viewers_of(history, np.array([1, 13])))[:, NEW]

    assert scores[0] > scores[1]  # a baker, a cyclist


def test_who_is_known_by_a_text_alone_is_no_member(peer: Peer) -> None:
    history = a_history()
    viewers = saying(history.member_texts[BAKER])
    scorer = peer.fit(history, peer.grid[0], seed=0)

    scores = scorer(viewers)[0]

    assert scores.any() == peer.serves_text
    if not peer.serves_text:
        assert scorer(viewers_of(history, np.array([BAKER]))).any()


def test_a_grid_has_no_more_tries_than_others_and_none_twice(peer: Peer) -> None:
    tries = [tuple(settings.items()) for settings in peer.grid]

    assert len(tries) == (3 if peer.name == "popularity" else TRIES)
    assert len(set(tries)) == len(tries)
    assert {tuple(settings) for settings in peer.grid} == {tuple(peer.grid[0])}


def test_peers_are_listed_by_their_names() -> None:
    assert {name: peer.name for name, peer in PEERS.items()} == {name: name for name in PEERS}


@pytest.mark.parametrize(
    ("counted", "expected"),
    # Group 1 has two members, group 0 one who came seven times: log2(1 + 7) = 3.
    [("members", [1, 2, 0]), ("log_times", [3, 2, 0]), ("times", [7, 2, 0])],
)
def test_popularity_counts(counted: str, expected: list[float]) -> None:
    history = few(member=[0, 0, 1], group=[0, 1, 1], n=[7, 1, 1])

    scores = Popularity().fit(history, {"counted": counted}, seed=0)(SILENT)

    np.testing.assert_allclose(scores, [expected])


def test_recent_popularity_counts_further_joins_and_old_ones_less() -> None:
    # Member 0's first group is 0, member 1's is 1: those joins do not count. Then member 0 joined
    # group 1 one half-life ago (1/2), and member 1 joined group 2 now (1).
    history = few(member=[0, 0, 1, 1], group=[0, 1, 1, 2], days_ago=[50, 30, 90, 0])

    scores = RecentPopularity().fit(history, {"half_life_days": 30}, seed=0)(SILENT)

    np.testing.assert_allclose(scores, [[0, 0.5, 1]])


def test_recent_popularity_counts_all_joins_where_nobody_joined_twice() -> None:
    history = few(member=[0, 1], group=[0, 1], days_ago=[30, 0])

    scores = RecentPopularity().fit(history, {"half_life_days": 30}, seed=0)(SILENT)

    np.testing.assert_allclose(scores, [[0.5, 1, 0]])


def test_strength_grows_slowly_with_times_and_halves_with_age() -> None:
    history = few(member=[0, 0, 1], group=[0, 1, 2], n=[1, 3, 7], days_ago=[0, 10, 20])

    # log2(1 + n) is 1, 2 and 3; ages are 0, 1 and 2 half-lives.
    np.testing.assert_allclose(history.strength(10), [1, 1, 0.75])


def test_a_join_without_a_date_counts_as_four_half_lives_old() -> None:
    history = few(member=[0, 0], group=[0, 1], days_ago=[0, np.nan])

    np.testing.assert_allclose(history.fading(10), [1, 1 / 16])


def test_where_nothing_is_dated_nothing_fades(peer: Peer) -> None:
    history = replace(a_history(), ts=np.full(94, np.nan))

    np.testing.assert_array_equal(history.fading(10), np.ones(94))
    assert np.isfinite(
        peer.fit(history, peer.grid[0], 0)(viewers_of(history, np.array([BAKER])))
    ).all()


def test_ease_is_the_closed_form() -> None:
    peer, history = peer_named("ease"), a_history()
    scorer = peer.fit(history, {"regularization": 50.0, "half_life_days": 365.0}, seed=0)

    # B = I - P diag(P)^-1, P = (X'X + 50 I)^-1 (Steck 2019, equation 8).
    joined = history.matrix(history.strength(365.0)).toarray().astype(np.float64)
    inverse = np.linalg.inv(joined.T @ joined + 50 * np.eye(9))
    weights = np.eye(9) - inverse / np.diag(inverse)
    np.testing.assert_allclose(
        scorer(viewers_of(history, np.arange(25))), joined @ weights, atol=1e-5
    )


def test_item_knn_is_the_inner_product_of_bm25_weights() -> None:
    peer, history = peer_named("item_knn"), a_history()
    scorer = peer.fit(history, {"k1": 2.0, "b": 0.1, "half_life_days": 365.0}, seed=0)

    joined = history.matrix(history.strength(365.0)).toarray().astype(np.float64)
    size = joined.sum(axis=0)
    length = 0.9 + 0.1 * size / size.mean()
    rarity = np.log(9) - np.log1p((joined > 0).sum(axis=1, keepdims=True))
    weighted = joined * 3 / (2 * length + joined) * rarity
    np.testing.assert_allclose(
        scorer(viewers_of(history, np.arange(25))), joined @ (weighted.T @ weighted), rtol=1e-4
    )


def test_centroids_mix_what_was_said_and_where_one_is() -> None:
    history = a_history()
    settings = {"own_share": 0.3, "centred": False, "half_life_days": 3650.0}
    scorer = PEERS["minilm_centroids"].fit(history, settings, seed=0)

    joined = history.matrix(history.strength(3650.0)).toarray()
    around = unit_rows(joined @ history.group_texts)
    middle = unit_rows(0.3 * history.member_texts + 0.7 * around)
    np.testing.assert_allclose(
        scorer(viewers_of(history, np.arange(25))), middle @ history.group_texts.T, atol=1e-5
    )


def test_too_many_groups_leave_ease_out_and_say_so() -> None:
    history = replace(few(member=[0], group=[0]), groups=10_001)

    with pytest.raises(SettingError, match=r"ease is left out: .*10,001 groups.* 10,000"):
        PEERS["ease"].fit(history, PEERS["ease"].grid[0], seed=0)


def test_a_missing_package_says_what_to_install() -> None:
    with pytest.raises(SettingError, match=r"nobody_has_this.*pip install 'belong\[bench\]'"):
        needed("nobody_has_this.als")


@dataclass(frozen=True, slots=True)
class Echo:
    """A peer whose scores are its setting, and that counts its fits."""

    name: ClassVar[str] = "echo"
    package: ClassVar[str] = "numpy"
    serves_text: ClassVar[bool] = False
    grid: ClassVar[Sequence[Settings]] = ({"x": 1}, {"x": 3}, {"x": 2}, {"x": 3.0})
    seeds: list[int] = field(default_factory=list)

    def fit(self, history: History, settings: Mapping[str, object], seed: int) -> Scorer:
        self.seeds.append(seed)
        return lambda viewers: np.full((len(viewers), 1), settings["x"], dtype=np.float32)


def first_score(scorer: Scorer) -> float:
    return float(scorer(SILENT)[0, 0])


def test_tuning_tries_every_setting_and_takes_the_first_of_the_best() -> None:
    echo = Echo()

    tuned = tune(echo, a_history(), first_score, seed=5)

    assert tuned.settings is echo.grid[1]
    assert tuned.figure == 3
    assert [figure for _, figure in tuned.tried] == [1, 3, 2, 3]
    assert tuned.tries == 4
    assert echo.seeds == [5, 5, 5, 5]
    assert tuned.seconds > 0


def test_tuning_on_nobody_is_refused() -> None:
    with pytest.raises(SettingError, match="echo cannot be tuned"):
        tune(Echo(), a_history(), lambda scorer: float("nan"))


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


def few(
    member: list[int],
    group: list[int],
    n: list[float] | None = None,
    days_ago: list[float] | None = None,
) -> History:
    """Return a history of two members and three groups that say nothing."""
    ages = np.array(days_ago or [0.0] * len(member))
    return History(
        members=2,
        groups=3,
        member=np.array(member),
        group=np.array(group),
        ts=NOW - DAY_S * ages,
        n=np.array(n or [1.0] * len(member), dtype=np.float32),
        asof=NOW,
        member_texts=np.zeros((2, 1), np.float32),
        group_texts=np.zeros((3, 1), np.float32),
    )
