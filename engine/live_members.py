"""What is true of members now: a bundle's rows, and what is known since.

Each row that was touched is worked out anew from the bundle and the newest facts, so the answer is
the same in whatever order and however often the facts came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.columns import Links, Strings
from engine.domain import DAY_S
from engine.facts import MemberFact, PostFact, Written
from engine.interests import find_interests
from engine.live_rows import Row, even, extended, terms_left, terms_of, terms_with
from engine.live_wishes import Profile, weighed, wish_terms, wishes_now
from engine.overlay import PatchedProfiles
from engine.since import Since
from engine.snapshot import (
    A_DAY,
    OWN_WORDS,
    TOOK_PART,
    UNKNOWN,
    UNREADABLE_BAND,
    Behaviour,
    MemberColumns,
    Snapshot,
)
from engine.terms import analyze
from engine.types import Rows

FRESH_MEMBERSHIP = float(np.log(2))
"""How much a membership that was just entered says: as one that is dated today in training."""

PROFILE_WEIGHT, WROTE, SHARED = 2.0, 1.0, 0.3
"""How much a profile, a post of one's own and one taken part in say about interests."""

NEWEST = 200
"""Texts looked at for one member, the newest first."""


@dataclass(frozen=True, slots=True)
class MembersNow:
    """The columns of members, and those of their behaviour that hang on them."""

    members: MemberColumns
    behaviour: Behaviour


