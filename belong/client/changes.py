"""What a platform tells: how a member, a group, a post is now, and who is with whom.

A change is told alone, by the method of the client named like it, or among many.

>>> Join("ana", "bakers").line()
{'change': 'put_membership', 'member': 'ana', 'group': 'bakers'}
>>> PutMember("ana", Profile(text="I bake.")).line()
{'change': 'put_member', 'member': 'ana', 'text': 'I bake.'}
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from belong.client.call import given

JsonObject = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Profile:
    """A member as they present themself. What is left out is empty.

    Attributes:
        name: What to call them.
        text: Who they are, in their own words.
        seeking: Whom or what they look for.
        offering: What they have to give.
        language: Theirs.
        place: Where they are.
        audience: Their band, such as adult. In a community with bands, someone without one is
            introduced to nobody.
        created_ts: Since when they are there, unix seconds; None for now, if they are new.
    """

    name: str | None = None
    text: str | None = None
    seeking: str | None = None
    offering: str | None = None
    language: str | None = None
    place: str | None = None
    audience: str | None = None
    created_ts: float | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A group. What is left out is empty, public and without a limit.

    Attributes:
        name: What it is called.
        text: What it is about.
        visibility: public, private or secret.
        capacity: Most members it takes; None for no limit.
        language: The one spoken there.
        place: Where it meets.
        created_ts: Unix seconds; None for now, if it is new.
    """

    name: str | None = None
    text: str | None = None
    visibility: str | None = None
    capacity: float | None = None
    language: str | None = None
    place: str | None = None
    created_ts: float | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """A post.

    Attributes:
        members: Ids of those who wrote it, at least one.
        groups: Ids of the groups it stands in.
        participants: Ids of those who took part without writing it.
        ts: When, unix seconds; None for now, if it is new.
        title: Its title.
        text: What it says.
        parent: Id of the post it answers.
        visibility: public, private or secret.
    """

    members: tuple[str, ...]
    groups: tuple[str, ...] = ()
    participants: tuple[str, ...] = ()
    ts: float | None = None
    title: str | None = None
    text: str | None = None
    parent: str | None = None
    visibility: str | None = None


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a member wants; what is None stays as it is.

    Attributes:
        discoverable: May be suggested to others.
        open_to_introductions: Wants to meet people.
        weekly_introductions: How many a week they take.
        muted_topics: Terms they do not want to be shown groups about.
        muted_groups: Ids of groups they do not want to be shown.
    """

    discoverable: bool | None = None
    open_to_introductions: bool | None = None
    weekly_introductions: float | None = None
    muted_topics: tuple[str, ...] | None = None
    muted_groups: tuple[str, ...] | None = None


class Change(ABC):
    """Something that has changed.

    Attributes:
        method: Of HTTP, when it is told alone.
    """

    __slots__ = ()
    method: ClassVar[str]

    @abstractmethod
    def path(self) -> tuple[str, ...]:
        """Return where it is told, below its community, each segment as it is."""

    @abstractmethod
    def body(self) -> JsonObject | None:
        """Return what is told there; None for nothing."""

    @abstractmethod
    def line(self) -> JsonObject:
        """Return what is told among many."""


@dataclass(frozen=True, slots=True)
class PutMember(Change):
    """A member is new, or their profile has changed; their preferences stay."""

    method: ClassVar[str] = "PUT"
    member: str
    profile: Profile = Profile()

    def path(self) -> tuple[str, ...]:
        """Return where it is told."""
        return ("members", self.member)

    def body(self) -> JsonObject:
        """Return the profile."""
        return given(self.profile)

    def line(self) -> JsonObject:
        """Return what is told among many."""
        return {"change": "put_member", "member": self.member, **self.body()}


@dataclass(frozen=True, slots=True)
class PutPreferences(Change):
    """What a member wants has changed."""

    method: ClassVar[str] = "PUT"
    member: str
    preferences: Preferences

    def path(self) -> tuple[str, ...]:
        """Return where it is told."""
        return ("members", self.member, "preferences")

    def body(self) -> JsonObject:
        """Return what has changed of them."""
        return given(self.preferences)

    def line(self) -> JsonObject:
        """Return what is told among many."""
        return {"change": "put_preferences", "member": self.member, **self.body()}


@dataclass(frozen=True, slots=True)
class PutGroup(Change):
    """A group is new, or has changed."""

    method: ClassVar[str] = "PUT"
    group: str
    about: Group = Group()

    def path(self) -> tuple[str, ...]:
        """Return where it is told."""
        return ("groups", self.group)

    def body(self) -> JsonObject:
        """Return what it is."""
        return given(self.about)

    def line(self) -> JsonObject:
        """Return what is told among many."""
        return {"change": "put_group", "group": self.group, **self.body()}


@dataclass(frozen=True, slots=True)
class PutPost(Change):
    """A post is new, or has changed."""

    method: ClassVar[str] = "PUT"
    post: str
    about: Post

    def path(self) -> tuple[str, ...]:
        """Return where it is told."""
        return ("posts", self.post)

    def body(self) -> JsonObject:
        """Return what it is."""
        return given(self.about)

    def line(self) -> JsonObject:
        """Return what is told among many."""
        return {"change": "put_post", "post": self.post, **self.body()}


@dataclass(frozen=True, slots=True)
class _Deleted(Change):
    """Something is gone."""

    method: ClassVar[str] = "DELETE"
    plural: ClassVar[str]
    singular: ClassVar[str]
    id: str

    def path(self) -> tuple[str, ...]:
        """Return where it is told."""
        return (self.plural, self.id)

    def body(self) -> None:
        """Return nothing: the path says it all."""

    def line(self) -> JsonObject:
        """Return what is told among many."""
        return {"change": f"delete_{self.singular}", "id": self.id}


class DeleteMember(_Deleted):
    """A member is to be forgotten."""

    plural, singular = "members", "member"


class DeleteGroup(_Deleted):
    """A group has ended."""

    plural, singular = "groups", "group"


class DeletePost(_Deleted):
    """A post is gone."""

    plural, singular = "posts", "post"


@dataclass(frozen=True, slots=True)
class Join(Change):
    """A member has joined a group.

    Attributes:
        since_ts: When, unix seconds; None for now, if they were not in it.
    """

    method: ClassVar[str] = "PUT"
    member: str
    group: str
    since_ts: float | None = None

    def path(self) -> tuple[str, ...]:
        """Return where it is told."""
        return ("groups", self.group, "members", self.member)

    def body(self) -> JsonObject:
        """Return since when."""
        return {} if self.since_ts is None else {"first_ts": self.since_ts}

    def line(self) -> JsonObject:
        """Return what is told among many."""
        names = {"change": "put_membership", "member": self.member, "group": self.group}
        return {**names, **self.body()}


@dataclass(frozen=True, slots=True)
class Leave(Change):
    """A member has left a group."""

    method: ClassVar[str] = "DELETE"
    member: str
    group: str

    def path(self) -> tuple[str, ...]:
        """Return where it is told."""
        return ("groups", self.group, "members", self.member)

    def body(self) -> None:
        """Return nothing: the path says it all."""

    def line(self) -> JsonObject:
        """Return what is told among many."""
        return {"change": "delete_membership", "member": self.member, "group": self.group}


@dataclass(frozen=True, slots=True)
class Block(Change):
    """A member does not want to meet another, nor to be shown to them."""

    method: ClassVar[str] = "PUT"
    change: ClassVar[str] = "put_block"
    member: str
    other: str

    def path(self) -> tuple[str, ...]:
        """Return where it is told."""
        return ("members", self.member, "blocks", self.other)

    def body(self) -> None:
        """Return nothing: the path says it all."""

    def line(self) -> JsonObject:
        """Return what is told among many."""
        return {"change": self.change, "member": self.member, "other": self.other}


class Unblock(Block):
    """A member takes a block back."""

    method, change = "DELETE", "delete_block"
