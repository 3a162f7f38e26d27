"""When people are introduced in a benchmark, who is there then, and who met whom afterwards.

By time, the past of a cut is looked at, and the pairs that met for the first time after it are to
be found. Where ties have no date, a share of them is hidden at random instead. Either way the
people stand in random order, so that equal scores gain nothing by the order of a file, and only
those are there who had been heard of before.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import polars as pl

from benchmarks.trials import Cuts, Trial, trials_of
from data.community import Community
from engine.columns import Links
from engine.errors import SettingError
from engine.types import Rows, Vector
from training.activity import last_of, taking_part
from training.evaluate import hide_ties
from training.split import parts_by, past

BOTH_WAYS, ONE_WAY = 2.0, 1.0
"""What a new pair is worth: each has answered the other, or only one has (or it is not known)."""

INNER = 1_000
"""Added to a seed to hide ties a second time, among those that are left: peers are tuned there."""

INNER_SPLITS = 3
"""Times ties are hidden anew to tune peers for people without any: each leaves but a few."""


@dataclass(frozen=True, slots=True)
class Met:
    """Pairs that are to be found, each once.

    Attributes:
        one: Member rows: int64 of shape (n,).
        other: Member rows: int64 of shape (n,).
        grades: `BOTH_WAYS` or `ONE_WAY`: float32 of shape (n,).
    """

    one: Rows
    other: Rows
    grades: Vector

    def both(self, members: int) -> Links:
        """Return everybody's new people, weighted by the grade."""
        ends = (np.concatenate([self.one, self.other]), np.concatenate([self.other, self.one]))
        return Links.of(members, *ends, np.concatenate([self.grades, self.grades]))


@dataclass(frozen=True, slots=True)
class Meeting:
    """One community before some of its people met.

    Attributes:
        name: Which part, cut or seed, for people.
        early: What was known, of the people who were known, in random order.
        now: The moment it is asked, unix seconds: nothing of `early` is later.
        met: The pairs that are to be found, of these people.
    """

    name: str
    early: Community
    now: float
    met: Met


@dataclass(frozen=True, slots=True)
class Meetings:
    """What is measured, and what peers are tuned on.

    Attributes:
        test: What is measured.
        validation: What peers are tuned on.
        not_measured: Why a part is not.
    """

    test: list[Meeting]
    validation: list[Meeting]
    not_measured: dict[str, str]


def meetings_by_time(community: Community, cuts: Cuts) -> Meetings:
    """Return every cut of every part.

    Raises:
        SettingError: There is nothing to measure, or nothing to tune on.
    """
    trials = trials_of(community, cuts)
    return Meetings(
        [_at(trial, cuts.seed) for trial in trials.test],
        [_at(trial, cuts.seed) for trial in trials.validation],
        trials.not_measured,
    )


def meetings_by_hiding(
    community: Community, share: float, seed: int, split_by: str | None = None
) -> Meetings:
    """Return each part with a share of its ties hidden, and again of those that are left.

    Raises:
        SettingError: The share is none, or hides nothing.
    """
    if not 0 < share < 1:
        raise SettingError(f"--hide-ties wants a share between 0 and 1, not {share}")
    parts = [("", community)] if split_by is None else list(parts_by(community, split_by))
    test = [hidden(name, part, share, seed) for name, part in parts]
    if not any(len(meeting.met.one) for meeting in test):
        raise SettingError("there are no ties to hide")
    inner = [hidden(one.name, one.early, share, seed + INNER) for one in test]
    return Meetings(test, inner, {})


def hidden(name: str, community: Community, share: float, seed: int) -> Meeting:
    """Return a community with a random share of its ties hidden, which are to be found.

    Posts in which the two exchanged something are still there.
    """
    kept, found = hide_ties(community, share, seed)
    now = (last_of(community) or 0.0) + 1
    everybody = np.arange(len(community.members))
    met = found.with_columns(
        grade=pl.lit(ONE_WAY), both=_both_ways(community, found, -np.inf, np.inf)
    )
    return _mixed(name, kept, met, everybody, (now, seed))


