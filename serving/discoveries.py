"""Groups that should exist, over HTTP: for a host who might help to found one."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI
from pydantic import BaseModel, Field

from engine.discoveries import Discovery, discoveries_now
from engine.explanations import Reason as Fact
from serving.communities import Communities
from serving.errors import PROBLEMS
from serving.paths import COMMUNITY, CommunityName, LimitParameter, MinSequence
from serving.schemas import Reason


class Founder(BaseModel):
    """Somebody who might found the group: they agree to be found and to be introduced."""

    id: str
    name: str
    reasons: list[Reason] = Field(description="Why they are among the founders.")


class NearestGroup(BaseModel):
    """A public group that comes near."""

    id: str
    name: str
    reasons: list[Reason] = Field(description="Why it does not serve these people.")


class DiscoveredGroup(BaseModel):
    """A group that should exist: people with a narrow interest that no public group serves."""

    name: str = Field(
        description="What it might be called, in its founders' own words.",
        examples=["Lhc and hadron collider"],
    )
    description: str
    terms: list[str] = Field(
        description="The words that several founders use in public, most typical first."
    )
    founders: list[Founder] = Field(description="4 to 40 people, the most central first.")
    nearest: list[NearestGroup] = Field(description="The nearest first; there may be none.")
    score: float = Field(
        description="How much it looks like a group; comparable within one answer only."
    )


class Discoveries(BaseModel):
    """Groups that should exist, best first."""

    community: str
    version: str = Field(description="The bundle that answered.")
    items: list[DiscoveredGroup]


def add_discoveries(app: FastAPI, communities: Communities) -> None:
    """Let hosts ask which groups should exist."""

    # Words and neighbours of dozens of sets take long enough to be worth a thread.
    @app.get(
        COMMUNITY + "/discoveries",
        tags=["recommendations"],
        summary="Groups that should exist",
        responses=PROBLEMS,
    )
    async def discoveries(
        community: CommunityName, limit: LimitParameter = 10, min_sequence: MinSequence = 0
    ) -> Discoveries:
        async with communities.asked(community) as live:
            recommender = await live.now(min_sequence)
            snapshot = recommender.bundle.snapshot
            found = await asyncio.to_thread(discoveries_now, snapshot, limit, recommender.holds)
        return Discoveries(
            community=community,
            version=recommender.bundle.manifest.version,
            items=[_told(one) for one in found],
        )


def _told(found: Discovery) -> DiscoveredGroup:
    return DiscoveredGroup(
        name=found.name,
        description=found.description,
        terms=list(found.terms),
        founders=[
            Founder(id=one.id, name=one.name, reasons=_reasons(one.reasons))
            for one in found.founders
        ],
        nearest=[
            NearestGroup(id=one.id, name=one.name, reasons=_reasons(one.reasons))
            for one in found.nearest
        ],
        score=found.score,
    )


def _reasons(facts: tuple[Fact, ...]) -> list[Reason]:
    return [Reason(kind=one.kind, text=one.text, evidence=list(one.evidence)) for one in facts]
