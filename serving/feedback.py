"""Feedback over HTTP: durable when it is acknowledged, and heeded from the next answer on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import FastAPI
from pydantic import BaseModel, Field

from data.store.connect import Store
from data.store.feedback import Told, clear_reports, tell_feedback
from data.store.holds import Event
from engine.domain import DAY_S
from engine.errors import UnknownError
from engine.facts import Written
from serving.bodies import Accepted, Id, Strict
from serving.errors import CHANGE_PROBLEMS
from serving.paths import COMMUNITY, MEMBER, CommunityName, MemberId

MAX_EVENTS = 1_000
"""Events in one request at most."""

EventName = Literal[
    "shown",
    "opened",
    "joined",
    "dismissed",
    "accepted",
    "declined",
    "met",
    "conversed",
    "left",
    "reported",
]


class FeedbackEvent(Strict):
    """What became of one suggestion."""

    recommendation_id: Id = Field(
        description="Of the slate. One that is unknown is taken as well: what was served just "
        "before a crash may be, and what came from elsewhere may have an id of your own.",
        examples=["0b5c9e4d2f6a4c1e8d7b3a2f1e0d9c8b"],
    )
    member: Id = Field(description="To whom it was suggested.")
    item: Id = Field(description="The group or the member that was suggested.")
    item_kind: Literal["group", "member"]
    event: EventName = Field(
        description="dismissed and declined keep the item away for 90 days, unless the operator "
        "chose another time; accepted by both, and reported, for good. A member who is shown "
        "counts as an introduction of this week for both."
    )

    def told(self) -> Told:
        """Return it as the store takes it."""
        kind, event = Written(self.item_kind), Event(self.event)
        return Told(self.recommendation_id, self.member, self.item, kind, event)


Events = Annotated[list[FeedbackEvent], Field(min_length=1, max_length=MAX_EVENTS)]


class AcceptedFeedback(Accepted):
    """Feedback is durable, all of it."""

    events: int = Field(description="How many events there were.")
    new: int = Field(description="How many of them had not been told before.")
    beyond: int = Field(
        default=0,
        description="How many of the introductions that were shown are more than one of the two "
        "takes in a week. They are kept, and not counted; there are few where slates are shown "
        "while they are fresh.",
    )


class ReportsCleared(BaseModel):
    """The reports about a member no longer hide them."""

    sequence: int = Field(description="Ask with min_sequence to be answered with it for certain.")


def add_feedback(
    app: FastAPI, store: Store | None, hold_days: float, clock: Callable[[], float] = time.time
) -> None:
    """Let platforms tell what became of suggestions.

    Args:
        app: The application.
        store: Where it is kept.
        hold_days: For how long what is dismissed or declined is not shown.
        clock: Tells the time, unix seconds.
    """

    def kept() -> Store:
        if store is None:
            raise UnknownError("this server keeps no feedback: start it with --store")
        return store

    @app.post(
        COMMUNITY + "/feedback",
        tags=["feedback"],
        summary="What became of suggestions",
        responses=CHANGE_PROBLEMS,
    )
    async def post_feedback(
        community: CommunityName, body: FeedbackEvent | Events
    ) -> AcceptedFeedback:
        told = [one.told() for one in (body if isinstance(body, list) else [body])]
        heard = await asyncio.to_thread(
            tell_feedback, kept(), community, told, clock(), hold_days * DAY_S
        )
        return AcceptedFeedback(
            sequence=heard.head, events=len(told), new=heard.new, beyond=heard.beyond
        )

    @app.post(
        MEMBER + "/reports/clear",
        tags=["operators"],
        summary="Reports about a member have been looked at: show them again",
        responses=CHANGE_PROBLEMS,
    )
    async def post_clear(community: CommunityName, member: MemberId) -> ReportsCleared:
        head = await asyncio.to_thread(clear_reports, kept(), community, member, clock())
        return ReportsCleared(sequence=head)
