"""Groups hidden from a community, and how many of them sets of people find again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.community import Community
from engine.domain import Visibility
from engine.snapshot import FEWEST_FOUNDERS, MOST_FOUNDERS
from engine.types import BoolVector, Rows
from training.activity import present
from training.circles import Sets, sets_of
from training.discoveries import likeness

SHARE = 0.2
"""Share of the groups of a size that could be discovered that is hidden."""

FOUND = 0.3
"""F1 of the people of a set and of a hidden group from which the group is found again."""

TWIN = 0.5
"""F1 with a group that stayed from which a hidden group has a twin: nobody lacks it."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """A community without some of its groups.

    Attributes:
        community: What is left: neither the groups, nor who was in them, nor which posts stood
            in them; the posts themselves stay.
        ids: The hidden groups.
        groups: Who was in each of them: rows of members.
        lacked: Which of them have no twin among the groups that stayed, shape (hidden,).
    """

    community: Community
    ids: tuple[str, ...]
    groups: Sets
    lacked: BoolVector


def hidden(community: Community, seed: int) -> Hidden:
    """Hide a random share of the public groups that have as many members as a discovery may."""
    inside = present(community).group_by("group").agg("member").sort("group")
    people = {group: sorted(members) for group, members in inside.iter_rows()}
    public = community.groups["visibility"] == Visibility.PUBLIC.value
    fit = [
        group
        for group, members in people.items()
        if public[group] and FEWEST_FOUNDERS <= len(members) <= MOST_FOUNDERS
    ]
    rng = np.random.default_rng(seed)
    gone = np.sort(rng.choice(fit, max(1, round(SHARE * len(fit))), replace=False))
    count = len(community.members)
    taken = sets_of([people[group] for group in gone.tolist()], count)
    left = [people[group] for group in people if public[group] and group not in set(gone.tolist())]
    lacked = likeness(taken, sets_of(left, count)) < TWIN
    ids = tuple(community.groups["id"][gone.tolist()].to_list())
    return Hidden(without_groups(community, gone), ids, taken, lacked)


def without_groups(community: Community, gone: Rows) -> Community:
    """Return a community without some groups and everything that says who or what was in them."""
    kept = np.setdiff1d(np.arange(len(community.groups)), gone)
    place = np.full(len(community.groups), -1, np.int64)
    place[kept] = np.arange(len(kept))

    def moved(table: pl.DataFrame) -> pl.DataFrame:
        table = table.with_columns(group=pl.Series(place[table["group"].to_numpy()]))
        return table.filter(pl.col("group") >= 0)

    return replace(
        community,
        groups=community.groups[kept.tolist()],
        memberships=moved(community.memberships),
        post_groups=moved(community.post_groups),
    )


def found_again(truth: Hidden, sets: Sequence[Rows], most: int) -> NDArray[np.float64]:
    """Return for each hidden group whether one of the first `most` sets finds it: 0 or 1.

    Sets of fewer people than a discovery has, or of more, are passed over and do not count.
    """
    fit = [np.unique(one) for one in sets]
    fit = [one for one in fit if FEWEST_FOUNDERS <= len(one) <= MOST_FOUNDERS][:most]
    proposed = sets_of([one.tolist() for one in fit], truth.groups.shape[1])
    return (likeness(truth.groups, proposed) >= FOUND).astype(np.float64)
