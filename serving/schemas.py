"""The shapes of requests and answers: the OpenAPI contract."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from engine.domain import MAX_TEXT
from serving.filters import GroupFilterBody, MemberFilterBody
from serving.settings import MAX_LIMIT

Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT, description="Items wanted at most.")]


class Reason(BaseModel):
    """Why an item was suggested: a fact that can be checked."""

    kind: str = Field(description="What sort of fact; stable.", examples=["shared_interest"])
    text: str = Field(examples=["People here talk about “levain”, as you do."])
    evidence: list[str] = Field(description="Ids of posts, members or groups that show it.")


class Item(BaseModel):
    """One suggestion."""

    id: str
    name: str
    score: float = Field(
        description="Ordered the candidates before the slate was chosen from them, which may put "
        "a smaller group first; comparable within one slate only."
    )
    probability: float | None = Field(
        description="That the member joins and stays; see the operator's guide for within how "
        "many days. Null unless calibrated."
    )
    reasons: list[Reason]
    opening: str | None = Field(
        default=None,
        description="A question to begin a conversation with, made of what both may see; null if "
        "this is no introduction.",
        examples=["We both talk about “levain”. How did you come to it?"],
    )


class ShortSlate(BaseModel):
    """Why there are fewer people than were asked for."""

    because: str = Field(
        description="closed: the member takes no introductions. weekly_introductions: these are "
        "all they take this week. nobody_left: nobody else can be introduced to them now; why "
        "somebody in particular cannot is not told.",
        examples=["nobody_left"],
    )
    asked: int = Field(description="How many were asked for.")
    given: int = Field(description="How many there are.")
    text: str = Field(
        description="For the member to read.",
        examples=["There is nobody else to introduce you to just now."],
    )


class Recommendations(BaseModel):
    """A slate, best first."""

    recommendation_id: str
    community: str
    version: str = Field(description="The bundle that answered.")
    items: list[Item]
    cursor: str | None = Field(
        default=None,
        description="Where the next page of the same slate begins, if pages were asked for and "
        "there is one.",
    )
    short: ShortSlate | None = Field(
        default=None,
        description="Why a slate of people holds fewer than were asked for; null if it does not, "
        "and on pages, for groups, invitations and the caller's own candidates.",
    )


class NewcomerToGroups(GroupFilterBody):
    """Someone new, known only by what they say."""

    text: str = Field(max_length=MAX_TEXT, examples=["I bake sourdough and restore old radios."])
    limit: Limit = 10


class NewcomerToMembers(MemberFilterBody):
    """Someone new who would like to meet people."""

    text: str = Field(max_length=MAX_TEXT, examples=["I bake sourdough and restore old radios."])
    limit: Limit = 10
    audience: str | None = Field(
        default=None,
        description="Their audience band, such as adult. Where a community has bands, people of "
        "the same band are suggested and, if none is given, nobody.",
    )


class CommunityCard(BaseModel):
    """A community that is served."""

    community: str
    version: str
    sequence: int = Field(description="The last change that its answers know.")
    members: int
    groups: int


class Communities(BaseModel):
    """The communities that are served."""

    communities: list[CommunityCard]


class Health(BaseModel):
    """The process is alive."""

    status: str = "ok"


class Readiness(BaseModel):
    """Every community that has a bundle can be answered for."""

    status: str = "ready"
    communities: int = Field(description="How many; their names are for those who have a key.")


class Problem(BaseModel):
    """What went wrong, as RFC 9457 has it."""

    type: str = Field(examples=["urn:belong:problem:unknown"])
    title: str
    status: int
    detail: str
