"""What operators may look up: what was answered and why, who was forgotten, what is held."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import FastAPI, Path
from pydantic import BaseModel, Field

from data.store.connect import Store
from data.store.erasure import erasure
from data.store.ledger import Served, read_served
from data.store.member_export import everything_about
from engine.answers import GONE, Judged
from engine.errors import UnknownError
from engine.facts import Written
from engine.recommender import Recommender
from serving.communities import Communities
from serving.errors import PROBLEMS
from serving.paths import COMMUNITY, MEMBER, CommunityName, MemberId
from serving.schemas import Reason

RecommendationId = Annotated[str, Path(description="As the slate had it.")]
ErasureId = Annotated[str, Path(description="As the deletion was answered.")]

GROUPS = ("groups", "ranked_groups")
"""Purposes whose items are groups."""


class ReplayedItem(BaseModel):
    """An item that was served, and what holds of it now."""

    id: str
    rank: int
    score: float
    odds: float = Field(description="With what probability it was served to whoever asked so.")
    sources: list[str] = Field(description="Which sources found it.")
    reason_kinds: list[str] = Field(description="Which kinds of reasons were given.")
    refused_by: str | None = Field(
        description="The policy that would refuse it now, 'gone' if there is no such thing any "
        "more; null if it may be shown. What is refused has neither name nor reasons here."
    )
    name: str | None
    reasons: list[Reason] = Field(description="Why it would be suggested now.")


class Replay(BaseModel):
    """A slate that was served, seen through today's policies."""

    recommendation_id: str
    community: str
    member: str | None = Field(description="Null for somebody who was known by a text alone.")
    purpose: str
    created_ts: float
    version: str = Field(description="The bundle that answered.")
    policy: str = Field(description="The version of the rules and of the operator's choices.")
    arm: str | None = Field(description="The arms of experiments it was answered for.")
    items: list[ReplayedItem]


class ErasureReceipt(BaseModel):
    """When somebody was forgotten, and where; it names nobody."""

    erasure_id: str
    community: str
    sequence: int
    requested_ts: float
    steps: dict[str, float] = Field(description="What is done, and when: unix seconds.")
    held_up: str | None = Field(
        description="Why the next step cannot be done, such as the version of a bundle that nobody "
        "can read; null if nothing is in the way."
    )


def add_receipts(app: FastAPI, communities: Communities, store: Store | None) -> None:
    """Let operators look things up."""

    def kept() -> Store:
        if store is None:
            raise UnknownError("this server keeps nothing: start it with --store")
        return store

    @app.get(
        COMMUNITY + "/recommendations/{recommendation:id}",
        tags=["operators"],
        summary="What was answered and why, through today's policies",
        responses=PROBLEMS,
    )
    async def get_recommendation(
        community: CommunityName, recommendation: RecommendationId
    ) -> Replay:
        # Read before the present is: who is forgotten in between is unknown to it.
        served = await asyncio.to_thread(read_served, kept(), community, recommendation)
        async with communities.asked(community) as live:
            recommender = await live.now()
            return await asyncio.to_thread(replayed, recommender, community, served)

    @app.get(
        COMMUNITY + "/erasures/{erasure:id}",
        tags=["operators"],
        summary="The receipt of a deletion",
        responses=PROBLEMS,
    )
    async def get_erasure(community: CommunityName, erasure: ErasureId) -> ErasureReceipt:
        return await asyncio.to_thread(_receipt, kept(), community, erasure)

    @app.get(
        MEMBER + "/export",
        tags=["operators"],
        summary="All that is held on a member",
        responses=PROBLEMS,
    )
    async def get_export(community: CommunityName, member: MemberId) -> dict[str, Any]:
        return await asyncio.to_thread(everything_about, kept(), community, member)


def replayed(recommender: Recommender, community: str, served: Served) -> Replay:
    """Return a slate as today's policies let it be seen.

    Raises:
        UnknownError: To whom it was served is not there any more.
    """
    kind = Written.GROUP if served.purpose in GROUPS else Written.MEMBER
    ids = [item.item for item in served.items]
    now = {one.id: one for one in recommender.judged(kind, served.member, ids)}
    return Replay(
        recommendation_id=served.recommendation_id,
        community=community,
        member=served.member or None,
        purpose=served.purpose,
        created_ts=served.created_ts,
        version=served.bundle,
        policy=served.policy,
        arm=served.arm or None,
        items=_items(served, [now[one] for one in ids]),
    )


def _items(served: Served, judged: Sequence[Judged]) -> list[ReplayedItem]:
    # A member who is gone was forgotten: the ledger is, too, unless that is under way.
    return [
        ReplayedItem(
            id=item.item,
            rank=item.rank,
            score=item.score,
            odds=item.odds,
            sources=list(item.sources),
            reason_kinds=list(item.reasons),
            refused_by=one.refused_by,
            name=one.name or None,
            reasons=[
                Reason(kind=why.kind, text=why.text, evidence=list(why.evidence))
                for why in one.reasons
            ],
        )
        for item, one in zip(served.items, judged, strict=True)
        if served.purpose in GROUPS or one.refused_by != GONE
    ]


def _receipt(store: Store, community: str, erasure_id: str) -> ErasureReceipt:
    found = erasure(store, community, erasure_id)
    return ErasureReceipt(
        erasure_id=found.id,
        community=found.community,
        sequence=found.seq,
        requested_ts=found.requested_ts,
        steps=dict(found.steps),
        held_up=found.held_up or None,
    )
