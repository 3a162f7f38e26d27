"""What is known since a bundle was made, by row, and which rows each new fact touches."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from engine.columns import Strings
from engine.facts import (
    OF_MEMBER,
    BlockFact,
    Facts,
    GroupFact,
    MemberFact,
    MembershipFact,
    PostFact,
    VectorFact,
    Written,
)
from engine.holds import HoldsSince
from engine.ids import IdMap, digest_of
from engine.introduced import IntroducedSince
from engine.live_names import Names
from engine.snapshot import Snapshot
from engine.types import Rows as RowArray


@dataclass(slots=True)
class Touched:
    """Rows whose columns are no longer what they were, and ids of those whose holds are not.

    `introduced` are ids of those whose introductions are not, `posts` of posts that are not.
    """

    members: set[int] = field(default_factory=set)
    groups: set[int] = field(default_factory=set)
    gone_members: set[int] = field(default_factory=set)
    gone_groups: set[int] = field(default_factory=set)
    evidence: dict[int, str] = field(default_factory=dict)  # posts by their position
    holders: set[str] = field(default_factory=set)
    introduced: set[str] = field(default_factory=set)
    posts: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        """Return whether there is any row."""
        rows = (self.members, self.groups, self.gone_members, self.gone_groups, self.evidence)
        return any(rows) or bool(self.posts)


class Rows:
    """Ids -> rows: a bundle's, then one more for each newcomer. A row is never used again."""

    def __init__(self, known: IdMap) -> None:
        self._known = known  # of the bundle: never changed
        self._since: dict[str, int | None] = {}
        self.base = self.size = len(known.ids)
        self.added: dict[int, str] = {}
        self.gone: set[int] = set()

    def find(self, external: str) -> int | None:
        """Return the row of an id, None if there is nothing by that id now."""
        if external in self._since:
            return self._since[external]
        return self._known.find(external)

    def claim(self, external: str) -> int:
        """Return the row of an id, a new one if it has none."""
        row = self.find(external)
        if row is None:
            row = self._since[external] = self.size
            self.added[row] = external
            self.size += 1
        return row

    def drop(self, external: str) -> int | None:
        """Take an id away and return the row it had, if any."""
        row = self.find(external)
        if row is not None:
            if self._known.find(external) is None:
                del self._since[external]  # whoever came since leaves no id behind
            else:
                self._since[external] = None
            self.gone.add(row)
            self.added.pop(row, None)
        return row

    def snapshot(self, ids: Strings) -> IdMap:
        """Return what is there now, for readers, given the column of all ids."""
        return self._known.since(ids, self._since)

    def ids(self) -> list[str]:
        """Return the ids there are now."""
        known = (one for one in self._known.externals() if one not in self._since)
        return [*known, *(one for one, row in self._since.items() if row is not None)]


