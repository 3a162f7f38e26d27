"""What has become of members, groups and posts since a bundle was made: their present state.

A fact says how something *is*, not what was done to it: facts may be applied twice, or the newest
alone, and the answer is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from engine.domain import ANY_BAND, UNLIMITED
from engine.types import Matrix


class Written(StrEnum):
    """Whose text a vector is of."""

    MEMBER = "member"
    GROUP = "group"
    POST = "post"
    SEEKING = "seeking"  # what a member seeks, by the member's id
    OFFERING = "offering"  # what a member offers, likewise


OF_MEMBER = (Written.MEMBER, Written.SEEKING, Written.OFFERING)
"""Texts of a member's own: all of them go by the member's id."""


@dataclass(frozen=True, slots=True)
class MemberFact:
    """A member as they are now. With `here` false they are gone, and the rest means nothing.

    Attributes:
        id: External id.
        here: Whether there is such a member.
        name: What to call them.
        text: Their profile: text, seeking and offering, a line each.
        seeking: What they say they seek, by itself.
        offering: What they say they offer, by itself.
        language: As they told it, '' if not.
        place: Likewise.
        audience: Their band; None if unreadable: they are introduced to nobody.
        discoverable: May be suggested to others.
        open_to_introductions: Wants to meet people.
        weekly_introductions: How many a week they take.
        muted_groups: Ids of groups they do not want to be shown.
        muted_topics: Terms they do not want to be shown groups about.
    """

    id: str
    here: bool = True
    name: str = ""
    text: str = ""
    seeking: str = ""
    offering: str = ""
    language: str = ""
    place: str = ""
    audience: str | None = ANY_BAND
    discoverable: bool = True
    open_to_introductions: bool = True
    weekly_introductions: float = 5.0
    muted_groups: tuple[str, ...] = ()
    muted_topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupFact:
    """A group as it is now.

    Attributes:
        id: External id.
        here: Whether there is such a group.
        name: What it is called.
        text: Its description.
        public: Whether anybody may see it.
        capacity: Most members it takes; inf without a limit.
        language: As told, '' if not.
        place: Likewise.
    """

    id: str
    here: bool = True
    name: str = ""
    text: str = ""
    public: bool = True
    capacity: float = UNLIMITED
    language: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class MembershipFact:
    """Whether a member is in a group.

    Attributes:
        member: Id of the member.
        group: Id of the group.
        here: Whether they are in it now.
        left: Whether they were and have left.
        since: When they joined, unix seconds; None if undated.
    """

    member: str
    group: str
    here: bool
    left: bool = False
    since: float | None = None


@dataclass(frozen=True, slots=True)
class BlockFact:
    """Whether either of two members has blocked the other: one who did is enough."""

    member: str
    other: str
    here: bool


@dataclass(frozen=True, slots=True)
class SetAsideFact:
    """Until when somebody is not to be shown a group or a member.

    Attributes:
        member: Id of who is not to be shown it.
        item: Id of the group or the member.
        kind: Which of the two it is.
        until: Unix seconds; 0 if it may be shown.
    """

    member: str
    item: str
    kind: Written
    until: float


@dataclass(frozen=True, slots=True)
class HiddenFact:
    """Whether a member is shown to nobody, because of reports that an operator has yet to see."""

    member: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class IntroducedFact:
    """Two members who have been introduced in a week; it counts for both.

    Attributes:
        member: Id of one of them.
        other: Id of the other.
        week: In which week: see `engine.weeks`.
        rests_until: After that week they are not introduced again until then, unix seconds; 0 if
            they may be.
    """

    member: str
    other: str
    week: int
    rests_until: float = 0.0


@dataclass(frozen=True, slots=True)
class PostFact:
    """A post as it is now.

    Attributes:
        id: External id.
        here: Whether there is such a post.
        public: Whether it and every group it stands in are public.
        text: Title and text.
        written_at: Unix seconds, None if undated.
        authors: Ids of those who wrote it.
        groups: Ids of the groups it stands in.
        took_part: Ids of those who took part in it without writing it.
        parent: Id of the post it answers, None if it begins a conversation.
    """

    id: str
    here: bool = True
    public: bool = True
    text: str = ""
    written_at: float | None = None
    authors: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    took_part: tuple[str, ...] = ()
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class VectorFact:
    """What the embedder made of a text.

    Attributes:
        kind: Whose text it is.
        id: Its external id.
        vectors: Unit vectors of its sentences or of the whole, shape (n, d); none if blank.
        weights: How much each says; as many.
        model: Fingerprint of what made them; '' for that of whoever takes them in.
    """

    kind: Written
    id: str
    vectors: Matrix
    weights: tuple[float, ...]
    model: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is to be brought up to date: each thing at most once.

    Attributes:
        erased: Opaque digests of ids of members who were forgotten; see `data.store.erasure`.
    """

    members: tuple[MemberFact, ...] = ()
    groups: tuple[GroupFact, ...] = ()
    memberships: tuple[MembershipFact, ...] = ()
    blocks: tuple[BlockFact, ...] = ()
    posts: tuple[PostFact, ...] = ()
    vectors: tuple[VectorFact, ...] = field(default=())
    erased: tuple[str, ...] = ()
    set_aside: tuple[SetAsideFact, ...] = ()
    hidden: tuple[HiddenFact, ...] = ()
    introduced: tuple[IntroducedFact, ...] = ()

    def __bool__(self) -> bool:
        """Return whether there is anything in it."""
        return any((self.members, self.groups, self.memberships, self.blocks, self.posts,
                    self.vectors, self.erased, self.set_aside, self.hidden,
                    self.introduced))  # fmt: skip
