"""A bundle -> answers: who is suggested, in what order, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from engine.bundle import Bundle
from engine.columns import Strings
from engine.explanations import GroupReasons, MemberReasons, Reason
from engine.groups import group_recommender
from engine.ids import IdMap
from engine.introductions import introduction_recommender
from engine.newcomers import interests_of_all
from engine.pool import Slate, Trace
from engine.query import Query, query_of_member, query_of_text
from engine.snapshot import UNREADABLE_BAND
from engine.terms import analyze
from engine.types import Matrix


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
    """Suggestions, best first, and what happened on the way."""

    items: tuple[Suggestion, ...]
    trace: Trace


class Recommender:
    """Answers from one bundle. Immutable, and safe to call from several threads."""

    def __init__(
        self,
        bundle: Bundle,
        members: IdMap | None = None,
        terms: Mapping[str, int] | None = None,
    ) -> None:
        self.bundle = bundle
        snapshot = bundle.snapshot
        self.members = members or IdMap(snapshot.members.ids, "member")
        if terms is None:
            terms = {term: row for row, term in enumerate(snapshot.vocabulary.tolist())}
        self.terms = terms
        self._bands = {band: row for row, band in enumerate(snapshot.members.bands.tolist())}
        self._groups = group_recommender(snapshot, bundle.groups, bundle.ranker)
        self._introductions = introduction_recommender(snapshot, bundle.members)
        self._group_reasons = GroupReasons(snapshot)
        self._member_reasons = MemberReasons(snapshot)

    def groups_for(self, member: str, k: int) -> Answer:
        """Return at most k groups for a member by id.

        Raises:
            UnknownError: No member has that id.
        """
        return self._suggest_groups(self._query(member), k)

    def members_for(self, member: str, k: int) -> Answer:
        """Return at most k people for a member, by id, to meet.

        Raises:
            UnknownError: No member has that id.
        """
        return self._suggest_members(self._query(member), k)

    def groups_for_text(self, text: str, k: int) -> Answer:
        """Return at most k groups for someone new, known by what they say."""
        return self._suggest_groups(self._query_of_text(text, None), k)

    def members_for_text(self, text: str, k: int, audience: str | None = None) -> Answer:
        """Return at most k people for someone new to meet.

        Args:
            text: What they say.
            k: People wanted at most.
            audience: Their audience band. Where the community has bands and none is given, or
                one it does not have, nobody is suggested.
        """
        return self._suggest_members(self._query_of_text(text, audience), k)

    def _query(self, member: str) -> Query:
        version = self.bundle.manifest.version
        return query_of_member(self.bundle.snapshot, self.members.row(member), version)

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

    def _suggest_groups(self, query: Query, k: int) -> Answer:
        groups = self.bundle.snapshot.groups
        slate = self._groups.recommend(query, k)
        return _answer(slate, groups.ids, groups.names, partial(self._group_reasons.explain, query))

    def _suggest_members(self, query: Query, k: int) -> Answer:
        members = self.bundle.snapshot.members
        slate = self._introductions.recommend(query, k)
        explain = partial(self._member_reasons.explain, query)
        return _answer(slate, members.ids, members.names, explain)


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
    return Answer(tuple(items), slate.trace)
