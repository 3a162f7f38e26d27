"""A bundle and what has become true since -> answers for now.

One writer takes in facts; readers hold an immutable recommender that is swapped whole. Facts are
states, so taking them in twice, in another order or all at once gives the same answers; what only
training can tell (which groups share members, how well a ranker does) stays the bundle's until
the next one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from engine.bundle import Bundle
from engine.columns import Links, Strings
from engine.facts import Facts
from engine.holds import NOTHING_HELD
from engine.live_groups import LiveGroups
from engine.live_members import LiveMembers
from engine.live_posts import LivePosts
from engine.live_rows import even
from engine.overlay import PatchedIndex, PatchedProfiles
from engine.recommender import Recommender
from engine.since import Since, Touched
from engine.snapshot import Snapshot
from engine.types import BoolVector


class Overlay:
    """What is known since a bundle was made, and the recommender that knows it. One writer."""

    def __init__(
        self, bundle: Bundle, secret: bytes = b"", clock: Callable[[], float] = time.time
    ) -> None:
        self.bundle = bundle
        self.recommender = Recommender(bundle, clock=clock)
        self._clock = clock
        self._holds = NOTHING_HELD
        first = self.recommender
        self._since = Since(bundle.snapshot, first.members, first.groups, secret)
        self._members = LiveMembers(self._since, self.recommender.terms)
        self._groups = LiveGroups(self._since, self.recommender.terms)
        self._posts = LivePosts(self._since)

    def __len__(self) -> int:
        """Return how many members, groups and posts are known better than by the bundle."""
        since = self._since
        return len(since.members) + len(since.groups) + len(since.posts) + len(since.inside)

    def take_in(self, facts: Facts, sequence: int | None = None) -> Recommender:
        """Return the recommender that knows these facts too; the one before stays as it was.

        Args:
            facts: What is to be brought up to date.
            sequence: The last change they know; if given, the recommender's bundle has it for its
                watermark, as far as it is another recommender.
        """
        # Vectors of another model lie in another space; the embedder makes them again.
        ours = {"", self.bundle.encoder.fingerprint}
        known = tuple(fact for fact in facts.vectors if fact.model in ours)
        touched = self._since.learn(replace(facts, vectors=known))
        if touched.holders or touched.gone_members:
            since = self._since
            find = since.member_rows.find, since.group_rows.find
            self._holds = since.holds.now(self._holds, touched.holders, *find)
        if touched.introduced:
            rows, last = self._since.member_rows, self._holds.introduced
            met = self._since.introduced.now(last, touched.introduced, rows.find, rows.size)
            self._holds = replace(self._holds, introduced=met)
        if touched or facts.posts:
            self.recommender = self._knowing(self._renewed(touched), sequence)
        elif touched.holders:
            self.recommender = self._knowing(self.recommender.bundle, sequence)
        elif touched.introduced:
            watermark = self.recommender.bundle.manifest.watermark
            self.recommender = self.recommender.counting(
                self._holds.introduced, watermark if sequence is None else sequence
            )
        return self.recommender

    def _knowing(self, bundle: Bundle, sequence: int | None) -> Recommender:
        if sequence is not None:
            bundle = replace(bundle, manifest=replace(bundle.manifest, watermark=sequence))
        since, snapshot = self._since, bundle.snapshot
        members = since.member_rows.snapshot(snapshot.members.ids)
        groups = since.group_rows.snapshot(snapshot.groups.ids)
        terms = self.recommender.terms
        return Recommender(bundle, members, terms, groups, self._holds, self._clock)

    def _renewed(self, touched: Touched) -> Bundle:
        last = self.recommender.bundle
        snapshot = self._snapshot(last.snapshot, touched)
        interests, prototypes = snapshot.members.interests, snapshot.groups.prototypes
        assert isinstance(interests, PatchedProfiles)
        assert isinstance(prototypes, PatchedProfiles)
        size = len(snapshot.groups.ids)
        return replace(
            last,
            snapshot=snapshot,
            members=PatchedIndex(self.bundle.members, interests),
            groups=PatchedIndex(self.bundle.groups, prototypes),
            ranker=replace(last.ranker, seldom=_longer(self.bundle.ranker.seldom, size)),
            introductions=last.introductions.without(touched.gone_members),
        )

    def _snapshot(self, last: Snapshot, touched: Touched) -> Snapshot:
        left = np.array(sorted(touched.gone_members), np.int64)
        gone = np.array(sorted(touched.gone_groups), np.int64)
        members = self._members.now(last, touched.members, left)
        halfway = replace(last, members=members.members, behaviour=members.behaviour)
        groups = self._groups.now(halfway, touched.groups, gone, left)
        ids, authors = self._evidence(last, touched)
        return replace(
            halfway,
            groups=groups.groups,
            behaviour=groups.behaviour,
            posts=self._posts.now(last.posts, touched.posts, left),
            post_ids=ids,
            post_authors=authors,
        )

    def _evidence(self, last: Snapshot, touched: Touched) -> tuple[Strings, Links]:
        """Return the ids of posts that serve as evidence, and who wrote each."""
        since = self._since
        size = len(since.base.post_ids) + len(since.new_evidence)
        new = {place: since.new_evidence[place] for place in range(len(last.post_ids), size)}
        changed = new | touched.evidence
        if not changed:
            return last.post_ids, last.post_authors
        authors = {place: even(self._authors(post)) for place, post in changed.items()}
        return last.post_ids.with_items(new, size), last.post_authors.with_rows(authors, size)

    def _authors(self, post: str) -> set[int]:
        known = self._since.posts.get(post)
        found = (self._since.member_rows.find(one) for one in (known.authors if known else ()))
        return {row for row in found if row is not None}


def _longer(seldom: BoolVector, size: int) -> BoolVector:
    """Return which groups are seldom shown; of a new one that is true until training tells."""
    if not len(seldom):
        return seldom
    longer = np.ones(size, bool)
    longer[: len(seldom)] = seldom
    return longer
