"""Why a member was suggested, and how to begin: facts that both can check, and may see.

A reason is built from what `engine.visibility` says that both may see. Numbers in it count people
whom both may see. Which terms are rare comes from what anybody may see.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from engine.common_ground import MOST_NAMED, Pair
from engine.crowds import Crowds
from engine.openings import About, opening
from engine.query import NOBODY, Query
from engine.shared_terms import post_ids, quoted
from engine.snapshot import Snapshot
from engine.types import Rows
from engine.visibility import Sight

MAX_REASONS = 3
"""Reasons given with one suggestion."""

SMALL_SHARED = 200
"""People up to which sharing a group says something about two of them."""


def nobody() -> Rows:
    """Return no rows."""
    return np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason.

    Attributes:
        kind: What sort of fact it is; stable, for programs.
        text: The fact in a sentence, addressed to the viewer.
        evidence: Ids of posts, members or groups that show it.
    """

    kind: str
    text: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MemberReasons:
    """Says why a member was suggested, and how to begin.

    Attributes:
        snapshot: The community.
        hidden: Members who are shown to nobody because of reports: rows, ascending.
    """

    snapshot: Snapshot
    hidden: Rows = field(default_factory=nobody)
    crowds: Crowds = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Look through each group once for all viewers."""
        object.__setattr__(self, "crowds", Crowds(Sight(self.snapshot, self.hidden)))

    def to(self, query: Query) -> ReasonsFor:
        """Return what tells one viewer; it looks at each pair once."""
        return ReasonsFor(self.crowds, query)

    def explain(self, query: Query, member: int) -> list[Reason]:
        """Return at least one reason, the most telling first."""
        return self.to(query).explain(member)

    def opening(self, query: Query, member: int) -> str:
        """Return a question to begin with, made from the most telling fact that both may see."""
        return self.to(query).opening(member)


@dataclass(frozen=True, slots=True)
class ReasonsFor:
    """Says to one viewer why members were suggested, and how to begin."""

    crowds: Crowds
    query: Query
    _pairs: dict[int, Pair] = field(default_factory=dict)

    @property
    def snapshot(self) -> Snapshot:
        """The community."""
        return self.crowds.sight.snapshot

    def explain(self, member: int) -> list[Reason]:
        """Return at least one reason, the most telling first."""
        makers = (
            self._interest,
            self._sought,
            self._offered,
            self._companions,
            self._small_group,
            self._close,
            self._large_group,
        )
        pair = self._pair(member)
        return first_of(make(pair) for make in makers) or [self._plain(member)]

    def opening(self, member: int) -> str:
        """Return a question to begin with, made from the most telling fact that both may see."""
        ids, viewer = self.snapshot.members.ids, self.query.member
        both = ids[viewer] if viewer != NOBODY else "", ids[member]
        about, it = self._subject(self._pair(member))
        return opening(about, it, both)

    def _pair(self, member: int) -> Pair:
        if member not in self._pairs:
            self._pairs[member] = Pair(self.crowds, self.query, member)
        return self._pairs[member]

    def _subject(self, pair: Pair) -> tuple[About, str]:
        for about, wish in ((About.SOUGHT, pair.sought), (About.OFFERED, pair.offered)):
            if wish is not None and wish.same:
                return about, quoted(self.snapshot, wish.terms)
        words, shared = pair.words, pair.group
        if words is not None and words.theirs:
            about = About.WORDS if words.mine else About.THEIR_WORDS
            return about, quoted(self.snapshot, words.terms[:1])
        in_group = (About.GROUP, self.snapshot.groups.names[shared.group]) if shared else None
        if in_group and shared and shared.people <= SMALL_SHARED:
            return in_group
        rows = pair.companions[:MOST_NAMED].tolist()
        names = [self.snapshot.members.names[row] for row in rows]
        if names and all(names):
            about = About.COMPANION if len(names) == 1 else About.COMPANIONS
            return about, " and ".join(names)
        near = pair.nearest
        if near is not None and near.theirs:
            return About.THEIR_WORDS, quoted(self.snapshot, near.terms[:1])
        return in_group or (About.NOTHING, "")

    def _interest(self, pair: Pair) -> Reason | None:
        found = pair.words
        if found is None:
            return None
        words = quoted(self.snapshot, found.terms)
        text = {
            (True, True): f"You both talk about {words}.",
            (True, False): f"They took part in posts about {words}, which you talk about.",
            (False, True): f"They talk about {words}, and you took part in posts about that.",
            (False, False): f"You both took part in posts about {words}.",
        }[found.mine, found.theirs]
        return Reason("shared_interest", text, self._shown(found.posts, pair.member))

    def _sought(self, pair: Pair) -> Reason | None:
        wish = pair.sought
        if wish is None:
            return None
        words = quoted(self.snapshot, wish.terms)
        same = f"You look for {words}, which they offer."
        text = same if wish.same else f"They offer {words}, which is close to what you look for."
        return Reason("offers_what_you_seek", text, (self.snapshot.members.ids[pair.member],))

    def _offered(self, pair: Pair) -> Reason | None:
        wish = pair.offered
        if wish is None:
            return None
        words = quoted(self.snapshot, wish.terms)
        same = f"They look for {words}, which you offer."
        text = same if wish.same else f"You offer {words}, which is close to what they look for."
        return Reason("seeks_what_you_offer", text, (self.snapshot.members.ids[pair.member],))

    def _companions(self, pair: Pair) -> Reason | None:
        mutual = pair.companions
        if not len(mutual):
            return None
        who = names_of(self.snapshot, mutual) or people(mutual).lower()
        text = f"You both talk with {who.removesuffix('.')}."
        ids = self.snapshot.members.ids
        return Reason("mutual_companions", text, tuple(ids[row] for row in mutual[:3].tolist()))

    def _small_group(self, pair: Pair) -> Reason | None:
        return self._group(pair, small=True)

    def _large_group(self, pair: Pair) -> Reason | None:
        return self._group(pair, small=False)

    def _group(self, pair: Pair, *, small: bool) -> Reason | None:
        groups, shared = self.snapshot.groups, pair.group
        if shared is None or (shared.people <= SMALL_SHARED) != small:
            return None
        text = f"You are both in {groups.names[shared.group]} ({shared.people} members)."
        return Reason("shared_group", text, (groups.ids[shared.group],))

    def _close(self, pair: Pair) -> Reason | None:
        found = pair.nearest
        if found is None:
            return None
        said = "talk" if found.theirs else "took part in posts"
        words = quoted(self.snapshot, found.terms)
        text = f"Close to what you care about: they {said} about {words}."
        return Reason("close_interest", text, self._shown(found.posts, pair.member))

    def _shown(self, posts: Iterable[int], member: int) -> tuple[str, ...]:
        return post_ids(self.snapshot, posts) or (self.snapshot.members.ids[member],)

    def _plain(self, member: int) -> Reason:
        members = self.snapshot.members
        took_part = float(members.active[member]) > 0
        text = "Has taken part here." if took_part else "Open to meeting people."
        return Reason("open_member", text, (members.ids[member],))


def first_of(reasons: Iterable[Reason | None]) -> list[Reason]:
    """Return the first `MAX_REASONS` there are; the rest are not even made."""
    return list(islice((reason for reason in reasons if reason is not None), MAX_REASONS))


def names_of(snapshot: Snapshot, rows: Rows) -> str:
    """Return the names of the first two and how many more there are, '' if one has no name."""
    names = [snapshot.members.names[row] for row in rows[:MOST_NAMED].tolist()]
    if not all(names):
        return ""
    others = len(rows) - len(names)
    return f"{', '.join(names)} and {others} more" if others else " and ".join(names)


def people(rows: Rows) -> str:
    """Return how many people these are, as it stands at the beginning of a sentence."""
    return "One person" if len(rows) == 1 else f"{len(rows)} people"
