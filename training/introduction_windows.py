"""What people of earlier days were asked, who they then met: what introductions are learned from.

Where ties are dated, stretches of the past are laid out, and the community is rebuilt as it was at
the start of each. Where they are not, as among friends on a network, a share of the ties is hidden
at random and has to be found again. Either way the ties of some who know people are hidden
altogether, so that it is learned what to show to those who know nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from data.community import Community
from engine.domain import DAY_S
from engine.index import VectorIndex
from engine.introduction_ranker import IntroductionRanker
from engine.introductions import introduction_recommender
from engine.pipeline import Pipeline
from engine.pool import Pool
from engine.query import NOBODY, Query, query_of_member, query_of_text
from engine.snapshot import Snapshot
from engine.types import BoolVector, Rows
from training.activity import answered_whom, last_of
from training.build import build_snapshot
from training.examples import Examples
from training.meetings import acquaintance_of, pairs_of, without_ties
from training.split import past
from training.texts import TextVectors
from training.windows import Window

MOST_WINDOWS = 6
"""Windows learned from at most, the newest ones."""

MOST_REBUILT = 40_000
"""Members who are looked at again, over all windows, where there is more than one window."""

SHARE_OF_PAST = 8
"""A window is this part of all there is, if that is not more than a year nor less than a week."""

SHORTEST_DAYS, LONGEST_DAYS = 7.0, 365.0

ENOUGH_VIEWERS = 300
"""Members who met somebody, from which no older windows are looked at."""

MOST_VIEWERS = 600
"""Members of one window that are looked at, at most."""

MOST_CANDIDATES = 400_000
"""Candidates of one window that are looked at, at most: memory stays bounded."""

HIDDEN_SHARE = 0.15
"""Share of undated ties that is hidden to be found again."""

HIDINGS = 3
"""Times that a share of them is hidden."""

FEWEST_TIES = 60
"""Undated ties from which it is worth hiding some."""

STRANGERS = 3
"""One in so many of those who met somebody has their earlier ties hidden."""

NO_GRAPH = 1 << 40
"""Vectors up to which all are compared."""

Met = Mapping[int, Mapping[int, int]]
"""For each member whom they met, and how much that was worth: 2 for an exchange both ways."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """One moment, and who met whom after it.

    Attributes:
        snapshot: The community as it was, or as if some had never met.
        ranker: The hand-set weights, with what is known beforehand of that moment.
        known: What members with ties were asked and whom they met.
        stranger: The same of members without, or with theirs hidden.
        newcomer: The same members as if known by what they say alone.
        there: Who was known then.
    """

    snapshot: Snapshot
    ranker: IntroductionRanker
    known: Examples
    stranger: Examples
    newcomer: Examples
    there: BoolVector


def lessons_of(
    community: Community, vectors: TextVectors, built: Callable[[], Snapshot]
) -> Iterator[Lesson]:
    """Yield what can be learned from, the newest moment first; nothing where too few have met.

    Args:
        community: What is known until now.
        vectors: Its texts.
        built: Waits for the snapshot that is built from it; asked only where ties are undated.
    """
    dated = community.ties.filter(pl.col("first_ts").is_not_null())
    if len(dated) and 2 * len(dated) >= len(community.ties):
        latest = float(dated["first_ts"].to_numpy().max())
        yield from _dated(community, vectors, dated, max(last_of(community) or latest, latest))
    elif len(community.ties) >= FEWEST_TIES:
        yield from _undated(built())


def _dated(
    community: Community, vectors: TextVectors, ties: pl.DataFrame, asof: float
) -> Iterator[Lesson]:
    viewers = 0
    ever = pl.concat([community.memberships["member"], community.authors["member"]]).n_unique()
    most = int(np.clip(MOST_REBUILT // max(ever, 1), 2, MOST_WINDOWS))
    for place, window in enumerate(windows_of_ties(ties, asof)[:most]):
        early = past(community, window.cut)
        kept = community.posts.select((pl.col("ts") < window.cut).fill_null(value=False))
        before = replace(vectors, posts=vectors.posts[kept.to_series().to_numpy()])
        snapshot = build_snapshot(early, None, before)
        known = there(snapshot)
        met = met_between(community, window, known)
        if not met:
            continue
        yield _lesson(snapshot, met, known, np.random.default_rng(place))
        viewers += len(met)
        if viewers >= ENOUGH_VIEWERS:
            return


def there(snapshot: Snapshot) -> BoolVector:
    """Return who was known by then; everybody where nobody's coming is dated."""
    known: BoolVector = np.isfinite(snapshot.members.known_days)
    return known if known.any() else np.ones(len(known), bool)


