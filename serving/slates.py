"""Answers -> JSON, counted and remembered for a while: every slate goes out through here."""

from __future__ import annotations

import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from engine.answers import Answer, Suggestion
from engine.capacity import Short
from engine.recommender import Recommender
from serving.experiments import Experiments
from serving.ledger import Ledger
from serving.metrics import Metrics, observe_answer
from serving.schemas import Item, Reason, Recommendations, ShortSlate

KEPT_S = 15 * 60.0
"""Seconds for which a worker remembers what a slate held."""

KEPT = 10_000
"""Slates a worker remembers at most; the oldest go first."""


class Purpose(StrEnum):
    """What a slate is for."""

    GROUPS = "groups"
    MEMBERS = "members"
    RANKED_GROUPS = "ranked_groups"
    RANKED_MEMBERS = "ranked_members"
    INVITATIONS = "invitations"
    RESPONDERS = "responders"
    UNANSWERED = "unanswered"
    POSTS = "posts"


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked for what.

    Attributes:
        community: Where.
        purpose: For what.
        viewer: The member's id, or the group's in invitations; None for a newcomer.
        kept: Whether the slate is remembered for `again`; a digest's are not.
    """

    community: str
    purpose: Purpose
    viewer: str | None = None
    kept: bool = True


@dataclass(frozen=True, slots=True)
class Told:
    """A slate that went out: who asked, and the ids in it."""

    asked: Asked
    ids: tuple[str, ...]
    at: float


class Slates:
    """Turns answers into JSON, and knows for a while what went out. For one event loop."""

    def __init__(
        self,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
        ledger: Ledger | None = None,
        experiments: Experiments | None = None,
    ) -> None:
        self._metrics = metrics
        self._ledger = ledger
        self._experiments = experiments
        self._clock = clock
        self._told: OrderedDict[str, Told] = OrderedDict()

    def answering(self, asked: Asked, recommender: Recommender) -> Recommender:
        """Return what answers a member: the recommender as the arms of experiments have it."""
        if self._experiments is None or asked.viewer is None:
            return recommender
        return self._experiments.answering(asked.community, recommender, asked.viewer)

    def tell(self, asked: Asked, recommender: Recommender, answer: Answer) -> Recommendations:
        """Return an answer as it goes out."""
        cold = asked.viewer is None
        observe_answer(self._metrics, asked.purpose, answer.trace, answer.trace.candidates, cold)
        one = uuid.uuid4().hex
        if self._ledger is not None:
            # In invitations nobody in particular asks, and a group is no member.
            member = "" if asked.purpose is Purpose.INVITATIONS else asked.viewer or ""
            whom = asked.community, asked.purpose.value, member
            self._ledger.note(one, whom, recommender, answer)
        if asked.kept:
            self._keep(one, Told(asked, tuple(item.id for item in answer.items), self._clock()))
        return Recommendations(
            recommendation_id=one,
            community=asked.community,
            version=recommender.bundle.manifest.version,
            items=[item_of(item) for item in answer.items],
            short=None if answer.short is None else short_of(answer.short),
        )

    def ids_told(self, asked: Asked, recommendation_id: str) -> tuple[str, ...] | None:
        """Return what a slate held that answered the same question.

        None if it is not known here: it is too old, another worker's, or answered another member
        or purpose.
        """
        told = self._told.get(recommendation_id)
        if told is None or told.asked != asked or self._clock() - told.at > KEPT_S:
            return None
        return told.ids

    def _keep(self, one: str, told: Told) -> None:
        self._told[one] = told
        while len(self._told) > KEPT or told.at - next(iter(self._told.values())).at > KEPT_S:
            self._told.popitem(last=False)


def short_of(short: Short) -> ShortSlate:
    """Return why a slate is short as it goes out."""
    return ShortSlate(
        because=short.because.value, asked=short.asked, given=short.given, text=short.text
    )


def item_of(item: Suggestion) -> Item:
    """Return one suggestion as it goes out."""
    return Item(
        id=item.id,
        name=item.name,
        score=item.score,
        probability=item.probability,
        reasons=[
            Reason(kind=reason.kind, text=reason.text, evidence=list(reason.evidence))
            for reason in item.reasons
        ],
        opening=item.opening,
    )
