"""Who might answer a post, which posts wait for an answer, and what to join, over HTTP."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import FastAPI, Query
from pydantic import BaseModel, ConfigDict, Field

from engine.conversations import Conversation, Conversations, Listener
from engine.domain import MAX_TEXT
from engine.recommender import Recommender
from engine.responders import Responders
from serving.communities import Communities
from serving.errors import BODY_PROBLEMS, PROBLEMS
from serving.metrics import Metrics, observe_answer
from serving.paths import (
    COMMUNITY,
    MEMBER,
    POST,
    CommunityName,
    LimitParameter,
    MemberId,
    MinSequence,
    PostId,
)
from serving.schemas import Reason, Recommendations
from serving.slates import Asked, Purpose, Slates

FEWEST, MOST, USUAL = 3, 10, 5
"""People asked for at least and at most, and if nothing is said."""

MAX_GROUPS = 20
"""Groups that a question may stand in."""

HowMany = Annotated[int, Query(ge=FEWEST, le=MOST, description="People wanted at most.")]


class ToAnswer(BaseModel):
    """Something that is asked, and has not been posted yet."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(default="", max_length=MAX_TEXT, examples=["Rye starter smells odd"])
    text: str = Field(max_length=MAX_TEXT, examples=["My levain smells of acetone. Is it dead?"])
    groups: list[str] = Field(
        default_factory=list,
        max_length=MAX_GROUPS,
        description="Ids of the public groups in which it is to be asked.",
    )
    member: str | None = Field(
        default=None,
        description="Who asks, if they are a member: nobody is named whom they may not see.",
    )
    audience: str | None = Field(
        default=None,
        description="The audience band of somebody who is no member. Where a community has bands, "
        "people of the same band are named and, if none is given, nobody.",
    )
    limit: Annotated[int, Field(ge=FEWEST, le=MOST, description="People wanted at most.")] = USUAL


class OpenPost(BaseModel):
    """A post that may be answered."""

    id: str
    authors: list[str] = Field(description="Who wrote it, as far as they may be seen.")
    groups: list[str] = Field(description="The public groups in which it stands.")
    waiting_hours: float = Field(description="Hours since it was written.")
    voices: int = Field(description="How many people who may be seen have answered it.")
    by_newcomer: bool = Field(description="Whether somebody wrote it who was new then.")


class UnansweredPosts(BaseModel):
    """Posts that nobody has answered, in the order in which they should be."""

    community: str
    version: str = Field(description="The bundle that answered.")
    items: list[OpenPost]


class PostToJoin(OpenPost):
    """A conversation that a member might join."""

    score: float = Field(description="Ordered the candidates; comparable within one slate only.")
    reasons: list[Reason]


class PostsToJoin(BaseModel):
    """Conversations a member might join, best first."""

    community: str
    version: str = Field(description="The bundle that answered.")
    items: list[PostToJoin]


def add_responders(
    app: FastAPI, communities: Communities, slates: Slates, metrics: Metrics
) -> None:
    """Let platforms find who might answer, and what waits for an answer."""
    _add_responders(app, communities, slates)
    _add_posts(app, communities, metrics)


def _add_responders(app: FastAPI, communities: Communities, slates: Slates) -> None:
    # Every answer to every post is looked at: long enough to be worth a thread.
    @app.get(
        POST + "/recommendations/members",
        tags=["conversations"],
        summary="Who is likely to answer a post well",
        responses=PROBLEMS,
    )
    async def responders_to_post(
        community: CommunityName,
        post: PostId,
        limit: HowMany = USUAL,
        min_sequence: MinSequence = 0,
    ) -> Recommendations:
        async with communities.asked(community) as live:
            recommender = await live.now(min_sequence)
            answer = await asyncio.to_thread(Responders(recommender).to_post, post, limit)
        return slates.tell(Asked(community, Purpose.RESPONDERS), recommender, answer)

    @app.post(
        COMMUNITY + "/recommendations/responders",
        tags=["conversations"],
        summary="Who is likely to answer something that has not been posted yet",
        responses=BODY_PROBLEMS,
    )
    async def responders_to_text(
        community: CommunityName, question: ToAnswer, min_sequence: MinSequence = 0
    ) -> Recommendations:
        async with communities.asked(community) as live:
            recommender = await live.now(min_sequence)
            answer = await asyncio.to_thread(
                Responders(recommender).to_text,
                f"{question.title}. {question.text}".strip(" ."),
                question.limit,
                question.groups,
                question.member,
                question.audience,
            )
        asked = Asked(community, Purpose.RESPONDERS, question.member)
        return slates.tell(asked, recommender, answer)


def _add_posts(app: FastAPI, communities: Communities, metrics: Metrics) -> None:
    @app.get(
        COMMUNITY + "/posts/unanswered",
        tags=["conversations"],
        summary="Posts that nobody has answered, newcomers' first",
        responses=PROBLEMS,
    )
    async def unanswered_posts(
        community: CommunityName,
        limit: LimitParameter = 10,
        member: Annotated[
            str, Query(description="Who looks: only what they may see and did not write.")
        ] = "",
        min_sequence: MinSequence = 0,
    ) -> UnansweredPosts:
        async with communities.asked(community) as live:
            recommender = await live.now(min_sequence)
            listener = Listener(recommender)
            found = await asyncio.to_thread(listener.unanswered, limit, member or None)
        _observe(metrics, Purpose.UNANSWERED, found, cold=not member)
        items = [OpenPost(**_told(post)) for post in found.items]
        return UnansweredPosts(community=community, version=_version(recommender), items=items)

    @app.get(
        MEMBER + "/recommendations/posts",
        tags=["conversations"],
        summary="Conversations in which a member's voice fits and is wanted",
        responses=PROBLEMS,
    )
    async def posts_to_join(
        community: CommunityName,
        member: MemberId,
        limit: LimitParameter = 10,
        min_sequence: MinSequence = 0,
    ) -> PostsToJoin:
        async with communities.asked(community) as live:
            recommender = await live.now(min_sequence)
            listener = Listener(recommender)
            found = await asyncio.to_thread(listener.worth_joining, member, limit)
        _observe(metrics, Purpose.POSTS, found, cold=False)
        items = [
            PostToJoin(**_told(post), score=post.score, reasons=_reasons(post))
            for post in found.items
        ]
        return PostsToJoin(community=community, version=_version(recommender), items=items)


def _observe(metrics: Metrics, purpose: Purpose, found: Conversations, *, cold: bool) -> None:
    observe_answer(metrics, purpose, found.trace, found.trace.candidates, cold)


def _version(recommender: Recommender) -> str:
    return recommender.bundle.manifest.version


def _told(post: Conversation) -> dict[str, Any]:
    return {
        "id": post.id,
        "authors": list(post.authors),
        "groups": list(post.groups),
        "waiting_hours": round(post.waiting_hours, 2),
        "voices": post.voices,
        "by_newcomer": post.by_newcomer,
    }


def _reasons(post: Conversation) -> list[Reason]:
    return [
        Reason(kind=reason.kind, text=reason.text, evidence=list(reason.evidence))
        for reason in post.reasons
    ]