def windows_of_ties(ties: pl.DataFrame, asof: float) -> list[Window]:
    """Return consecutive windows up to the last thing that happened, the newest first.

    The first few ties may be years older than all others: they make no window longer.
    """
    dates = ties["first_ts"].to_numpy()
    first = float(np.quantile(dates, 1 / (2 * SHARE_OF_PAST))) if len(dates) else asof
    days = float(np.clip((asof - first) / DAY_S / SHARE_OF_PAST, SHORTEST_DAYS, LONGEST_DAYS))
    ends = [asof + 1 - place * days * DAY_S for place in range(MOST_WINDOWS)]
    return [Window(end - days * DAY_S, end) for end in ends if end - days * DAY_S > first]


def met_between(community: Community, window: Window, known: BoolVector) -> Met:
    """Return who met whom for the first time in a window, of those who were there before it."""
    new = community.ties.filter(
        (pl.col("first_ts") >= window.cut) & (pl.col("first_ts") < window.end)
    )
    one, other = new["a"].to_numpy(), new["b"].to_numpy()
    both = known[one] & known[other]
    inside = (pl.col("ts") >= window.cut) & (pl.col("ts") < window.end)
    lately = community.posts.with_columns(parent=pl.when(inside).then("parent"))
    answers = answered_whom(replace(community, posts=lately), window.end)

    def both_ways(a: int, b: int) -> bool:
        return b in answers.of_row(a)[0] and a in answers.of_row(b)[0]

    return _met(one[both], other[both], both_ways)


def _met(one: Rows, other: Rows, both_ways: Callable[[int, int], bool]) -> Met:
    found: dict[int, dict[int, int]] = {}
    for a, b in zip(one.tolist(), other.tolist(), strict=True):
        worth = 2 if both_ways(a, b) else 1
        found.setdefault(a, {})[b] = worth
        found.setdefault(b, {})[a] = worth
    return found


def _undated(snapshot: Snapshot) -> Iterator[Lesson]:
    one, other = pairs_of(snapshot.members.ties)
    everyone = np.ones(len(snapshot.members.ids), bool)
    for seed in range(HIDINGS):
        rng = np.random.default_rng(seed)
        hidden = rng.random(len(one)) < HIDDEN_SHARE
        early = without_ties(snapshot, one[hidden], other[hidden])
        met = _met(one[hidden], other[hidden], lambda a, b: False)
        yield _lesson(early, met, everyone, rng)


def _lesson(snapshot: Snapshot, met: Met, present: BoolVector, rng: np.random.Generator) -> Lesson:
    viewers = np.array(sorted(met), np.int64)
    ties = snapshot.members.ties
    tied = ties.counts()[viewers] > 0
    drawn = rng.random(len(viewers)) < 1 / STRANGERS
    alone = viewers[~tied | drawn]
    ranker = IntroductionRanker(acquaintance=acquaintance_of(snapshot))
    # Whoever they know already is no right answer to what a stranger is asked.
    apart = ties.of_rows(alone)
    lonely = without_ties(snapshot, alone[apart[0]], apart[1])
    stranger_ranker = IntroductionRanker(acquaintance=acquaintance_of(lonely))
    known = _asked(snapshot, ranker, (viewers[tied], met, present), rng, query_of_member)
    before = {row: set(ties.of_row(row)[0].tolist()) for row in alone.tolist()}
    strangers = (alone, met, present)
    return Lesson(
        snapshot,
        ranker,
        known,
        _asked(lonely, stranger_ranker, strangers, rng, query_of_member, before),
        _asked(lonely, stranger_ranker, strangers, rng, query_by_text, before),
        present,
    )


