"""Why each suggestion was made: facts that the viewer can check, and may see.

A reason is built from public columns and from what is the viewer's own. Term rarity, counts and
names never come from private posts or from groups the viewer may not see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.columns import contains
from engine.query import Query
from engine.shared_terms import (
    alike,
    closest,
    has_own_words,
    own_posts,
    post_ids,
    post_of,
    rarest,
    shared_terms,
    visible,
)
from engine.snapshot import LATELY_DAYS, Snapshot
from engine.types import Rows

MAX_REASONS = 3
"""Reasons given with one suggestion."""

SMALL = 40
"""Members up to which a group is called small."""

SMALL_SHARED = 200
"""Members up to which sharing a group says something about two people."""


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
class GroupReasons:
    """Says why a group was suggested."""

    snapshot: Snapshot

    def explain(self, query: Query, group: int) -> list[Reason]:
        """Return at least one reason, the most telling first."""
        makers = (
            self._interest,
            self._companions,
            self._visited,
            self._close,
            self._co_membership,
            self._small,
            self._lively,
        )
        reasons = _first(makers, query, group)
        return reasons or [self._plain(group)]

    def _interest(self, query: Query, group: int) -> Reason | None:
        groups = self.snapshot.groups

        def said(term: int) -> tuple[bool, bool]:
            post = post_of(groups.terms, groups.term_posts, group, term)
            return post < 0, own_posts(self.snapshot, query, [term])[1]

        shared = shared_terms(query.terms, groups.terms.of_row(group)[0])
        chosen = alike(rarest(self.snapshot, shared), said)
        if not chosen:
            return None
        posts = [post_of(groups.terms, groups.term_posts, group, term) for term in chosen]
        mine, own_words = own_posts(self.snapshot, query, chosen)
        words = _quoted(self.snapshot, chosen)
        if max(posts) < 0:
            text = f"It is about {words}, which {_came_up(own_words)}."
        elif own_words:
            text = f"People here talk about {words}, as you do."
        else:
            text = f"{words} come up here and in what you took part in."
            text = text if len(chosen) > 1 else text.replace(" come ", " comes ")
        evidence = post_ids(self.snapshot, query, [*posts, *mine]) or (groups.ids[group],)
        return Reason("shared_interest", text, evidence)

    def _companions(self, query: Query, group: int) -> Reason | None:
        members = self.snapshot.members
        here = self.snapshot.groups.members.of_row(group)[0]
        there = visible(self.snapshot, query, query.companions[contains(here, query.companions)])
        if not len(there):
            return None
        verb = "is" if len(there) == 1 else "are"
        text = f"{_people(there)} you already talk with {verb} here."
        names = _names(self.snapshot, there)
        if names:
            text = f"{names}, whom you already talk with, {verb} here."
        return Reason("companions", text, tuple(members.ids[row] for row in there[:3].tolist()))

    def _visited(self, query: Query, group: int) -> Reason | None:
        if not contains(query.visits, np.array([group]))[0]:
            return None
        return Reason(
            "visited", "You have taken part here before.", (self.snapshot.groups.ids[group],)
        )

    def _close(self, query: Query, group: int) -> Reason | None:
        groups = self.snapshot.groups
        terms, _ = groups.terms.of_row(group)
        if len(shared_terms(query.terms, terms)):
            return None

        def described(term: int) -> bool:
            return post_of(groups.terms, groups.term_posts, group, term) < 0

        chosen = alike(closest(self.snapshot, query, terms), described)
        if not chosen:
            return None
        posts = [post_of(groups.terms, groups.term_posts, group, term) for term in chosen]
        said = "it is" if described(chosen[0]) else "people here talk"
        words = _quoted(self.snapshot, chosen)
        evidence = post_ids(self.snapshot, query, posts) or (groups.ids[group],)
        text = f"Close to what you care about: {said} about {words}."
        return Reason("close_interest", text, evidence)

    def _co_membership(self, query: Query, group: int) -> Reason | None:
        groups = self.snapshot.groups
        near, strength = groups.neighbours.of_row(group)
        mine = contains(query.groups, near) & groups.public[near]
        here = groups.members.of_row(group)[0]
        for best in near[mine][np.lexsort((near[mine], -strength[mine]))].tolist():
            # Neighbours share past members too; the sentence speaks of present ones.
            there = groups.members.of_row(best)[0]
            both = int(contains(here, there).sum())
            if both >= 2:
                text = (
                    f"You are in {groups.names[best]}: {both} of its {len(there)} people are here."
                )
                return Reason("co_membership", text, (groups.ids[best],))
        return None

    def _small(self, query: Query, group: int) -> Reason | None:
        groups = self.snapshot.groups
        size, answered = int(groups.size[group]), float(groups.answered[group])
        returning = float(groups.returning[group])
        if not 2 <= size <= SMALL:
            return None
        if answered >= 0.5:
            fact = f"where {_share(answered)} newcomers' first posts are answered"
        elif returning >= 0.3:
            fact = f"where {_share(returning)} people who took part came back"
        else:
            return None
        return Reason("small_group", f"A small group of {size}, {fact}.", (groups.ids[group],))

    def _lively(self, query: Query, group: int) -> Reason | None:
        groups = self.snapshot.groups
        joins = int(groups.joins_lately[group])
        if joins < 3:
            return None
        text = f"{joins} people joined in the latest {LATELY_DAYS} days on record."
        return Reason("lively", text, (groups.ids[group],))

    def _plain(self, group: int) -> Reason:
        groups = self.snapshot.groups
        size = int(groups.size[group])
        text = f"An open group of {size}." if size else "Nobody is in it now: be the first."
        return Reason("open_group", text.replace("of 1.", "with one member."), (groups.ids[group],))


@dataclass(frozen=True, slots=True)
class MemberReasons:
    """Says why a member was suggested."""

    snapshot: Snapshot

    def explain(self, query: Query, member: int) -> list[Reason]:
        """Return at least one reason, the most telling first."""
        makers = (
            self._interest,
            self._companions,
            self._small_group,
            self._close,
            self._large_group,
        )
        reasons = _first(makers, query, member)
        return reasons or [self._plain(member)]

    def _interest(self, query: Query, member: int) -> Reason | None:
        members = self.snapshot.members

        def said(term: int) -> tuple[bool, bool]:
            theirs = has_own_words(members.terms, member, [term])
            return theirs, own_posts(self.snapshot, query, [term])[1]

        shared = shared_terms(query.terms, members.terms.of_row(member)[0])
        chosen = alike(rarest(self.snapshot, shared), said)
        if not chosen:
            return None
        theirs = [post_of(members.terms, members.term_posts, member, term) for term in chosen]
        mine, own_words = own_posts(self.snapshot, query, chosen)
        words = _quoted(self.snapshot, chosen)
        text = {
            (True, True): f"You both talk about {words}.",
            (True, False): f"They took part in posts about {words}, which you talk about.",
            (False, True): f"They talk about {words}, and you took part in posts about that.",
            (False, False): f"You both took part in posts about {words}.",
        }[own_words, has_own_words(members.terms, member, chosen)]
        evidence = post_ids(self.snapshot, query, [*theirs, *mine]) or (members.ids[member],)
        return Reason("shared_interest", text, evidence)

    def _companions(self, query: Query, member: int) -> Reason | None:
        members = self.snapshot.members
        theirs = members.ties.of_row(member)[0]
        mutual = visible(self.snapshot, query, query.companions[contains(theirs, query.companions)])
        mutual = mutual[~contains(members.blocks.of_row(member)[0], mutual)]
        if not len(mutual):
            return None
        people = _names(self.snapshot, mutual) or _people(mutual).lower()
        text = f"You both talk with {people.removesuffix('.')}."
        evidence = tuple(members.ids[row] for row in mutual[:3].tolist())
        return Reason("mutual_companions", text, evidence)

    def _small_group(self, query: Query, member: int) -> Reason | None:
        return self._smallest_group(query, member, small=True)

    def _large_group(self, query: Query, member: int) -> Reason | None:
        return self._smallest_group(query, member, small=False)

    def _smallest_group(self, query: Query, member: int, *, small: bool) -> Reason | None:
        groups = self.snapshot.groups
        theirs = self.snapshot.members.groups.of_row(member)[0]
        shared = query.groups[contains(theirs, query.groups)]
        shared = shared[groups.public[shared]]
        if not len(shared):
            return None
        best = int(shared[np.lexsort((shared, groups.size[shared]))[0]])
        if (groups.size[best] <= SMALL_SHARED) != small:
            return None
        text = f"You are both in {groups.names[best]} ({int(groups.size[best])} members)."
        return Reason("shared_group", text, (groups.ids[best],))

    def _close(self, query: Query, member: int) -> Reason | None:
        members = self.snapshot.members
        theirs, _ = members.terms.of_row(member)
        if len(shared_terms(query.terms, theirs)):
            return None

        def own(term: int) -> bool:
            return has_own_words(members.terms, member, [term])

        chosen = alike(closest(self.snapshot, query, theirs), own)
        if not chosen:
            return None
        posts = [post_of(members.terms, members.term_posts, member, term) for term in chosen]
        words = _quoted(self.snapshot, chosen)
        evidence = post_ids(self.snapshot, query, posts) or (members.ids[member],)
        said = "talk" if own(chosen[0]) else "took part in posts"
        text = f"Close to what you care about: they {said} about {words}."
        return Reason("close_interest", text, evidence)

    def _plain(self, member: int) -> Reason:
        members = self.snapshot.members
        took_part = float(members.active[member]) > 0
        text = "Has taken part here." if took_part else "Open to meeting people."
        return Reason("open_member", text, (members.ids[member],))


Maker = Callable[[Query, int], Reason | None]


def _first(makers: Iterable[Maker], query: Query, row: int) -> list[Reason]:
    reasons: list[Reason] = []
    for make in makers:
        reason = make(query, row)
        if reason is not None:
            reasons.append(reason)
        if len(reasons) == MAX_REASONS:
            break
    return reasons


def _names(snapshot: Snapshot, rows: Rows) -> str:
    """Return the names of the first two and how many more there are, '' if one has no name."""
    names = [snapshot.members.names[row] for row in rows[:2].tolist()]
    if not all(names):
        return ""
    others = len(rows) - len(names)
    return f"{', '.join(names)} and {others} more" if others else " and ".join(names)


def _people(rows: Rows) -> str:
    return "One person" if len(rows) == 1 else f"{len(rows)} people"


def _share(share: float) -> str:
    return "all" if share == 1 else f"{int(100 * share)}% of"


def _came_up(own_words: bool) -> str:
    return "you talk about too" if own_words else "came up in what you took part in"


def _quoted(snapshot: Snapshot, terms: Sequence[int]) -> str:
    return " and ".join(f"“{snapshot.vocabulary[term]}”" for term in terms)
