"""Whom might a host invite into a group: an assembly of stages, and reasons fit for a host.

The query is the group's: its prototypes stand for interests, those of its members who know anybody
for companions, and the public groups it shares members with for groups. A host learns of a
candidate nothing but what anybody may see: what they write in public, and that they are in a
public group.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from engine.columns import contains
from engine.explanations import Reason, nobody
from engine.holds import NOTHING_HELD, Holds
from engine.index import VectorIndex
from engine.introduction_ranker import UNLEARNED, IntroductionRanker, by_hand
from engine.pair_features import PairFeatures
from engine.people_sources import ShortWalks
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
from engine.shared_terms import NO_POST, post_ids, quoted, rarest, used_by
from engine.snapshot import Snapshot
from engine.sources import CompanionsOfCompanions, NearestVectors, SmallGroupFellows
from engine.types import BoolVector, Rows
from engine.visibility import ANYBODY, Sight, Viewer

WEIGHTS = {
    "interest_match": 4.0,
    "adamic_adar": 2.0,
    "mixed": 2.0,
    "shared_groups": 2.0,
    "takes_part": 0.8,
}
"""Chosen by hand: what a group is about comes first, since the new one has to care for it. What is
learned of people who met says nothing of that."""

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
    snapshot: Snapshot,
    interests: VectorIndex,
    group: int,
    holds: Holds = NOTHING_HELD,
    ranker: IntroductionRanker = UNLEARNED,
) -> Pipeline:
    """Return the recommender of people to invite into a group; its rows are member rows.

    Whether somebody fits the group's people is measured and priced as introductions are, from
    both sides.

    Args:
        snapshot: The community.
        interests: Index over members' interests.
        group: The group's row.
        holds: What members have set aside, and who is hidden.
        ranker: What is known beforehand of where people lie and of how often each is shown.
    """
    members, groups = snapshot.members, snapshot.groups
    features = PairFeatures.of(snapshot, ranker.acquaintance)
    return Pipeline(
        sources=(
            NearestVectors(interests, members.interests.owners(), NEAREST),
            CompanionsOfCompanions(members.ties),
            SmallGroupFellows(groups),
            ShortWalks(features.paths),
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
        features=(features,),
        scorer=by_hand(WEIGHTS),
        selector=ranker.selector,
    )


@dataclass(frozen=True, slots=True)
class InvitationReasons:
    """Says to a host why somebody might like to be asked, and nothing that not all may know.

    Attributes:
        snapshot: The community.
        group: The host's group, by row.
        hidden: Members who are shown to nobody because of reports: rows, ascending.
    """

    snapshot: Snapshot
    group: int
    hidden: Rows = field(default_factory=nobody)

    @property
    def sight(self) -> Sight:
        """Return who may see what."""
        return Sight(self.snapshot, self.hidden)

    @property
    def host(self) -> Viewer:
        """Return who looks."""
        return Viewer(hosts=self.group)

    def explain(self, query: Query, member: int) -> list[Reason]:
        """Return at least one reason, the most telling first."""
        found = [self._interest(member), self._shared_group(query, member)]
        return [reason for reason in found if reason] or [self._plain(member)]

    def _interest(self, member: int) -> Reason | None:
        members, groups = self.snapshot.members, self.snapshot.groups
        here = used_by(groups.terms, groups.term_posts, self.group).seen_by(self._seen)
        theirs = used_by(members.terms, members.term_posts, member).seen_by(self._seen).also(here)
        # What their profile alone shows is not told: a post is where everybody can see it.
        said = theirs.own & (theirs.posts != NO_POST)
        chosen = rarest(self.snapshot, theirs.terms[said])
        if not chosen:
            return None
        text = f"They talk about {quoted(self.snapshot, chosen)}, as people here do."
        evidence = post_ids(self.snapshot, theirs.at(chosen).posts.tolist())
        return Reason("shared_interest", text, evidence)

    def _seen(self, posts: Rows) -> BoolVector:
        return self.sight.evidence(self.host, posts)

    def _shared_group(self, query: Query, member: int) -> Reason | None:
        groups, sight = self.snapshot.groups, self.sight
        inside = groups.members.of_row(self.group)[0]
        inside = inside[sight.members(self.host, inside)]
        theirs = self.snapshot.members.groups.of_row(member)[0]
        shared = query.groups[contains(theirs, query.groups)]
        shared = shared[sight.groups(ANYBODY, shared)]
        there = [groups.members.of_row(row)[0] for row in shared.tolist()]
        sizes = [int(sight.members(self.host, rows).sum()) for rows in there]
        for place in np.lexsort((shared, np.array(sizes))).tolist():
            best, both = int(shared[place]), int(contains(inside, there[place]).sum())
            if both >= PEOPLE:
                text = f"They are in {groups.names[best]}, as {both} of the people here are."
                return Reason("shared_group", text, (groups.ids[best],))
        return None

    def _plain(self, member: int) -> Reason:
        members = self.snapshot.members
        took_part = float(members.active[member]) > 0
        text = "They have taken part in public." if took_part else "They agree to be found."
        return Reason("open_member", text, (members.ids[member],))