def query_by_text(snapshot: Snapshot, member: int) -> Query:
    """Return the query of a member as if known by what they say alone."""
    interests, shares = snapshot.members.interests.of_row(member)
    band = int(snapshot.members.audience[member])
    return query_of_text(interests, shares, np.zeros(0, np.int64), band)


def _asked(
    snapshot: Snapshot,
    ranker: IntroductionRanker,
    right: tuple[Rows, Met, BoolVector],
    rng: np.random.Generator,
    asks: Callable[[Snapshot, int], Query],
    besides: Mapping[int, set[int]] | None = None,
) -> Examples:
    """Return the candidates of viewers with every column, and whom of them they met.

    Args:
        snapshot: The community.
        ranker: With what is known beforehand.
        right: The viewers, whom they met, and who was there.
        rng: Draws some of the viewers where they are many.
        asks: What each is asked with.
        besides: For each viewer, who is no candidate beside.
    """
    viewers, met, present = right
    # Without a graph: to build one takes longer than to compare everybody a few hundred times.
    index = VectorIndex.build(snapshot.members.interests.vectors, exact_below=NO_GRAPH)
    pipeline = introduction_recommender(snapshot, index, ranker=ranker)
    collected = _Collected()
    order = rng.permutation(len(viewers))[:MOST_VIEWERS]
    with threadpool_limits(1):  # the products are small: threads would wait for one another
        for member in viewers[order].tolist():
            query = asks(snapshot, member)
            if query.member == NOBODY and not len(query.interests):
                continue
            pool = _candidates(pipeline, query, present)
            known = {member, *(besides or {}).get(member, ())}
            collected.add(member, pool.kept(~np.isin(pool.rows, list(known))), met[member])
            if collected.size > MOST_CANDIDATES:
                break
    return collected.examples()


def _candidates(pipeline: Pipeline, query: Query, present: BoolVector) -> Pool:
    pool = pipeline.measured(query)
    return pool.kept(present[pool.rows])


class _Collected:
    """Examples as they come."""

    def __init__(self) -> None:
        self.names: tuple[str, ...] = ()
        self.size = 0
        self._parts: list[tuple[Any, ...]] = []

    def add(self, member: int, pool: Pool, met: Mapping[int, int]) -> None:
        """Take in one viewer."""
        self.names = self.names or tuple(pool.columns)
        values = np.stack([pool.columns[name] for name in self.names], axis=1)
        worth = np.array([met.get(row, 0) for row in pool.rows.tolist()], np.int64)
        self._parts.append((member, values, pool.rows, worth, len(met)))
        self.size += len(pool)

    def examples(self) -> Examples:
        """Return all of them; an exchange both ways is marked as lasting."""
        members, values, rows, worth, ideal = zip(*self._parts, strict=True) if self._parts else (
            (), (np.zeros((0, len(self.names)), np.float32),), (np.zeros(0, np.int64),),
            (np.zeros(0, np.int64),), (),
        )  # fmt: skip
        counts = [len(part[2]) for part in self._parts]
        flat, gains = np.concatenate(rows), np.concatenate(worth)
        return Examples(
            names=self.names,
            values=np.concatenate(values),
            starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            rows=flat,
            joined=gains > 0,
            lasting=gains > 1,
            ideal=np.array(ideal, np.int64),
            weights=np.ones(len(members), np.float32),
            members=np.array(members, np.int64),
            counts=np.ones(len(flat), np.float32),
            seen=np.ones(len(flat), np.float32),
        )
