"""What a caller asks for beside the viewer: only these languages, places, sizes; none of these."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from engine.columns import Strings
from engine.ids import IdMap
from engine.pipeline import Pipeline
from engine.pool import Pool, best_few
from engine.query import Query
from engine.selection import TopK
from engine.snapshot import Snapshot
from engine.types import BoolVector, Rows, Vector

PROPOSED = 1_000
"""Rows of the wanted kind that are proposed at most, beside what the sources find."""

NOT_TOLD = -2
"""The number of a language or a place that nobody and no group has told."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the items of a slate must be like. All of it must hold.

    Attributes:
        language: Only this one, as it was told; '' for any.
        place: Likewise.
        min_size: Groups of at least so many members.
        max_size: Groups of at most so many; None for any.
        exclude: Ids that must not come; those that nobody has do no harm.
    """

    language: str = ""
    place: str = ""
    min_size: int = 0
    max_size: int | None = None
    exclude: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Return whether anything in particular is wanted."""
        return self != ANYTHING


ANYTHING = Wanted()


@dataclass(frozen=True, slots=True)
class AsWanted:
    """Offers only what the caller asked for."""

    keep: BoolVector
    name: ClassVar[str] = "as_wanted"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return which candidates are wanted."""
        return self.keep[pool.rows]


@dataclass(frozen=True, slots=True)
class Given:
    """Rows that somebody names, in place of what sources would find or beside it."""

    rows: Rows
    name: ClassVar[str] = "given"

    def propose(self, query: Query) -> Rows:
        """Return all of them."""
        return self.rows


@dataclass(frozen=True, slots=True)
class InOrder:
    """The first k of an order that was settled before."""

    rows: Rows
    name: ClassVar[str] = "in_order"

    def select(self, query: Query, pool: Pool, scores: Vector, k: int) -> Rows:
        """Return the positions of the first k that are still candidates."""
        rows = self.rows[np.isin(self.rows, pool.rows)][:k]
        return np.searchsorted(pool.rows, rows)


def compared(told: str) -> str:
    """Return a language or a place as two of them are compared.

    >>> compared(" Den Haag ")
    'den haag'
    """
    return told.strip().lower()


def groups_wanted(snapshot: Snapshot, wanted: Wanted, ids: IdMap) -> BoolVector:
    """Return which groups are wanted: bool of shape (groups,)."""
    acts, size = snapshot.behaviour, snapshot.groups.size
    keep = size >= wanted.min_size
    if wanted.max_size is not None:
        keep &= size <= wanted.max_size
    if wanted.language:
        keep &= acts.group_languages == _number(acts.language_names, wanted.language)
    if wanted.place:
        keep &= acts.group_homes == _number(acts.home_names, wanted.place)
    keep[_known(ids, wanted.exclude)] = False
    return keep


def members_wanted(snapshot: Snapshot, wanted: Wanted, ids: IdMap) -> BoolVector:
    """Return which members are wanted: bool of shape (members,). Sizes are for groups alone."""
    acts = snapshot.behaviour
    keep = np.ones(len(snapshot.members.ids), bool)
    if wanted.language:
        keep &= acts.languages == _number(acts.language_names, wanted.language)
    if wanted.place:
        keep &= acts.homes == _number(acts.home_names, wanted.place)
    keep[_known(ids, wanted.exclude)] = False
    return keep


def narrowed_groups(pipeline: Pipeline, snapshot: Snapshot, keep: BoolVector) -> Pipeline:
    """Return the recommender of groups that offers these alone, and as many as it can."""
    groups = snapshot.groups
    free = groups.public & (groups.capacity > groups.size)
    return _narrowed(pipeline, keep, free, groups.joins_decayed)


def narrowed_members(
    pipeline: Pipeline, snapshot: Snapshot, keep: BoolVector, audience: int
) -> Pipeline:
    """Return the recommender of people that offers these alone, and as many as it can.

    Args:
        pipeline: The recommender.
        snapshot: The community.
        keep: Who is wanted.
        audience: The viewer's band: others would only be proposed to be refused.
    """
    members = snapshot.members
    willing = members.discoverable & members.open_to_introductions
    willing &= (members.weekly_introductions > 0) & (members.audience == audience)
    return _narrowed(pipeline, keep, willing, members.active)


def ranking(pipeline: Pipeline, rows: Rows) -> Pipeline:
    """Return the recommender that orders these rows by score alone, as far as policies let it."""
    return replace(pipeline, sources=(Given(rows),), selector=TopK(), odds=None)


def in_order(pipeline: Pipeline, rows: Rows) -> Pipeline:
    """Return the recommender that keeps to the order of these rows, as far as policies let it."""
    return replace(pipeline, sources=(Given(rows),), selector=InOrder(rows), odds=None)


def _narrowed(pipeline: Pipeline, keep: BoolVector, offered: BoolVector, worth: Vector) -> Pipeline:
    # What sources find for everyone may hold nothing of a small place: those are proposed whole.
    rows = np.flatnonzero(keep & offered)
    if len(rows) > PROPOSED:
        rows = rows[best_few(rows, worth[rows], PROPOSED)]
    return replace(
        pipeline,
        sources=(*pipeline.sources, Given(rows)),
        policies=(*pipeline.policies, AsWanted(keep)),
    )


def _number(names: Strings, told: str) -> int:
    try:
        return names.tolist().index(compared(told))
    except ValueError:
        return NOT_TOLD


def _known(ids: IdMap, externals: Iterable[str]) -> Rows:
    found = (ids.find(external) for external in externals)
    return np.array([row for row in found if row is not None], np.int64)
