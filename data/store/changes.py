"""What a platform may tell us has changed, and making it so: all of it, durably, or nothing.

Every change says how something *is*, so telling it twice does no harm. What is left out of a
profile is empty from then on; a time that is left out is kept, or now for something new, since
platforms tell things as they happen.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from data.store.connect import Store
from data.store.log import turn_of
from data.store.rows import write_new
from data.store.schema import communities
from data.store.values import checked_id
from engine.domain import Visibility


@dataclass(frozen=True, slots=True)
class PutMember:
    """A member's profile. Preferences are left alone; a new member gets the usual ones.

    `audience` left out, in a community that has bands, means unknown: introduced to nobody.
    """

    id: str
    name: str = ""
    text: str = ""
    seeking: str = ""
    offering: str = ""
    language: str = ""
    place: str = ""
    audience: str | None = None
    created_ts: float | None = None


@dataclass(frozen=True, slots=True)
class DeleteMember:
    """A member is to be forgotten: see `data.store.erasure`."""

    id: str


@dataclass(frozen=True, slots=True)
class PutGroup:
    """A group; `capacity` None means no limit. Without a name it is called by its id."""

    id: str
    name: str = ""
    text: str = ""
    visibility: str = Visibility.PUBLIC
    capacity: float | None = None
    language: str = ""
    place: str = ""
    created_ts: float | None = None


@dataclass(frozen=True, slots=True)
class DeleteGroup:
    """A group ends, and every membership in it.

    Posts stay, but what stood in a closed group never becomes public by its end: it takes on the
    group's visibility.
    """

    id: str


@dataclass(frozen=True, slots=True)
class PutPost:
    """A post: who wrote it, where it stands, who took part. A parent nobody knows is none."""

    id: str
    members: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    participants: tuple[str, ...] = ()
    ts: float | None = None
    title: str = ""
    text: str = ""
    parent: str | None = None
    visibility: str = Visibility.PUBLIC


@dataclass(frozen=True, slots=True)
class DeletePost:
    """A post is gone; answers to it stay, as answers to nothing."""

    id: str


@dataclass(frozen=True, slots=True)
class PutMembership:
    """A member is in a group. Who comes back is in since the first time."""

    member: str
    group: str
    first_ts: float | None = None


@dataclass(frozen=True, slots=True)
class DeleteMembership:
    """A member has left a group."""

    member: str
    group: str


@dataclass(frozen=True, slots=True)
class PutBlock:
    """A member blocks another."""

    member: str
    other: str


@dataclass(frozen=True, slots=True)
class DeleteBlock:
    """A member no longer blocks another."""

    member: str
    other: str


@dataclass(frozen=True, slots=True)
class PutPreferences:
    """What a member wants; None leaves a preference as it is.

    Groups in `muted_groups` need not exist: one may end while it is muted.
    """

    member: str
    discoverable: bool | None = None
    open_to_introductions: bool | None = None
    weekly_introductions: float | None = None
    muted_topics: tuple[str, ...] | None = None
    muted_groups: tuple[str, ...] | None = None


Change = (
    PutMember
    | DeleteMember
    | PutGroup
    | DeleteGroup
    | PutPost
    | DeletePost
    | PutMembership
    | DeleteMembership
    | PutBlock
    | DeleteBlock
    | PutPreferences
)
"""Anything a platform may tell."""


def create_community(store: Store, name: str, now: float) -> None:
    """Make a community without anyone in it; one that is there already stays as it is.

    Raises:
        DataError: It cannot be called so.
        StoreUnavailableError: The database cannot be used.
    """
    checked_id(name, "community")
    with store.writing() as connection:
        secret = secrets.token_bytes(32)
        row = {"name": name, "head": 0, "secret": secret, "created_ts": now}
        write_new(connection, communities, [row])


def apply_changes(store: Store, community: str, changes: Sequence[Change], now: float) -> int:
    """Make changes so, in order, in one transaction: all of them or none.

    Args:
        store: Where to.
        community: Whose.
        changes: What has changed. What is so already is not logged again.
        now: Unix seconds.

    Returns:
        The number of the last entry of the community's log: whoever has read it up to there has
        seen these changes. They are on disk.

    Raises:
        UnknownError: There is no such community.
        UnknownReferenceError: A change names a member or a group that is not there (then).
        DataError: A value is out of its limits. Both messages begin with the change's index.
        StoreUnavailableError: The database cannot be used.
    """
    from data.store.checks import checked  # these know every kind of change above
    from data.store.effects import take_effect

    judged = [checked(index, change, now) for index, change in enumerate(changes)]
    with store.writing() as connection, turn_of(connection, community, now) as turn:
        take_effect(turn, judged)
    return turn.head
