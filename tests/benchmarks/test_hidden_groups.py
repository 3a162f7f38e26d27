"""Groups that are hidden, and when one counts as found again."""

from __future__ import annotations

import numpy as np

from benchmarks.hidden_groups import Hidden, found_again, hidden
from tests.builders import Membership, Post, make
from training.circles import sets_of


def test_a_hidden_group_leaves_neither_members_nor_posts_but_the_posts_stay() -> None:
    people = [f"m{row}" for row in range(8)]
    inside = [Membership(one, group) for group in ("a", "b") for one in people[:5]]
    community = make(people, ["a", "b"], inside, [Post("p", ("m0",), ("a", "b"))])
    truth = hidden(community, seed=0)
    assert (len(truth.community.groups), len(truth.community.memberships)) == (1, 5)
    assert len(truth.community.post_groups) == 1
    assert len(truth.community.posts) == 1
    assert truth.lacked.tolist() == [False]  # the one that stayed has the same people


def test_groups_too_small_or_too_large_are_never_hidden() -> None:
    people = [f"m{row}" for row in range(45)]
    sizes = {"small": 3, "fit": 4, "large": 41}
    inside = [Membership(one, name) for name, size in sizes.items() for one in people[:size]]
    truth = hidden(make(people, list(sizes), inside), seed=3)
    assert truth.community.groups["id"].to_list() == ["small", "large"]
    assert truth.lacked.tolist() == [False]  # F1 with the small one is 6 / 7


def test_a_group_is_found_by_a_set_with_enough_of_its_people_among_the_first() -> None:
    truth = Hidden(
        make(["x"], ["a"]), ("y", "z"), sets_of([[0, 1, 2, 3], [6, 7, 8, 9]], 60), np.ones(2, bool)
    )
    large, none = np.arange(50), np.arange(20, 30)
    near = np.array([0, 1, 20, 21, 22])  # 2 * 2 / (4 + 5) = 0.44
    assert found_again(truth, [large, none, near], 2).tolist() == [1, 0]
    assert found_again(truth, [none, near], 1).tolist() == [0, 0]
