"""What others would write in an afternoon, against loops that could be checked in one."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from engine.snapshot import Snapshot
from tests.builders import Membership, built, make
from tests.world import NOW
from training.baselines import (
    DAMPING,
    common_companions,
    item_knn,
    most_tied,
    popularity,
    recent_popularity,
    shared_groups,
)

PEOPLE, GROUPS = 25, 9


@pytest.fixture(scope="module", params=[0, 1])
def snapshot(request: pytest.FixtureRequest) -> Snapshot:
    """A random community; the last member is in nothing and knows nobody."""
    rng = np.random.default_rng(request.param)
    people = [f"m{row:02d}" for row in range(PEOPLE)]
    groups = [f"g{row}" for row in range(GROUPS)]
    inside = [
        Membership(member, group, NOW - float(rng.integers(0, 400)) * 86_400)
        for member, group in product(people[:-1], groups[:-1])
        if rng.random() < 0.3
    ]
    ties = [
        (one, other, NOW, float(rng.integers(1, 9)))
        for one, other in product(people[:-1], people[:-1])
        if one < other and rng.random() < 0.2
    ]
    return built(make(people, groups, inside, ties=ties))


def in_groups(snapshot: Snapshot) -> list[set[int]]:
    return [set(snapshot.members.groups.of_row(row)[0].tolist()) for row in range(PEOPLE)]


def companions(snapshot: Snapshot) -> list[set[int]]:
    return [set(snapshot.members.ties.of_row(row)[0].tolist()) for row in range(PEOPLE)]


def test_popularity_is_the_number_of_members(snapshot: Snapshot) -> None:
    sizes = [sum(group in inside for inside in in_groups(snapshot)) for group in range(GROUPS)]
    for member in (0, PEOPLE - 1):
        assert popularity(snapshot)(member).tolist() == sizes


def test_recent_popularity_is_the_number_of_recent_joins(snapshot: Snapshot) -> None:
    assert recent_popularity(snapshot)(3).tolist() == snapshot.groups.joins_lately.tolist()


def test_item_knn_sums_damped_cosines(snapshot: Snapshot) -> None:
    inside = in_groups(snapshot)
    members: list[set[int]] = [
        {row for row in range(PEOPLE) if group in inside[row]} for group in range(GROUPS)
    ]
    score = item_knn(snapshot)
    for member in range(PEOPLE):
        expected = np.zeros(GROUPS)
        for group in range(GROUPS):
            for joined in inside[member] - {group}:
                shared = len(members[group] & members[joined])
                root = np.sqrt(len(members[group])) * np.sqrt(len(members[joined]))
                expected[group] += shared / (root + DAMPING)
        np.testing.assert_allclose(score(member), expected, rtol=1e-5)


def test_most_tied_counts_companions(snapshot: Snapshot) -> None:
    assert most_tied(snapshot)(0).tolist() == [len(known) for known in companions(snapshot)]


def test_common_companions_counts_rarely_tied_ones_more(snapshot: Snapshot) -> None:
    known = companions(snapshot)
    score = common_companions(snapshot)
    for member in range(PEOPLE):
        expected = [
            sum(1 / np.log1p(len(known[one])) for one in known[member] & known[other])
            for other in range(PEOPLE)
        ]
        np.testing.assert_allclose(score(member), expected, rtol=1e-5)


def test_shared_groups_is_the_cosine_of_groups(snapshot: Snapshot) -> None:
    inside = in_groups(snapshot)
    score = shared_groups(snapshot)
    for member in range(PEOPLE):
        expected = [
            len(inside[member] & inside[other])
            / np.sqrt(max(len(inside[member]), 1) * max(len(inside[other]), 1))
            for other in range(PEOPLE)
        ]
        np.testing.assert_allclose(score(member), expected, rtol=1e-5)


def test_scores_are_there_for_every_row_and_finite(snapshot: Snapshot) -> None:
    for make_baseline, size in (
        (popularity, GROUPS),
        (recent_popularity, GROUPS),
        (item_knn, GROUPS),
        (most_tied, PEOPLE),
        (common_companions, PEOPLE),
        (shared_groups, PEOPLE),
    ):
        scores = make_baseline(snapshot)(PEOPLE - 1)
        assert scores.shape == (size,)
        assert np.isfinite(scores).all()
