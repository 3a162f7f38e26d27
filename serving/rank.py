"""The caller's own candidates, ordered for a member as slates are, over HTTP."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from engine.answers import Answer
from engine.recommender import Recommender
from serving.communities import Communities
from serving.errors import BODY_PROBLEMS
from serving.paths import COMMUNITY, CommunityName, MinSequence
from serving.schemas import Recommendations
from serving.slates import Asked, Purpose, Slates

MAX_CANDIDATES = 500
"""Candidates in one request at most."""

Candidates = Annotated[list[str], Field(min_length=1, max_length=MAX_CANDIDATES)]


class ToRank(BaseModel):
    """A member and candidates for them."""

    model_config = ConfigDict(extra="forbid")

    member: str = Field(description="For whom.", examples=["m1"])
    candidates: Candidates = Field(
        description="Ids, in any order; one given twice counts once.", examples=[["g1", "g2"]]
    )


class Ranked(Recommendations):
    """The candidates that may be shown, best first."""

    left_out: list[str] = Field(
        description="Candidates that are unknown or may not be shown to this member, in the order "
        "given. Which of the two, and why, is not told."
    )


def add_rank(app: FastAPI, communities: Communities, slates: Slates) -> None:
    """Let platforms have their own candidates ordered."""

    # Hundreds of candidates with their reasons take long enough to be worth a thread.
    @app.post(
        COMMUNITY + "/rank/groups",
        tags=["recommendations"],
        summary="Order groups for a member",
        responses=BODY_PROBLEMS,
    )
    async def rank_groups(
        community: CommunityName, body: ToRank, min_sequence: MinSequence = 0
    ) -> Ranked:
        async with communities.asked(community) as live:
            recommender = await live.now(min_sequence)
            answer = await asyncio.to_thread(
                recommender.ranked_groups, body.member, body.candidates
            )
        asked = Asked(community, Purpose.RANKED_GROUPS, body.member)
        return _ranked(slates, asked, recommender, answer, body)

    @app.post(
        COMMUNITY + "/rank/members",
        tags=["recommendations"],
        summary="Order people for a member to meet",
        responses=BODY_PROBLEMS,
    )
    async def rank_members(
        community: CommunityName, body: ToRank, min_sequence: MinSequence = 0
    ) -> Ranked:
        async with communities.asked(community) as live:
            recommender = await live.now(min_sequence)
            answer = await asyncio.to_thread(
                recommender.ranked_members, body.member, body.candidates
            )
        asked = Asked(community, Purpose.RANKED_MEMBERS, body.member)
        return _ranked(slates, asked, recommender, answer, body)


def _ranked(
    slates: Slates, asked: Asked, recommender: Recommender, answer: Answer, body: ToRank
) -> Ranked:
    told = slates.tell(asked, recommender, answer)
    here = {item.id for item in answer.items}
    left_out = [one for one in dict.fromkeys(body.candidates) if one not in here]
    return Ranked(**dict(told), left_out=left_out)
