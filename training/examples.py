"""What a ranker learns from: the candidates of an earlier day, and what happened next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from data.community import Community
from engine.domain import DAY_S, LASTING_DAYS, LASTING_TIMES
from engine.groups import group_measures
from engine.index import VectorIndex
from engine.newcomers import interests_of_all
from engine.query import Query, query_of_member, query_of_text
from engine.snapshot import Snapshot
from engine.types import BoolVector, Matrix, Rows, Vector
from training.activity import in_groups
from training.split import joins_between
from training.windows import Window

MOST_VIEWERS = 2_000
"""Viewers of one window at most, of either sort; more are drawn at random."""

MOST_IDLE = 1_000
"""Members who joined nothing that are looked at for calibration, at most."""

MOST_NEWCOMERS = 200
"""Newcomers of one window at most."""

Encode = Callable[[Sequence[str]], Matrix]


@dataclass(frozen=True, slots=True)
class Examples:
    """Candidates of several viewers, one viewer after the other.

    Attributes:
        names: The columns.
        values: float32 of shape (n, columns).
        starts: Where each viewer's candidates begin: int64 of shape (v + 1,).
        rows: The groups: int64 of shape (n,).
        joined: Which of them were joined: bool of shape (n,).
        lasting: Which joins lasted, told within the window: bool of shape (n,).
        ideal: How many groups each viewer joined, candidates or not: int64 of shape (v,).
        weights: For how many members each viewer stands: float32 of shape (v,).
        members: The viewers' rows: int64 of shape (v,).
        counts: For how much each candidate counts: float32 of shape (n,). 1 but for what was
            suggested; 0 leaves it out of what is learned, though not out of the pool.
        seen: How likely it was looked at, as far as it was not joined: float32 in [0, 1] of shape
            (n,). 1 but for what was suggested.
    """

    names: tuple[str, ...]
    values: Matrix
    starts: Rows
    rows: Rows
    joined: BoolVector
    lasting: BoolVector
    ideal: Rows
    weights: Vector
    members: Rows
    counts: Vector
    seen: Vector

    @property
    def viewers(self) -> int:
        """How many viewers there are."""
        return len(self.ideal)

    def column(self, name: str) -> Vector:
        """Return one column."""
        return self.values[:, self.names.index(name)]

    def owner(self) -> Rows:
        """Return each candidate's viewer, shape (n,)."""
        return np.repeat(np.arange(self.viewers), np.diff(self.starts))

    def sums(self, column: np.ndarray) -> np.ndarray:
        """Return the sum of a column over each viewer's candidates, 0 without any: shape (v,)."""
        return np.bincount(self.owner(), weights=column, minlength=self.viewers)

    def of(self, keep: BoolVector) -> Examples:
        """Return the examples of some viewers: bool of shape (v,)."""
        flat = np.repeat(keep, np.diff(self.starts))
        starts = np.concatenate([[0], np.cumsum(np.diff(self.starts)[keep])])
        return Examples(
            self.names, self.values[flat], starts, self.rows[flat], self.joined[flat],
            self.lasting[flat], self.ideal[keep], self.weights[keep], self.members[keep],
            self.counts[flat], self.seen[flat],
        )  # fmt: skip


def together(parts: Sequence[Examples]) -> Examples:
    """Return several windows' examples as one."""
    counts = np.concatenate([np.diff(part.starts) for part in parts])

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts])

    return Examples(
        parts[0].names, joined("values"), np.concatenate([[0], np.cumsum(counts)]),
        joined("rows"), joined("joined"), joined("lasting"), joined("ideal"), joined("weights"),
        joined("members"), joined("counts"), joined("seen"),
    )  # fmt: skip


def known_examples(
    community: Community,
    snapshot: Snapshot,
    window: Window,
    idle: int,
    rng: np.random.Generator,
) -> Examples:
    """Return the candidates of members with a group: joiners, and a sample of the others.

    Args:
        community: With the window in it.
        snapshot: Built from what was known at its start.
        window: What happened next.
        idle: How many of those who joined nothing are looked at, at most.
        rng: Draws viewers, where there are many.
    """
    truth = Truth.of(community, window)
    known = np.flatnonzero(snapshot.members.groups.counts() > 0)
    joined = np.isin(known, truth.members)
    keen, rest = drawn(known[joined], MOST_VIEWERS, rng), drawn(known[~joined], idle, rng)
    weights = [
        np.full(len(keen), joined.sum() / max(len(keen), 1)),
        np.full(len(rest), (~joined).sum() / max(len(rest), 1)),
    ]
    viewers = np.concatenate([keen, rest])
    queries = [(int(row), query_of_member(snapshot, int(row))) for row in viewers]
    return measured(snapshot, queries, truth, np.concatenate(weights))


