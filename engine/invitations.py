"""Whom might a host invite into a group: an assembly of stages, and reasons fit for a host.

The query is the group's: its prototypes stand for interests, those of its members who know anybody
for companions, and the public groups it shares members with for groups. A host learns of a
candidate nothing but what anybody may see: what they write in public, and that they are in a
public group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.columns import contains
from engine.explanations import Reason
from engine.features import InterestMatch, MutualCompanions, SharedGroups, TakesPart
from engine.holds import NOTHING_HELD, Holds
from engine.index import VectorIndex
from engine.pipeline import Pipeline
from engine.policies.holds import NotReported
from engine.policies.invitation import (
    GroupNotMuted,
    GroupNotSetAside,
    NotInside,
    OfTheGroupsBand,
    RoomForMore,
)
from engine.policies.privacy import Discoverable
from engine.query import NOBODY_ASKS, Query
from engine.ranker import WeightedSum
from engine.selection import TopK
from engine.shared_terms import has_own_words, post_ids, post_of, rarest, shared_terms
from engine.snapshot import Snapshot
from engine.sources import CompanionsOfCompanions, NearestVectors, SmallGroupFellows
from engine.types import Rows

WEIGHTS = {
    InterestMatch.name: 1.0,
    MutualCompanions.name: 0.5,
    SharedGroups.name: 0.5,
    TakesPart.name: 0.2,
}
"""Chosen by hand: what a group is about comes first, since the new one has to care for it."""

NEIGHBOURS = 20
"""Groups looked at that share members with the one people are invited to."""

NEAREST = 200
"""Nearest interests looked at."""

PEOPLE = 2
"""People of the group in another one from which that is a reason."""


def query_of_group(snapshot: Snapshot, group: int, asked_at: float = 0.0) -> Query:
    """Return the query of a group that looks for people."""
    groups = snapshot.groups
    prototypes, shares = groups.prototypes.of_row(group)
    near, strength = groups.neighbours.of_row(group)
    seen = groups.public[near] & (groups.members.counts()[near] > 0)
    near, strength = near[seen], strength[seen]
    strongest = np.sort(np.lexsort((near, -strength))[:NEIGHBOURS])
    inside = groups.members.of_row(group)[0]
    inside = inside[snapshot.members.ties.counts()[inside] > 0]
    return replace(
        NOBODY_ASKS,
        interests=prototypes,
        shares=shares,
        groups=near[strongest],
        group_weights=strength[strongest],
        companions=inside,
        companion_weights=np.ones(len(inside), np.float32),
        asked_at=asked_at,
    )


def invitation_recommender(
    snapshot: Snapshot, interests: VectorIndex, group: int, holds: Holds = NOTHING_HELD
) -> Pipeline:
    """Return the recommender of people to invite into a group; its rows are member rows.

    Args:
        snapshot: The community.
        interests: Index over members' interests.
        group: The group's row.
        holds: What members have set aside, and who is hidden.
    """
    members, groups = snapshot.members, snapshot.groups
    return Pipeline(
        sources=(
            NearestVectors(interests, members.interests.owners(), NEAREST),
            CompanionsOfCompanions(members.ties),
            SmallGroupFellows(groups),
        ),
        policies=(
            NotInside(members, groups, group),
            RoomForMore(groups, group),
            Discoverable(members),
            OfTheGroupsBand(members, groups.members.of_row(group)[0]),
            GroupNotMuted(members, groups, group),
            GroupNotSetAside(holds.groups, group),
            NotReported(holds.hidden),
        ),
        features=(
            InterestMatch(members.interests),
            MutualCompanions(members.ties),
            SharedGroups(members, groups),
            TakesPart.of(members),
        ),
        scorer=WeightedSum(WEIGHTS),
        selector=TopK(),
    )


@dataclass(frozen=True, slots=True)
class InvitationReasons:
    """Says to a host why somebody might like to be asked, and nothing that not all may know."""

    snapshot: Snapshot
    group: int

    def explain(self, query: Query, member: int) -> list[Reason]:
        """Return at least one reason, the most telling first."""
        found = [self._interest(query, member), self._shared_group(query, member)]
        return [reason for reason in found if reason] or [self._plain(member)]

    def _interest(self, query: Query, member: int) -> Reason | None:
        members, groups = self.snapshot.members, self.snapshot.groups
        both = shared_terms(groups.terms.of_row(self.group)[0], members.terms.of_row(member)[0])
        chosen = rarest(self.snapshot, self._said_in_public(query, member, both))
        if not chosen:
            return None
        words = " and ".join(f"“{self.snapshot.vocabulary[term]}”" for term in chosen)
        evidence = post_ids(self.snapshot, query, self._posts(member, chosen))
        return Reason("shared_interest", f"They talk about {words}, as people here do.", evidence)

    def _said_in_public(self, query: Query, member: int, terms: Rows) -> Rows:
        """Return the terms that a post of the member's own shows, which anybody may see."""
        said = [
            term
            for term in terms.tolist()
            if has_own_words(self.snapshot.members.terms, member, [term])
            and post_ids(self.snapshot, query, self._posts(member, [term]))
        ]
        return np.array(said, np.int64)

    def _posts(self, member: int, terms: Sequence[int]) -> list[int]:
        members = self.snapshot.members
        return [post_of(members.terms, members.term_posts, member, term) for term in terms]

    def _shared_group(self, query: Query, member: int) -> Reason | None:
        groups = self.snapshot.groups
        inside = groups.members.of_row(self.group)[0]
        theirs = self.snapshot.members.groups.of_row(member)[0]
        shared = query.groups[contains(theirs, query.groups)]  # all of them are public
        for best in shared[np.lexsort((shared, groups.size[shared]))].tolist():
            there = groups.members.of_row(best)[0]
            both = int(contains(inside, there).sum())
            if both >= PEOPLE:
                text = f"They are in {groups.names[best]}, as {both} of the people here are."
                return Reason("shared_group", text, (groups.ids[best],))
        return None

    def _plain(self, member: int) -> Reason:
        members = self.snapshot.members
        took_part = float(members.active[member]) > 0
        text = "They have taken part in public." if took_part else "They agree to be found."
        return Reason("open_member", text, (members.ids[member],))
