"""A bundle -> answers: who is suggested, in what order, and why."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from engine.bundle import Bundle
from engine.columns import Strings
from engine.explanations import GroupReasons, MemberReasons, Reason
from engine.facts import Written
from engine.groups import group_recommender
from engine.holds import NOTHING_HELD, Holds
from engine.ids import IdMap
from engine.introductions import introduction_recommender
from engine.invitations import InvitationReasons, invitation_recommender, query_of_group
from engine.newcomers import interests_of_all
from engine.pipeline import Pipeline
from engine.pool import Slate, Trace
from engine.preferences import Preferences
from engine.query import Query, query_of_member, query_of_text
from engine.selection import Balanced
from engine.snapshot import UNREADABLE_BAND
from engine.terms import analyze
from engine.types import Matrix, Rows
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


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One item of a slate.

    Attributes:
        id: External id of the group or the member.
        name: What it is called; its id if it has no name.
        score: What ordered the pool; larger is better, comparable within one slate only.
        probability: That the viewer joins for good, None unless calibrated.
        reasons: Why, at least one.
    """

    id: str
    name: str
    score: float
    probability: float | None
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """Suggestions, best first, and what happened on the way; `slate` has them as columns."""

    items: tuple[Suggestion, ...]
    trace: Trace
    slate: Slate


@dataclass(frozen=True, slots=True)
class Judged:
    """What policies say now of an item that was suggested before.

    Attributes:
        id: Its external id.
        name: What it is called; '' if it is refused.
        refused_by: The policy that refuses it, `GONE` if there is no such thing any more; None
            if it may be shown.
        reasons: Why it would be suggested now; none if it is refused.
    """

    id: str
    name: str = ""
    refused_by: str | None = None
    reasons: tuple[Reason, ...] = ()


GONE = "gone"


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
        self._introductions = introduction_recommender(snapshot, bundle.members, holds)
        self._group_reasons = GroupReasons(snapshot)
        self._member_reasons = MemberReasons(snapshot)

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
        return self._told_members(pipeline, query, len(rows))

    def ids_for(self, kind: Written, member: str, k: int, wanted: Wanted = ANYTHING) -> list[str]:
        """Return the ids of at most k groups or people for a member, best first, unexplained.

        Nothing is explored in it: it is settled, to be shown page by page.

        Raises:
            UnknownError: No member has that id.
        """
        query, snapshot = replace(self._query(member), draw=1.0), self.bundle.snapshot
        groups = kind is Written.GROUP
        ids = snapshot.groups.ids if groups else snapshot.members.ids
        slate = self._assembled(kind, wanted, query).recommend(query, k)
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
        pipeline = invitation_recommender(snapshot, self.bundle.members, row, self._holds)
        explain = partial(InvitationReasons(snapshot, row).explain, query)
        members = snapshot.members
        return _answer(pipeline.recommend(query, k), members.ids, members.names, explain)

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
        return query_of_text(
            found.vectors, found.weights, np.array(sorted(known), np.int64), self._band(audience)
        )

    def _encode(self, parts: Sequence[str]) -> Matrix:
        encoder = self.bundle.encoder
        if not parts:
            return np.zeros((0, encoder.dimension), np.float32)
        return encoder.encode(parts)

    def _band(self, audience: str | None) -> int:
        # In a community without bands everyone is of the band ''.
        return self._bands.get(audience or "", UNREADABLE_BAND)

    def _suggest_groups(self, query: Query, k: int, wanted: Wanted) -> Answer:
        return self._told_groups(self._wanted_groups(wanted), query, k)

    def _suggest_members(self, query: Query, k: int, wanted: Wanted) -> Answer:
        return self._told_members(self._wanted_members(wanted, query.audience), query, k)

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
        return _answer(slate, groups.ids, groups.names, partial(self._group_reasons.explain, query))

    def _told_members(self, pipeline: Pipeline, query: Query, k: int) -> Answer:
        members = self.bundle.snapshot.members
        slate = pipeline.recommend(query, k)
        explain = partial(self._member_reasons.explain, query)
        return _answer(slate, members.ids, members.names, explain)


def _rows(ids: IdMap, externals: Sequence[str]) -> Rows:
    found = {row for external in externals if (row := ids.find(external)) is not None}
    return np.array(sorted(found), np.int64)


def _answer(
    slate: Slate, ids: Strings, names: Strings, explain: Callable[[int], list[Reason]]
) -> Answer:
    items = [
        Suggestion(ids[row], names[row] or ids[row], score, likely, tuple(explain(row)))
        for row, score, likely in zip(
            slate.rows.tolist(),
            slate.ranked_scores.tolist(),
            slate.ranked_probabilities,
            strict=True,
        )
    ]
    return Answer(tuple(items), slate.trace, slate)
