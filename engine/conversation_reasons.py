"""Why somebody is led to a conversation: what they said and answered, and who waits there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.columns import contains
from engine.explanations import MAX_REASONS, Reason
from engine.query import Query
from engine.shared_terms import CLOSE, closest, used_by
from engine.snapshot import Snapshot
from engine.types import BoolVector, Rows
from engine.visibility import Sight, Viewer

FEW = 2
"""Voices up to which a conversation is called small."""


@dataclass(frozen=True, slots=True)
class ConversationReasons:
    """Says why a member might join a conversation.

    Attributes:
        snapshot: The community.
        sight: Who may see what.
        viewer: The member.
        new: Which posts somebody wrote who was new then: shape (posts,).
        answered: Rows of the posts the member has answered, as far as they may see them.
    """

    snapshot: Snapshot
    sight: Sight
    viewer: Viewer
    new: BoolVector
    answered: Rows

    def explain(self, query: Query, post: int) -> list[Reason]:
        """Return at least one reason, the most telling first."""
        makers = (self._interest, self._answered, self._waiting, self._group)
        found = [make(query, post) for make in makers]
        return [reason for reason in found if reason][:MAX_REASONS] or [self._plain(post)]

    def _interest(self, query: Query, post: int) -> Reason | None:
        members = self.snapshot.members
        used = used_by(members.terms, members.term_posts, query.member)
        said = self.snapshot.posts.texts.of_row(post)[0]
        chosen = closest(self.snapshot, replace(query, interests=said), used.terms[used.own])
        if not chosen:
            return None
        words = " and ".join(f"“{self.snapshot.vocabulary[term]}”" for term in chosen)
        return Reason("close_interest", f"Close to what you say about {words}.", self._ids(post))

    def _answered(self, query: Query, post: int) -> Reason | None:
        posts = self.snapshot.posts
        said = posts.texts.of_row(post)[0]
        mine = self.answered
        if not len(mine) or not len(said):
            return None
        cosines = posts.texts.best_match(said, mine).max(axis=1)
        best = int(np.argmax(cosines))
        if cosines[best] < CLOSE:
            return None
        return Reason("answered_alike", "You answered a post like it.", self._ids(int(mine[best])))

    def _waiting(self, query: Query, post: int) -> Reason | None:
        voices = self.snapshot.posts.answered_by.of_row(post)[0]
        # Of people whom the viewer may not see not even the number is told.
        if len(voices) > FEW or not self.sight.members(self.viewer, voices).all():
            return None
        if not len(voices):
            by = "By somebody new here, whom" if self.new[post] else "A post that"
            return Reason("unanswered", f"{by} nobody has answered yet.", self._ids(post))
        many = "one person has" if len(voices) == 1 else f"{len(voices)} people have"
        return Reason("few_voices", f"So far {many} answered.", self._ids(post))

    def _group(self, query: Query, post: int) -> Reason | None:
        groups = self.snapshot.groups
        stands = self.snapshot.posts.groups.of_row(post)[0]
        shared = stands[contains(query.groups, stands)]
        if not len(shared):
            return None
        best = int(shared[np.lexsort((shared, groups.size[shared]))[0]])
        text = f"In {groups.names[best] or groups.ids[best]}, where you are."
        return Reason("shared_group", text, (groups.ids[best],))

    def _plain(self, post: int) -> Reason:
        return Reason("open_conversation", "A conversation that is still open.", self._ids(post))

    def _ids(self, post: int) -> tuple[str, ...]:
        return (self.snapshot.posts.ids[post],)
