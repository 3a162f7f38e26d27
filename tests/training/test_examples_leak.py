"""Nothing of a window leaks into the columns that a ranker learns from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from data.community import Community
from engine.domain import DAY_S
from engine.snapshot import Snapshot
from tests.builders import built
from tests.random_community import random_world
from tests.world import NOW
from training.examples import Examples, known_examples
from training.split import past
from training.windows import Window


def before(community: Community, window: Window) -> Snapshot:
    return built(past(community, window.cut))


def aged(community: Community, window: Window) -> Community:
    """Return a community where after the cut everything went otherwise, but the same people joined.

    Who joins goes to the group after the one they joined; posts are by others, say other things
    and lie elsewhere; leaves are undone; ties are gone.
    """
    groups, members = len(community.groups), len(community.members)
    later = pl.col("first_ts") >= window.cut
    joined = community.memberships.with_columns(
        group=pl.when(later).then((pl.col("group") + 1) % groups).otherwise("group"),
        left_ts=pl.when(pl.col("left_ts") < window.cut).then("left_ts"),
        n=pl.lit(99.0),
    )
    joined = joined.sort("first_ts").unique(["member", "group"], keep="first", maintain_order=True)
    joined = joined.sort("member", "group")
    recent = community.posts["ts"] >= window.cut
    said = pl.when(recent).then(pl.lit("chat")).otherwise("text")
    late = pl.Series(recent.arg_true()).cast(pl.Int64).implode()

    def moved(frame: pl.DataFrame, column: str, size: int) -> pl.DataFrame:
        other = pl.when(pl.col("post").is_in(late)).then((pl.col(column) + 1) % size)
        return frame.with_columns(other.otherwise(pl.col(column)).alias(column))

    return replace(
        community,
        memberships=joined,
        posts=community.posts.with_columns(text=said),
        authors=moved(community.authors, "member", members),
        post_groups=moved(community.post_groups, "group", groups),
        participations=moved(community.participations, "member", members),
        ties=community.ties.filter(pl.col("first_ts") < window.cut),
    )


@pytest.mark.parametrize("seed", range(6))
def test_no_column_knows_what_happened_after_the_cut(seed: int) -> None:
    here, window = random_world(seed).community, Window(NOW - 60 * DAY_S, NOW)
    other = aged(here, window)
    assert not here.memberships.equals(other.memberships)
    one = known_examples(here, before(here, window), window, 99, np.random.default_rng(0))
    two = known_examples(other, before(other, window), window, 99, np.random.default_rng(0))
    found, expected = by_viewer(two, other, window), by_viewer(one, here, window)
    common = found.keys() & expected.keys()
    assert common
    for viewer in common:
        for mine, theirs in zip(found[viewer], expected[viewer], strict=True):
            assert mine.tolist() == theirs.tolist()


def by_viewer(
    examples: Examples, community: Community, window: Window
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Return each viewer's rows and columns: joiners first, each part in order of rows."""
    had = np.flatnonzero(before(community, window).members.groups.counts() > 0)
    joined = community.memberships.filter(community.memberships["first_ts"] >= window.cut)
    keen = np.isin(had, joined["member"].to_numpy())
    viewers = np.concatenate([had[keen], had[~keen]])
    assert len(viewers) == examples.viewers
    cuts = examples.starts.tolist()
    return {
        int(viewer): (examples.rows[start:end], examples.values[start:end])
        for viewer, start, end in zip(viewers, cuts[:-1], cuts[1:], strict=True)
    }
