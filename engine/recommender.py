"""A bundle -> answers: who is suggested, in what order, and why."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property, partial

import numpy as np

from engine.answering import Answers
from engine.answers import GONE, Answer, Judged, answer_of
from engine.bundle import Bundle
from engine.capacity import WithinRoom, shortage, within_capacity
from engine.explanations import MemberReasons, Reason
from engine.facts import Written
from engine.group_reasons import GroupReasons
from engine.groups import group_recommender
from engine.holds import NOTHING_HELD, Holds
from engine.ids import IdMap
from engine.introduced import Introduced
from engine.introductions import introduction_recommender
from engine.invitations import InvitationReasons, invitation_recommender, query_of_group
from engine.newcomers import interests_of_all
from engine.pipeline import Pipeline
from engine.preferences import Preferences
from engine.query import Query, query_of_member, query_of_text
from engine.selection import Balanced
from engine.snapshot import UNREADABLE_BAND
from engine.terms import analyze
from engine.types import Matrix, Rows
from engine.visibility import Sight
from engine.wanted import (
    ANYTHING,
    Wanted,
    groups_wanted,
    in_order,
    members_wanted,
    narrowed_groups,
    narrowed_members,
    ranking,
)


class Recommender:
    """Answers from one bundle. Immutable, and safe to call from several threads."""

    def __init__(
        self,
        bundle: Bundle,
        members: IdMap | None = None,
        terms: Mapping[str, int] | None = None,
        groups: IdMap | None = None,
        holds: Holds = NOTHING_HELD,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.bundle = bundle
        self.arm = ""  # of the experiments it answers for: see `preferring`
        self._clock = clock
        self._holds = holds
        snapshot = bundle.snapshot
        self.members = members or IdMap(snapshot.members.ids, "member")
        self.groups = groups or IdMap(snapshot.groups.ids, "group")
        if terms is None:
            terms = {term: row for row, term in enumerate(snapshot.vocabulary.tolist())}
        self.terms = terms
        self._bands = {band: row for row, band in enumerate(snapshot.members.bands.tolist())}
        self._groups = group_recommender(snapshot, bundle.groups, bundle.ranker, holds)
        people = introduction_recommender(snapshot, bundle.members, holds, bundle.introductions)
        self._introductions = within_capacity(people, snapshot.members, holds.introduced)
        self._group_reasons = GroupReasons(snapshot, holds.hidden)
        self._member_reasons = MemberReasons(snapshot, holds.hidden)

    @property
    def introductions(self) -> Pipeline:
        """The stages that introductions go through; a round keeps to the same policies."""
        return self._introductions

    def groups_for(self, member: str, k: int, wanted: Wanted = ANYTHING) -> Answer:
        """Return at most k groups for a member by id.

        Raises:
            UnknownError: No member has that id.
        """
        return self._suggest_groups(self._query(member), k, wanted)

    def members_for(self, member: str, k: int, wanted: Wanted = ANYTHING) -> Answer:
        """Return at most k people for a member, by id, to meet.

        Raises:
            UnknownError: No member has that id.
        """
        return self._suggest_members(self._query(member), k, wanted)

    def ranked_groups(
        self, member: str, candidates: Sequence[str], wanted: Wanted = ANYTHING
    ) -> Answer:
        """Return those of the candidates that may be shown to a member, best first.

        Raises:
            UnknownError: No member has that id. What no group has is passed over.
        """
        query, rows = self._query(member), _rows(self.groups, candidates)
        pipeline = ranking(self._wanted_groups(wanted), rows)
        return self._told_groups(pipeline, query, len(rows))

    def ranked_members(
        self, member: str, candidates: Sequence[str], wanted: Wanted = ANYTHING
    ) -> Answer:
        """Return those of the candidates who may be introduced to a member, best first.

        Raises:
            UnknownError: No member has that id. What no candidate has is passed over.
        """
        query, rows = self._query(member), _rows(self.members, candidates)
        pipeline = ranking(self._wanted_members(wanted, query.audience), rows)
        return self._told_members(pipeline, query, len(rows), shares=False)

    def ids_for(self, kind: Written, member: str, k: int, wanted: Wanted = ANYTHING) -> list[str]:
        """Return the ids of at most k groups or people for a member, best first, unexplained.

        Nothing is explored in it: it is settled, to be shown page by page.

        Raises:
            UnknownError: No member has that id.
        """
        query, snapshot = replace(self._query(member), draw=1.0), self.bundle.snapshot
        groups = kind is Written.GROUP
        ids = snapshot.groups.ids if groups else snapshot.members.ids
        pipeline = self._assembled(kind, wanted, query)
        slate = (pipeline if groups else self._in_room(pipeline)).recommend(query, k)
        return [ids[row] for row in slate.rows.tolist()]

    def shown_of(self, kind: Written, member: str, ids: Sequence[str], k: int) -> Answer:
        """Return the first k of these groups or people that may be shown to a member now.

        Args:
            kind: Which of the two they are.
            member: To whom.
            ids: In the order in which they are shown; what has none of them is passed over.
            k: How many.

        Raises:
            UnknownError: No member has that id.
        """
        query, known = self._query(member), self.groups if kind is Written.GROUP else self.members
        found = (known.find(one) for one in dict.fromkeys(ids))
        rows = np.array([row for row in found if row is not None], np.int64)
        pipeline = in_order(self._assembled(kind, ANYTHING, query), rows)
        tell = self._told_groups if kind is Written.GROUP else self._told_members
        return tell(pipeline, query, k)

    def members_to_invite(self, group: str, k: int) -> Answer:
        """Return at most k people whom a host might invite into a group, best first.

        Raises:
            UnknownError: No group has that id.
        """
        row, snapshot = self.groups.row(group), self.bundle.snapshot
        query = query_of_group(snapshot, row, self._clock())
        pipeline = invitation_recommender(
            snapshot, self.bundle.members, row, self._holds, self.bundle.introductions
        )
        explain = partial(InvitationReasons(snapshot, row, self._holds.hidden).explain, query)
        members = snapshot.members
        return answer_of(pipeline.recommend(query, k), members.ids, members.names, explain)

    def groups_for_text(self, text: str, k: int, wanted: Wanted = ANYTHING) -> Answer:
        """Return at most k groups for someone new, known by what they say."""
        return self._suggest_groups(self._query_of_text(text, None), k, wanted)

    def members_for_text(
        self, text: str, k: int, audience: str | None = None, wanted: Wanted = ANYTHING
    ) -> Answer:
        """Return at most k people for someone new to meet.

        Args:
            text: What they say.
            k: People wanted at most.
            audience: Their audience band. Where the community has bands and none is given, or
                one it does not have, nobody is suggested.
            wanted: What the people must be like.
        """
        return self._suggest_members(self._query_of_text(text, audience), k, wanted)

    @property
    def holds(self) -> Holds:
        """What is set aside, hidden and introduced now."""
        return self._holds

    @cached_property
    def answers(self) -> Answers:
        """Who answered which public post; worked out when it is asked for the first time."""
        return Answers.of(self.bundle.snapshot, Sight(self.bundle.snapshot, self._holds.hidden))

    def asked_at(self) -> float:
        """Return the moment it is, unix seconds."""
        return self._clock()

    @property
    def preferences(self) -> Preferences:
        """What groups are chosen by."""
        return self._balanced.preferences

    @property
    def _balanced(self) -> Balanced:
        selector = self._groups.selector
        assert isinstance(selector, Balanced)
        return selector

    def preferring(self, preferences: Preferences, arm: str) -> Recommender:
        """Return the same recommender, which chooses groups as an arm of an experiment does."""
        other = copy(self)
        other.arm = arm
        if preferences != self.preferences:
            selector = replace(self._balanced, preferences=preferences)
            other._groups = replace(self._groups, selector=selector, odds=selector)
        return other

    def counting(self, introduced: Introduced, watermark: int) -> Recommender:
        """Return the same recommender, which knows of these introductions and of no others.

        It is as quick as it sounds: this changes whenever somebody looks at a slate.
        """
        other = copy(self)
        manifest = replace(self.bundle.manifest, watermark=watermark)
        other.bundle = replace(self.bundle, manifest=manifest)
        other._holds = replace(self._holds, introduced=introduced)
        members = self.bundle.snapshot.members
        other._introductions = within_capacity(self._introductions, members, introduced)
        return other

    def judged(self, kind: Written, member: str, ids: Iterable[str]) -> list[Judged]:
        """Return what today's policies say of items that were suggested before.

        Args:
            kind: Whether they are groups or members.
            member: To whom; '' for somebody who was known by a text alone, of whom nothing is
                known now, so nobody is introduced to them in a community with bands.
            ids: The items.

        Raises:
            UnknownError: No member has that id.
        """
        query = self._query(member) if member else self._query_of_text("", None)
        snapshot = self.bundle.snapshot
        if kind is Written.GROUP:
            pipeline, names, rows = self._groups, snapshot.groups.names, self.groups
            explain: Callable[[Query, int], list[Reason]] = self._group_reasons.explain
        else:
            pipeline, names, rows = self._introductions, snapshot.members.names, self.members
            explain = self._member_reasons.explain
        found = {one: rows.find(one) for one in ids}
        refused = pipeline.refusals(query, [row for row in found.values() if row is not None])
        return [
            Judged(one, refused_by=GONE if row is None else refused[row])
            if row is None or row in refused
            else Judged(one, names[row] or one, None, tuple(explain(query, row)))
            for one, row in found.items()
        ]

    def _query(self, member: str) -> Query:
        version, row = self.bundle.manifest.version, self.members.row(member)
        return query_of_member(self.bundle.snapshot, row, version, self._clock())

    def _query_of_text(self, text: str, audience: str | None) -> Query:
        found = interests_of_all([text], self._encode)[0]
        known = {self.terms[term] for term in analyze(text) if term in self.terms}
        terms = np.array(sorted(known), np.int64)
        query = query_of_text(found.vectors, found.weights, terms, self.band(audience))
        return replace(query, asked_at=self._clock())

    def _encode(self, parts: Sequence[str]) -> Matrix:
        encoder = self.bundle.encoder
        if not parts:
            return np.zeros((0, encoder.dimension), np.float32)
        return encoder.encode(parts)

    def band(self, audience: str | None) -> int:
        """Return the number of an audience band, `UNREADABLE_BAND` if there is none like it."""
        # In a community without bands everyone is of the band ''.
        return self._bands.get(audience or "", UNREADABLE_BAND)

    def _suggest_groups(self, query: Query, k: int, wanted: Wanted) -> Answer:
        return self._told_groups(self._wanted_groups(wanted), query, k)

    def _suggest_members(self, query: Query, k: int, wanted: Wanted) -> Answer:
        answer = self._told_members(self._wanted_members(wanted, query.audience), query, k)
        members = self.bundle.snapshot.members
        return replace(answer, short=shortage(members, query, answer.slate, k))

    def _in_room(self, pipeline: Pipeline, shares: bool = True) -> Pipeline:
        members = self.bundle.snapshot.members
        selector = WithinRoom(pipeline.selector, members, self._holds.introduced, shares)
        return replace(pipeline, selector=selector)

    def _assembled(self, kind: Written, wanted: Wanted, query: Query) -> Pipeline:
        if kind is Written.GROUP:
            return self._wanted_groups(wanted)
        return self._wanted_members(wanted, query.audience)

    def _wanted_groups(self, wanted: Wanted) -> Pipeline:
        if not wanted:
            return self._groups
        snapshot = self.bundle.snapshot
        return narrowed_groups(self._groups, snapshot, groups_wanted(snapshot, wanted, self.groups))

    def _wanted_members(self, wanted: Wanted, audience: int) -> Pipeline:
        if not wanted:
            return self._introductions
        snapshot = self.bundle.snapshot
        keep = members_wanted(snapshot, wanted, self.members)
        return narrowed_members(self._introductions, snapshot, keep, audience)

    def _told_groups(self, pipeline: Pipeline, query: Query, k: int) -> Answer:
        groups = self.bundle.snapshot.groups
        slate = pipeline.recommend(query, k)
        return answer_of(slate, groups.ids, groups.names, self._group_reasons.to(query).explain)

    def _told_members(
        self, pipeline: Pipeline, query: Query, k: int, shares: bool = True
    ) -> Answer:
        members = self.bundle.snapshot.members
        slate = self._in_room(pipeline, shares).recommend(query, k)
        told = self._member_reasons.to(query)
        return answer_of(slate, members.ids, members.names, told.explain, told.opening)


def _rows(ids: IdMap, externals: Sequence[str]) -> Rows:
    found = {row for external in externals if (row := ids.find(external)) is not None}
    return np.array(sorted(found), np.int64)