class Since:
    """The newest fact about each thing, by row. One writer; never read while it is written."""

    def __init__(self, base: Snapshot, members: IdMap, groups: IdMap, secret: bytes = b"") -> None:
        self.base = base
        self.secret = secret
        self.member_rows = Rows(members)
        self.group_rows = Rows(groups)
        self.evidence = {external: place for place, external in enumerate(base.post_ids.tolist())}
        self.living = {external: row for row, external in enumerate(base.posts.ids.tolist())}
        self.new_evidence: dict[int, str] = {}
        self.members: dict[int, MemberFact] = {}
        self.groups: dict[int, GroupFact] = {}
        self.inside: defaultdict[int, dict[int, MembershipFact]] = defaultdict(dict)
        self.crowd: defaultdict[int, dict[int, MembershipFact]] = defaultdict(dict)
        self.apart: defaultdict[int, dict[int, bool]] = defaultdict(dict)
        self.posts: dict[str, PostFact] = {}
        self.posts_of: defaultdict[int, set[str]] = defaultdict(set)
        self.posts_in: defaultdict[int, set[str]] = defaultdict(set)
        self.vectors: dict[tuple[Written, str], VectorFact] = {}
        self.changed_evidence: set[int] = set()
        self.languages = Names(base.behaviour.language_names)
        self.homes = Names(base.behaviour.home_names)
        self.holds = HoldsSince()
        self.introduced = IntroducedSince()
        self._names: dict[int, str] | None = None

    def learn(self, facts: Facts) -> Touched:
        """Take in facts and return what they touch. What refers to nobody known says nothing.

        With a member, a group or a post come the vectors of its present text, if there are any:
        those of before go.
        """
        touched = Touched()
        self._forget(facts.erased, touched)
        for member in facts.members:
            self._member(member, touched)
        for group in facts.groups:
            self._group(group, touched)
        for membership in facts.memberships:
            self._membership(membership, touched)
        for block in facts.blocks:
            self._block(block, touched)
        for post in facts.posts:
            self._post(post, touched)
        for vector in facts.vectors:
            self._vector(vector, touched)
        touched.holders |= self.holds.learn(facts.set_aside, facts.hidden)
        touched.introduced |= self.introduced.learn(facts.introduced)
        # Worked out anew, a row of somebody who is gone would be what it was in the bundle.
        touched.members -= self.member_rows.gone
        touched.groups -= self.group_rows.gone
        return touched

    def place_of(self, post: str) -> int:
        """Return the position of a post among those that serve as evidence, a new one if needed."""
        place = self.evidence.get(post)
        if place is None:
            place = self.evidence[post] = len(self.base.post_ids) + len(self.new_evidence)
            self.new_evidence[place] = post
        return place

    def _forget(self, digests: tuple[str, ...], touched: Touched) -> None:
        """Drop whomever a tombstone means: it does not say, so every id is compared."""
        meant = set(digests)
        if not meant:
            return
        for external in self.member_rows.ids():
            if digest_of(self.secret, external) in meant:
                self._drop_member(external, touched)
        for external in dict.fromkeys([*self.evidence, *self.living, *self.posts]):
            if digest_of(self.secret, external, Written.POST) in meant:
                self._post(PostFact(external, here=False), touched)
                self.posts.pop(external, None)
                self.living.pop(external, None)

    def _member(self, fact: MemberFact, touched: Touched) -> None:
        if not fact.here:
            self._drop_member(fact.id, touched)
            return
        row = self.member_rows.claim(fact.id)
        for kind in OF_MEMBER:
            self.vectors.pop((kind, fact.id), None)
        self.members[row] = fact
        touched.members.add(row)
        touched.holders |= self.holds.about(Written.MEMBER, fact.id)
        touched.introduced |= self.introduced.about(fact.id)

    def _drop_member(self, external: str, touched: Touched) -> None:
        row = self.member_rows.drop(external)
        self.holds.forget(external)
        touched.introduced |= self.introduced.forget(external)
        if row is None:
            return
        touched.gone_members.add(row)
        touched.groups.update(self.base_groups(row), self.inside.pop(row, {}))
        for there in self.crowd.values():
            there.pop(row, None)
        for other in self.apart.pop(row, {}):
            self.apart[other].pop(row, None)
        for post in self.posts_of.pop(row, set()):
            # What they alone wrote comes as a fact of its own; what they took part in goes on.
            touched.groups.update(self._rows_of_groups(self.posts.get(post)))
        self.members.pop(row, None)
        for kind in OF_MEMBER:
            self.vectors.pop((kind, external), None)

    def _group(self, fact: GroupFact, touched: Touched) -> None:
        if fact.here:
            row = self.group_rows.claim(fact.id)
            self.vectors.pop((Written.GROUP, fact.id), None)
            self.groups[row] = fact
            touched.groups.add(row)
            touched.holders |= self.holds.about(Written.GROUP, fact.id)
            # It may be about a topic that somebody has muted.
            touched.members.update(
                member for member, told in self.members.items() if told.muted_topics
            )
            return
        gone = self.group_rows.drop(fact.id)
        if gone is None:
            return
        touched.gone_groups.add(gone)
        touched.members.update(self.base_crowd(gone), self.crowd.pop(gone, {}))
        for there in self.inside.values():
            there.pop(gone, None)
        self.groups.pop(gone, None)
        self.vectors.pop((Written.GROUP, fact.id), None)

    def _membership(self, fact: MembershipFact, touched: Touched) -> None:
        member, group = self.member_rows.find(fact.member), self.group_rows.find(fact.group)
        if member is None or group is None:
            return
        self.inside[member][group] = self.crowd[group][member] = fact
        touched.members.add(member)
        touched.groups.add(group)

    def _block(self, fact: BlockFact, touched: Touched) -> None:
        one, other = self.member_rows.find(fact.member), self.member_rows.find(fact.other)
        if one is None or other is None:
            return
        self.apart[one][other] = self.apart[other][one] = fact.here
        touched.members.update((one, other))

    def _post(self, fact: PostFact, touched: Touched) -> None:
        before = self.posts.get(fact.id)
        place = self.evidence.get(fact.id)
        if place is not None:
            self.changed_evidence.add(place)
            touched.evidence[place] = fact.id
            touched.members.update(self.told_by(place))
            touched.groups.update(self.groups_told_by(place))
        for known, there in ((before, False), (fact, True)):
            for row in self._rows_of_people(known):
                (self.posts_of[row].add if there else self.posts_of[row].discard)(fact.id)
                touched.members.add(row)
            for row in self._rows_of_groups(known):
                (self.posts_in[row].add if there else self.posts_in[row].discard)(fact.id)
                touched.groups.add(row)
        self.posts[fact.id] = fact
        self.vectors.pop((Written.POST, fact.id), None)
        touched.posts.add(fact.id)

    def _vector(self, fact: VectorFact, touched: Touched) -> None:
        self.vectors[fact.kind, fact.id] = fact
        if fact.kind is Written.POST:
            touched.posts.add(fact.id)
            touched.members.update(self._rows_of_people(self.posts.get(fact.id)))
            touched.groups.update(self._rows_of_groups(self.posts.get(fact.id)))
            return
        rows, found = (
            (self.group_rows, touched.groups)
            if fact.kind is Written.GROUP
            else (self.member_rows, touched.members)
        )
        row = rows.find(fact.id)
        if row is not None:
            found.add(row)

    def authors_of(self, post: str) -> list[int]:
        """Return who wrote a public post, by row, as far as that is known."""
        now = self.posts.get(post)
        if now is not None:
            found = (self.member_rows.find(one) for one in now.authors if now.here and now.public)
            return [row for row in found if row is not None]
        living = self.living.get(post)
        if living is None:
            return []
        authors: list[int] = self.base.posts.authors.of_row(living)[0].tolist()
        return [row for row in authors if row not in self.member_rows.gone]

    def group_names(self) -> dict[int, str]:
        """Return what each group is called, by row."""
        if self._names is None:
            self._names = dict(enumerate(self.base.groups.names.tolist()))
        return self._names | {row: fact.name for row, fact in self.groups.items()}

    def base_groups(self, member: int) -> list[int]:
        """Return the groups a member was in when the bundle was made."""
        known = member < self.member_rows.base
        found: list[int] = self.base.members.groups.of_row(member)[0].tolist() if known else []
        return found

    def base_crowd(self, group: int) -> list[int]:
        """Return who was in a group when the bundle was made."""
        known = group < self.group_rows.base
        found: list[int] = self.base.groups.members.of_row(group)[0].tolist() if known else []
        return found

    def told_by(self, place: int) -> set[int]:
        """Return the members of whom a post of the bundle is evidence."""
        return _owners(self.base.members.terms.offsets, self.base.members.term_posts, place)

    def groups_told_by(self, place: int) -> set[int]:
        """Return the groups of which a post of the bundle is evidence."""
        return _owners(self.base.groups.terms.offsets, self.base.groups.term_posts, place)

    def _rows_of_people(self, post: PostFact | None) -> list[int]:
        if post is None:
            return []
        found = (self.member_rows.find(one) for one in (*post.authors, *post.took_part))
        return [row for row in found if row is not None]

    def _rows_of_groups(self, post: PostFact | None) -> list[int]:
        if post is None:
            return []
        found = (self.group_rows.find(one) for one in post.groups)
        return [row for row in found if row is not None]


def _owners(offsets: RowArray, posts: RowArray, place: int) -> set[int]:
    flat = np.flatnonzero(posts == place)
    return set((np.searchsorted(offsets, flat, side="right") - 1).tolist())
