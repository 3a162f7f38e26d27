"""Slates for many members in one request, for digests, over HTTP.

The members are answered one by one, each in a turn of its own: between two of them everybody else
who waits is answered, however many batches there are. Each answer is turned into JSON in its turn
as well, since ten megabytes at once would hold everybody up.
"""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Annotated

from fastapi import FastAPI, Response
from pydantic import BaseModel, ConfigDict, Field

from engine.errors import UnknownError
from engine.recommender import Recommender
from serving.communities import Communities
from serving.errors import AGAIN, BODY_PROBLEMS, TITLES, refusal
from serving.live import Live
from serving.paths import COMMUNITY, CommunityName, MinSequence
from serving.schemas import Problem, Recommendations
from serving.slates import Asked, Purpose, Slates

MAX_MEMBERS = 1_000
"""Members in one request at most."""

MAX_ITEMS = 25
"""Items for each of them at most: an answer has at most some twenty megabytes."""

AT_ONCE = 4
"""Batches one worker answers at once; more would leave no room for others."""

SLICE = 16
"""Members after which it is asked again what the answers must know."""


class BatchPurpose(StrEnum):
    """What everybody is suggested."""

    GROUPS = "groups"
    MEMBERS = "members"


class ForMany(BaseModel):
    """Many members, who are all suggested the same kind of thing."""

    model_config = ConfigDict(extra="forbid")

    members: Annotated[list[str], Field(min_length=1, max_length=MAX_MEMBERS)] = Field(
        description="Ids of members; one given twice is answered twice.", examples=[["m1", "m2"]]
    )
    purpose: BatchPurpose = Field(description="What to suggest to them.")
    limit: int = Field(
        default=10, ge=1, le=MAX_ITEMS, strict=True, description="Items for each at most."
    )


class ForOne(BaseModel):
    """What one of many members is answered: a slate, or why there is none."""

    member: str
    slate: Recommendations | None = None
    problem: Problem | None = None


class Batch(BaseModel):
    """An answer for each member, in the order they were given."""

    community: str
    answers: list[ForOne]


def add_batch(app: FastAPI, communities: Communities, slates: Slates) -> None:
    """Let platforms ask for many members at once."""
    batches = _Batches(slates)

    @app.post(
        COMMUNITY + "/recommendations/batch",
        tags=["recommendations"],
        summary="Groups or people for many members at once",
        response_model=Batch,
        responses=BODY_PROBLEMS,
    )
    async def recommend_batch(
        community: CommunityName, body: ForMany, min_sequence: MinSequence = 0
    ) -> Response:
        async with communities.asked(community) as live:
            if batches.running >= AT_ONCE:
                return refusal("overloaded", f"{AT_ONCE} batches are being answered.", AGAIN)
            return Response(await batches.answer(live, body, min_sequence), media_type=JSON)


JSON = "application/json"


class _Batches:
    """The batches that are being answered: one member of all of them in a turn of the loop."""

    def __init__(self, slates: Slates) -> None:
        self.running = 0
        self._slates = slates
        self._turn = asyncio.Lock()

    async def answer(self, live: Live, body: ForMany, min_sequence: int) -> bytes:
        """Return the answer for all of them as JSON."""
        self.running += 1
        try:
            recommender = await live.now(min_sequence)
            parts: list[str] = []
            for place, member in enumerate(body.members):
                if place and place % SLICE == 0:
                    recommender = await live.now(min_sequence)
                async with self._turn:
                    parts.append(self._for_one(live.name, recommender, member, body))
                    await asyncio.sleep(0)
        finally:
            self.running -= 1
        head = Batch(community=live.name, answers=[]).model_dump_json().removesuffix("]}")
        return (head + ",".join(parts) + "]}").encode()

    def _for_one(self, name: str, recommender: Recommender, member: str, body: ForMany) -> str:
        asked = Asked(name, Purpose(body.purpose.value), member, kept=False)
        recommender = self._slates.answering(asked, recommender)
        groups = body.purpose == BatchPurpose.GROUPS
        ask = recommender.groups_for if groups else recommender.members_for
        try:
            slate = self._slates.tell(asked, recommender, ask(member, body.limit))
        except UnknownError as error:
            why = Problem(
                type="urn:belong:problem:unknown",
                title=TITLES["unknown"],
                status=404,
                detail=str(error),
            )
            return ForOne(member=member, problem=why).model_dump_json()
        return ForOne(member=member, slate=slate).model_dump_json()
