"""Groups that should exist, as a host may see them now: who would found each, and why.

Training finds sets of people (`DiscoveryColumns`); whether one is shown, and to whom it is
pointed, is decided here each time it is asked for. A founder agrees to be found and to be
introduced, is of the same audience band as the others, is hidden by no reports, and has blocked
none of them nor been blocked. With fewer than `FEWEST_FOUNDERS` of them left, or once a public
group serves them, a discovery is not shown. Names, words and counts come from what anybody may see
of the founders that are shown, and from nobody else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import partial

import numpy as np

from engine.columns import contains
from engine.explanations import Reason
from engine.group_gaps import NearGroup, near_groups
from engine.holds import NOTHING_HELD, Holds
from engine.shared_terms import CLOSE, MAX_TERMS, NO_POST, Used, post_ids, quoted, used_by
from engine.snapshot import FEWEST_FOUNDERS, MOST_FOUNDERS, MemberColumns, Snapshot
from engine.types import BoolVector, Matrix, Rows, Vector
from engine.visibility import ANYBODY, Sight

SERVED = 0.5
"""F1 of a set's people and a group's from which the group is theirs already."""

INSIDE = 0.75
"""Share of them who are in a group that is about the same, from which it serves them."""

NEAR = 0.6
"""Cosine of what a set shares and a group's nearest prototype from which both are of one thing."""

NARROW = 5
"""Members for each of them up to which such a group is as narrow as they wish."""

NAMED = 2
"""Founders who must use a term themselves, in posts of their own, before it stands in a name."""

WORDS = 4
"""Terms in a description at most."""

TOGETHER = 0.5
"""Share of those who use the rarer of two terms who must use both for a name of both."""


MANY = 1 / 3
"""As many must use the second term of a name, beside those who use the first."""

SPELT_ALIKE = 0.7
"""Share of letters in common from which two words are spellings of one: triple and tripel."""


@dataclass(frozen=True, slots=True)
class Founder:
    """Somebody who might found a group: their id, what to call them, and why."""

    id: str
    name: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Discovery:
    """A group that should exist.

    Attributes:
        name: What it might be called, in its founders' words.
        description: What they have in common, and how many of them.
        terms: The words it is made of, most typical first.
        founders: At least `FEWEST_FOUNDERS`, the most central first.
        nearest: Public groups that come nearest, and why each does not serve.
        score: How much it looks like a group; comparable within one answer only.
    """

    name: str
    description: str
    terms: tuple[str, ...]
    founders: tuple[Founder, ...]
    nearest: tuple[NearGroup, ...]
    score: float


def willing(members: MemberColumns) -> BoolVector:
    """Return who agrees to be found and introduced, and whose audience band is known: (members,).

    A quota that cannot be read is none.
    """
    asked = members.discoverable & members.open_to_introductions & (members.audience >= 0)
    return asked & np.greater(members.weekly_introductions, 0)


def served_by(snapshot: Snapshot, founders: Rows, centre: Vector) -> int | None:
    """Return the public group that serves people already, None if none does.

    Either its people are nearly the same (F1 of at least `SERVED`), or most of them (`INSIDE`)
    are in it, it is about the same thing (`NEAR`), and it is not much larger than they are many
    (`NARROW`).

    Args:
        snapshot: The community.
        founders: The people, rows.
        centre: What they share: a unit vector of shape (d,).
    """
    groups = snapshot.groups
    _, there, _ = snapshot.members.groups.of_rows(founders)
    if not len(there):
        return None
    rows, counts = np.unique(there[groups.public[there]], return_counts=True)
    alike = 2 * counts / (len(founders) + groups.size[rows]) >= SERVED
    narrow = groups.size[rows] <= NARROW * len(founders)
    inside = (counts >= INSIDE * len(founders)) & narrow
    if (~alike & inside).any():
        near = groups.prototypes.best_match(centre[None, :], rows)[:, 0] >= NEAR
        alike |= inside & near
    found = rows[alike]
    return int(found[0]) if len(found) else None


def discoveries_now(snapshot: Snapshot, k: int, holds: Holds = NOTHING_HELD) -> list[Discovery]:
    """Return at most k discoveries that may be shown to a host now, best first.

    Args:
        snapshot: The community.
        k: How many at most.
        holds: Who is hidden because of reports.
    """
    teller = _Teller(snapshot, Sight(snapshot, holds.hidden))
    found: list[Discovery] = []
    for row in range(len(snapshot.discoveries.founders)):
        if len(found) == k:
            break
        told = teller.tell(row)
        if told is not None:
            found.append(told)
    return found


def founders_now(snapshot: Snapshot, sight: Sight, row: int) -> Rows:
    """Return who would found a discovery now, the most central first.

    Of two who have blocked one another the less central one is left out.
    """
    members = snapshot.members
    rows, central = snapshot.discoveries.founders.of_row(row)
    order = rows[np.lexsort((rows, -central))]
    order = order[willing(members)[order]] if len(order) else order
    order = order[sight.members(ANYBODY, order)]
    if not len(order):
        return order
    bands = members.audience[order]
    most = Counter(bands.tolist()).most_common(1)[0][0]
    chosen: list[int] = []
    for person in order[bands == most].tolist():
        apart = members.blocks.of_row(person)[0]
        if not contains(apart, np.array(chosen, np.int64)).any():
            chosen.append(person)
    return np.array(chosen[:MOST_FOUNDERS], np.int64)


