"""The shapes of changes: what a platform may tell. Unknown fields are refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from data.store.changes import (
    Change,
    DeleteBlock,
    DeleteGroup,
    DeleteMember,
    DeleteMembership,
    DeletePost,
    PutBlock,
    PutGroup,
    PutMember,
    PutMembership,
    PutPost,
    PutPreferences,
)
from engine.domain import MAX_TEXT, Visibility

MAX_ID = 256
"""Characters of an id at most."""

MAX_CHANGES = 1_000
"""Changes in one request at most."""

MAX_PEOPLE = 1_000
"""People one post may name as authors or participants."""

Id = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID)]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT)]
Ids = Annotated[list[Id], Field(max_length=MAX_PEOPLE)]
Seconds = Annotated[
    float | None, Field(description="Unix seconds; now, for something new, if left out.")
]


class Strict(BaseModel):
    """A body whose every field is known, and of its type: false is no number, nor is "1"."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)


class MemberBody(Strict):
    """A member's profile. What is left out is empty; preferences have a path of their own."""

    name: Text = ""
    text: Text = Field(default="", examples=["I bake sourdough and restore old radios."])
    seeking: Text = ""
    offering: Text = ""
    language: Text = ""
    place: Text = ""
    audience: Text | None = Field(
        default=None,
        description="Audience band. In a community with bands, someone without one is introduced "
        "to nobody.",
    )
    created_ts: Seconds = None

    def as_change(self, member: str) -> Change:
        """Return the change this is, of a member."""
        return PutMember(member, **self.model_dump(include=set(MemberBody.model_fields)))


class GroupBody(Strict):
    """A group."""

    name: Text = ""
    text: Text = ""
    visibility: Annotated[Visibility, Field(strict=False)] = Visibility.PUBLIC
    capacity: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="Most members it takes; null for no limit."
    )
    language: Text = ""
    place: Text = ""
    created_ts: Seconds = None

    def as_change(self, group: str) -> Change:
        """Return the change this is, of a group."""
        fields = self.model_dump(mode="json", include=set(GroupBody.model_fields))
        return PutGroup(group, **fields)


class PostBody(Strict):
    """A post."""

    members: Annotated[list[Id], Field(min_length=1, max_length=MAX_PEOPLE)] = Field(
        description="Who wrote it."
    )
    groups: Ids = Field(default=[], description="Where it stands.")
    participants: Ids = Field(default=[], description="Who took part without writing it.")
    ts: Seconds = None
    title: Text = ""
    text: Text = ""
    parent: Id | None = Field(default=None, description="The post it answers.")
    visibility: Annotated[Visibility, Field(strict=False)] = Visibility.PUBLIC

    def as_change(self, post: str) -> Change:
        """Return the change this is, of a post."""
        fields = self.model_dump(mode="json", include=set(PostBody.model_fields))
        for name in ("members", "groups", "participants"):
            fields[name] = tuple(fields[name])
        return PutPost(post, **fields)


class MembershipBody(Strict):
    """A member joins a group."""

    first_ts: Seconds = None


class PreferencesBody(Strict):
    """What a member wants; what is left out stays as it is."""

    discoverable: bool | None = None
    open_to_introductions: bool | None = None
    weekly_introductions: Annotated[float, Field(ge=0, le=1_000)] | None = None
    muted_topics: Annotated[list[Text], Field(max_length=200)] | None = None
    muted_groups: Annotated[list[Id], Field(max_length=1_000)] | None = None

    def as_change(self, member: str) -> Change:
        """Return the change this is, of a member."""
        given = self.model_dump(exclude_none=True, include=set(PreferencesBody.model_fields))
        for name in ("muted_topics", "muted_groups"):
            if name in given:
                given[name] = tuple(given[name])
        return PutPreferences(member, **given)


class PutMemberLine(MemberBody):
    """A member, among many changes."""

    change: Literal["put_member"]
    member: Id

    def told(self) -> Change:
        """Return the change this line is."""
        return self.as_change(self.member)


class PutGroupLine(GroupBody):
    """A group, among many changes."""

    change: Literal["put_group"]
    group: Id

    def told(self) -> Change:
        """Return the change this line is."""
        return self.as_change(self.group)


class PutPostLine(PostBody):
    """A post, among many changes."""

    change: Literal["put_post"]
    post: Id

    def told(self) -> Change:
        """Return the change this line is."""
        return self.as_change(self.post)


class PutPreferencesLine(PreferencesBody):
    """A member's preferences, among many changes."""

    change: Literal["put_preferences"]
    member: Id

    def told(self) -> Change:
        """Return the change this line is."""
        return self.as_change(self.member)


class PutMembershipLine(MembershipBody):
    """A member joins a group, among many changes."""

    change: Literal["put_membership"]
    member: Id
    group: Id

    def told(self) -> Change:
        """Return the change this line is."""
        return PutMembership(self.member, self.group, self.first_ts)


class OneLine(Strict):
    """A member, a group or a post is deleted, among many changes."""

    change: Literal["delete_member", "delete_group", "delete_post"]
    id: Id

    def told(self) -> Change:
        """Return the change this line is."""
        if self.change == "delete_member":
            return DeleteMember(self.id)
        return DeleteGroup(self.id) if self.change == "delete_group" else DeletePost(self.id)


class LeaveLine(Strict):
    """A member leaves a group, among many changes."""

    change: Literal["delete_membership"]
    member: Id
    group: Id

    def told(self) -> Change:
        """Return the change this line is."""
        return DeleteMembership(self.member, self.group)


class BlockLine(Strict):
    """A block is made or lifted, among many changes."""

    change: Literal["put_block", "delete_block"]
    member: Id
    other: Id

    def told(self) -> Change:
        """Return the change this line is."""
        kind = PutBlock if self.change == "put_block" else DeleteBlock
        return kind(self.member, self.other)


Line = Annotated[
    PutMemberLine
    | PutGroupLine
    | PutPostLine
    | PutPreferencesLine
    | PutMembershipLine
    | OneLine
    | LeaveLine
    | BlockLine,
    Field(discriminator="change"),
]
"""One of many changes; `change` says which."""

LINE: TypeAdapter[Line] = TypeAdapter(Line)


class Accepted(BaseModel):
    """A change is durable."""

    sequence: int = Field(
        description="Ask with min_sequence to be answered with it for certain.", examples=[4711]
    )


class AcceptedMany(Accepted):
    """Changes are durable, all of them."""

    changes: int = Field(description="How many there were.")
    repeated: bool = Field(description="Whether they had been made already, under the same key.")


class AcceptedErasure(Accepted):
    """A member is out of every answer; the receipt tells when they are out of everything."""

    erasure_id: str | None = Field(description="Null if there never was such a member.")
