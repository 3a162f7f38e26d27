"""Why somebody is asked to answer: what they answered in public and the author may see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.answering import Answers, Question
from engine.columns import contains
from engine.domain import DAY_S
from engine.explanations import MAX_REASONS, Reason
from engine.query import Query
from engine.shared_terms import CLOSE, closest, used_by
from engine.snapshot import LATELY_DAYS, Snapshot
from engine.types import BoolVector, Rows, Vector
from engine.visibility import Sight, Viewer

MOST_SHOWN = 3
"""Posts that show one reason at most."""


@dataclass(frozen=True, slots=True)
class ResponderReasons:
    """Says why somebody might answer well.

    Attributes:
        snapshot: The community.
        sight: Who may see what.
        viewers: Who asks.
        question: What they ask.
        answers: What was answered by whom.
        near: How near each post is to the question: shape (posts,).
    """

    snapshot: Snapshot
    sight: Sight
    viewers: tuple[Viewer, ...]
    question: Question
    answers: Answers
    near: Vector

    def explain(self, query: Query, member: int) -> list[Reason]:
        """Return at least one reason, the most telling first."""
        answered = self._answered(member)
        found = [
            self._subject(query, member, answered),
            self._group(member),
            self._newcomers(answered),
            self._lately(answered),
        ]
        return [reason for reason in found if reason][:MAX_REASONS] or [self._plain(member)]

    def _answered(self, member: int) -> Rows:
        """Return the posts that they answered, and all who ask may see: ascending."""
        rows = self.answers.of_member.of_row(member)[0]
        seen = np.ones(len(rows), bool)
        for viewer in self.viewers:
            seen &= self.sight.posts(viewer, rows)
        answered: Rows = rows[seen & (rows != self.question.post)]
        return answered

    def _evidence_seen(self, posts: Rows) -> BoolVector:
        seen = np.ones(len(posts), bool)
        for viewer in self.viewers:
            seen &= self.sight.evidence(viewer, posts)
        return seen

    def _subject(self, query: Query, member: int, answered: Rows) -> Reason | None:
        members = self.snapshot.members
        used = used_by(members.terms, members.term_posts, member).seen_by(self._evidence_seen)
        chosen = closest(self.snapshot, query, used.terms[used.own])
        words = " and ".join(f"“{self.snapshot.vocabulary[term]}”" for term in chosen)
        like = answered[self.near[answered] >= CLOSE]
        if len(like):
            best = like[np.lexsort((like, -self.near[like]))][:MOST_SHOWN]
            count = "a question" if len(like) == 1 else f"{len(like)} questions"
            text = f"Answers questions about {words}." if words else f"Answered {count} like this."
            return Reason("answers_about", text, self._posts(best))
        if not chosen:
            return None
        shown = used.at(chosen).posts
        posts = [self.snapshot.post_ids[post] for post in shown[shown >= 0].tolist()]
        evidence = tuple(dict.fromkeys(posts)) or (members.ids[member],)
        return Reason("close_interest", f"Talks about {words}.", evidence)

    def _group(self, member: int) -> Reason | None:
        groups = self.snapshot.groups
        theirs = self.snapshot.members.groups.of_row(member)[0]
        shared = theirs[contains(self.question.groups, theirs)]
        shared = shared[groups.public[shared]]
        if not len(shared):
            return None
        best = int(shared[np.lexsort((shared, groups.size[shared]))[0]])
        return Reason(
            "shared_group",
            f"In {groups.names[best] or groups.ids[best]}, where this is asked.",
            (groups.ids[best],),
        )

    def _newcomers(self, answered: Rows) -> Reason | None:
        if not self.question.new:
            return None
        first = answered[self.answers.new[answered]]
        if not len(first):
            return None
        shown = self._posts(self._newest(first))
        return Reason("welcomes_newcomers", "Has answered people who were new here.", shown)

    def _lately(self, answered: Rows) -> Reason | None:
        posts = self.snapshot.posts
        late = answered[posts.last_at[answered] > self.answers.latest - LATELY_DAYS * DAY_S]
        if not len(late):
            return None
        many = "a post" if len(late) == 1 else f"{len(late)} posts"
        text = f"Answered {many} of the latest {LATELY_DAYS} days on record."
        return Reason("answers_lately", text, self._posts(self._newest(late)))

    def _newest(self, rows: Rows) -> Rows:
        last = self.snapshot.posts.last_at[rows]
        return rows[np.lexsort((rows, -last))][:MOST_SHOWN]

    def _posts(self, rows: Rows) -> tuple[str, ...]:
        return tuple(self.snapshot.posts.ids[row] for row in rows.tolist())

    def _plain(self, member: int) -> Reason:
        return Reason("open_member", "Open to being asked.", (self.snapshot.members.ids[member],))
