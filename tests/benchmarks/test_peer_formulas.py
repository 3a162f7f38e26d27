"""Peers that are a formula compute that formula."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.peers import PEERS, viewers_of
from benchmarks.peers.counting import Popularity, RecentPopularity
from benchmarks.peers.history import unit_rows
from tests.benchmarks.peer_histories import SILENT, a_history, few, peer_named


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
