"""A ranker is learned of any community, whatever it lacks: warnings are errors here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from data.community import Community
from engine.domain import DAY_S
from engine.groups import group_recommender
from engine.index import VectorIndex
from engine.query import query_of_text
from engine.types import Matrix
from tests.builders import Membership, make
from tests.random_community import random_world
from tests.training.circles import circles, learned, slates
from tests.world import NOW, KeywordEncoder


def undated(found: Community) -> Community:
    never = pl.lit(None, dtype=pl.Float64)
    return replace(
        found,
        memberships=found.memberships.with_columns(first_ts=never),
        posts=found.posts.with_columns(ts=never),
        ties=found.ties.with_columns(first_ts=never),
    )


def of_everybody(groups: int, visibility: str = "public") -> Community:
    """Return a hundred people who all join each of these groups in turn, a week after the last."""
    people = [f"m{place:03}" for place in range(100)]
    joined = [
        Membership(one, f"g{place}", NOW - (80 - 7 * place - row / 50) * DAY_S)
        for row, one in enumerate(people)
        for place in range(groups)
    ] + [Membership(one, "old", NOW - 200 * DAY_S) for one in people]
    found = make(people, ["old", *(f"g{place}" for place in range(groups))], joined)
    return replace(found, groups=found.groups.with_columns(visibility=pl.lit(visibility)))


def with_some_who_have_seen_it_all() -> Community:
    """Return people who join one public group after the other, and ten who were in all of them.

    The ten join a private one, so that of the last viewers none has a candidate left.
    """
    found = of_everybody(3)
    members = [*found.members["id"].to_list(), *(f"z{place}" for place in range(10))]
    rows = found.memberships.select(
        member=pl.col("member").map_elements(lambda row: members[row], pl.String),
        group=pl.col("group").map_elements(lambda row: found.groups["id"][row], pl.String),
        first_ts="first_ts",
    )
    joined = [Membership(**row) for row in rows.to_dicts()]
    groups = [*found.groups["id"].to_list(), "hidden"]
    for one in members[-10:]:
        joined += [Membership(one, group, NOW - 300 * DAY_S) for group in groups[:-1]]
        joined.append(Membership(one, "hidden", NOW - 20 * DAY_S))
    here = make(members, groups, joined)
    shown = pl.when(pl.col("id") == "hidden").then(pl.lit("private")).otherwise("visibility")
    return replace(here, groups=here.groups.with_columns(visibility=shown))


LACKING: dict[str, Callable[[], Community]] = {
    "dates": lambda: undated(circles(90)),
    "text": lambda: circles(90, texts=False),
    "posts": lambda: circles(90, posts=False),
    "text and posts": lambda: circles(90, posts=False, texts=False),
    "choice": lambda: of_everybody(1),
    "much choice": lambda: of_everybody(3),
    "anything left for some": with_some_who_have_seen_it_all,
    "anything public": lambda: of_everybody(3, "private"),
    "groups but one": lambda: make(["a", "b"], ["g0"], [Membership("a", "g0")]),
    "memberships": lambda: make(["a", "b"], {"g0": "rocket", "g1": "chat"}),
}


@pytest.mark.parametrize("lacking", LACKING)
def test_a_community_that_lacks_something_is_learned_from_without_a_warning(lacking: str) -> None:
    found = LACKING[lacking]()
    snapshot, ranker = learned(found)
    for who in ("known", "newcomer"):
        assert ranker.story[who]["kind"]
        assert ranker.story[who]["why"]
    assert ranker.seldom.shape == (len(found.groups),)
    offered = slates(snapshot, ranker)
    assert len(offered) == len(found.members)


@pytest.mark.parametrize("seed", range(8))
def test_a_random_community_is_learned_from_without_a_warning(seed: int) -> None:
    here = random_world(seed)
    snapshot, ranker = learned(here.community)
    assert slates(snapshot, ranker)
    said: Sequence[str] = ["rocket", "sourdough and chat", "nothing of the sort"]
    vectors: Matrix = KeywordEncoder().encode(said)
    index = VectorIndex.build(snapshot.groups.prototypes.vectors)
    pipeline = group_recommender(snapshot, index, ranker)
    for vector in vectors:
        query = query_of_text(vector[None], np.ones(1, np.float32), np.zeros(0, np.int64))
        assert len(pipeline.recommend(query, 3).rows) <= 3