class LiveMembers:
    """Works out the rows of members who were touched."""

    def __init__(self, since: Since, terms: Mapping[str, int]) -> None:
        self.since = since
        self.base = since.base
        self.terms = terms

    def now(self, last: Snapshot, touched: Iterable[int], gone: Rows) -> MembersNow:
        """Return the columns of members.

        Args:
            last: The snapshot before.
            touched: Rows to work out anew.
            gone: Rows of whom nothing must be left.
        """
        since = self.since
        size, rows = since.member_rows.size, sorted(touched)
        members, acts = last.members, last.behaviour
        dead = gone.tolist()
        facts = {row: since.members[row] for row in rows if row in since.members}
        told = {row: fact.id for row, fact in facts.items()}
        told |= dict.fromkeys(dead, "")
        nothing = {row: (np.zeros(0, np.int64), np.zeros(0, np.float32)) for row in dead}
        groups, joined, habits, left, visits = ({} for _ in range(5))
        muted, muted_terms = {}, {}
        blocks, terms = {}, dict.fromkeys(dead, terms_of({}))
        interests = dict.fromkeys(dead, self._no_interests())
        for row in rows:
            groups[row], joined[row], habits[row] = self._groups(row)
            left[row], visits[row] = self._left(row), self._visits(row)
            blocks[row] = self._blocks(row)
            muted[row], muted_terms[row] = self._muted(row)
            terms[row] = self._terms(row)
            interests[row] = self._profile(row)
        links, shown = terms_with(members.terms, members.term_posts, terms, size)
        columns = replace(
            members,
            **self._facts(members, rows, dead, size),
            interests=PatchedProfiles.over(members.interests, interests, size),
            groups=members.groups.with_rows({**groups, **nothing}, size),
            left=members.left.with_rows({**left, **nothing}, size),
            ties=_among_people(members.ties, {}, gone, size),
            blocks=_among_people(members.blocks, blocks, gone, size),
            terms=links,
            term_posts=shown,
            seeking=wishes_now(since, members.seeking, Written.SEEKING, told, size),
            offering=wishes_now(since, members.offering, Written.OFFERING, told, size),
            **wish_terms(members, facts, dead, self.terms, size),
            answered=_among_people(members.answered, self._answers(rows), gone, size),
            known_days=extended(members.known_days, dict.fromkeys(dead, np.nan), size, fill=0.0),
            muted=members.muted.with_rows({**muted, **nothing}, size),
            muted_terms=members.muted_terms.with_rows({**muted_terms, **nothing}, size),
        )
        behaviour = replace(
            acts,
            joined=acts.joined.with_rows({**joined, **nothing}, size),
            habits=acts.habits.with_rows({**habits, **nothing}, size),
            visits=acts.visits.with_rows({**visits, **nothing}, size),
            fellows=_among_people(acts.fellows, {}, gone, size),
            **self._told(acts, rows, dead, size),
        )
        return MembersNow(columns, behaviour)

    def _told(self, acts: Behaviour, rows: list[int], dead: list[int], size: int) -> dict[str, Any]:
        """Return the columns of languages and places."""
        since = self.since
        facts = {row: since.members[row] for row in rows if row in since.members}
        blank = dict.fromkeys(dead, UNKNOWN)
        spoken = since.languages.numbers({row: fact.language for row, fact in facts.items()})
        homes = since.homes.numbers({row: fact.place for row, fact in facts.items()})
        return {
            "languages": extended(acts.languages, spoken | blank, size, UNKNOWN),
            "homes": extended(acts.homes, homes | blank, size, UNKNOWN),
            "language_names": since.languages.strings,
            "home_names": since.homes.strings,
        }

    def _answers(self, rows: list[int]) -> dict[int, Row]:
        """Return whom people have answered, where they answered anybody since the bundle."""
        found = {}
        for row in rows:
            known = self.base.members.answered.of_row(row) if self._known(row) else even(())
            counts = Counter(dict(zip(known[0].tolist(), known[1].tolist(), strict=True)))
            new = Counter(
                asker
                for post in self._posts(row)
                if post.parent is not None and self._wrote(row, post)
                for asker in self.since.authors_of(post.parent)
                if asker != row
            )
            if new:
                order = sorted(counts + new)
                weights = np.array([counts[one] + new[one] for one in order], np.float32)
                found[row] = np.array(order, np.int64), weights
        return found

    def _no_interests(self) -> Profile:
        dimension = self.base.members.interests.vectors.shape[1]
        return np.zeros((0, dimension), np.float32), np.zeros(0, np.float32)

    def _facts(
        self, members: MemberColumns, rows: list[int], dead: list[int], size: int
    ) -> dict[str, Any]:
        """Return the columns that a fact of the member itself tells."""
        since = self.since
        told = {row: since.members[row] for row in rows if row in since.members}
        bands, band_of = _bands(members.bands, told.values())
        added = since.member_rows.added
        ids = {row: added[row] for row in rows if row in added}
        ids.update(dict.fromkeys(dead, ""))
        names = {row: fact.name for row, fact in told.items()} | dict.fromkeys(dead, "")
        seen = {row: fact.discoverable for row, fact in told.items()}
        willing = {row: fact.open_to_introductions for row, fact in told.items()}
        weekly = {row: fact.weekly_introductions for row, fact in told.items()}
        audience = {
            row: UNREADABLE_BAND if fact.audience is None else band_of[fact.audience]
            for row, fact in told.items()
        }
        return {
            "ids": members.ids.with_items(ids, size),
            "names": members.names.with_items(names, size),
            "discoverable": extended(members.discoverable, seen | dict.fromkeys(dead, False), size),
            "open_to_introductions": extended(
                members.open_to_introductions, willing | dict.fromkeys(dead, False), size
            ),
            "audience": extended(
                members.audience, audience | dict.fromkeys(dead, UNREADABLE_BAND), size
            ),
            "bands": bands,
            "weekly_introductions": extended(
                members.weekly_introductions, weekly | dict.fromkeys(dead, 0.0), size
            ),
            "active": extended(
                members.active,
                {row: self._active(row) for row in rows} | dict.fromkeys(dead, 0.0),
                size,
            ),
        }

    def _known(self, row: int) -> bool:
        return row < self.since.member_rows.base

    def _groups(self, row: int) -> tuple[Row, Row, Row]:
        """Return the groups a member is in, by weight, by how lately joined and by habit."""
        base = self.base
        found: dict[int, tuple[float, float, float]] = {}
        if self._known(row):
            groups, weights = base.members.groups.of_row(row)
            lately, habits = (
                links.of_row(row)[1] for links in (base.behaviour.joined, base.behaviour.habits)
            )
            values = zip(weights.tolist(), lately.tolist(), habits.tolist(), strict=True)
            found = dict(zip(groups.tolist(), values, strict=True))
        for group, fact in self.since.inside.get(row, {}).items():
            if fact.here:
                found.setdefault(group, (FRESH_MEMBERSHIP, 1.0, 1.0))
            else:
                found.pop(group, None)
        alive = sorted(group for group in found if group not in self.since.group_rows.gone)
        rows = np.array(alive, np.int64)
        columns = np.array([found[group] for group in alive], np.float32).reshape(-1, 3)
        first, second, third = (np.ascontiguousarray(columns[:, place]) for place in range(3))
        return (rows, first), (rows, second), (rows, third)

    def _left(self, row: int) -> Row:
        before = set(self.base.members.left.of_row(row)[0].tolist()) if self._known(row) else set()
        for group, fact in self.since.inside.get(row, {}).items():
            (before.add if fact.left and not fact.here else before.discard)(group)
        return even(before)

    def _visits(self, row: int) -> Row:
        known = self.base.behaviour.visits.of_row(row) if self._known(row) else even(())
        counts = Counter(dict(zip(known[0].tolist(), np.expm1(known[1]).tolist(), strict=True)))
        for post in self._posts(row):
            for group in post.groups:
                found = self.since.group_rows.find(group)
                if found is not None:
                    counts[found] += 1
        ever = {*self.since.inside.get(row, {}), *self.since.base_groups(row), *self._left(row)[0]}
        rows = sorted(set(counts) - ever - self.since.group_rows.gone)
        return np.array(rows, np.int64), np.log1p([counts[one] for one in rows]).astype(np.float32)

    def _blocks(self, row: int) -> Row:
        before = (
            set(self.base.members.blocks.of_row(row)[0].tolist()) if self._known(row) else set()
        )
        for other, here in self.since.apart.get(row, {}).items():
            (before.add if here else before.discard)(other)
        return even(before - self.since.member_rows.gone)

    def _muted(self, row: int) -> tuple[Row, Row]:
        """Return the groups and the terms somebody has muted.

        A topic mutes groups of which it is a term, and those whose name holds it.
        """
        fact = self.since.members.get(row)
        if fact is None:
            return even(()), even(())
        found = {self.since.group_rows.find(group) for group in fact.muted_groups}
        if not fact.muted_topics:
            return even(group for group in found if group is not None), even(())
        topics = {" ".join(analyze(topic)[-1:]) or topic.lower() for topic in fact.muted_topics}
        terms = {self.terms[topic] for topic in topics if topic in self.terms}
        for group, name in self.since.group_names().items():
            if topics & set(analyze(name)):
                found.add(group)
        return even(group for group in found if group is not None), even(terms)

    def _posts(self, row: int) -> list[PostFact]:
        """Return the public posts since the bundle that somebody took part in, newest first."""
        posts = (self.since.posts[post] for post in self.since.posts_of.get(row, ()))
        seen = [post for post in posts if post.here and post.public]
        return sorted(seen, key=lambda post: (-(post.written_at or 0), post.id))[:NEWEST]

    def _active(self, row: int) -> float:
        base = float(self.base.members.active[row]) if self._known(row) else 0.0
        days = Counter(int((post.written_at or 0) // DAY_S) for post in self._posts(row))
        return base + sum(min(count, A_DAY) for count in days.values())

    def _terms(self, row: int) -> tuple[Row, Rows]:
        """Return the terms somebody uses, and the post that shows each."""
        since, found = self.since, self._terms_before(row)
        for post in reversed(self._posts(row)):
            weight = OWN_WORDS if self._wrote(row, post) else TOOK_PART
            place = since.place_of(post.id)
            for term in self._known_terms(post.text):
                if weight >= found.get(term, (0.0, 0))[0]:
                    found[term] = (weight, place)
        if row in since.members:
            for term in self._known_terms(since.members[row].text):
                found[term] = (OWN_WORDS, -1)
        return terms_of(found)

    def _terms_before(self, row: int) -> dict[int, tuple[float, int]]:
        """Return the weight and the post of each term of the bundle that still holds."""
        if not self._known(row):
            return {}
        gone = self.since.changed_evidence | ({-1} if row in self.since.members else set())
        return terms_left(self.base.members.terms, self.base.members.term_posts, row, gone)

    def _wrote(self, row: int, post: PostFact) -> bool:
        return any(self.since.member_rows.find(author) == row for author in post.authors)

    def _known_terms(self, text: str) -> set[int]:
        return {self.terms[term] for term in analyze(text) if term in self.terms}

    def _profile(self, row: int) -> Profile:
        """Return somebody's interests: those of the bundle weigh what they were made of."""
        parts: list[Profile] = []
        if self._known(row):
            vectors, shares = self.base.members.interests.of_row(row)
            parts.append(
                (vectors, shares * (PROFILE_WEIGHT + float(self.base.members.active[row])))
            )
        fact = self.since.members.get(row)
        own = self.since.vectors.get((Written.MEMBER, fact.id)) if fact else None
        if own is not None:
            parts.append(weighed(own, PROFILE_WEIGHT))
        for post in self._posts(row):
            said = self.since.vectors.get((Written.POST, post.id))
            if said is not None:
                parts.append(weighed(said, WROTE if self._wrote(row, post) else SHARED))
        if not sum(len(weights) for _, weights in parts):
            return self._no_interests()
        vectors = np.concatenate([part for part, _ in parts])
        weights = np.concatenate([part for _, part in parts])
        found = find_interests(vectors.astype(np.float32), weights)
        return found.vectors, found.weights


def _bands(bands: Strings, facts: Iterable[MemberFact]) -> tuple[Strings, dict[str, int]]:
    """Return the audience bands, new ones last, and the position of each."""
    names = bands.tolist()
    told = {fact.audience for fact in facts if fact.audience is not None}
    names += sorted(told - set(names))
    return Strings.of(names), {name: place for place, name in enumerate(names)}


def _among_people(links: Links, rows: Mapping[int, Row], gone: Rows, size: int) -> Links:
    """Return links between members with some rows replaced and nothing of those who are gone."""
    dead = {row: even(()) for row in gone.tolist()}
    found = links.with_rows({**rows, **dead}, size)
    return found.without_targets(gone) if len(gone) else found