def hidden_again(meeting: Meeting, share: float) -> list[Meeting]:
    """Return the same past with ties hidden several times over, to tune peers on."""
    return [
        hidden(f"{meeting.name} {place}", meeting.early, share, INNER + place)
        for place in range(INNER_SPLITS)
    ]


def with_members(community: Community, rows: Rows) -> Community:
    """Return a community of some members in a given order; what refers to others is dropped."""
    place = np.full(len(community.members), -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    tables: dict[str, Any] = {
        item.name: _renumbered(getattr(community, item.name), pl.Series(place))
        for item in fields(community)
        if isinstance(getattr(community, item.name), pl.DataFrame)
    }
    return replace(community, **tables | {"members": community.members[rows]})


def known_in(early: Community, cut: float) -> Rows:
    """Return the members who had come, joined, written, taken part or met somebody by then."""
    came = early.members.with_row_index("member").filter(pl.col("created_ts") < cut)
    ties = early.ties
    heard = [came["member"], early.memberships["member"], taking_part(early)["member"]]
    heard += [ties["a"], ties["b"]]
    return np.unique(np.concatenate([one.to_numpy().astype(np.int64) for one in heard]))


def _at(trial: Trial, seed: int) -> Meeting:
    early = past(trial.community, trial.cut)
    inside = pl.col("first_ts").is_between(trial.cut, trial.end, closed="left")
    later = trial.community.ties.filter(inside).select("a", "b")
    met = later.with_columns(
        grade=pl.lit(ONE_WAY), both=_both_ways(trial.community, later, trial.cut, trial.end)
    )
    return _mixed(trial.name, early, met, known_in(early, trial.cut), (trial.cut, seed))


def _mixed(
    name: str, early: Community, met: pl.DataFrame, known: Rows, moment: tuple[float, int]
) -> Meeting:
    """Return known people in random order; pairs with somebody else are left out."""
    now, seed = moment
    order = np.random.default_rng(seed).permutation(known)
    place = np.full(len(early.members), -1, dtype=np.int64)
    place[order] = np.arange(len(order))
    one, other = (place[met[end].to_numpy()] for end in ("a", "b"))
    grades = np.where(met["both"].to_numpy(), BOTH_WAYS, ONE_WAY).astype(np.float32)
    there = (one >= 0) & (other >= 0)
    pairs = Met(one[there], other[there], grades[there])
    return Meeting(name, with_members(early, order), now, pairs)


def _both_ways(community: Community, pairs: pl.DataFrame, start: float, end: float) -> pl.Series:
    """Return which pairs answered each other's public posts, both ways, in a window."""
    posts = community.posts.with_row_index("post").cast({"post": pl.Int64}).filter("public")
    when = posts if np.isinf(start) else posts.filter(
        pl.col("ts").is_between(start, end, closed="left")
    )  # fmt: skip
    answers = (
        when.filter(pl.col("parent").is_in(posts["post"].implode()))
        .select("post", "parent")
        .join(community.authors.rename({"member": "from"}), on="post")
        .join(community.authors.rename({"post": "parent", "member": "to"}), on="parent")
    )
    said = set(zip(answers["from"].to_list(), answers["to"].to_list(), strict=True))
    ends = zip(pairs["a"].to_list(), pairs["b"].to_list(), strict=True)
    return pl.Series([(a, b) in said and (b, a) in said for a, b in ends], dtype=pl.Boolean)


MEMBER_COLUMNS = ("member", "other", "a", "b")
"""Columns of a community's tables that hold member rows."""


def _renumbered(frame: pl.DataFrame, place: pl.Series) -> pl.DataFrame:
    """Replace member rows; lines with a member who is not there are dropped."""
    columns = [name for name in MEMBER_COLUMNS if name in frame.columns]
    for name in columns:
        moved = place.gather(frame[name])
        frame = frame.with_columns(moved.alias(name)).filter(pl.col(name) >= 0)
    if {"a", "b"} <= set(columns):  # a tie names the lower row first
        low, high = pl.min_horizontal("a", "b"), pl.max_horizontal("a", "b")
        frame = frame.with_columns(a=low, b=high).sort("a", "b")
    return frame
