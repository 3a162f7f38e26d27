"""Whom a host might invite into a group, over HTTP."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI

from serving.communities import Communities
from serving.errors import PROBLEMS
from serving.paths import GROUP, CommunityName, GroupId, LimitParameter, MinSequence
from serving.schemas import Recommendations
from serving.slates import Asked, Purpose, Slates


def add_invitations(app: FastAPI, communities: Communities, slates: Slates) -> None:
    """Let hosts ask whom they might invite."""

    # A group's members and all their ties take long enough to be worth a thread.
    @app.get(
        GROUP + "/recommendations/members",
        tags=["recommendations"],
        summary="Whom a host might invite into a group",
        responses=PROBLEMS,
    )
    async def members_to_invite(
        community: CommunityName,
        group: GroupId,
        limit: LimitParameter = 10,
        min_sequence: MinSequence = 0,
    ) -> Recommendations:
        async with communities.asked(community) as live:
            recommender = await live.now(min_sequence)
            answer = await asyncio.to_thread(recommender.members_to_invite, group, limit)
        return slates.tell(Asked(community, Purpose.INVITATIONS, group), recommender, answer)