def newcomer_examples(
    community: Community,
    snapshot: Snapshot,
    window: Window,
    encode: Encode,
    rng: np.random.Generator,
) -> Examples:
    """Return the candidates of those who joined a first group, known by what they say alone.

    What they say is their profile or, without one, the first thing they wrote in the window; its
    groups are what is to be guessed, so only its text is looked at.
    """
    truth = Truth.of(community, window)
    said = first_words(community, window)
    new = snapshot.members.groups.counts() + snapshot.members.left.counts() == 0
    rows = [row for row in np.unique(truth.members).tolist() if new[row] and row in said]
    chosen = drawn(np.array(rows, dtype=np.int64), MOST_NEWCOMERS, rng)
    queries = []
    interests = interests_of_all([said[row] for row in chosen.tolist()], encode)
    for row, found in zip(chosen.tolist(), interests, strict=True):
        queries.append((row, query_of_text(found.vectors, found.weights, np.zeros(0, np.int64))))
    weights = np.full(len(queries), len(rows) / max(len(queries), 1))
    return measured(snapshot, queries, truth, weights)


def first_words(community: Community, window: Window) -> dict[int, str]:
    """Return what each member is first known by: a profile, else their first public post."""
    words = pl.concat_str(["title", "text"], separator=". ", ignore_nulls=True)
    spoken = (
        community.posts.with_row_index("post")
        .cast({"post": pl.Int64})
        .filter(pl.col("public") & (pl.col("ts") >= window.cut) & (pl.col("ts") < window.end))
        .select("post", "ts", words=words.str.strip_chars(" ."))
        .filter(pl.col("words") != "")
        .join(community.authors, on="post")
        .sort("ts", "post")
        .group_by("member", maintain_order=True)
        .first()
    )
    said = dict(zip(spoken["member"].to_list(), spoken["words"].to_list(), strict=True))
    profiles = community.members.with_row_index("member").filter(pl.col("text") != "")
    said |= dict(zip(profiles["member"].to_list(), profiles["text"].to_list(), strict=True))
    return {row: words for row, words in said.items() if words.strip(" .")}


@dataclass(frozen=True, slots=True)
class Truth:
    """What happened in a window: joins, as parallel columns in order of member and group."""

    members: Rows
    groups: Rows
    lasting: BoolVector

    @classmethod
    def of(cls, community: Community, window: Window) -> Truth:
        """Look it up; a join lasts if that can be told from the window alone."""
        joins = joins_between(community, window.cut, window.end)
        times = (
            in_groups(community)
            .filter((pl.col("ts") >= window.cut) & (pl.col("ts") < window.end))
            .group_by("member", "group")
            .agg(n=pl.col("post").n_unique(), span=pl.col("ts").max() - pl.col("ts").min())
            .filter((pl.col("n") >= LASTING_TIMES) & (pl.col("span") >= LASTING_DAYS * DAY_S))
        )
        size = len(community.groups)
        stayed = times["member"].to_numpy() * size + times["group"].to_numpy()
        return cls(
            joins.members, joins.groups, np.isin(joins.members * size + joins.groups, stayed)
        )

    def of_member(self, member: int) -> tuple[Rows, Rows]:
        """Return the groups a member joined, and those of them that lasted."""
        here = slice(*np.searchsorted(self.members, [member, member + 1]))
        return self.groups[here], self.groups[here][self.lasting[here]]


def measured(
    snapshot: Snapshot,
    queries: Sequence[tuple[int, Query]],
    truth: Truth,
    weights: np.ndarray,
) -> Examples:
    """Return the candidates of viewers with every column there is, labelled.

    Args:
        snapshot: Built from what was known before any of the truth.
        queries: The viewers' rows and what each is asked with.
        truth: What they joined.
        weights: For how many members each stands.
    """
    pipeline = group_measures(snapshot, VectorIndex.build(snapshot.groups.prototypes.vectors))
    names = tuple(feature.name for feature in pipeline.features)
    values, rows, joined, lasting, ideal = [np.zeros((0, len(names)), np.float32)], [], [], [], []
    counts = [0]
    # One thread: the products are small, and a pool of threads costs more than it saves.
    with threadpool_limits(1):
        for member, query in queries:
            pool = pipeline.measured(query)
            right, stayed = truth.of_member(member)
            values.append(np.stack([pool.columns[name] for name in names], axis=1))
            rows.append(pool.rows)
            joined.append(np.isin(pool.rows, right))
            lasting.append(np.isin(pool.rows, stayed))
            ideal.append(len(right))
            counts.append(len(pool))
    none = [np.zeros(0, np.int64)]
    return Examples(
        names=names,
        values=np.concatenate(values),
        starts=np.cumsum(counts),
        rows=np.concatenate(none + rows),
        joined=np.concatenate(none + joined).astype(bool),
        lasting=np.concatenate(none + lasting).astype(bool),
        ideal=np.array(ideal, dtype=np.int64),
        weights=weights.astype(np.float32),
        members=np.array([member for member, _ in queries], dtype=np.int64),
        counts=np.ones(sum(map(len, rows)), np.float32),
        seen=np.ones(sum(map(len, rows)), np.float32),
    )


def drawn(rows: Rows, most: int, rng: np.random.Generator) -> Rows:
    """Return at most so many of the rows, drawn at random where there are more, ascending."""
    return rows if len(rows) <= most else np.sort(rng.choice(rows, most, replace=False))
