"""Who may be introduced to whom, looked up the long way: what slates are held against.

It keeps what members have said and what has happened in plain dictionaries, decides by reading the
rules one after the other, and tells a recommender no more than a store would.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from math import floor, inf, isnan

from engine.facts import (
    BlockFact,
    Facts,
    HiddenFact,
    IntroducedFact,
    MemberFact,
    SetAsideFact,
    Written,
)
from engine.weeks import end_of_week, week_of

REST_S = 90 * 86_400.0
"""For how long what is declined, and who was introduced in vain, rests."""

WEEKS_UNANSWERED = 3
REMEMBERED_S = 60 * 86_400.0

Pair = frozenset[str]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What one member has said. `band` None and `weekly` NaN cannot be read."""

    discoverable: bool = True
    open: bool = True
    weekly: float = 5.0
    band: str | None = "adult"

    @property
    def takes(self) -> float:
        """How many introductions a week they take."""
        if isnan(self.weekly) or not self.open:
            return 0
        return self.weekly if self.weekly == inf else floor(self.weekly)


@dataclass
class Truth:
    """What is so."""

    now: float
    members: dict[str, Wishes] = field(default_factory=dict)
    blocks: set[tuple[str, str]] = field(default_factory=set)
    ties: set[Pair] = field(default_factory=set)
    aside: dict[tuple[str, str], float] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    met: defaultdict[Pair, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    rests: dict[Pair, tuple[int, float]] = field(default_factory=dict)
    reacted: dict[Pair, float] = field(default_factory=dict)

    def met_this_week(self, one: str, other: str) -> bool:
        """Return whether the two have been introduced this week."""
        return week_of(self.now) in self.met.get(frozenset((one, other)), {})

    def room(self, one: str) -> float:
        """Return how many more introductions a member takes this week."""
        week = week_of(self.now)
        had = sum(week in weeks for pair, weeks in self.met.items() if one in pair)
        wishes = self.members[one]
        takes = 0 if isnan(wishes.weekly) else wishes.weekly
        return (takes if takes == inf else floor(takes)) - had

    def objections(self, viewer: str | None, other: str, band: str | None) -> list[str]:
        """Return every rule by which somebody is not to be shown to a viewer, None for a text."""
        if other not in self.members:
            return ["gone"]
        theirs = self.members[other]
        found = {
            "closed": theirs.takes <= 0,
            "invisible": not theirs.discoverable,
            "reported": other in self.hidden,
            "band": theirs.band is None or theirs.band != band,
        }
        if viewer is None:
            found["no room"] = self.room(other) <= 0
        else:
            found |= self._between(viewer, other)
        return [rule for rule, broken in found.items() if broken]

    def _between(self, viewer: str, other: str) -> dict[str, bool]:
        pair = frozenset((viewer, other))
        week, until = self.rests.get(pair, (0, 0.0))
        full = min(self.room(viewer), self.room(other)) <= 0
        return {
            "themself": viewer == other,
            "viewer closed": self.members[viewer].takes <= 0,
            "tied": pair in self.ties,
            "blocked": bool({(viewer, other), (other, viewer)} & self.blocks),
            "set aside": self.aside.get((viewer, other), 0.0) > self.now,
            "rests": until > self.now and week_of(self.now) > week,
            "no room": full and not self.met_this_week(viewer, other),
        }

    # What happens, and what a recommender is told of it.

    def shown(self, viewer: str, others: list[str]) -> Facts:
        """Show people to somebody; whatever there is room for counts."""
        told = []
        week = week_of(self.now)
        for other in others:
            pair = frozenset((viewer, other))
            if self.met_this_week(viewer, other) or viewer == other:
                continue
            if min(self.room(viewer), self.room(other)) < 1:
                continue
            until = self._until(pair)
            self.met[pair][week] = self.now
            if until:
                self.rests[pair] = week, until
            told.append(IntroducedFact(viewer, other, week, until))
        return Facts(introduced=tuple(told))

    def _until(self, pair: Pair) -> float:
        lately = [at for at in self.met[pair].values() if at > self.now - REMEMBERED_S]
        if len(lately) + 1 < WEEKS_UNANSWERED or self.reacted.get(pair, 0.0) >= min(lately):
            return 0.0
        return end_of_week(week_of(self.now)) + REST_S

    def answered(self, member: str, other: str, *, both_ways: bool, until: float) -> Facts:
        """Set somebody aside: for the member alone, or for both."""
        ways = [(member, other), (other, member)] if both_ways else [(member, other)]
        for way in ways:
            self.aside[way] = max(until, self.aside.get(way, 0.0))
        return Facts(
            set_aside=tuple(SetAsideFact(*way, Written.MEMBER, self.aside[way]) for way in ways)
        )

    def reacts(self, member: str, other: str) -> Facts:
        """Note that somebody was curious: what rests between the two ends."""
        pair = frozenset((member, other))
        self.reacted[pair] = self.now
        rested = self.rests.pop(pair, None)
        if rested is None:
            return Facts()
        return Facts(introduced=(IntroducedFact(member, other, rested[0], 0.0),))

    def blocks_or_not(self, member: str, other: str) -> Facts:
        """Block somebody, or lift one's own block."""
        self.blocks ^= {(member, other)}
        here = bool({(member, other), (other, member)} & self.blocks)
        return Facts(blocks=(BlockFact(member, other, here),))

    def wishes(self, member: str, wishes: Wishes, text: str) -> Facts:
        """Say what somebody wants; they are there from then on."""
        self.members[member] = wishes
        return Facts(
            members=(
                MemberFact(
                    member,
                    name=member.upper(),
                    text=text,
                    audience=wishes.band,
                    discoverable=wishes.discoverable,
                    open_to_introductions=wishes.open,
                    weekly_introductions=wishes.weekly,
                ),
            )
        )

    def reported(self, member: str, *, hidden: bool) -> Facts:
        """Hide somebody from everybody, or no longer."""
        (self.hidden.add if hidden else self.hidden.discard)(member)
        return Facts(hidden=(HiddenFact(member, hidden),))

    def forgets(self, member: str) -> Facts:
        """Forget somebody, and everything that holds them."""
        del self.members[member]
        self.hidden.discard(member)
        self.blocks = {pair for pair in self.blocks if member not in pair}
        self.aside = {pair: until for pair, until in self.aside.items() if member not in pair}
        self.ties = {pair for pair in self.ties if member not in pair}
        for pair in [pair for pair in {*self.met, *self.rests, *self.reacted} if member in pair]:
            self.met.pop(pair, None)
            self.rests.pop(pair, None)
            self.reacted.pop(pair, None)
        return Facts(members=(MemberFact(member, here=False),))

    def changed(self, member: str, **told: object) -> Wishes:
        """Return what somebody wants if they change this."""
        return replace(self.members[member], **told)  # type: ignore[arg-type]
