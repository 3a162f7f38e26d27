"""The HTTP interface: a thin layer that turns requests into queries and answers into JSON."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import FastAPI, Path, Query
from starlette.convertors import PathConvertor, register_url_convertor

from engine.recommender import Answer, Recommender
from serving.communities import Communities
from serving.errors import (
    BODY_PROBLEMS,
    PROBLEMS,
    BodyLimit,
    ProblemResponse,
    add_error_handlers,
    problem,
)
from serving.schemas import (
    Communities as CommunityList,
)
from serving.schemas import (
    CommunityCard,
    Health,
    Item,
    NewcomerToGroups,
    NewcomerToMembers,
    Problem,
    Readiness,
    Reason,
    Recommendations,
)
from serving.settings import MAX_LIMIT, ServeSettings


class Anything(PathConvertor):
    """Any string at all, as ids are: slashes and line breaks included."""

    regex = r"[\s\S]*"


register_url_convertor("anything", Anything())

log = logging.getLogger(__name__)

COMMUNITY = "/v1/communities/{community}"
MEMBER = COMMUNITY + "/members/{member:anything}"

DESCRIPTION = (
    "Belong finds, for each member of a community, the groups where they would belong and the "
    "people they would be glad to meet, and says why."
)

CommunityName = Annotated[str, Path(description="The community's name.", examples=["town"])]
MemberId = Annotated[str, Path(description="The member's id, percent-encoded.")]
LimitParameter = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items wanted at most.")]


class Api(FastAPI):
    """The application, whose document knows the shape of a problem."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        document = super().openapi()
        document["components"]["schemas"]["Problem"] = Problem.model_json_schema()
        return document


def create_app(settings: ServeSettings) -> FastAPI:
    """Return the application; bundles are loaded in the background while it starts."""
    communities = Communities(settings.bundles, again_s=10 * settings.poll_s)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        watcher = asyncio.create_task(_watch(communities, settings.poll_s))
        # Of several workers, one that has not loaded yet would answer 503 beside those that have:
        # it begins to listen when it can answer, or when loading takes unusually long.
        await asyncio.to_thread(communities.looked.wait, settings.patience_s)
        yield
        watcher.cancel()

    app = Api(title="Belong", version="1", description=DESCRIPTION, lifespan=lifespan)
    app.add_middleware(BodyLimit)
    add_error_handlers(app)
    _add_health(app, communities)
    _add_recommendations(app, communities)
    _add_newcomers(app, communities)
    return app


async def _watch(communities: Communities, poll_s: float) -> None:
    while True:
        try:
            await asyncio.to_thread(communities.refresh)
        except Exception:  # whatever happens to the disk, what is loaded goes on answering
            log.exception("bundles could not be looked at")
        await asyncio.sleep(poll_s)


def _add_health(app: FastAPI, communities: Communities) -> None:
    @app.get("/healthz", tags=["health"], summary="Is the process alive?")
    async def healthz() -> Health:
        return Health()

    @app.get(
        "/readyz",
        tags=["health"],
        summary="Can it answer?",
        response_model=Readiness,
        responses={503: PROBLEMS[503]},
    )
    async def readyz() -> Readiness | ProblemResponse:
        why = communities.why_not_ready()
        if why:
            return problem("not-ready", 503, why)
        return Readiness(communities=[name for name, _ in communities.loaded()])

    @app.get("/v1/communities", tags=["communities"], summary="Which communities are served?")
    async def list_communities() -> CommunityList:
        cards = [
            CommunityCard(
                community=name,
                version=recommender.bundle.manifest.version,
                members=len(recommender.bundle.snapshot.members.ids),
                groups=len(recommender.bundle.snapshot.groups.ids),
            )
            for name, recommender in communities.loaded()
        ]
        return CommunityList(communities=cards)


def _add_recommendations(app: FastAPI, communities: Communities) -> None:
    # Answering takes about a millisecond: a thread would cost more than it frees.
    @app.get(
        MEMBER + "/recommendations/groups",
        tags=["recommendations"],
        summary="Groups where a member would belong",
        responses=PROBLEMS,
    )
    async def groups_for_member(
        community: CommunityName, member: MemberId, limit: LimitParameter = 10
    ) -> Recommendations:
        recommender = communities.recommender(community)
        return _slate(community, recommender, recommender.groups_for(member, limit))

    @app.get(
        MEMBER + "/recommendations/members",
        tags=["recommendations"],
        summary="People a member would be glad to meet",
        responses=PROBLEMS,
    )
    async def members_for_member(
        community: CommunityName, member: MemberId, limit: LimitParameter = 10
    ) -> Recommendations:
        recommender = communities.recommender(community)
        return _slate(community, recommender, recommender.members_for(member, limit))


def _add_newcomers(app: FastAPI, communities: Communities) -> None:
    # Encoding a text takes long enough to be worth a thread.
    @app.post(
        COMMUNITY + "/recommendations/groups",
        tags=["newcomers"],
        summary="Groups for someone known only by what they say",
        responses=BODY_PROBLEMS,
    )
    def groups_for_text(community: CommunityName, newcomer: NewcomerToGroups) -> Recommendations:
        recommender = communities.recommender(community)
        answer = recommender.groups_for_text(newcomer.text, newcomer.limit)
        return _slate(community, recommender, answer)

    @app.post(
        COMMUNITY + "/recommendations/members",
        tags=["newcomers"],
        summary="People for someone known only by what they say",
        responses=BODY_PROBLEMS,
    )
    def members_for_text(community: CommunityName, newcomer: NewcomerToMembers) -> Recommendations:
        recommender = communities.recommender(community)
        answer = recommender.members_for_text(newcomer.text, newcomer.limit, newcomer.audience)
        return _slate(community, recommender, answer)


def _slate(community: str, recommender: Recommender, answer: Answer) -> Recommendations:
    items = [
        Item(
            id=item.id,
            name=item.name,
            score=item.score,
            probability=item.probability,
            reasons=[
                Reason(kind=reason.kind, text=reason.text, evidence=list(reason.evidence))
                for reason in item.reasons
            ],
        )
        for item in answer.items
    ]
    return Recommendations(
        recommendation_id=uuid.uuid4().hex,
        community=community,
        version=recommender.bundle.manifest.version,
        items=items,
    )
