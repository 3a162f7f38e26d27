"""Nobody is left out: not those of a small audience band, nor newcomers beside private groups."""

from __future__ import annotations

import numpy as np
import polars as pl

from engine.groups import group_recommender
from engine.index import VectorIndex
from engine.introductions import introduction_recommender
from engine.query import query_of_member, query_of_text
from tests.world import ROCKETS, KeywordEncoder, World, world


def crowd(adults: int, minors: int) -> pl.DataFrame:
    """Return members who all say the same: only their band tells them apart."""
    names = [f"a{row}" for row in range(adults)] + [f"m{row}" for row in range(minors)]
    bands = ["adult"] * adults + ["minor"] * minors
    return pl.DataFrame({"id": names, "text": [ROCKETS] * len(names), "audience": bands})


def without_history(members: pl.DataFrame) -> World:
    nothing = pl.DataFrame({"member": [], "group": []}, schema_overrides={"member": pl.String})
    empty = {
        "members": members,
        "memberships": nothing.cast({"group": pl.String}),
        "posts": pl.DataFrame({"id": ["p"], "title": ["chat"]}),
        "ties": pl.DataFrame({"a": [], "b": []}, schema={"a": pl.String, "b": pl.String}),
        "blocks": pl.DataFrame({"member": [], "other": []}).cast(pl.String),
    }
    return world(empty)


def test_a_band_of_five_among_hundreds_still_meets_its_own() -> None:
    here = without_history(crowd(600, 5))
    index = VectorIndex.build(here.snapshot.members.interests.vectors)
    recommender = introduction_recommender(here.snapshot, index)
    slate = recommender.recommend(query_of_member(here.snapshot, here.member("m0")), 10)
    assert sorted(here.snapshot.members.ids[row] for row in slate.rows) == ["m1", "m2", "m3", "m4"]


def test_a_newcomer_of_a_small_band_meets_it_too() -> None:
    here = without_history(crowd(600, 5))
    bands = here.snapshot.members.bands.tolist()
    index = VectorIndex.build(here.snapshot.members.interests.vectors)
    said = KeywordEncoder().encode([ROCKETS])
    query = query_of_text(said, np.ones(1, np.float32), np.zeros(0, np.int64), bands.index("minor"))
    slate = introduction_recommender(here.snapshot, index).recommend(query, 10)
    met = sorted(here.snapshot.members.ids[row] for row in slate.rows)
    assert met == ["m0", "m1", "m2", "m3", "m4"]


def test_private_and_full_groups_do_not_crowd_out_those_that_may_be_offered() -> None:
    groups = pl.DataFrame(
        {
            "id": [f"g{row}" for row in range(403)],
            "visibility": ["private"] * 400 + ["public"] * 3,
        }
    )
    joined = [(name, f"g{row}") for row in range(400) for name in ("bo", "mo", "nia")]
    memberships = pl.DataFrame(joined, schema=["member", "group"], orient="row")
    posts = pl.DataFrame({"id": ["p"], "title": ["chat"]})
    here = world({"groups": groups, "memberships": memberships, "posts": posts})
    index = VectorIndex.build(here.snapshot.groups.prototypes.vectors)
    nothing = query_of_text(
        np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64)
    )
    slate = group_recommender(here.snapshot, index).recommend(nothing, 10)
    assert [here.snapshot.groups.ids[row] for row in slate.rows] == ["g400", "g401", "g402"]
