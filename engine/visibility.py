"""Who may see what: one function decides, and whatever tells anybody of anything asks it.

A viewer is a member, the host of a group, or nobody in particular. What a viewer may see:

- **a member**: themself always; others if they agree to be found, their audience band is known and
  the viewer's own, neither has blocked the other, and they are not hidden because of reports. A
  host sees people of the bands the group is of; nobody in particular sees people of every band, or
  of the one that was told.
- **a group**: if it is public; its members and its host see it in any case.
- **a post**: if it is public and the viewer may see everybody who wrote it. A snapshot holds no
  other posts than public ones.
- **that somebody is in a group**: if the viewer may see both.
- **that two know each other**: if the viewer may see both and neither has blocked the other. Ties
  that Belong derives come from public posts alone; those that a platform supplies are taken to be
  known.

What is unreadable or gone is seen by nobody else.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from engine.columns import Links, contains
from engine.query import NOBODY, Query
from engine.snapshot import UNREADABLE_BAND, MemberColumns, Snapshot
from engine.types import BoolVector, Rows

ENOUGH = 0.5
"""Share of a group's members, of a known band, from which it is a group of that band."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks; without a member and a group it is nobody in particular.

    Attributes:
        member: A member's row, or `NOBODY`.
        hosts: The row of the group whose host it is, None for everybody else.
        audience: The band that somebody without a row has told, `UNREADABLE_BAND` if none.
    """

    member: int = NOBODY
    hosts: int | None = None
    audience: int = UNREADABLE_BAND


ANYBODY = Viewer()
"""Nobody in particular: sees what is public, and no more."""


def viewer_of(query: Query) -> Viewer:
    """Return who asks: a member, or somebody who is known by a text alone."""
    return Viewer(query.member, None, query.audience if query.member == NOBODY else UNREADABLE_BAND)


@dataclass(frozen=True, slots=True)
class TheMember:
    """A member, by row."""

    row: int


@dataclass(frozen=True, slots=True)
class TheGroup:
    """A group, by row."""

    row: int


@dataclass(frozen=True, slots=True)
class ThePost:
    """A post that may still be answered, by its row in `Snapshot.posts`."""

    row: int


@dataclass(frozen=True, slots=True)
class TheEvidence:
    """A post that serves as evidence, by its row in `Snapshot.post_ids`."""

    row: int


@dataclass(frozen=True, slots=True)
class IsIn:
    """Whether a member is in a group, by their rows."""

    member: int
    group: int


@dataclass(frozen=True, slots=True)
class Knows:
    """Whether two members know each other, by their rows."""

    one: int
    other: int


Thing = TheMember | TheGroup | ThePost | TheEvidence | IsIn | Knows


def _none() -> Rows:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Sight:
    """Who may see what in a community as it is now.

    Attributes:
        snapshot: The community.
        hidden: Members who are shown to nobody because of reports: rows, ascending.
    """

    snapshot: Snapshot
    hidden: Rows = field(default_factory=_none)

    def may_see(self, viewer: Viewer, thing: Thing) -> bool:
        """Return whether a viewer may see a thing, if it is so."""
        match thing:
            case TheMember(row):
                return bool(self.members(viewer, np.array([row]))[0])
            case TheGroup(row):
                return bool(self.groups(viewer, np.array([row]))[0])
            case ThePost(row):
                return bool(self.posts(viewer, np.array([row]))[0])
            case TheEvidence(row):
                return bool(self.evidence(viewer, np.array([row]))[0])
            case IsIn(member, group):
                there = self.may_see(viewer, TheMember(member))
                return there and self.may_see(viewer, TheGroup(group))
            case Knows(one, other):
                return bool(self.ties(viewer, one, np.array([other]))[0])

    def members(self, viewer: Viewer, rows: Rows) -> BoolVector:
        """Return which members a viewer may see, shape as `rows`."""
        members = self.snapshot.members
        seen = members.discoverable[rows] & self.bands(viewer, members.audience[rows])
        if len(self.hidden):
            seen &= ~contains(self.hidden, rows)
        if viewer.member != NOBODY:
            seen &= ~contains(members.blocks.of_row(viewer.member)[0], rows)
            seen |= np.equal(rows, viewer.member)
        return seen

    def groups(self, viewer: Viewer, rows: Rows) -> BoolVector:
        """Return which groups a viewer may see, shape as `rows`."""
        seen = self.snapshot.groups.public[rows]
        if viewer.hosts is not None:
            seen = seen | np.equal(rows, viewer.hosts)
        if viewer.member != NOBODY:
            seen = seen | contains(self.snapshot.members.groups.of_row(viewer.member)[0], rows)
        return np.asarray(seen, bool)

    def posts(self, viewer: Viewer, rows: Rows) -> BoolVector:
        """Return which posts that may be answered a viewer may see, shape as `rows`."""
        posts = self.snapshot.posts
        place, stands, _ = posts.groups.of_rows(rows)
        seen: BoolVector = posts.here[rows] & self._by_visible(viewer, posts.authors, rows)
        seen[place[~self.groups(viewer, stands)]] = False
        return seen

    def evidence(self, viewer: Viewer, rows: Rows) -> BoolVector:
        """Return which posts that serve as evidence a viewer may see, shape as `rows`."""
        return self._by_visible(viewer, self.snapshot.post_authors, rows)

    def ties(self, viewer: Viewer, member: int, others: Rows) -> BoolVector:
        """Return of which others a viewer may see that they know a member, shape as `others`."""
        if not self.may_see(viewer, TheMember(member)):
            return np.zeros(len(others), bool)
        apart = contains(self.snapshot.members.blocks.of_row(member)[0], others)
        return self.members(viewer, others) & ~apart

    def _by_visible(self, viewer: Viewer, authors: Links, rows: Rows) -> BoolVector:
        """Return what was written by nobody whom the viewer may not see."""
        place, wrote, _ = authors.of_rows(rows)
        seen = np.ones(len(rows), bool)
        seen[place[~self.members(viewer, wrote)]] = False
        return seen

    def bands(self, viewer: Viewer, bands: Rows) -> BoolVector:
        """Return which of these bands a viewer may see people of, shape as `bands`."""
        members, known = self.snapshot.members, np.not_equal(bands, UNREADABLE_BAND)
        if viewer.hosts is not None:
            inside = self.snapshot.groups.members.of_row(viewer.hosts)[0]
            return known & of_bands(members, inside, bands)
        if viewer.member != NOBODY:
            known &= np.equal(bands, members.audience[viewer.member])
        elif viewer.audience != UNREADABLE_BAND:
            known &= np.equal(bands, viewer.audience)
        return np.asarray(known, bool)


def of_bands(members: MemberColumns, inside: Rows, bands: Rows) -> BoolVector:
    """Return which bands a group is of: those to which at least half of its members belong.

    Members of unknown band are not counted: a minors' group does not become one for adults by an
    adult who looks after it. A group in which nobody's band is known is of every known band.

    Args:
        members: Everybody.
        inside: Rows of those in the group.
        bands: Bands that are asked about, shape (n,); of `UNREADABLE_BAND` no group is.
    """
    known: BoolVector = np.not_equal(bands, UNREADABLE_BAND)
    there = members.audience[inside]
    there = there[there != UNREADABLE_BAND]
    if not len(there):
        return known
    counts = np.bincount(there, minlength=len(members.bands))
    fitting: BoolVector = np.isin(bands, np.flatnonzero(counts >= ENOUGH * len(there)))
    return known & fitting
