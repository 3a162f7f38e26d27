"""Suggestions over HTTP: for members by id, and for newcomers by what they say."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError

from engine.wanted import ANYTHING
from serving.communities import Communities
from serving.cursors import Page, PageAsked, Pages
from serving.errors import BODY_PROBLEMS, SLATE_PROBLEMS
from serving.filters import Filters, GroupFilters, MemberFilters
from serving.live import Live
from serving.paths import COMMUNITY, MEMBER, CommunityName, MemberId
from serving.schemas import NewcomerToGroups, NewcomerToMembers, Recommendations
from serving.slates import Asked, Purpose, Slates


def add_recommendations(app: FastAPI, communities: Communities, slates: Slates) -> None:
    """Let platforms ask whom and what to suggest."""
    _add_members(app, _Answers(communities, slates))
    _add_newcomers(app, communities, slates)


class _Answers:
    """Answers members by id: a slate, or one page of it."""

    def __init__(self, communities: Communities, slates: Slates) -> None:
        self._communities = communities
        self._slates = slates
        self._pages = Pages(slates)

    async def __call__(self, asked: Asked, page: Page, filters: Filters) -> Recommendations:
        async with self._communities.asked(asked.community) as live:
            return await self._told(live, asked, page, filters)

    async def _told(
        self, live: Live, asked: Asked, page: Page, filters: Filters
    ) -> Recommendations:
        if page.cursor:
            if page.pages or filters != NO_FILTERS:
                raise RequestValidationError([TOO_MUCH])
            return await self._pages.after(live, asked, page)
        wanted = await filters.of(live, self._slates, asked)
        if page.pages:
            return await self._pages.first(live, asked, page, wanted)
        recommender = self._slates.answering(asked, await live.now(page.min_sequence))
        groups = asked.purpose is Purpose.GROUPS
        ask = recommender.groups_for if groups else recommender.members_for
        return self._slates.tell(asked, recommender, ask(str(asked.viewer), page.limit, wanted))


NO_FILTERS = Filters(ANYTHING)
TOO_MUCH = {
    "loc": ("query", "cursor"),
    "msg": "a cursor goes on with a slate that is settled: it takes no filters, again or pages",
    "type": "value_error",
}


def _add_members(app: FastAPI, answer: _Answers) -> None:
    # Answering takes about a millisecond: a thread would cost more than it frees.
    @app.get(
        MEMBER + "/recommendations/groups",
        tags=["recommendations"],
        summary="Groups where a member would belong",
        responses=SLATE_PROBLEMS,
    )
    async def groups_for_member(
        community: CommunityName, member: MemberId, page: PageAsked, filters: GroupFilters
    ) -> Recommendations:
        return await answer(Asked(community, Purpose.GROUPS, member), page, filters)

    @app.get(
        MEMBER + "/recommendations/members",
        tags=["recommendations"],
        summary="People a member would be glad to meet",
        responses=SLATE_PROBLEMS,
    )
    async def members_for_member(
        community: CommunityName, member: MemberId, page: PageAsked, filters: MemberFilters
    ) -> Recommendations:
        return await answer(Asked(community, Purpose.MEMBERS, member), page, filters)


def _add_newcomers(app: FastAPI, communities: Communities, slates: Slates) -> None:
    # Encoding a text takes long enough to be worth a thread.
    @app.post(
        COMMUNITY + "/recommendations/groups",
        tags=["newcomers"],
        summary="Groups for someone known only by what they say",
        responses=BODY_PROBLEMS,
    )
    async def groups_for_text(
        community: CommunityName, newcomer: NewcomerToGroups
    ) -> Recommendations:
        wanted = newcomer.wanted()
        async with communities.asked(community) as live:
            recommender = await live.now()
            answer = await asyncio.to_thread(
                recommender.groups_for_text, newcomer.text, newcomer.limit, wanted
            )
        return slates.tell(Asked(community, Purpose.GROUPS), recommender, answer)

    @app.post(
        COMMUNITY + "/recommendations/members",
        tags=["newcomers"],
        summary="People for someone known only by what they say",
        responses=BODY_PROBLEMS,
    )
    async def members_for_text(
        community: CommunityName, newcomer: NewcomerToMembers
    ) -> Recommendations:
        wanted = newcomer.wanted()
        said = newcomer.text, newcomer.limit, newcomer.audience, wanted
        async with communities.asked(community) as live:
            recommender = await live.now()
            answer = await asyncio.to_thread(recommender.members_for_text, *said)
        return slates.tell(Asked(community, Purpose.MEMBERS), recommender, answer)