@dataclass(frozen=True, slots=True)
class _Said:
    """What the founders of one discovery say in public.

    Attributes:
        people: Their rows, the most central first.
        used: What each of them says themselves, as far as anybody may see it.
        terms: Terms that name the discovery, most typical first.
    """

    people: tuple[int, ...]
    used: Mapping[int, Used]
    terms: tuple[int, ...]

    def users(self, term: int) -> set[int]:
        """Return who uses a term."""
        return {one for one, used in self.used.items() if term in used.terms}

    def voices(self, term: int) -> int:
        """Return in how many posts and profiles a term is used: authors of one post are one."""
        shown = {one: int(self.used[one].at([term]).posts[0]) for one in self.users(term)}
        return len({(post, one if post == NO_POST else -1) for one, post in shown.items()})

    def by(self, person: int) -> list[int]:
        """Return which of the terms a founder uses."""
        return [term for term in self.terms if person in self.users(term)]


@dataclass(frozen=True, slots=True)
class _Teller:
    """Puts what was found into words."""

    snapshot: Snapshot
    sight: Sight

    def tell(self, row: int) -> Discovery | None:
        """Return a discovery, None if it may not be shown now."""
        columns = self.snapshot.discoveries
        centre = columns.centres.of_row(row)[0]
        founders = founders_now(self.snapshot, self.sight, row)
        if len(founders) < FEWEST_FOUNDERS or not len(centre):
            return None
        said = self._said(row, founders)
        if not said.terms or served_by(self.snapshot, founders, centre[0]) is not None:
            return None
        return Discovery(
            name=self._name(said),
            description=self._description(said),
            terms=tuple(self.snapshot.vocabulary[term] for term in said.terms),
            founders=tuple(self._founder(person, said, centre) for person in said.people),
            nearest=tuple(near_groups(self.snapshot, founders, centre)),
            score=float(columns.scores[row]),
        )

    def _said(self, row: int, founders: Rows) -> _Said:
        """Return what founders say; of words within one another the one that tells more."""
        used = {person: self._used(person) for person in founders.tolist()}
        all_, typical = self.snapshot.discoveries.terms.of_row(row)
        said = _Said(tuple(used), used, tuple(all_[np.lexsort((all_, -typical))].tolist()))
        chosen: list[int] = []
        for term in (term for term in said.terms if said.voices(term) >= NAMED):
            rival = next((one for one in chosen if self._overlap(one, term)), None)
            if rival is None:
                chosen.append(term)
            elif self._is_phrase_of(term, rival) and 2 * said.voices(term) >= said.voices(rival):
                apart = [one for one in chosen if one == rival or not self._overlap(one, term)]
                chosen = [term if one == rival else one for one in apart]
        return replace(said, terms=tuple(chosen[:WORDS]))

    def _used(self, person: int) -> Used:
        members = self.snapshot.members
        used = used_by(members.terms, members.term_posts, person)
        seen = used.seen_by(partial(self.sight.evidence, ANYBODY))
        return seen.at(seen.terms[seen.own].tolist())

    def _overlap(self, one: int, other: int) -> bool:
        """Return whether two terms share a word, endings and spellings aside."""
        words = [self.snapshot.vocabulary[term].split() for term in (one, other)]
        return any(
            first[:5] == second[:5] or SequenceMatcher(None, first, second).ratio() >= SPELT_ALIKE
            for first in words[0]
            for second in words[1]
        )

    def _is_phrase_of(self, phrase: int, word: int) -> bool:
        vocabulary = self.snapshot.vocabulary
        return " " in vocabulary[phrase] and " " not in vocabulary[word]

    def _name(self, said: _Said) -> str:
        """Return the first term, with the next one that many of the same people use."""
        first, vocabulary = said.terms[0], self.snapshot.vocabulary
        users = said.users(first)
        for other in said.terms[1:]:
            theirs = said.users(other)
            both, many = len(users & theirs), len(theirs) >= MANY * len(users)
            if many and both >= max(NAMED, TOGETHER * min(len(users), len(theirs))):
                return _title(f"{vocabulary[first]} and {vocabulary[other]}")
        if len(said.terms) > 1 and 2 * len(users) < len(said.people):
            return _title(f"{vocabulary[first]}, {vocabulary[said.terms[1]]}")
        return _title(vocabulary[first])

    def _description(self, said: _Said) -> str:
        """Return how many say what."""
        words = [(len(said.users(term)), self.snapshot.vocabulary[term]) for term in said.terms]
        parts = [f"{count} about “{word}”" for count, word in words]
        parts[0] = parts[0].replace(" about", " talk about", 1)
        listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
        return f"{len(said.people)} people whose interests meet: {listed}."

    def _founder(self, person: int, said: _Said, centre: Matrix) -> Founder:
        one = self.snapshot.members.ids[person]
        name = self.snapshot.members.names[person] or one
        return Founder(one, name, (self._why(person, said, centre),))

    def _why(self, person: int, said: _Said, centre: Matrix) -> Reason:
        used, mine = said.used[person], said.by(person)[:MAX_TERMS]
        if mine:
            return self._says(person, used.at(mine), "shared_interest", "They talk about {}.")
        cosines = self.snapshot.term_vectors[used.terms] @ centre[0]
        if len(cosines) and cosines.max() >= CLOSE:
            near = used.at([int(used.terms[int(np.argmax(cosines))])])
            return self._says(person, near, "close_interest", "They talk about {}, which is near.")
        own = (self.snapshot.members.ids[person],)
        return Reason("close_interest", "What they say in public is near to it.", own)

    def _says(self, person: int, used: Used, kind: str, text: str) -> Reason:
        evidence = post_ids(self.snapshot, used.posts.tolist())
        words = quoted(self.snapshot, used.terms.tolist())
        return Reason(kind, text.format(words), evidence or (self.snapshot.members.ids[person],))


def _title(words: str) -> str:
    return words[:1].upper() + words[1:]
