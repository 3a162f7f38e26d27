"""What two members have in common, as far as both may see it: the same for either of them.

What is of one of the two is known to both: an introduction makes them known to each other. What
is of others (who else wrote a post, whom they both know, who else is in a group) counts only if
both may see it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.columns import contains
from engine.crowds import Crowds
from engine.query import NOBODY, Query
from engine.shared_terms import (
    CLOSE,
    Used,
    alike,
    closest,
    rarest,
    used_by,
    used_by_viewer,
)
from engine.snapshot import Snapshot
from engine.types import BoolVector, Rows
from engine.visibility import ANYBODY, Sight, Viewer, viewer_of

MOST_NAMED = 2
"""Companions who are named."""


@dataclass(frozen=True, slots=True)
class Words:
    """Terms that both use, rarest first, of all of which the same is true.

    Attributes:
        terms: Rows of one or two terms.
        mine: Whether the viewer's own texts use them, rather than posts they took part in.
        theirs: Whether the other's do.
        posts: Posts that show it, the other's first, as far as posts show it.
    """

    terms: tuple[int, ...]
    mine: bool
    theirs: bool
    posts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """What one seeks that the other offers.

    Attributes:
        terms: Rows of the terms in which the one who offers says so, one or two.
        same: Whether the one who seeks uses them too, rather than words that mean the like.
    """

    terms: tuple[int, ...]
    same: bool


@dataclass(frozen=True, slots=True)
class Shared:
    """A public group that both are in.

    Attributes:
        group: Its row.
        people: How many people of it both may see, themselves counted.
    """

    group: int
    people: int


@dataclass(frozen=True)
class Pair:
    """A viewer and a member who is, or might be, introduced to them."""

    crowds: Crowds
    query: Query
    member: int

    @cached_property
    def words(self) -> Words | None:
        """The rarest terms that both use, in their own words if there are any."""
        mine, theirs = self._both_use
        own = mine.own & theirs.own
        terms = mine.terms[own] if own.any() else mine.terms
        if not len(terms):
            return None
        whose = zip(mine.own.tolist(), theirs.own.tolist(), strict=True)
        said = dict(zip(mine.terms.tolist(), whose, strict=True))
        chosen = alike(rarest(self.snapshot, terms), said.__getitem__)
        posts = [*theirs.at(chosen).posts.tolist(), *mine.at(chosen).posts.tolist()]
        ours, of_them = said[chosen[0]]
        return Words(tuple(chosen), ours, of_them, tuple(posts))

    @cached_property
    def nearest(self) -> Words | None:
        """Terms of the other close to what the viewer cares about; None if both use any anyway."""
        if len(self._both_use[0].terms):
            return None
        theirs = self._theirs.seen_by(self._both_see_posts)
        own = dict(zip(theirs.terms.tolist(), theirs.own.tolist(), strict=True))
        chosen = alike(closest(self.snapshot, self.query, theirs.terms), own.__getitem__)
        if not chosen:
            return None
        posts = theirs.at(chosen).posts.tolist()
        return Words(tuple(chosen), False, own[chosen[0]], tuple(posts))

    @cached_property
    def sought(self) -> Wish | None:
        """What the viewer seeks that the other offers."""
        if self.query.member == NOBODY:
            return None
        return _wish(self.snapshot, self.query.member, self.member)

    @cached_property
    def offered(self) -> Wish | None:
        """What the other seeks that the viewer offers."""
        if self.query.member == NOBODY:
            return None
        return _wish(self.snapshot, self.member, self.query.member)

    @cached_property
    def companions(self) -> Rows:
        """The members whom both know, as far as both may see that: rows, ascending."""
        theirs = self.snapshot.members.ties.of_row(self.member)[0]
        return self._seen_by_both(self.query.companions[contains(theirs, self.query.companions)])

    @cached_property
    def group(self) -> Shared | None:
        """The public group of both in which there are fewest whom both may see."""
        theirs = self.snapshot.members.groups.of_row(self.member)[0]
        shared = self.query.groups[contains(theirs, self.query.groups)]
        shared = shared[self.sight.groups(ANYBODY, shared)]
        if not len(shared):
            return None
        people, best = self.crowds.seen_by(*self.viewers).smallest(shared)
        # The two are known to each other, even if one of them is found by nobody.
        themselves = self._seen_by_both(np.array([self.query.member, self.member]))
        return Shared(best, people - len(themselves) + 2)

    @property
    def snapshot(self) -> Snapshot:
        """The community."""
        return self.sight.snapshot

    @property
    def sight(self) -> Sight:
        """Who may see what."""
        return self.crowds.sight

    @property
    def viewers(self) -> tuple[Viewer, Viewer]:
        """The two as viewers."""
        return viewer_of(self.query), Viewer(self.member)

    @cached_property
    def _theirs(self) -> Used:
        members = self.snapshot.members
        return used_by(members.terms, members.term_posts, self.member)

    @cached_property
    def _both_use(self) -> tuple[Used, Used]:
        """The terms that the viewer and the other use, as far as both may see what shows it."""
        mine, theirs = used_by_viewer(self.snapshot, self.query), self._theirs
        mine, theirs = mine.also(theirs), theirs.also(mine)
        mine, theirs = (used.seen_by(self._both_see_posts) for used in (mine, theirs))
        return mine.also(theirs), theirs.also(mine)

    def _seen_by_both(self, rows: Rows) -> Rows:
        """Return those of these members whom both may see."""
        if len(rows):
            for viewer in self.viewers:
                rows = rows[self.sight.members(viewer, rows)]
        return rows

    def _both_see_posts(self, rows: Rows) -> BoolVector:
        """Return which posts were written by one of the two, or by people both may see."""
        place, wrote, _ = self.snapshot.post_authors.of_rows(rows)
        others = ~(np.equal(wrote, self.query.member) | np.equal(wrote, self.member))
        place, wrote = place[others], wrote[others]
        seen = np.ones(len(rows), bool)
        if len(wrote):
            one, other = self.viewers
            both = self.sight.members(one, wrote) & self.sight.members(other, wrote)
            seen[place[~both]] = False
        return seen


def _wish(snapshot: Snapshot, seeks: int, offers: int) -> Wish | None:
    """Return what one member seeks that another offers, in the words of who offers it."""
    members = snapshot.members
    words = members.offering_terms.of_row(offers)[0]
    both = words[contains(members.seeking_terms.of_row(seeks)[0], words)]
    if len(both):
        return Wish(tuple(rarest(snapshot, both)), same=True)
    sought = members.seeking.of_row(seeks)[0]
    if not len(words) or not len(sought):
        return None
    meant = members.offering.best_match(sought, np.array([offers]))
    if float(meant.max()) < CLOSE:
        return None
    cosines = (snapshot.term_vectors[words] @ sought.T).max(axis=1)
    best = int(np.lexsort((words, -cosines))[0])
    return Wish((int(words[best]),), same=False) if cosines[best] >= CLOSE else None
