"""Why a group was suggested: facts that the viewer can check, and may see.

A reason is built from what `engine.visibility` says the viewer may see. Numbers in it count people
whom the viewer may see. Which terms are rare, and shares of a group, come from what anybody may
see.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from engine.columns import contains
from engine.crowds import Counts, Crowds
from engine.explanations import Reason, first_of, names_of, nobody, people
from engine.query import Query
from engine.shared_terms import (
    NO_POST,
    Used,
    alike,
    closest,
    post_ids,
    quoted,
    rarest,
    used_by,
    used_by_viewer,
)
from engine.snapshot import LATELY_DAYS, Snapshot
from engine.types import BoolVector, Rows
from engine.visibility import ANYBODY, Sight, viewer_of

SMALL = 40
"""People up to which a group is called small."""


@dataclass(frozen=True, slots=True)
class GroupReasons:
    """Says why a group was suggested.

    Attributes:
        snapshot: The community.
        hidden: Members who are shown to nobody because of reports: rows, ascending.
    """

    snapshot: Snapshot
    hidden: Rows = field(default_factory=nobody)
    crowds: Crowds = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Look through each group once for all viewers."""
        object.__setattr__(self, "crowds", Crowds(Sight(self.snapshot, self.hidden)))

    def to(self, query: Query) -> GroupReasonsFor:
        """Return what tells one viewer."""
        return GroupReasonsFor(self.crowds, query)

    def explain(self, query: Query, group: int) -> list[Reason]:
        """Return at least one reason, the most telling first."""
        return self.to(query).explain(group)


class GroupReasonsFor:
    """Says to one viewer why groups were suggested."""

    def __init__(self, crowds: Crowds, query: Query) -> None:
        self.crowds = crowds
        self.snapshot = crowds.sight.snapshot
        self.query = query
        self.viewer = viewer_of(query)

    @cached_property
    def counts(self) -> Counts:
        """Counts people whom the viewer may see."""
        return self.crowds.seen_by(self.viewer)

    @cached_property
    def mine(self) -> Used:
        """The terms that the viewer uses, as far as they may see what shows it."""
        return used_by_viewer(self.snapshot, self.query).seen_by(self._seen)

    def explain(self, group: int) -> list[Reason]:
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
        return first_of(make(group) for make in makers) or [self._plain(group)]

    def _seen(self, posts: Rows) -> BoolVector:
        return self.crowds.sight.evidence(self.viewer, posts)

    def _both_use(self, group: int) -> tuple[Used, Used]:
        """Return the terms that the viewer and the group use, as far as the viewer may see it."""
        groups = self.snapshot.groups
        theirs = used_by(groups.terms, groups.term_posts, group).also(self.mine)
        theirs = theirs.seen_by(self._seen)
        return self.mine.also(theirs), theirs

    def _interest(self, group: int) -> Reason | None:
        mine, theirs = self._both_use(group)
        terms = mine.terms.tolist()
        described = (theirs.posts == NO_POST).tolist()
        said = dict(zip(terms, zip(described, mine.own.tolist(), strict=True), strict=True))
        chosen = alike(rarest(self.snapshot, mine.terms), said.__getitem__)
        if not chosen:
            return None
        is_about, own_words = said[chosen[0]]
        words = quoted(self.snapshot, chosen)
        if is_about:
            text = f"It is about {words}, which {_came_up(own_words)}."
        elif own_words:
            text = f"People here talk about {words}, as you do."
        else:
            text = f"{words} come up here and in what you took part in."
            text = text if len(chosen) > 1 else text.replace(" come ", " comes ")
        posts = [*theirs.at(chosen).posts.tolist(), *mine.at(chosen).posts.tolist()]
        evidence = post_ids(self.snapshot, posts) or (self.snapshot.groups.ids[group],)
        return Reason("shared_interest", text, evidence)

    def _companions(self, group: int) -> Reason | None:
        members = self.snapshot.members
        here = self.snapshot.groups.members.of_row(group)[0]
        there = self.query.companions[contains(here, self.query.companions)]
        there = there[self.crowds.sight.members(self.viewer, there)]
        if not len(there):
            return None
        verb = "is" if len(there) == 1 else "are"
        text = f"{people(there)} you already talk with {verb} here."
        names = names_of(self.snapshot, there)
        if names:
            text = f"{names}, whom you already talk with, {verb} here."
        return Reason("companions", text, tuple(members.ids[row] for row in there[:3].tolist()))

    def _visited(self, group: int) -> Reason | None:
        if not contains(self.query.visits, np.array([group]))[0]:
            return None
        return Reason(
            "visited", "You have taken part here before.", (self.snapshot.groups.ids[group],)
        )

    def _close(self, group: int) -> Reason | None:
        if len(self._both_use(group)[0].terms):
            return None
        groups = self.snapshot.groups
        theirs = used_by(groups.terms, groups.term_posts, group).seen_by(self._seen)
        described = dict(
            zip(theirs.terms.tolist(), (theirs.posts == NO_POST).tolist(), strict=True)
        )
        chosen = alike(closest(self.snapshot, self.query, theirs.terms), described.__getitem__)
        if not chosen:
            return None
        said = "it is" if described[chosen[0]] else "people here talk"
        evidence = post_ids(self.snapshot, theirs.at(chosen).posts.tolist())
        text = f"Close to what you care about: {said} about {quoted(self.snapshot, chosen)}."
        return Reason("close_interest", text, evidence or (self.snapshot.groups.ids[group],))

    def _co_membership(self, group: int) -> Reason | None:
        groups = self.snapshot.groups
        near = groups.neighbours.of_row(group)[0]
        near = near[contains(self.query.groups, near)]
        near = near[self.crowds.sight.groups(ANYBODY, near)]
        here = groups.members.of_row(group)[0]
        sizes = sorted((self.counts.inside(row), row) for row in near.tolist())
        for size, best in sizes:
            # Neighbours share past members too; the sentence speaks of present ones.
            there = groups.members.of_row(best)[0]
            both = there[contains(here, there)]
            count = int(self.crowds.sight.members(self.viewer, both).sum())
            if count >= 2:
                text = f"You are in {groups.names[best]}: {count} of its {size} people are here."
                return Reason("co_membership", text, (groups.ids[best],))
        return None

    def _small(self, group: int) -> Reason | None:
        groups = self.snapshot.groups
        size = self.counts.inside(group)
        answered, returning = float(groups.answered[group]), float(groups.returning[group])
        if not 2 <= size <= SMALL:
            return None
        if answered >= 0.5:
            fact = f"where {_share(answered)} newcomers' first posts are answered"
        elif returning >= 0.3:
            fact = f"where {_share(returning)} people who took part came back"
        else:
            return None
        return Reason("small_group", f"A small group of {size}, {fact}.", (groups.ids[group],))

    def _lively(self, group: int) -> Reason | None:
        joins = self.counts.joined_lately(group)
        if joins < 3:
            return None
        text = f"{joins} people joined in the latest {LATELY_DAYS} days on record."
        return Reason("lively", text, (self.snapshot.groups.ids[group],))

    def _plain(self, group: int) -> Reason:
        size = self.counts.inside(group)
        # Nobody whom the viewer may see need not mean nobody.
        text = f"An open group of {size}." if size > 1 else "An open group."
        return Reason("open_group", text, (self.snapshot.groups.ids[group],))


def _share(share: float) -> str:
    return "all" if share == 1 else f"{int(100 * share)}% of"


def _came_up(own_words: bool) -> str:
    return "you talk about too" if own_words else "came up in what you took part in"
