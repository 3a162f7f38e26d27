"""What is true of groups now: a bundle's rows, and what is known since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from engine.facts import PostFact, Written
from engine.interests import find_interests
from engine.live_rows import Row, even, extended, terms_left, terms_of, terms_with
from engine.overlay import PatchedProfiles
from engine.since import Since
from engine.snapshot import (
    JOINED_HALF_LIFE_DAYS,
    LATELY_DAYS,
    UNKNOWN,
    Behaviour,
    GroupColumns,
    GroupLife,
    Snapshot,
)
from engine.terms import analyze
from engine.types import Matrix, Rows, Vector

DESCRIPTION_SHARE = 3 / 13
"""What a description weighs beside posts, as in training."""

PROTOTYPES = 4
"""Prototypes a new group has at most, beside its description."""

UNHEARD = {"returning": 0.2, "answered": 0.5, "room": 1.0}
"""What is assumed of a group nothing is known of, as in training; of the rest nothing: 0."""

LATELY = 0.5 ** (LATELY_DAYS / JOINED_HALF_LIFE_DAYS)
"""What a join of `LATELY_DAYS` ago is worth in `Behaviour.joined`."""

Profile = tuple[Matrix, Vector]


@dataclass(frozen=True, slots=True)
class GroupsNow:
    """The columns of groups, and those of their behaviour."""

    groups: GroupColumns
    behaviour: Behaviour


class LiveGroups:
    """Works out the rows of groups that were touched."""

    def __init__(self, since: Since, terms: Mapping[str, int]) -> None:
        self.since = since
        self.base = since.base
        self.terms = terms

    def now(self, last: Snapshot, touched: Iterable[int], gone: Rows, left: Rows) -> GroupsNow:
        """Return the columns of groups.

        Args:
            last: The snapshot before.
            touched: Rows to work out anew.
            gone: Rows of groups of which nothing must be left.
            left: Rows of members of whom nothing must be left.
        """
        size, rows, dead = self.since.group_rows.size, sorted(touched), gone.tolist()
        groups = last.groups
        nobody = {row: even(()) for row in dead}
        members = {row: self._members(row) for row in rows} | nobody
        inside = groups.members.with_rows(members, size)
        inside = inside.without_targets(left) if len(left) else inside
        described = {row: self._profile(row) for row in rows if self._is_described_anew(row)}
        described |= {row: self._nothing() for row in dead}
        terms = {row: self._terms(row) for row in rows} | {row: terms_of({}) for row in dead}
        links, shown = terms_with(groups.terms, groups.term_posts, terms, size)
        neighbours = groups.neighbours.with_rows(nobody, size)
        columns = replace(
            groups,
            **self._facts(groups, rows, dead, size),
            size=inside.counts().astype(np.float32),
            members=inside,
            prototypes=PatchedProfiles.over(groups.prototypes, described, size),
            neighbours=neighbours.without_targets(gone) if dead else neighbours,
            terms=links,
            term_posts=shown,
        )
        return GroupsNow(columns, self._behaviour(last.behaviour, columns, rows, gone, size))

    def _nothing(self) -> Profile:
        dimension = self.base.groups.prototypes.vectors.shape[1]
        return np.zeros((0, dimension), np.float32), np.zeros(0, np.float32)

    def _known(self, row: int) -> bool:
        return row < self.since.group_rows.base

    def _members(self, row: int) -> Row:
        weights: dict[int, float] = {}
        if self._known(row):
            before, given = self.base.groups.members.of_row(row)
            weights = dict(zip(before.tolist(), given.tolist(), strict=True))
        for member, fact in self.since.crowd.get(row, {}).items():
            if fact.here:
                weights.setdefault(member, 1.0)
            else:
                weights.pop(member, None)
        there = sorted(set(weights) - self.since.member_rows.gone)
        return np.array(there, np.int64), np.array([weights[one] for one in there], np.float32)

    def _joined_since(self, row: int) -> int:
        """Return how many have joined since the bundle and are there."""
        before = set(self.since.base_crowd(row))
        facts = self.since.crowd.get(row, {}).items()
        return sum(fact.here and member not in before for member, fact in facts)

    def _lately_lost(self, row: int) -> int:
        """Return how many of those who had joined lately are there no more."""
        facts, lost = self.since.crowd.get(row, {}), 0
        for member in self.since.base_crowd(row):
            fact = facts.get(member)
            if member in self.since.member_rows.gone or (fact is not None and not fact.here):
                groups, lately = self.base.behaviour.joined.of_row(member)
                lost += bool(lately[np.searchsorted(groups, row)] > LATELY)
        return lost

    def _posts(self, row: int) -> list[PostFact]:
        posts = (self.since.posts[post] for post in self.since.posts_in.get(row, ()))
        seen = [post for post in posts if post.here and post.public]
        return sorted(seen, key=lambda post: (-(post.written_at or 0), post.id))

    def _facts(
        self, groups: GroupColumns, rows: list[int], dead: list[int], size: int
    ) -> dict[str, Any]:
        """Return the columns that a fact of the group itself tells, and counts of joins."""
        since, named = self.since, set(rows)
        told = {row: since.groups[row] for row in rows if row in since.groups}
        ids = {row: one for row, one in since.group_rows.added.items() if row in named}
        names = {row: fact.name or fact.id for row, fact in told.items()}
        blank: dict[int, Any] = dict.fromkeys(dead, "")
        closed: dict[int, Any] = dict.fromkeys(dead, 0)
        new = {row: self._joined_since(row) for row in rows}
        lost = {row: self._lately_lost(row) for row in rows}

        def more(name: str, less: Mapping[int, int]) -> Vector:
            base = getattr(self.base.groups, name)
            values = {
                row: max(0.0, new[row] - less[row] + (float(base[row]) if self._known(row) else 0))
                for row in rows
            }
            return extended(getattr(groups, name), values, size)

        return {
            "ids": groups.ids.with_items(ids | blank, size),
            "names": groups.names.with_items(names | blank, size),
            "public": extended(
                groups.public, {row: fact.public for row, fact in told.items()} | closed, size
            ),
            "capacity": extended(
                groups.capacity, {row: fact.capacity for row, fact in told.items()} | closed, size
            ),
            "joins_decayed": more("joins_decayed", dict.fromkeys(rows, 0)),
            "joins_lately": more("joins_lately", lost),
            "returning": extended(groups.returning, {}, size, np.nan),
            "answered": extended(groups.answered, {}, size, np.nan),
        }

    def _terms(self, row: int) -> tuple[Row, Rows]:
        """Return a group's terms: those of the bundle that still hold, and its description's."""
        found: dict[int, tuple[float, int]] = {}
        fact = self.since.groups.get(row)
        if self._known(row):
            gone = self.since.changed_evidence | ({-1} if fact else set())
            found = terms_left(self.base.groups.terms, self.base.groups.term_posts, row, gone)
        if fact:
            said = analyze(f"{fact.name}. {fact.text}")
            found |= {self.terms[term]: (1.0, -1) for term in said if term in self.terms}
        return terms_of(found)

    def _is_described_anew(self, row: int) -> bool:
        """Return whether what a group is about is known better than in the bundle."""
        fact = self.since.groups.get(row)
        if fact is None or not self._known(row):
            return not self._known(row)
        says_nothing = not f"{fact.name}{fact.text}".strip()
        return says_nothing or (Written.GROUP, fact.id) in self.since.vectors

    def _profile(self, row: int) -> Profile:
        """Return a group's prototypes: its description first, then its posts'."""
        fact = self.since.groups.get(row)
        told = self.since.vectors.get((Written.GROUP, fact.id)) if fact else None
        vectors, weights = self._said(row)
        if told is not None and len(told.vectors):
            mean = np.array(told.weights, np.float32) @ told.vectors
            described = (mean / np.linalg.norm(mean)).astype(np.float32)[None, :]
            share = DESCRIPTION_SHARE if len(weights) else 1.0
            vectors = np.concatenate([described, vectors])
            weights = np.concatenate([[share], weights * (1 - share)]).astype(np.float32)
        total = float(weights.sum())
        return vectors, (weights / total if total else weights).astype(np.float32)

    def _said(self, row: int) -> Profile:
        """Return the prototypes that come from posts."""
        if self._known(row):
            # The first of a bundle's prototypes is the description.
            vectors, weights = self.base.groups.prototypes.of_row(row)
            return vectors[1:], weights[1:]
        posts = [self.since.vectors.get((Written.POST, post.id)) for post in self._posts(row)]
        parts = [post for post in posts if post is not None and len(post.vectors)]
        if not parts:
            return self._nothing()
        weights = np.concatenate([np.array(part.weights) / sum(part.weights) for part in parts])
        found = find_interests(np.concatenate([part.vectors for part in parts]), weights)
        return found.vectors[:PROTOTYPES], found.weights[:PROTOTYPES]

    def _behaviour(
        self, acts: Behaviour, groups: GroupColumns, rows: list[int], gone: Rows, size: int
    ) -> Behaviour:
        nobody = {row: even(()) for row in gone.tolist()}
        moved = [row for row in rows if self._is_described_anew(row)]
        topics = {row: direction(groups.prototypes.of_row(row)) for row in moved}
        # Where nobody has joined yet a group lies where its text says it would.
        placed = {row: unit(topics[row] @ acts.bridge) for row in moved if not self._known(row)}
        links = {
            name: getattr(acts, name).with_rows(nobody, size)
            for name in ("ease", "ease_active", "co_active")
        }
        if len(gone):
            links = {name: link.without_targets(gone) for name, link in links.items()}
        return replace(
            acts,
            **links,
            topics=extended(acts.topics, topics, size),
            places=extended(acts.places, placed, size),
            text_weights=extended(acts.text_weights, {}, size),
            life=self._life(acts.life, groups, rows, size),
            **self._told(acts, rows, size),
        )

    def _told(self, acts: Behaviour, rows: list[int], size: int) -> dict[str, Any]:
        """Return the columns of languages and places."""
        since = self.since
        facts = {row: since.groups[row] for row in rows if row in since.groups}
        spoken = since.languages.numbers({row: fact.language for row, fact in facts.items()})
        homes = since.homes.numbers({row: fact.place for row, fact in facts.items()})
        return {
            "group_languages": extended(acts.group_languages, spoken, size, UNKNOWN),
            "group_homes": extended(acts.group_homes, homes, size, UNKNOWN),
            "language_names": since.languages.strings,
            "home_names": since.homes.strings,
        }

    def _life(self, life: GroupLife, groups: GroupColumns, rows: list[int], size: int) -> GroupLife:
        """Return how groups live: joins and posts since the bundle are of today."""
        new_joins = {row: self._joined_since(row) for row in rows}
        new_posts = {row: len(self._posts(row)) for row in rows}
        columns = {}
        for field in fields(GroupLife):
            base = getattr(self.base.behaviour.life, field.name)
            first = UNHEARD.get(field.name, 0.0)
            values = {row: float(base[row]) if self._known(row) else first for row in rows}
            if field.name == "members" or field.name.startswith("joins_"):
                values = {row: np.log1p(np.expm1(values[row]) + new_joins[row]) for row in rows}
            elif field.name == "posts":
                values = {row: np.log1p(np.expm1(values[row]) + new_posts[row]) for row in rows}
            elif field.name == "quiet":
                heard = {row for row in rows if new_joins[row] or new_posts[row]}
                values = {row: 0.0 if row in heard else values[row] for row in rows}
            columns[field.name] = extended(getattr(life, field.name), values, size)
        return GroupLife(**columns)


def direction(profile: Profile) -> Vector:
    """Return the main direction of weighted unit vectors, zero without any: shape (d,)."""
    vectors, weights = profile
    return unit(weights @ vectors)


def unit(vector: Vector) -> Vector:
    """Return a vector of length 1 in the same direction, zero for zero."""
    length = float(np.linalg.norm(vector))
    return (vector / length if length else vector).astype(np.float32)
